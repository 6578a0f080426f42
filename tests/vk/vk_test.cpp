// Memory, barriers, reflection, the pipeline cache and bounded waiting.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/error.hpp"
#include "params/swiglu.h"
#include "shader_table.hpp"
#include "support/devices.hpp"
#include "support/temporary_directory.hpp"
#include "vk/buffer.hpp"
#include "vk/pipeline_statistics.hpp"
#include "vk/recorder.hpp"

namespace motley::vk {
namespace {

class VkTest : public test::DeviceTest {
 protected:
  void run(const CommandList& commands) { device().wait(device().submit(commands)); }
};

TEST_P(VkTest, CountsItsMemory) {
  const uint64_t before = device().memory_usage().now_bytes;
  {
    Buffer first(device(), 1 << 20, MemoryUse::kDevice, "test");
    const Buffer moved = std::move(first);
    EXPECT_EQ(device().memory_usage().now_bytes, before + (1 << 20));
    EXPECT_GE(device().memory_usage().peak_bytes, before + (1 << 20));
  }
  EXPECT_EQ(device().memory_usage().now_bytes, before);
}

TEST_P(VkTest, KnowsItsMemoryAndWhereItIs) {
  const DeviceFacts& facts = device().facts();
  ASSERT_FALSE(facts.memory_types.empty());
  bool mappable = false;
  for (const MemoryTypeFacts& type : facts.memory_types) {
    ASSERT_LT(type.heap, facts.heaps.size());
    mappable = mappable || (type.host_visible && type.host_coherent);
  }
  EXPECT_TRUE(mappable);  // Vulkan promises one such type
  EXPECT_NE(facts.driver_id, 0U);
  EXPECT_EQ(facts.luid.has_value(), !facts.luid_string().empty());
  if (!facts.pci_address.empty()) {
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    EXPECT_EQ(std::sscanf(facts.pci_address.c_str(), "%x:%x:%x.%x", &domain, &bus, &slot, &function), 4);
  }
  if (facts.type == DeviceType::kCpu) {
    EXPECT_FALSE(facts.has_host_memory());  // all memory is the host's there
    EXPECT_TRUE(facts.pci_address.empty());
  }
}

TEST(DeviceFacts, LuidAsText) {
  DeviceFacts facts;
  EXPECT_EQ(facts.luid_string(), "");
  facts.luid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
  EXPECT_EQ(facts.luid_string(), "0123456789abcdef");
}

TEST_P(VkTest, TooLargeABufferSaysTheFigures) {
  try {
    const Buffer buffer(device(), device().facts().max_allocation_bytes + 1, MemoryUse::kDevice, "KV cache");
    FAIL() << "more than the largest allocation";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string(error.what()).find("KV cache"), std::string::npos) << error.what();
  }
}

TEST_P(VkTest, BarriersFollowFromReadsAndWrites) {
  const Buffer a(device(), 4096, MemoryUse::kDevice, "test");
  const Buffer b(device(), 4096, MemoryUse::kDevice, "test");
  const Buffer c(device(), 4096, MemoryUse::kReadback, "test");
  CommandList commands(device());
  commands.fill({a, 0, 2048}, 7);
  commands.fill({a, 2048, 2048}, 8);  // another part: no conflict
  commands.fill(b, 9);
  EXPECT_EQ(commands.barrier_count(), 0U);
  commands.copy({a, 1024, 2048}, {c, 0, 2048});  // reads what both wrote
  EXPECT_EQ(commands.barrier_count(), 1U);
  commands.copy({b, 0, 2048}, {c, 2048, 2048});
  EXPECT_EQ(commands.barrier_count(), 1U);
  commands.fill(b, 10);  // written after it was read
  EXPECT_EQ(commands.barrier_count(), 2U);
  commands.finish();
  run(commands);
  const auto words = c.mapped_as<uint32_t>();
  EXPECT_EQ(words[0], 7U);
  EXPECT_EQ(words[511], 8U);
  EXPECT_EQ(words[512], 9U);
  run(commands);  // replayed
  EXPECT_EQ(words[512], 9U);
}

TEST_P(VkTest, RefusesADispatchThatDoesNotFitTheShader) {
  const Buffer a(device(), 4096, MemoryUse::kDevice, "test");
  const uint32_t constants[] = {4};
  const Pipeline& pipeline = device().pipeline(shaders::get("swiglu"), constants);
  CommandList commands(device());
  const auto code_of = [&](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kIo;
  };
  const shaders::SwigluParameters parameters{1, 1};
  EXPECT_EQ(code_of([&] { commands.dispatch(pipeline, {a}, parameters, {1, 1, 1}); }), ErrorCode::kInternal);
  EXPECT_EQ(code_of([&] {
              commands.dispatch(pipeline, {a, a}, uint32_t{0}, {1, 1, 1});
            }),
            ErrorCode::kInternal);
  EXPECT_EQ(code_of([&] {
              commands.dispatch(pipeline, {a, {a, 1, 8}}, parameters, {1, 1, 1});
            }),
            ErrorCode::kInternal);
  const uint32_t huge[] = {1U << 20};
  EXPECT_EQ(code_of([&] { device().pipeline(shaders::get("swiglu"), huge); }), ErrorCode::kUnsupported);
}

TEST_P(VkTest, TimedStepsRunOneAfterAnother) {
  if (device().facts().timestamp_bits == 0) GTEST_SKIP() << "no timestamps";
  const Buffer a(device(), 1 << 20, MemoryUse::kDevice, "test");
  const Buffer b(device(), 1 << 20, MemoryUse::kDevice, "test");
  CommandList commands(device(), true);
  constexpr size_t kFills = 150;  // more than one pool of queries holds
  for (size_t i = 0; i < kFills; ++i) commands.fill({i % 2 == 0 ? a : b}, 7);
  const uint32_t constants[] = {4};
  commands.dispatch(device().pipeline(shaders::get("swiglu"), constants), {a, b},
                    shaders::SwigluParameters{64, 64}, {16, 1, 1}, {{12.0, 3.0}, {4.0, 5.0}});
  EXPECT_EQ(commands.barrier_count(), kFills);
  commands.finish();
  for (int run_again = 0; run_again < 2; ++run_again) {
    run(commands);
    const std::vector<StepTime> steps = commands.step_times();
    ASSERT_EQ(steps.size(), kFills + 1);
    EXPECT_EQ(steps[0].name, "fill");
    EXPECT_EQ(steps[0].work.fixed.bytes, 1 << 20);
    EXPECT_EQ(steps.back().name, "swiglu");
    EXPECT_EQ(steps.back().work.per_position.flops, 5.0);
    double before_ns = 0;
    for (const StepTime& step : steps) {
      EXPECT_GE(step.start_ns, before_ns);
      EXPECT_GE(step.end_ns, step.start_ns);
      before_ns = step.end_ns;
    }
    EXPECT_GT(before_ns, 0);
  }
  EXPECT_TRUE(CommandList(device()).step_times().empty());
}

TEST_P(VkTest, SubgroupsAreOfTheSizeAskedForOrThePipelineIsRefused) {
  const DeviceFacts& facts = device().facts();
  const uint32_t constants[] = {4};
  const ShaderCode& shader = shaders::get("swiglu");
  const Pipeline& asked = device().pipeline(shader, constants, facts.subgroup_size);
  EXPECT_NE(&asked, &device().pipeline(shader, constants));
  EXPECT_EQ(&asked, &device().pipeline(shader, constants, facts.subgroup_size));
  try {
    device().pipeline(shader, constants, 2 * facts.max_subgroup_size);
    FAIL() << "no device has such subgroups";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("subgroups of"), std::string::npos) << error.what();
  }
}

TEST_P(VkTest, ADeviceThatOnlyCompilesTakesNoMemory) {
  const Instance& instance = device().instance();
  const auto open = [&] {
    return Device::create(device().shared_instance(), instance.devices()[GetParam()], {.compile_only = true});
  };
  if (!device().facts().pipeline_statistics) {
    EXPECT_THROW(open(), Error);
    return;
  }
  const auto compiler = open();
  const uint32_t constants[] = {4};
  const Pipeline& pipeline = compiler->pipeline(shaders::get("swiglu"), constants);
  EXPECT_FALSE(pipeline_statistics(*compiler, pipeline).empty());
  const Buffer a(*compiler, 4096, MemoryUse::kDevice, "test");
  CommandList commands(*compiler);
  commands.dispatch(pipeline, {a, a}, shaders::SwigluParameters{1, 1}, {1, 1, 1});
  commands.finish();
  compiler->wait(compiler->submit(commands));
  EXPECT_EQ(compiler->memory_usage().peak_bytes, 0U);
}

TEST_P(VkTest, EveryShaderSaysWhatItIs) {
  for (const ShaderCode& shader : shaders::table()) {
    const ShaderInterface interface = reflect(shader);
    EXPECT_FALSE(interface.bindings.empty()) << shader.name;
    EXPECT_LE(interface.push_constant_bytes, 128U) << shader.name;
    bool writes = false;
    for (const auto& binding : interface.bindings) writes = writes || binding.writes;
    EXPECT_TRUE(writes) << shader.name;
  }
  const ShaderInterface swiglu = reflect(shaders::get("swiglu"));
  ASSERT_EQ(swiglu.bindings.size(), 2U);
  EXPECT_TRUE(swiglu.bindings[0].reads && swiglu.bindings[0].writes);
  EXPECT_TRUE(swiglu.bindings[1].reads && !swiglu.bindings[1].writes);
  EXPECT_EQ(swiglu.push_constant_bytes, 8U);
  const ShaderInterface matmul = reflect(shaders::get("matmul.f16.a.n12"));
  ASSERT_EQ(matmul.bindings.size(), 4U);
  EXPECT_TRUE(matmul.bindings[1].by_address && matmul.bindings[1].reads && !matmul.bindings[1].writes);
  EXPECT_FALSE(matmul.bindings[0].by_address || matmul.bindings[2].by_address);
}

TEST_P(VkTest, DamagedPipelineCacheIsIgnored) {
  const test::TemporaryDirectory directory;
  const char* before = std::getenv("XDG_CACHE_HOME");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", directory.path().c_str(), 1);
  const auto instance = Instance::create({});
  const auto make_pipeline = [&] {
    const auto fresh = Device::create(instance, instance->devices()[GetParam()]);
    const uint32_t constants[] = {4};
    fresh->pipeline(shaders::get("swiglu"), constants);
  };
  make_pipeline();
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "motley")) {
    ++files;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    file.put('\x5a');
    file.put('\x5a');
  }
  EXPECT_EQ(files, 1U);
  make_pipeline();
  before == nullptr ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", saved.c_str(), 1);
}

MOTLEY_ON_EVERY_DEVICE(VkTest);

}  // namespace
}  // namespace motley::vk

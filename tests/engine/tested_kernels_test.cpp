// What the self-test found is kept, believed only where it holds, and decides what models run with.
#include "engine/tested_kernels.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "engine/session.hpp"
#include "kernels/attention.hpp"
#include "kernels/matmul.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"

namespace motley::engine {
namespace {

using kernels::Choices;
using kernels::KernelNeeds;
using quant::Format;

constexpr const char* kRows = "attention.k32v32.r4";  // the best for several rows, with another behind it

Choices some_choices() {
  Choices choices;
  choices.verdicts["swiglu"] = {true, 2.5e-15, ""};
  choices.verdicts["matmul.q4_0.n8"] = {false, 0.25, "wrong by a quarter"};
  return choices;
}

vk::DeviceFacts some_card() {
  vk::DeviceFacts facts;
  facts.name = "Card";
  facts.type = vk::DeviceType::kDiscrete;
  facts.driver_name = "driver";
  facts.driver_version = 12;
  return facts;
}

class VariantCacheTest : public ::testing::Test {
 protected:
  VariantCache cache(const char* version = "1.0") const { return VariantCache(directory_.path(), version); }

  test::TemporaryDirectory directory_;
};

TEST_F(VariantCacheTest, GivesBackWhatWasSaved) {
  EXPECT_TRUE(cache().load(some_card()).choices.verdicts.empty());
  cache().save(some_card(), {some_choices(), "rope"});
  const VariantCache::Known known = cache().load(some_card());
  EXPECT_EQ(known.trying, "rope");
  ASSERT_EQ(known.choices.verdicts.size(), 2U);
  EXPECT_TRUE(known.choices.find("swiglu")->passed);
  EXPECT_EQ(known.choices.find("swiglu")->nmse, 2.5e-15);
  EXPECT_FALSE(known.choices.find("matmul.q4_0.n8")->passed);
  EXPECT_EQ(known.choices.find("matmul.q4_0.n8")->reason, "wrong by a quarter");
}

TEST_F(VariantCacheTest, AnErrorThatIsNoNumberIsKeptAsAFailure) {
  Choices choices;
  choices.verdicts["rope"] = {false, std::numeric_limits<double>::quiet_NaN(), "NaN"};
  choices.verdicts["top_k"] = {false, std::numeric_limits<double>::infinity(), "else"};
  cache().save(some_card(), {choices, ""});
  const VariantCache::Known known = cache().load(some_card());
  for (const char* name : {"rope", "top_k"}) {
    ASSERT_NE(known.choices.find(name), nullptr) << name;
    EXPECT_FALSE(known.choices.find(name)->passed) << name;
  }
}

TEST_F(VariantCacheTest, AnotherDriverOrVersionForgets) {
  cache().save(some_card(), {some_choices(), "rope"});
  EXPECT_TRUE(cache("1.1").load(some_card()).choices.verdicts.empty());
  vk::DeviceFacts newer = some_card();
  newer.driver_version = 13;
  EXPECT_TRUE(cache().load(newer).choices.verdicts.empty());
  EXPECT_EQ(cache().load(newer).trying, "");
}

TEST_F(VariantCacheTest, NoDamagedFileIsBelieved) {
  cache().save(some_card(), {some_choices(), "rope"});
  const std::string whole = read_whole_file(cache().files().path(some_card()));
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"\"passed\": true", "\"passed\": 1"},
                                                                  {"\"rope\"", "null"},
                                                                  {"\"variants\"", "\"others\""},
                                                                  {"0.25", "\"0.25\""},
                                                                  {"}", ""}}) {
    std::string damaged = whole;
    ASSERT_NE(damaged.find(from), std::string::npos) << from << " in " << whole;
    damaged.replace(damaged.find(from), std::string_view(from).size(), to);
    std::ofstream(cache().files().path(some_card())) << damaged;
    const VariantCache::Known known = cache().load(some_card());
    EXPECT_TRUE(known.choices.verdicts.empty() && known.trying.empty()) << from << " as " << to;
  }
}

/// Collects warnings while it lives.
class Warnings {
 public:
  Warnings() {
    set_log_sink([this](LogLevel level, std::string_view message) {
      if (level == LogLevel::kWarning) text_ += std::string(message) + '\n';
    });
  }
  ~Warnings() { set_log_sink({}); }
  bool contain(std::string_view part) const { return text_.find(part) != std::string::npos; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::function<std::string()> g_trying;  // what the file says is being tried
ErrorCode g_error{};                    // what running fails with

class TestKernelsTest : public test::DeviceTest {
 protected:
  TestKernelsTest() {
    g_trying = [this] { return known().trying; };
  }
  VariantCache cache() const { return VariantCache(directory_.path(), "1.0"); }
  VariantCache::Known known() const { return cache().load(device().facts()); }
  Choices try_all(const KernelNeeds& needs, bool again = false) const {
    kernels::Context context(device());
    test_kernels(context, needs, cache(), again);
    return context.profile.choices;
  }
  /// With code that comes from elsewhere; the error's code.
  ErrorCode error_with(const vk::ShaderCode* (*find_shader)(std::string_view),
                       const KernelNeeds& needs) const {
    kernels::Context context(device());
    context.profile.find_shader = find_shader;
    try {
      test_kernels(context, needs, cache());
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  std::string rows_variant(const Choices& choices) const {
    kernels::Profile profile = kernels::make_profile(device().facts());
    profile.choices = choices;
    return kernels::attention_choice(profile, {1, 80, 8, true, true}, 4, true).shader.name;
  }
  static KernelNeeds with_cache() {
    KernelNeeds needs;
    needs.caches = {{true, true}};
    return needs;
  }

  test::TemporaryDirectory directory_;
};

TEST_P(TestKernelsTest, TriesOnceAndRemembers) {
  const Choices first = try_all({});
  ASSERT_NE(first.find("swiglu"), nullptr);
  EXPECT_TRUE(first.find("swiglu")->passed) << first.find("swiglu")->reason;
  EXPECT_EQ(known().choices.verdicts.size(), first.verdicts.size());
  EXPECT_EQ(known().trying, "");
  // What the file says is taken; what it lacks is added.
  Choices marked = first;
  marked.verdicts["swiglu"].nmse = 0.125;
  cache().save(device().facts(), {marked, ""});
  const Choices second = try_all(with_cache());
  EXPECT_EQ(second.find("swiglu")->nmse, 0.125);
  ASSERT_NE(second.find("rope.k32v32"), nullptr);
  EXPECT_EQ(known().choices.verdicts.size(), second.verdicts.size());
  EXPECT_LT(try_all({}, true).find("swiglu")->nmse, 1e-9);
  EXPECT_EQ(known().choices.find("rope.k32v32"), nullptr) << "forgotten by trying again";
}

TEST_P(TestKernelsTest, ADriverThatTookTheProgramDownIsNotAskedAgain) {
  cache().save(device().facts(), {{}, kRows});
  const Warnings warnings;
  const Choices choices = try_all(with_cache());
  ASSERT_NE(choices.find(kRows), nullptr);
  EXPECT_FALSE(choices.find(kRows)->passed);
  EXPECT_EQ(rows_variant(choices), "attention.k32v32");
  EXPECT_TRUE(choices.find("attention.k32v32")->passed) << choices.find("attention.k32v32")->reason;
  for (const std::string_view part : {std::string_view(device().facts().name), std::string_view(kRows),
                                      std::string_view("the program ended while it was tried")})
    EXPECT_TRUE(warnings.contain(part)) << part << " in " << warnings.text();
  EXPECT_EQ(known().trying, "");
  EXPECT_FALSE(known().choices.find(kRows)->passed);
  EXPECT_TRUE(try_all(with_cache(), true).find(kRows)->passed) << "the driver is asked again on request";
}

TEST_P(TestKernelsTest, AProgramThatEndsLeavesAMark) {
  kernels::Context context(device());
  // What is thrown is nothing that Motley knows, and so cleaned up after as little as a crash.
  context.profile.find_shader = [](std::string_view name) {
    if (g_trying() == name) throw 1;
    return shaders::find(name);
  };
  EXPECT_THROW(test_kernels(context, {}, cache()), int);
  EXPECT_EQ(known().trying, "rms_norm.in_place");
  EXPECT_TRUE(known().choices.verdicts.empty());
  // There is only one of that kernel.
  const Warnings warnings;
  EXPECT_THROW(try_all({}), Error);
  EXPECT_TRUE(warnings.contain("rms_norm.in_place"));
}

TEST_P(TestKernelsTest, AFailureOfTheDeviceIsRemembered) {
  const auto fails = [](std::string_view name) {
    if (name == kRows && g_trying() == name) fail(g_error, "on purpose");
    return shaders::find(name);
  };
  const Warnings warnings;
  g_error = ErrorCode::kOutOfMemory;
  EXPECT_EQ(error_with(fails, with_cache()), ErrorCode::kOutOfMemory);
  EXPECT_EQ(known().trying, "");
  EXPECT_EQ(known().choices.find(kRows), nullptr) << "short memory says nothing of the variant";
  g_error = ErrorCode::kDeviceLost;
  EXPECT_EQ(error_with(fails, with_cache()), ErrorCode::kDeviceLost);
  EXPECT_EQ(known().trying, "");
  ASSERT_NE(known().choices.find(kRows), nullptr);
  EXPECT_FALSE(known().choices.find(kRows)->passed);
  EXPECT_EQ(rows_variant(try_all(with_cache())), "attention.k32v32");
}

TEST_P(TestKernelsTest, WithoutAnyRightVariantTheDeviceIsOfNoUseUntilTriedAgain) {
  const auto wrong = [](std::string_view name) -> const vk::ShaderCode* {
    // Writes values as halves, which takes less room.
    static const vk::ShaderCode code{"rope.k32v32", shaders::find("rope.k32")->words};
    return name == "rope.k32v32" ? &code : shaders::find(name);
  };
  const Warnings warnings;
  EXPECT_EQ(error_with(wrong, with_cache()), ErrorCode::kDeviceLost);
  EXPECT_TRUE(warnings.contain("kernel variant rope.k32v32 is switched off")) << warnings.text();
  EXPECT_EQ(error_with(shaders::find, with_cache()), ErrorCode::kDeviceLost);
  EXPECT_TRUE(try_all(with_cache(), true).find("rope.k32v32")->passed);
  EXPECT_TRUE(try_all(with_cache()).find("rope.k32v32")->passed);
}

TEST_P(TestKernelsTest, SeveralAtOnceTakeNoHarm) {
  std::vector<Choices> found(3);
  std::vector<std::thread> threads;
  for (Choices& choices : found) threads.emplace_back([&] { choices = try_all({}); });
  for (std::thread& thread : threads) thread.join();
  for (const Choices& choices : found) {
    EXPECT_EQ(choices.verdicts.size(), known().choices.verdicts.size());
    for (const auto& [name, verdict] : choices.verdicts)
      EXPECT_TRUE(verdict.passed) << name << verdict.reason;
  }
}

MOTLEY_ON_EVERY_DEVICE(TestKernelsTest);

/// Models whose devices' kernels are known from a cache of their own.
class KnownKernelsTest : public ::testing::Test {
 protected:
  KnownKernelsTest() {
    const char* const before = std::getenv("XDG_CACHE_HOME");
    if (before != nullptr) before_ = before;
    ::setenv("XDG_CACHE_HOME", directory_.path().c_str(), 1);
  }
  ~KnownKernelsTest() override {
    before_ ? ::setenv("XDG_CACHE_HOME", before_->c_str(), 1) : ::unsetenv("XDG_CACHE_HOME");
  }

  static void switch_off(const vk::Device& device, const std::vector<std::string>& variants) {
    Choices choices;
    for (const std::string& variant : variants) choices.verdicts[variant] = {false, 1, "on purpose"};
    VariantCache().save(device.facts(), {choices, ""});
  }

  std::vector<float> logits(const std::shared_ptr<vk::Device>& device) const {
    const auto file = std::make_shared<const gguf::File>(tiny_.open());
    Session session(std::make_shared<const LoadedModel>(file, device, LoadProgress{}),
                    {64, 16, true, true, true});
    const std::vector<Token> tokens = {1, 20, 30, 40, 50, 60, 70};
    session.evaluate(tokens);
    session.evaluate(std::span(tokens).last(1));
    const auto last = session.logits();
    return {last.begin(), last.end()};
  }

  std::shared_ptr<ModelHost> make_host(const std::vector<std::shared_ptr<vk::Device>>& devices) const {
    return std::make_shared<ModelHost>(std::make_shared<const gguf::File>(tiny_.open()), devices,
                                       ModelHost::Options{});
  }

  test::TemporaryDirectory directory_;
  std::optional<std::string> before_;
  test::TinyModel tiny_{.layers = 1, .format = gguf::TensorType::kQ4_0};
};

TEST_F(KnownKernelsTest, AModelGivesTheSameWithOtherVariants) {
  for (const auto& device : test::devices()) {
    const kernels::Profile profile = kernels::make_profile(device->facts());
    switch_off(*device, {});
    const std::vector<float> best = logits(device);
    switch_off(*device, {kRows, kernels::matmul_choice(profile, Format::kQ4_0, 1, false).shader.name});
    const std::vector<float> others = logits(device);
    EXPECT_LE(test::nmse(others, std::vector<double>(best.begin(), best.end())), 1e-6);
    // The others were tried.
    const Choices known = VariantCache().load(device->facts()).choices;
    ASSERT_NE(known.find("attention.k32v32"), nullptr);
    EXPECT_TRUE(known.find("attention.k32v32")->passed);
  }
}

TEST_F(KnownKernelsTest, AModelGivesTheSameWithWhatTuningPrefers) {
  for (const auto& device : test::devices()) {
    const kernels::Profile profile = kernels::make_profile(device->facts());
    switch_off(*device, {});
    const std::vector<float> first = logits(device);
    Choices choices;
    std::vector<std::string> preferred;
    for (const uint32_t tokens : {1U, 2U}) {
      const auto variants = kernels::matmul_variants(profile, Format::kQ4_0, tokens, false);
      preferred.emplace_back(variants.back().shader.name);
      choices.tuned[kernels::matmul_use(profile, Format::kQ4_0, tokens, false).key()] = {
          preferred.back(), {{preferred.back(), 1}}};
    }
    VariantCache().save(device->facts(), {choices, ""});
    const std::vector<float> others = logits(device);
    EXPECT_LE(test::nmse(others, std::vector<double>(first.begin(), first.end())), 1e-6);
    const Choices known = VariantCache().load(device->facts()).choices;
    for (const std::string& name : preferred) {
      ASSERT_NE(known.find(name), nullptr) << name << " was not taken";
      EXPECT_TRUE(known.find(name)->passed);
    }
  }
}

TEST_F(KnownKernelsTest, ADeviceWithoutARightVariantIsLeftOut) {
  if (test::devices().size() < 2) GTEST_SKIP() << "needs two devices: lavapipe and SwiftShader";
  const auto& broken = test::devices()[0];
  switch_off(*broken, {"rms_norm"});
  const Warnings warnings;
  const auto host = make_host(test::devices());
  host->load();
  for (const placement::Stage& stage : host->plan().stages) EXPECT_EQ(stage.device, 1U);
  EXPECT_TRUE(warnings.contain("has no variant of kernel 'rms_norm' that works; rms_norm: on purpose"))
      << warnings.text();
  EXPECT_TRUE(warnings.contain("going on without '" + broken->facts().name + "'")) << warnings.text();
  // Alone it is of no use.
  try {
    make_host({broken})->load();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
    EXPECT_NE(std::string(error.what()).find(broken->facts().name), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace motley::engine

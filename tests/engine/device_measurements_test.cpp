// Figures kept between runs: what counts, what does not, and who measures.
#include "engine/device_measurements.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/host_memory.hpp"
#include "support/devices.hpp"
#include "support/temporary_directory.hpp"

namespace motley::engine {
namespace {

using kernels::Measurements;
using quant::Format;

vk::DeviceFacts some_card() {
  vk::DeviceFacts facts;
  facts.name = "Card \xff";  // a driver's text may be no UTF-8
  facts.type = vk::DeviceType::kDiscrete;
  facts.uuid = {1, 2, 3};
  facts.driver_name = "driver";
  facts.driver_info = "1.2";
  facts.driver_version = 12;
  return facts;
}

Measurements some_figures() {
  Measurements measured{1008, 25.5, 24, 23, 3.5, 60, 700, 20000, 950, {}};
  measured.formats = {{Format::kQ4_0, 850, 90000, 40000, 5}, {Format::kF32, 900.125, 30000, 20000, 4}};
  return measured;
}

class MeasurementCacheTest : public ::testing::Test {
 protected:
  MeasurementCache cache(const char* version = "1.0") const {
    return MeasurementCache(directory_.path(), version);
  }
  std::string content() const { return read_whole_file(cache().files().path(some_card())); }
  void write(const std::string& text) const { std::ofstream(cache().files().path(some_card())) << text; }
  bool has_figures() const { return cache().load(some_card()).has_value(); }

  test::TemporaryDirectory directory_;
};

TEST_F(MeasurementCacheTest, GivesBackWhatWasSaved) {
  EXPECT_FALSE(has_figures());
  cache().save(some_card(), some_figures());
  const auto loaded = cache().load(some_card());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->bandwidth_gbs, 1008);
  EXPECT_EQ(loaded->host_read_gbs, 25.5);
  EXPECT_EQ(loaded->upload_gbs, 24);
  EXPECT_EQ(loaded->download_gbs, 23);
  EXPECT_EQ(loaded->dispatch_us, 3.5);
  EXPECT_EQ(loaded->handoff_us, 60);
  EXPECT_EQ(loaded->decode_attention_gflops, 700);
  EXPECT_EQ(loaded->prefill_attention_gflops, 20000);
  EXPECT_EQ(loaded->activation_gbs, 950);
  ASSERT_EQ(loaded->formats.size(), 2U);
  ASSERT_NE(loaded->find(Format::kF32), nullptr);
  EXPECT_EQ(loaded->find(Format::kF32)->matvec_gbs, 900.125);
  EXPECT_EQ(loaded->find(Format::kF32)->matmat_gflops, 30000);
  EXPECT_EQ(loaded->find(Format::kF32)->few_gflops, 20000);
  EXPECT_EQ(loaded->find(Format::kF32)->product_us, 4);
}

TEST_F(MeasurementCacheTest, ForgetsADevice) {
  cache().save(some_card(), some_figures());
  cache().forget(some_card());
  EXPECT_FALSE(has_figures());
  EXPECT_NO_THROW(cache().forget(some_card())) << "there is nothing to forget";
  EXPECT_NO_THROW(MeasurementCache(std::nullopt, "1.0").forget(some_card()));
}

TEST_F(MeasurementCacheTest, AnotherDeviceDriverOrVersionCountsAsNotMeasured) {
  cache().save(some_card(), some_figures());
  EXPECT_FALSE(cache("1.1").load(some_card()));
  vk::DeviceFacts other = some_card();
  other.driver_info = "1.3";
  EXPECT_FALSE(cache().load(other));
  other = some_card();
  other.driver_version = 13;
  EXPECT_FALSE(cache().load(other));
  other = some_card();
  other.uuid = {9};
  EXPECT_FALSE(cache().load(other));
  // A file under another device's name is told by its content.
  std::filesystem::copy_file(cache().files().path(some_card()), cache().files().path(other));
  EXPECT_FALSE(cache().load(other));
  EXPECT_TRUE(has_figures());
}

TEST_F(MeasurementCacheTest, OfASoftwareDriverTheThreadsCount) {
  vk::DeviceFacts cpu = some_card();
  cpu.type = vk::DeviceType::kCpu;
  cpu.driver_name = "llvmpipe";
  const char* const before = std::getenv("LP_NUM_THREADS");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("LP_NUM_THREADS", "2", 1);
  cache().save(cpu, some_figures());
  EXPECT_TRUE(cache().load(cpu));
  ::setenv("LP_NUM_THREADS", "1", 1);
  EXPECT_FALSE(cache().load(cpu));
  before == nullptr ? ::unsetenv("LP_NUM_THREADS") : ::setenv("LP_NUM_THREADS", saved.c_str(), 1);
}

TEST_F(MeasurementCacheTest, NoDamagedFileIsBelieved) {
  cache().save(some_card(), some_figures());
  const std::string whole = content();
  for (size_t size = 0; size + 2 < whole.size(); ++size) {  // without the last brace at least
    write(whole.substr(0, size));
    ASSERT_FALSE(has_figures()) << "cut after " << size;
  }
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"1008.0", "-1008.0"},
                                                                  {"1008.0", "0.0"},
                                                                  {"1008.0", "1e300"},
                                                                  {"1008.0", "\"fast\""},
                                                                  {"1008.0", "null"},
                                                                  {"handoff_us", "handover_us"},
                                                                  {"activation_gbs", "activation_gb"},
                                                                  {"product_us", "products_us"},
                                                                  {"q4_0", "q9_9"},
                                                                  {"900.125", "[]"},
                                                                  {"formats", "shapes"}}) {
    std::string damaged = whole;
    ASSERT_NE(damaged.find(from), std::string::npos) << from << " in " << whole;
    damaged.replace(damaged.find(from), std::string_view(from).size(), to);
    write(damaged);
    EXPECT_FALSE(has_figures()) << from << " as " << to;
  }
  write(std::string(2 << 20, ' '));
  EXPECT_FALSE(has_figures());
  write(whole);
  EXPECT_TRUE(has_figures());
}

TEST_F(MeasurementCacheTest, WithoutAPlaceNothingIsKept) {
  const MeasurementCache nowhere{std::nullopt, "1.0"};
  nowhere.save(some_card(), some_figures());
  EXPECT_FALSE(nowhere.load(some_card()));
  const MeasurementCache missing{directory_ / "missing", "1.0"};
  missing.save(some_card(), some_figures());
  EXPECT_FALSE(missing.load(some_card()));
}

TEST_F(MeasurementCacheTest, WritersAtOnceLeaveAWholeFile) {
  std::atomic<int> damaged{0};
  std::atomic<bool> done{false};
  cache().save(some_card(), some_figures());
  std::thread reader([&] {
    while (!done) damaged += has_figures() ? 0 : 1;
  });
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < 200; ++i) cache().save(some_card(), some_figures());
    ::_exit(0);
  }
  for (int i = 0; i < 200; ++i) cache().save(some_card(), some_figures());
  int status = 1;
  ::waitpid(child, &status, 0);
  done = true;
  reader.join();
  EXPECT_EQ(status, 0);
  EXPECT_EQ(damaged, 0);
}

TEST_F(MeasurementCacheTest, OneMeasuresAtATime) {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      const DeviceFiles::Turn turn(cache().files());
      most = std::max(most.load(), ++inside);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      --inside;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

class DeviceMeasurementsTest : public test::DeviceTest {
 protected:
  MeasurementCache cache() const { return MeasurementCache(directory_.path(), "1.0"); }

  test::TemporaryDirectory directory_;
};

TEST_P(DeviceMeasurementsTest, MeasuresOnceAndWhatIsAskedFor) {
  kernels::Context context(device());
  const Measurements first = device_measurements(context, cache(), {});
  EXPECT_TRUE(first.formats.empty());
  EXPECT_GT(first.bandwidth_gbs, 0);
  // What the file says is taken: nothing is measured twice, and formats are added to it.
  Measurements marked = first;
  marked.bandwidth_gbs = 123456;
  cache().save(device().facts(), marked);
  const Format formats[] = {Format::kQ4_0};
  const Measurements second = device_measurements(context, cache(), formats);
  EXPECT_EQ(second.bandwidth_gbs, 123456);
  ASSERT_NE(second.find(Format::kQ4_0), nullptr);
  const auto kept = cache().load(device().facts());
  ASSERT_TRUE(kept && kept->find(Format::kQ4_0) != nullptr);
  EXPECT_EQ(kept->find(Format::kQ4_0)->matvec_gbs, second.find(Format::kQ4_0)->matvec_gbs);
  EXPECT_EQ(device_measurements(context, cache(), formats).find(Format::kQ4_0)->matvec_gbs,
            second.find(Format::kQ4_0)->matvec_gbs);
  // Anew on request, and where the file is damaged.
  EXPECT_LT(device_measurements(context, cache(), {}, true).bandwidth_gbs, 123456);
  std::ofstream(cache().files().path(device().facts())) << "{";
  EXPECT_LT(device_measurements(context, cache(), {}).bandwidth_gbs, 123456);
  EXPECT_TRUE(cache().load(device().facts()));
}

TEST_P(DeviceMeasurementsTest, BecomesADeviceForThePlanner) {
  Measurements measured = some_figures();
  const placement::PlanDevice planned = to_plan_device(device(), measured);
  const vk::DeviceFacts& facts = device().facts();
  EXPECT_EQ(planned.name, facts.name);
  EXPECT_EQ(planned.device_class, class_of(facts.type));
  EXPECT_GT(planned.memory_bytes, 0U);
  EXPECT_LT(planned.memory_bytes, device().available_bytes());
  if (facts.type == vk::DeviceType::kCpu) {
    // Others take and give back memory between the two readings.
    EXPECT_LE(planned.memory_bytes, host_available_bytes().value_or(UINT64_MAX / 2) + (uint64_t{1} << 30));
  }
  EXPECT_EQ(planned.bandwidth_gbs, measured.bandwidth_gbs);
  EXPECT_EQ(planned.link_gbs, measured.host_read_gbs);
  EXPECT_EQ(planned.dispatch_us, measured.dispatch_us);
  EXPECT_EQ(planned.handoff_us, measured.handoff_us);
  ASSERT_EQ(planned.rates.size(), 2U);
  EXPECT_EQ(planned.rates[0].format, "q4_0");
  EXPECT_EQ(planned.rates[0].matvec_gbs, 850);
  EXPECT_EQ(planned.rates[0].matmat_gflops, 90000);
  EXPECT_EQ(planned.rates[0].few_gflops, 40000);
  EXPECT_EQ(planned.rates[0].product_us, 5);
  EXPECT_EQ(planned.decode_attention_gflops, 700);
  EXPECT_EQ(planned.prefill_attention_gflops, 20000);
  EXPECT_EQ(planned.activation_gbs, 950);
  placement::check_machine({{planned}, {}});
}

TEST_P(DeviceMeasurementsTest, IsRankedByTheBandwidthThatIsKnown) {
  const vk::DeviceFacts& facts = device().facts();
  EXPECT_EQ(to_candidate(facts, cache()).bandwidth_gbs, std::nullopt);
  cache().save(facts, some_figures());
  const placement::Candidate candidate = to_candidate(facts, cache());
  EXPECT_EQ(candidate.bandwidth_gbs, 1008.0);
  EXPECT_EQ(candidate.name, facts.name);
  EXPECT_EQ(candidate.uuid, facts.uuid_string());
  EXPECT_EQ(candidate.driver_name, facts.driver_name);
}

MOTLEY_ON_EVERY_DEVICE(DeviceMeasurementsTest);

}  // namespace
}  // namespace motley::engine

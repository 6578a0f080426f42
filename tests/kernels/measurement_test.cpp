// Measured figures are figures: positive, finite, in proportion to each other, and found in bounded time.
#include "kernels/measurement.hpp"

#include <chrono>
#include <cmath>

#include "fixture.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/bandwidth.hpp"

namespace motley::kernels {
namespace {

class MeasurementTest : public test::KernelTest {
 protected:
  /// Seconds that an action takes.
  template <typename Action>
  static double timed(Action action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
};

void expect_figure(double value, const char* what) {
  EXPECT_TRUE(std::isfinite(value) && value > 0) << what << ": " << value;
}

TEST_P(MeasurementTest, DeviceFiguresAreInProportion) {
  const uint64_t before = device().memory_usage().now_bytes;
  Measurements measured;
  // The validation layers and a machine at work take most of the time; by itself it is under a second.
  EXPECT_LT(timed([&] { measured = measure_device(context()); }), 30);
  EXPECT_EQ(device().memory_usage().now_bytes, before);
  expect_figure(measured.bandwidth_gbs, "bandwidth");
  expect_figure(measured.host_read_gbs, "host read");
  expect_figure(measured.upload_gbs, "upload");
  expect_figure(measured.download_gbs, "download");
  expect_figure(measured.dispatch_us, "dispatch");
  expect_figure(measured.handoff_us, "hand-off");
  expect_figure(measured.decode_attention_gflops, "attention of a token");
  expect_figure(measured.prefill_attention_gflops, "attention of a prompt");
  expect_figure(measured.activation_gbs, "vectors");
  EXPECT_LT(measured.bandwidth_gbs, 100000);
  EXPECT_LT(measured.dispatch_us, 20000);
  EXPECT_LT(measured.handoff_us, 200000);
  // All memory is the host's on a CPU driver.
  if (device().facts().type == vk::DeviceType::kCpu) {
    EXPECT_EQ(measured.host_read_gbs, measured.bandwidth_gbs);
  }
  EXPECT_TRUE(measured.formats.empty());
  EXPECT_EQ(measured.find(quant::Format::kQ4_0), nullptr);
}

TEST_P(MeasurementTest, FormatFiguresAreInProportion) {
  const uint64_t before = device().memory_usage().now_bytes;
  const double bandwidth_gbs = measure_bandwidth_gbs(context());
  FormatMeasurement measured;
  // Half a second once the driver has compiled the two kernels.
  EXPECT_LT(timed([&] { measured = measure_format(context(), quant::Format::kQ4_0); }), 60);
  EXPECT_EQ(measured.format, quant::Format::kQ4_0);
  expect_figure(measured.matvec_gbs, "mat-vec");
  expect_figure(measured.matmat_gflops, "mat-mat");
  expect_figure(measured.few_gflops, "mat-mat of few tokens");
  expect_figure(measured.product_us, "product");
  EXPECT_LT(measured.product_us, 20000);
  // A product reads weights no faster than memory is read; the rest is for disturbed readings.
  EXPECT_LT(measured.matvec_gbs, 4 * bandwidth_gbs);
  EXPECT_GT(measured.matvec_gbs, bandwidth_gbs / 1000);
  EXPECT_EQ(device().memory_usage().now_bytes, before);
}

TEST_P(MeasurementTest, NothingComputesFasterThanArithmeticAlone) {
  const double most_gflops = measure_arithmetic_gflops(context());
  expect_figure(most_gflops, "arithmetic");
  // The rest is for disturbed readings.
  EXPECT_LT(measure_format(context(), quant::Format::kF32).matmat_gflops, 4 * most_gflops);
}

TEST_P(MeasurementTest, MatricesComputeWhereThereAreAny) {
  Context gpu(device());
  gpu.profile = make_gpu_profile(device().facts());
  gpu.profile.bandwidth_groups = 8;
  const double gflops = measure_matrix_gflops(gpu);
  if (gpu.profile.matrices.m == 0 || shaders::find("arithmetic.coop") == nullptr) {
    EXPECT_EQ(gflops, 0);
  } else {
    expect_figure(gflops, "arithmetic of matrices");
  }
}

TEST_P(MeasurementTest, WorksWithLittleMemory) {
  if (device().facts().type != vk::DeviceType::kCpu) GTEST_SKIP() << "for the small sizes of CPU drivers";
  Context small(device());
  small.profile.bandwidth_buffer_bytes = 1024;
  small.profile.matvec_buffer_bytes = 1;  // a panel is the least
  expect_figure(measure_bandwidth_gbs(small), "bandwidth");
  const FormatMeasurement measured = measure_format(small, quant::Format::kQ4_0);
  expect_figure(measured.matvec_gbs, "mat-vec");
  expect_figure(measured.matmat_gflops, "mat-mat");
}

TEST_P(MeasurementTest, FindsTheFormatAskedFor) {
  Measurements measured;
  measured.formats = {{quant::Format::kQ4_0, 1, 2}, {quant::Format::kF32, 3, 4}};
  ASSERT_NE(measured.find(quant::Format::kF32), nullptr);
  EXPECT_EQ(measured.find(quant::Format::kF32)->matvec_gbs, 3);
}

MOTLEY_ON_EVERY_DEVICE(MeasurementTest);

}  // namespace
}  // namespace motley::kernels

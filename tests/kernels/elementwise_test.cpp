#include "kernels/elementwise.hpp"

#include <cmath>

#include "kernels/fixture.hpp"

namespace motley::kernels {
namespace {

class ElementwiseTest : public test::KernelTest {};

TEST_P(ElementwiseTest, RmsNorm) {
  for (const uint32_t width : {1U, 3U, 31U, 33U, 48U, 80U, 257U, 288U, 2048U}) {
    const uint32_t tokens = 3;
    const uint32_t first = 1;
    const std::vector<float> x = test::random_values(size_t{first + tokens} * width, width, 3.0F);
    const std::vector<float> weight = test::random_values(width, 2);
    const vk::Buffer x_buffer = upload_vectors(x, width);
    const vk::Buffer w_buffer = upload(weight);
    const vk::Buffer y = zeros(tokens * stride(width));
    run([&](vk::CommandList& commands) {
      rms_norm(context(), commands, w_buffer, {x_buffer, stride(width)}, first, {y, stride(width)}, width,
               tokens, 1e-5F);
    });
    for (uint32_t t = 0; t < tokens; ++t) {
      const std::vector<double> wanted =
          reference::rms_norm(std::span(x).subspan(size_t{first + t} * width, width), weight, 1e-5F);
      const double error = test::nmse(y.mapped_as<float>().subspan(size_t{t} * stride(width), width), wanted);
      EXPECT_TRUE(error <= 1e-9) << "width " << width << " token " << t << ": " << error;
    }
  }
}

TEST_P(ElementwiseTest, RmsNormOfHeadsInPlace) {
  const uint32_t width = 80;
  const uint32_t heads = 3;
  const uint32_t tokens = 2;
  const std::vector<float> y = test::random_values(size_t{tokens} * heads * width, 4);
  const std::vector<float> weight = test::random_values(width, 5);
  const vk::Buffer y_buffer = upload_vectors(y, heads * width);
  const vk::Buffer w_buffer = upload(weight);
  run([&](vk::CommandList& commands) {
    rms_norm_heads(context(), commands, w_buffer, {y_buffer, stride(heads * width)}, width, heads, tokens,
                   1e-6F);
  });
  for (uint32_t t = 0; t < tokens; ++t) {
    for (uint32_t head = 0; head < heads; ++head) {
      const std::vector<double> wanted =
          reference::rms_norm(std::span(y).subspan((size_t{t} * heads + head) * width, width), weight, 1e-6F);
      const size_t at = size_t{t} * stride(heads * width) + size_t{head} * width;
      const double error = test::nmse(y_buffer.mapped_as<float>().subspan(at, width), wanted);
      EXPECT_TRUE(error <= 1e-9) << "token " << t << " head " << head << ": " << error;
    }
  }
}

TEST_P(ElementwiseTest, Swiglu) {
  for (const uint32_t width : {1U, 33U, 257U}) {
    const uint32_t tokens = 2;
    std::vector<float> gate = test::random_values(size_t{tokens} * width, 6, 4.0F);
    if (width > 1) gate[0] = -120.0F;  // e^120 is no float
    const std::vector<float> up = test::random_values(gate.size(), 7);
    const vk::Buffer gate_buffer = upload_vectors(gate, width);
    const vk::Buffer up_buffer = upload_vectors(up, width);
    run([&](vk::CommandList& commands) {
      swiglu(context(), commands, {gate_buffer, stride(width)}, {up_buffer, stride(width)}, width, tokens);
    });
    for (uint32_t t = 0; t < tokens; ++t) {
      const size_t at = size_t{t} * width;
      const std::vector<double> wanted =
          reference::swiglu(std::span(gate).subspan(at, width), std::span(up).subspan(at, width));
      const double error =
          test::nmse(gate_buffer.mapped_as<float>().subspan(size_t{t} * stride(width), width), wanted);
      EXPECT_TRUE(error <= 1e-9) << "width " << width << " token " << t << ": " << error;
    }
  }
}

MOTLEY_ON_EVERY_DEVICE(ElementwiseTest);

}  // namespace
}  // namespace motley::kernels

#include "kernels/matmul.hpp"

#include <cmath>

#include "kernels/embed.hpp"
#include "kernels/fixture.hpp"
#include "params/step.h"

namespace motley::kernels {
namespace {

using quant::Format;

class MatmulTest : public test::KernelTest {
 protected:
  /// Runs one product and checks every row and every vector against float64.
  void check(const MadeUpMatrix& matrix, uint32_t tokens, bool accumulate = false, bool bias = false,
             uint32_t panels_a_part = 1U << 20) {
    const std::vector<float> x = test::random_values(size_t{tokens} * matrix.columns, 7);
    const std::vector<float> bias_values = test::random_values(matrix.rows, 8);
    std::vector<float> y = test::random_values(size_t{tokens} * matrix.rows, 9);
    vk::Buffer weights;
    const Weight weight = matrix.pack(context(), weights, panels_a_part);
    const vk::Buffer x_buffer = upload_vectors(x, matrix.columns);
    const vk::Buffer y_buffer = upload(y);
    const vk::Buffer bias_buffer = upload(bias_values);
    const vk::BufferRange bias_range(bias_buffer);
    run([&](vk::CommandList& commands) {
      matmul(context(), commands, weight, {x_buffer, stride(matrix.columns)}, {y_buffer, matrix.rows}, tokens,
             {accumulate, bias ? &bias_range : nullptr});
    });
    const reference::Product wanted{matrix.rows,
                                    matrix.columns,
                                    tokens,
                                    matrix.values,
                                    x,
                                    bias ? std::span(bias_values) : std::span<float>(),
                                    accumulate ? std::span(y) : std::span<float>()};
    const double worst = wanted.worst_row(y_buffer.mapped_as<float>());
    EXPECT_TRUE(worst <= 1e-10) << "worst row " << worst << ", " << quant::info(matrix.format).name << " "
                                << matrix.rows << "x" << matrix.columns << ", " << tokens << " tokens";
  }
};

TEST_P(MatmulTest, EveryFormatAtOneAndManyTokens) {
  for (const quant::FormatInfo& format : quant::all_formats()) {
    const uint32_t columns = format.block_elements == 256 ? 768 : 288;
    const MadeUpMatrix matrix(format.format, 80, columns, 3);
    check(matrix, 1);
    check(matrix, 9);
  }
}

TEST_P(MatmulTest, OddSizes) {
  for (const uint32_t rows : {1U, 3U, 31U, 33U, 48U, 257U})
    check(MadeUpMatrix(Format::kQ8_0, rows, 96, rows), 3);
  for (const uint32_t columns : {1U, 3U, 31U, 33U, 48U, 80U, 257U, 288U}) {
    check(MadeUpMatrix(Format::kF32, 33, columns, columns), 1);
    check(MadeUpMatrix(Format::kF16, 33, columns, columns), 8);
  }
  for (const uint32_t tokens : {2U, 7U, 8U, 17U}) check(MadeUpMatrix(Format::kQ4_0, 33, 160, tokens), tokens);
}

TEST_P(MatmulTest, AddsBiasAndWhatWasThere) {
  check(MadeUpMatrix(Format::kQ4_K, 48, 256, 1), 1, true, false);
  check(MadeUpMatrix(Format::kQ4_K, 48, 256, 2), 5, false, true);
  check(MadeUpMatrix(Format::kF16, 48, 48, 3), 1, true, true);
}

TEST_P(MatmulTest, PartsOfALargeMatrix) {
  check(MadeUpMatrix(Format::kQ4_0, 200, 64, 1), 1, false, true, 1);
  check(MadeUpMatrix(Format::kQ6_K, 200, 512, 2), 3, false, false, 2);
}

TEST_P(MatmulTest, EmbedLooksUpRowsOfEveryFormat) {
  for (const quant::FormatInfo& format : quant::all_formats()) {
    const uint32_t columns = format.block_elements == 256 ? 256 : 96;
    const MadeUpMatrix matrix(format.format, 150, columns, 5);
    vk::Buffer weights;
    const Weight table = matrix.pack(context(), weights, 1);
    const std::vector<uint32_t> ids = {0, 149, 31, 32, 77, 77};
    std::vector<uint32_t> step(shaders::STEP_TOKENS + ids.size(), 0);
    std::copy(ids.begin(), ids.end(), step.begin() + shaders::STEP_TOKENS);
    const vk::Buffer step_buffer = upload(step);
    const vk::Buffer x = zeros(ids.size() * stride(columns));
    run([&](vk::CommandList& commands) {
      embed(context(), commands, table, step_buffer, {x, stride(columns)}, static_cast<uint32_t>(ids.size()));
    });
    const std::span<const float> got = x.mapped_as<float>();
    for (size_t t = 0; t < ids.size(); ++t) {
      for (uint32_t k = 0; k < columns; ++k) {
        const float wanted = matrix.values[ids[t] * columns + k];
        // A fused multiply-add or a masked nibble's power of two may round once less or more than the
        // reference.
        ASSERT_NEAR(got[t * stride(columns) + k], wanted, 1e-6F * std::max(1.0F, std::abs(wanted)))
            << format.name << " token " << t << " element " << k;
      }
    }
  }
}

MOTLEY_ON_EVERY_DEVICE(MatmulTest);

}  // namespace
}  // namespace motley::kernels

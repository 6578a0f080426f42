#include "kernels/matmul.hpp"

#include "kernels/embed.hpp"
#include "kernels/fixture.hpp"
#include "params/step.h"

namespace motley::kernels {
namespace {

using quant::Format;

/// A random matrix in GGUF blocks, and what those blocks say.
struct Matrix {
  uint32_t rows;
  uint32_t columns;
  Format format;
  std::vector<std::byte> blocks;
  std::vector<float> values;

  Matrix(Format of, uint32_t r, uint32_t c, uint32_t seed) : rows(r), columns(c), format(of) {
    const quant::FormatInfo& facts = quant::info(of);
    const std::vector<float> exact = test::random_values(size_t{r} * c, seed, 0.05F);
    blocks.resize(size_t{r} * c / facts.block_elements * facts.block_bytes);
    quant::encode(of, exact, blocks);
    values.resize(exact.size());
    quant::decode(of, blocks, values);
  }
};

class MatmulTest : public test::KernelTest {
 protected:
  /// Runs one product and checks every row and every vector against float64.
  void check(const Matrix& matrix, uint32_t tokens, bool accumulate = false, bool bias = false,
             uint32_t panels_a_part = 1U << 20) {
    const std::vector<float> x = test::random_values(size_t{tokens} * matrix.columns, 7);
    const std::vector<float> bias_values = test::random_values(matrix.rows, 8);
    std::vector<float> y = test::random_values(size_t{tokens} * matrix.rows, 9);
    vk::Buffer weights;
    const Weight weight =
        pack(matrix.format, matrix.rows, matrix.columns, matrix.blocks, weights, panels_a_part);
    const vk::Buffer x_buffer = upload_vectors(x, matrix.columns);
    const vk::Buffer y_buffer = upload(y);
    const vk::Buffer bias_buffer = upload(bias_values);
    const vk::BufferRange bias_range(bias_buffer);
    run([&](vk::CommandList& commands) {
      matmul(context(), commands, weight, {x_buffer, stride(matrix.columns)}, {y_buffer, matrix.rows}, tokens,
             {accumulate, bias ? &bias_range : nullptr});
    });
    const std::span<const float> got = y_buffer.mapped_as<float>();
    double worst = 0;
    for (uint32_t row = 0; row < matrix.rows; ++row) {
      std::vector<double> wanted;
      std::vector<float> row_got;
      for (uint32_t t = 0; t < tokens; ++t) {
        double sum =
            (accumulate ? double{y[t * matrix.rows + row]} : 0) + (bias ? double{bias_values[row]} : 0);
        for (uint32_t k = 0; k < matrix.columns; ++k) {
          sum += double{matrix.values[size_t{row} * matrix.columns + k]} *
                 double{x[size_t{t} * matrix.columns + k]};
        }
        wanted.push_back(sum);
        row_got.push_back(got[t * matrix.rows + row]);
      }
      // A single product may come out near zero by chance; its error is measured against what rounding can do
      // to it.
      double power = 0;
      for (uint32_t k = 0; k < matrix.columns; ++k) {
        power += std::pow(double{matrix.values[size_t{row} * matrix.columns + k]}, 2);
      }
      double error = 0;
      for (uint32_t t = 0; t < tokens; ++t) error += std::pow(double{row_got[t]} - wanted[t], 2);
      const double relative = error / std::max(power * tokens, 1e-30);
      if (!(relative <= worst)) worst = relative;
    }
    EXPECT_TRUE(worst <= 1e-10) << "worst row " << worst << ", " << quant::info(matrix.format).name << " "
                                << matrix.rows << "x" << matrix.columns << ", " << tokens << " tokens";
  }
};

TEST_P(MatmulTest, EveryFormatAtOneAndManyTokens) {
  for (const quant::FormatInfo& format : quant::all_formats()) {
    const uint32_t columns = format.block_elements == 256 ? 768 : 288;
    const Matrix matrix(format.format, 80, columns, 3);
    check(matrix, 1);
    check(matrix, 9);
  }
}

TEST_P(MatmulTest, OddSizes) {
  for (const uint32_t rows : {1U, 3U, 31U, 33U, 48U, 257U}) check(Matrix(Format::kQ8_0, rows, 96, rows), 3);
  for (const uint32_t columns : {1U, 3U, 31U, 33U, 48U, 80U, 257U, 288U}) {
    check(Matrix(Format::kF32, 33, columns, columns), 1);
    check(Matrix(Format::kF16, 33, columns, columns), 8);
  }
  for (const uint32_t tokens : {2U, 7U, 8U, 17U}) check(Matrix(Format::kQ4_0, 33, 160, tokens), tokens);
}

TEST_P(MatmulTest, AddsBiasAndWhatWasThere) {
  check(Matrix(Format::kQ4_K, 48, 256, 1), 1, true, false);
  check(Matrix(Format::kQ4_K, 48, 256, 2), 5, false, true);
  check(Matrix(Format::kF16, 48, 48, 3), 1, true, true);
}

TEST_P(MatmulTest, PartsOfALargeMatrix) {
  check(Matrix(Format::kQ4_0, 200, 64, 1), 1, false, true, 1);
  check(Matrix(Format::kQ6_K, 200, 512, 2), 3, false, false, 2);
}

TEST_P(MatmulTest, EmbedLooksUpRowsOfEveryFormat) {
  for (const quant::FormatInfo& format : quant::all_formats()) {
    const uint32_t columns = format.block_elements == 256 ? 256 : 96;
    const Matrix matrix(format.format, 150, columns, 5);
    vk::Buffer weights;
    const Weight table = pack(matrix.format, matrix.rows, matrix.columns, matrix.blocks, weights, 1);
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

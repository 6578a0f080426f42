#include "kernels/matmul.hpp"

#include <cmath>

#include <fmt/format.h>

#include "kernels/checks.hpp"
#include "kernels/embed.hpp"
#include "kernels/fixture.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "params/step.h"
#include "quant/half.hpp"

namespace motley::kernels {
namespace {

using quant::Format;

/// Formats whose quants are bytes at most.
constexpr Format kByteFormats[] = {Format::kQ4_0, Format::kQ4_K, Format::kQ5_K, Format::kQ6_K, Format::kQ8_0};
constexpr const char* kNoDotProducts = "the device, or this build's glslc, knows no dot products of bytes";

class MatmulTest : public test::KernelTest {
 protected:
  /// Runs one product, with rounded activations and without, and checks every row and every vector
  /// against float64.
  void check(const MadeUpMatrix& matrix, uint32_t tokens, bool accumulate = false, bool bias = false,
             uint32_t panels_a_part = 1U << 20) {
    for (const bool may_round : {false, true})
      check_one(matrix, tokens, accumulate, bias, panels_a_part, may_round);
  }

  /// The same with every variant for many tokens that multiplies halves.
  void check_halves(const MadeUpMatrix& matrix, uint32_t tokens, bool accumulate = false, bool bias = false,
                    uint32_t panels_a_part = 1U << 20) {
    Profile& profile = context().profile;
    std::string& preferred =
        profile.choices.tuned[matmul_use(profile, matrix.format, tokens, true).key()].variant;
    for (const Choice<Variant>& choice : matmul_variants(profile, matrix.format, tokens, true)) {
      if (choice.row.arithmetic != Arithmetic::kFloat16Activations) continue;
      preferred = choice.shader.name;
      check_one(matrix, tokens, accumulate, bias, panels_a_part, true);
    }
  }

  /// Bytes for rounded activations, whether the profile rounds them or not.
  uint64_t room(uint32_t x_stride, uint32_t tokens) {
    return std::max(rounding_bytes(context().profile, x_stride, tokens), wide_bytes(x_stride, tokens));
  }

  /// What a variant read in place of vectors that lie rounded.
  static std::vector<float> rounded_values(const MatmulVariant& variant, const Vectors& x, uint32_t columns,
                                           uint32_t tokens) {
    const vk::BufferRange range = variant.wide ? wide_range(x, tokens) : x.rounded;
    const auto words = x.rounded.buffer->mapped_as<uint32_t>().subspan(range.offset_bytes / sizeof(uint32_t));
    if (variant.arithmetic == Arithmetic::kFloat16Activations)
      return read_halves(words, x.stride, columns, tokens);
    std::vector<float> values = read_rounded(words, x.stride, columns, variant.wide);
    values.resize(size_t{tokens} * columns);
    return values;
  }

  /// The variants of a GPU: tiles, and where the driver has them those of cooperative matrices. `wide`: of as
  /// many tokens as there are.
  void pretend_gpu(bool wide) {
    context().profile = make_gpu_profile(device().facts());
    if (wide) context().profile.enough_tiles = 1;
  }

  /// The variants of devices with fast dot products of bytes, of GPUs or of CPU drivers; false where there
  /// are none.
  bool pretend_dot_products(bool gpu) {
    if (gpu) pretend_gpu(false);
    context().profile.int8_activations = context().profile.texel_loads = false;
    context().profile.matrices = {};
    context().profile.dot_products = device().facts().integer_dot_product;
    return context().profile.dot_products && shaders::find("matmul.q4_0.dot") != nullptr;
  }

  void check_dot(const MadeUpMatrix& matrix, uint32_t tokens, bool accumulate = false, bool bias = false,
                 uint32_t panels_a_part = 1U << 20) {
    const char* const name = matmul_choice(context().profile, matrix.format, tokens, true).shader.name;
    ASSERT_NE(std::string_view(name).find(".dot"), std::string_view::npos) << name;
    check_one(matrix, tokens, accumulate, bias, panels_a_part, true);
  }

  void check_extremes() {
    for (const Format format : kByteFormats) {
      for (const uint32_t period : {1U, 2U, 8U}) check_signs(format, period);
    }
  }

  /// One vector's products, with rounded activations where the device has them.
  std::vector<float> product(const MadeUpMatrix& matrix, std::span<const float> x) {
    vk::Buffer weights;
    const Weight weight = matrix.pack(context(), weights);
    const uint32_t x_stride = stride(matrix.columns);
    const vk::Buffer x_buffer = upload_vectors(x, matrix.columns);
    const vk::Buffer rounded = zeros(room(x_stride, 1) / sizeof(float));
    const vk::Buffer y = zeros(matrix.rows);
    const Vectors vectors{x_buffer, x_stride, rounded};
    run([&](vk::CommandList& commands) {
      round_for(context(), commands, weight, vectors, 1);
      matmul(context(), commands, weight, vectors, {y, matrix.rows}, 1);
    });
    const std::span<const float> got = y.mapped_as<float>();
    return {got.begin(), got.end()};
  }

  /// Weights of one size whose signs change every `period` elements, activations with the same signs in
  /// the first half of the rows' length and the opposite ones in the second; neighbouring rows of
  /// opposite signs.
  void check_signs(Format format, uint32_t period) {
    constexpr uint32_t kRows = 33;
    constexpr uint32_t kColumns = 512;
    std::vector<float> exact(size_t{kRows} * kColumns);
    std::vector<float> x(kColumns);
    for (uint32_t k = 0; k < kColumns; ++k) {
      const float sign = k / period % 2 == 0 ? 1.0F : -1.0F;
      x[k] = k < kColumns / 2 ? sign : -sign;
      for (uint32_t row = 0; row < kRows; ++row) exact[row * kColumns + k] = row % 2 == 0 ? sign : -sign;
    }
    const MadeUpMatrix matrix(format, kRows, kColumns, exact);
    const std::vector<float> got = product(matrix, x);
    for (uint32_t row = 0; row < kRows; ++row) {
      double wanted = 0;
      double power = 0;
      for (uint32_t k = 0; k < kColumns; ++k) {
        wanted += double{matrix.values[row * kColumns + k]} * double{x[k]};
        power += std::abs(double{matrix.values[row * kColumns + k]});
      }
      ASSERT_NEAR(got[row], wanted, 1e-5 * power) << quant::info(format).name << " row " << row;
    }
  }

  void check_one(const MadeUpMatrix& matrix, uint32_t tokens, bool accumulate, bool bias,
                 uint32_t panels_a_part, bool may_round) {
    const std::vector<float> x = test::random_values(size_t{tokens} * matrix.columns, 7);
    const std::vector<float> bias_values = test::random_values(matrix.rows, 8);
    std::vector<float> y = test::random_values(size_t{tokens} * matrix.rows, 9);
    vk::Buffer weights;
    const Weight weight = matrix.pack(context(), weights, panels_a_part);
    const vk::Buffer x_buffer = upload_vectors(x, matrix.columns);
    const vk::Buffer y_buffer = upload(y);
    const vk::Buffer bias_buffer = upload(bias_values);
    const vk::BufferRange bias_range(bias_buffer);
    const uint32_t x_stride = stride(matrix.columns);
    // What is not written there must not matter.
    const vk::Buffer rounded = checks::upload_nan(device(), room(x_stride, tokens) / sizeof(float));
    const Vectors vectors{x_buffer, x_stride, may_round ? rounded : vk::BufferRange()};
    run([&](vk::CommandList& commands) {
      round_for(context(), commands, weight, vectors, tokens);
      matmul(context(), commands, weight, vectors, {y_buffer, matrix.rows}, tokens,
             {accumulate, bias ? &bias_range : nullptr});
    });
    const auto [variant, shader] = matmul_choice(context().profile, matrix.format, tokens, may_round);
    const std::string what =
        fmt::format("{} {}x{}, {} tokens", shader.name, matrix.rows, matrix.columns, tokens);
    reference::Product wanted{matrix.rows,
                              matrix.columns,
                              tokens,
                              matrix.values,
                              x,
                              bias ? std::span(bias_values) : std::span<float>(),
                              accumulate ? std::span(y) : std::span<float>()};
    const std::span<const float> got = y_buffer.mapped_as<float>().first(size_t{tokens} * matrix.rows);
    std::vector<float> used;
    std::vector<float> halves;
    if (variant.arithmetic != Arithmetic::kFloat32) {
      // Rounding is judged over the whole result, where a few numbers may be unlucky, and what the kernel
      // makes of rounded numbers exactly.
      const double limit = nmse_limit(variant.arithmetic, 1e-10) * (got.size() < 200 ? 5 : 1);
      EXPECT_LE(test::nmse(got, wanted.values()), limit) << what;
      used = rounded_values(variant, vectors, matrix.columns, tokens);
      wanted.x = used;
      if (variant.arithmetic == Arithmetic::kFloat16Activations) {
        for (const float weight_value : matrix.values)
          halves.push_back(quant::half_to_float(quant::float_to_half(weight_value)));
        wanted.weights = halves;
      }
    }
    EXPECT_LE(wanted.worst_row(got), 1e-10) << what;
  }
};

/// One of each format, some blocks wide.
std::vector<MadeUpMatrix> matrices_of_every_format(uint32_t rows) {
  std::vector<MadeUpMatrix> matrices;
  for (const quant::FormatInfo& format : quant::all_formats())
    matrices.emplace_back(format.format, rows, format.block_elements == 256 ? 768 : 288, 3);
  return matrices;
}

TEST_P(MatmulTest, EveryFormatAtOneAFewAndSeveralTokens) {
  for (const MadeUpMatrix& matrix : matrices_of_every_format(80)) {
    for (const uint32_t tokens : {1U, 2U, 3U, 4U, 5U, 9U}) check(matrix, tokens);
  }
}

TEST_P(MatmulTest, OddSizes) {
  for (const uint32_t rows : {1U, 3U, 31U, 33U, 48U, 257U})
    check(MadeUpMatrix(Format::kQ8_0, rows, 96, rows), 3);
  for (const uint32_t columns : {1U, 3U, 31U, 33U, 48U, 80U, 257U, 288U}) {
    check(MadeUpMatrix(Format::kF32, 33, columns, columns), 1);
    check(MadeUpMatrix(Format::kF16, 33, columns, columns), 8);
  }
  for (const uint32_t tokens : {2U, 4U, 7U, 8U, 17U})
    check(MadeUpMatrix(Format::kQ4_0, 33, 160, tokens), tokens);
}

TEST_P(MatmulTest, OddSizesOfRoundedFormats) {
  for (const Format format : kByteFormats) {
    for (const uint32_t rows : {1U, 65U}) check(MadeUpMatrix(format, rows, 1024, rows), 1);
    for (const uint32_t tokens : {3U, 7U}) check(MadeUpMatrix(format, 33, 256, 5), tokens);
    check(MadeUpMatrix(format, 97, 512, 6), 17);
  }
}

/// Those of two and four columns, whether they are fast on the device or not.
TEST_P(MatmulTest, EveryVariantForAFewTokens) {
  Profile& profile = context().profile;
  profile.int8_activations = true;
  for (const uint32_t tokens : {2U, 3U, 4U}) {
    std::string& preferred =
        profile.choices.tuned[matmul_use(profile, Format::kQ4_0, tokens, true).key()].variant;
    for (const Choice<Variant>& choice : matmul_variants(profile, Format::kQ4_0, tokens, true)) {
      const std::string_view flavour = choice.row.flavour;
      if (flavour.find(".n2") == flavour.npos && flavour.find(".n4") == flavour.npos) continue;
      preferred = choice.shader.name;
      EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, tokens, true).shader.name, preferred);
      check_one(MadeUpMatrix(Format::kQ4_0, 140, 160, tokens), tokens, false, false, 1U << 20, true);
    }
  }
}

/// A tile's pipeline takes software drivers seconds to compile, so that few are tried.
TEST_P(MatmulTest, TilesOfEveryFormat) {
  pretend_gpu(false);
  for (const MadeUpMatrix& matrix : matrices_of_every_format(129)) check(matrix, kTileTokens);
}

TEST_P(MatmulTest, TilesOfOddSizes) {
  pretend_gpu(true);
  for (const uint32_t rows : {1U, 31U, 127U, 128U, 200U})
    check(MadeUpMatrix(Format::kQ4_0, rows, 160, rows), 131);
  for (const uint32_t tokens : {2U, 3U, 4U, 5U, 9U, 33U, 63U, 64U})
    check(MadeUpMatrix(Format::kQ4_0, 33, 32, tokens), tokens);
  for (const uint32_t columns : {1U, 33U, 48U, 257U})
    check(MadeUpMatrix(Format::kF32, 33, columns, columns), 65);
}

TEST_P(MatmulTest, TilesAddBiasAndWhatWasThere) {
  pretend_gpu(false);
  check(MadeUpMatrix(Format::kQ4_0, 140, 96, 1), 40, true, false);
  check(MadeUpMatrix(Format::kQ4_0, 200, 96, 3), 40, false, true, 1);
}

TEST_P(MatmulTest, MatricesOfEveryFormat) {
  pretend_gpu(false);
  for (const MadeUpMatrix& matrix : matrices_of_every_format(129)) check_halves(matrix, kTileTokens);
}

TEST_P(MatmulTest, MatricesOfOddSizes) {
  pretend_gpu(true);
  for (const uint32_t rows : {1U, 31U, 97U, 128U})
    check_halves(MadeUpMatrix(Format::kQ4_0, rows, 160, rows), 129);
  for (const uint32_t tokens : {33U, 64U, 65U, 100U, 129U, 257U})
    check_halves(MadeUpMatrix(Format::kQ4_0, 33, 32, tokens), tokens);
  for (const uint32_t columns : {1U, 33U, 48U, 257U})
    check_halves(MadeUpMatrix(Format::kF32, 33, columns, columns), 65);
}

TEST_P(MatmulTest, MatricesAddBiasAndWhatWasThere) {
  pretend_gpu(false);
  check_halves(MadeUpMatrix(Format::kQ4_0, 140, 96, 1), 40, true, false);
  check_halves(MadeUpMatrix(Format::kQ4_0, 200, 96, 3), 40, false, true, 1);
  check_halves(MadeUpMatrix(Format::kQ4_0, 100, 96, 3), 70, true, true);
}

TEST_P(MatmulTest, MatricesWithRoomForOneBlockOfWeights) {
  pretend_gpu(false);
  context().profile.shared_memory_bytes = 16 << 10;
  context().profile.matrix_shared_bytes = 4 << 10;
  check_halves(MadeUpMatrix(Format::kQ8_0, 129, 160, 4), 50);
}

/// Whether that pays or not. Such a pipeline takes lavapipe 22.3 up to 10 s to compile, so that few are
/// tried.
TEST_P(MatmulTest, ActivationsReadByAddress) {
  if (!device().facts().buffer_device_address) GTEST_SKIP() << "no addresses of buffers";
  Profile& profile = context().profile;
  profile.address_loads = true;
  profile.texel_loads = false;
  for (const bool int8 : {false, true}) {
    profile.int8_activations = int8;
    for (const Format format : {int8 ? Format::kQ4_0 : Format::kF16, Format::kQ6_K}) {
      const auto flavour = [&](uint32_t tokens) {
        return matmul_choice(profile, format, tokens, true).row.flavour;
      };
      if (int8 && profile.lanes != 8) continue;  // it is slower so
      EXPECT_STREQ(flavour(2), int8 ? ".i8.n2p2" : ".a.n2");
      EXPECT_STREQ(flavour(4), int8 ? ".i8.a.n4p2" : ".a.n4");
      EXPECT_STREQ(flavour(kSeveralTokens), int8 ? ".i8.a.n16" : ".a.n12");
      for (const uint32_t tokens : {2U, 3U, 4U, 5U, 13U, 48U})
        check_one(MadeUpMatrix(format, 80, 768, 3), tokens, false, false, 1, true);
    }
  }
}

/// For matrices of two formats, one of which wants bytes and the other words.
TEST_P(MatmulTest, ActivationsRoundedInTwoForms) {
  if (!device().facts().buffer_device_address) GTEST_SKIP() << "no addresses of buffers";
  if (context().profile.lanes != 8) GTEST_SKIP() << "activations have no words of their own";
  constexpr uint32_t kTokens = 9;
  constexpr uint32_t kColumns = 512;
  Profile& profile = context().profile;
  profile.int8_activations = profile.address_loads = true;
  profile.texel_loads = false;
  profile.choices.tuned[matmul_use(profile, Format::kQ6_K, kTokens, true).key()].variant =
      "matmul.q6_k.i8.n8p2";
  const std::vector<float> x = test::random_values(size_t{kTokens} * kColumns, 1);
  const vk::Buffer x_buffer = upload_vectors(x, kColumns);
  const vk::Buffer rounded = zeros(room(stride(kColumns), kTokens) / sizeof(float));
  const Vectors vectors{x_buffer, stride(kColumns), rounded};
  const MadeUpMatrix matrices[] = {{Format::kQ4_K, 40, kColumns, 2}, {Format::kQ6_K, 40, kColumns, 3}};
  vk::Buffer storage[2];
  const Weight weights[] = {matrices[0].pack(context(), storage[0]), matrices[1].pack(context(), storage[1])};
  const vk::Buffer y[] = {zeros(kTokens * 40), zeros(kTokens * 40)};
  const Forms forms = forms_read(profile, {&weights[0], &weights[1]}, vectors, kTokens);
  EXPECT_TRUE(forms.wide && forms.rounded);
  run([&](vk::CommandList& commands) {
    round_vectors(context(), commands, vectors, kColumns, kTokens, forms);
    for (size_t i = 0; i < 2; ++i) matmul(context(), commands, weights[i], vectors, {y[i], 40}, kTokens);
  });
  for (size_t i = 0; i < 2; ++i) {
    const reference::Product wanted{40, kColumns, kTokens, matrices[i].values, x, {}, {}};
    EXPECT_LE(test::nmse(y[i].mapped_as<float>(), wanted.values()), 1e-4) << i;
  }
}

TEST_P(MatmulTest, DotProductsOfBytes) {
  if (!pretend_dot_products(true)) GTEST_SKIP() << kNoDotProducts;
  for (const Format format : kByteFormats) {
    for (const uint32_t rows : {1U, 65U}) check_dot(MadeUpMatrix(format, rows, 1024, rows), 1);
    for (const uint32_t tokens : {3U, 7U}) check_dot(MadeUpMatrix(format, 33, 256, 5), tokens);
    check_dot(MadeUpMatrix(format, 97, 512, 6), 9);
  }
  for (const uint32_t tokens : {2U, 3U, 4U, 5U, 8U, 32U})
    check_dot(MadeUpMatrix(Format::kQ4_0, 33, 160, tokens), tokens);
  for (const uint32_t columns : {32U, 96U, 288U}) check_dot(MadeUpMatrix(Format::kQ8_0, 40, columns, 1), 1);
  check_dot(MadeUpMatrix(Format::kQ4_K, 48, 256, 1), 1, true, false);
  check_dot(MadeUpMatrix(Format::kQ5_K, 48, 256, 2), 5, false, true);
  check_dot(MadeUpMatrix(Format::kQ6_K, 200, 1024, 2), 3, true, true, 2);
  check_extremes();
}

TEST_P(MatmulTest, DotProductsOfBytesOnACpuDriver) {
  if (!pretend_dot_products(false)) GTEST_SKIP() << kNoDotProducts;
  for (const Format format : {Format::kQ5_K, Format::kQ6_K, Format::kQ8_0})
    for (const uint32_t rows : {1U, 65U, 129U}) check_dot(MadeUpMatrix(format, rows, 1024, rows), 1);
  check_dot(MadeUpMatrix(Format::kQ8_0, 200, 96, 1), 1, true, true, 1);
  check_extremes();
}

/// SwiftShader compiles some of these for seconds.
TEST_P(MatmulTest, TilesOfDotProducts) {
  if (!pretend_dot_products(true)) GTEST_SKIP() << kNoDotProducts;
  for (const Format format : kByteFormats) check_dot(MadeUpMatrix(format, 129, 768, 3), kTileTokens);
  check_dot(MadeUpMatrix(Format::kQ4_0, 1, 160, 1), 65);
  context().profile.enough_tiles = 1;
  check_dot(MadeUpMatrix(Format::kQ4_0, 200, 160, 3), 131, true, true, 1);
}

/// The largest quants with the largest activations, all of one sign and then of alternating ones: sums of
/// 16 bits just hold them.
TEST_P(MatmulTest, ExtremeValuesDoNotOverflow) { check_extremes(); }

TEST_P(MatmulTest, ActivationsThatAreNoNumbersAreNoticed) {
  const MadeUpMatrix matrix(Format::kQ4_0, 32, 64, 1);
  for (const float bad : {std::nanf(""), INFINITY}) {
    std::vector<float> x(matrix.columns, 1.0F);
    x[40] = bad;
    for (const float value : product(matrix, x)) EXPECT_FALSE(std::isfinite(value));
  }
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

#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "kernels/fixture.hpp"
#include "kernels/matmul.hpp"
#include "kernels/rope.hpp"
#include "params/step.h"
#include "quant/half.hpp"

namespace motley::kernels {
namespace {

struct AttentionCase {
  uint32_t heads = 4;
  uint32_t kv_heads = 2;
  uint32_t head_size = 8;
  uint32_t position = 0;  ///< of the first token
  uint32_t tokens = 1;
  bool keys_f32 = true;
  bool values_f32 = true;
  uint32_t heads_a_slice = 8;
  float query_scale = 1.0F;
  bool may_round = false;
};

std::ostream& operator<<(std::ostream& out, const AttentionCase& c) {
  return out << c.heads << "/" << c.kv_heads << " heads of " << c.head_size << ", position " << c.position
             << ", " << c.tokens << " tokens, keys f" << (c.keys_f32 ? 32 : 16) << ", values f"
             << (c.values_f32 ? 32 : 16);
}

class AttentionTest : public test::KernelTest {
 protected:
  void check(const AttentionCase& c) {
    SCOPED_TRACE(::testing::Message() << c);
    const CacheShape shape{c.kv_heads, c.head_size, (c.position + c.tokens + 15) / 8 * 8, c.keys_f32,
                           c.values_f32};
    MappedCache cache(device(), shape, c.heads_a_slice);
    const size_t cached = size_t{c.position + c.tokens} * c.kv_heads * c.head_size;
    cache.fill(test::random_values(cached, 1), test::random_values(cached, 2));
    const uint32_t width = c.heads * c.head_size;
    const std::vector<float> q = test::random_values(size_t{c.tokens} * width, 3, c.query_scale);
    const vk::Buffer q_buffer = upload_vectors(q, width);
    const vk::Buffer y = zeros(size_t{c.tokens} * stride(width));
    const AttentionShape attention{c.heads, 1 / std::sqrt(static_cast<float>(c.head_size))};
    attend_on_device(c, attention, cache.cache(), q_buffer, y);
    const Arithmetic arithmetic =
        attention_choice(context().profile, shape, c.tokens * c.heads / c.kv_heads, c.may_round)
            .row.arithmetic;
    // Large scores multiply what rounding the queries does, so that alone what is made of these is judged.
    compare(c, attention, cache, arithmetic == Arithmetic::kFloat32 ? q : rounded_to_halves(q, c.head_size),
            y.mapped_as<float>(), arithmetic);
  }

  /// Vectors so long, each scaled so that its halves do not overflow.
  static std::vector<float> rounded_to_halves(std::span<const float> vectors, size_t length) {
    std::vector<float> rounded;
    for (size_t first = 0; first < vectors.size(); first += length) {
      const auto vector = vectors.subspan(first, length);
      const float most = std::abs(*std::ranges::max_element(vector, {}, [](float x) { return std::abs(x); }));
      const int shift = 14 - std::ilogb(most);
      for (const float x : vector) {
        const float half = quant::half_to_float(quant::float_to_half(std::ldexp(x, shift)));
        rounded.push_back(std::ldexp(half, -shift));
      }
    }
    return rounded;
  }

  /// Each row must be right; where probabilities are rounded, which shows in a row of few elements by chance,
  /// all of them together as well, and a row as far as that goes.
  void compare(const AttentionCase& c, const AttentionShape& attention, const MappedCache& cache,
               std::span<const float> q, std::span<const float> got,
               Arithmetic arithmetic = Arithmetic::kFloat32) {
    const uint32_t width = c.heads * c.head_size;
    const double limit = nmse_limit(arithmetic, 1e-8);
    const double row_limit = limit * (arithmetic == Arithmetic::kFloat32 ? 1 : 10);
    std::vector<float> all_got;
    std::vector<double> all_wanted;
    for (uint32_t t = 0; t < c.tokens; ++t) {
      for (uint32_t head = 0; head < c.heads; ++head) {
        const std::vector<double> wanted =
            reference::attend(q.subspan(size_t{t} * width + size_t{head} * c.head_size, c.head_size),
                              attention.scale, cache, head / (c.heads / c.kv_heads), c.position + t + 1);
        const auto row = got.subspan(size_t{t} * stride(width) + size_t{head} * c.head_size, c.head_size);
        const double error = test::nmse(row, wanted);
        EXPECT_TRUE(error <= row_limit) << "token " << t << " head " << head << ": " << error;
        all_got.insert(all_got.end(), row.begin(), row.end());
        all_wanted.insert(all_wanted.end(), wanted.begin(), wanted.end());
      }
      for (uint32_t i = width; i < stride(width); ++i) EXPECT_EQ(got[size_t{t} * stride(width) + i], 0.0F);
    }
    EXPECT_LE(test::nmse(all_got, all_wanted), limit);
  }

  void attend_on_device(const AttentionCase& c, const AttentionShape& attention, const Cache& cache,
                        const vk::Buffer& q, const vk::Buffer& y) {
    const uint32_t width = stride(c.heads * c.head_size);
    std::vector<uint32_t> step_words(shaders::STEP_TOKENS, 0);
    step_words[shaders::STEP_POSITION] = c.position;
    const vk::Buffer step = upload(step_words);
    const vk::Buffer rounded =
        zeros(std::max(rounding_bytes(context().profile, width, c.tokens), uint64_t{4}) / 4);
    const Vectors to{y, width, c.may_round ? rounded : vk::BufferRange()};
    run([&](vk::CommandList& commands) {
      attention_prefill(context(), commands, attention, step, {q, width}, cache, to, c.tokens);
    });
  }
};

TEST_P(AttentionTest, EveryCacheType) {
  for (const bool keys_f32 : {false, true}) {
    for (const bool values_f32 : {false, true}) {
      check({.head_size = 16, .position = 21, .tokens = 7, .keys_f32 = keys_f32, .values_f32 = values_f32});
    }
  }
}

TEST_P(AttentionTest, HeadSizes) {
  for (const uint32_t head_size : {4U, 8U, 48U, 64U, 80U, 256U}) {
    check({.head_size = head_size, .position = 37, .tokens = 3, .keys_f32 = false, .values_f32 = false});
  }
}

TEST_P(AttentionTest, Groups) {
  for (const uint32_t group : {1U, 3U, 4U, 7U}) {
    check({.heads = 2 * group, .position = 0, .tokens = 5});
    check({.heads = 2 * group, .position = 33, .tokens = 1});
  }
}

TEST_P(AttentionTest, ChunksBeginAnywhere) {
  for (const uint32_t position : {0U, 1U, 15U, 16U, 31U, 70U}) {
    for (const uint32_t tokens : {1U, 2U, 9U, 33U}) check({.position = position, .tokens = tokens});
  }
}

TEST_P(AttentionTest, LateChunks) {
  // So late that lavapipe would end the loops early if they were not unrolled in part.
  check({.heads = 1,
         .kv_heads = 1,
         .head_size = 256,
         .position = 8400,
         .tokens = 4,
         .keys_f32 = false,
         .values_f32 = false});
}

TEST_P(AttentionTest, SlicesOfTheCache) {
  for (const uint32_t heads_a_slice : {1U, 2U}) {
    check({.heads = 6, .kv_heads = 3, .position = 70, .tokens = 4, .heads_a_slice = heads_a_slice});
  }
}

TEST_P(AttentionTest, WideWorkgroups) {
  context().profile.workgroup = 64;  // as on a GPU
  for (const uint32_t head_size : {4U, 160U}) {
    check({.head_size = head_size, .position = 60, .tokens = 9});
  }
}

TEST_P(AttentionTest, LargeScores) {
  // Scores of some hundreds, whose exponentials are no floats.
  check({.position = 150, .tokens = 4, .query_scale = 60.0F});
}

/// With the tiles of a GPU, of 64 rows where the head is not too large.
class AttentionTilesTest : public AttentionTest {
 protected:
  void SetUp() override {
    AttentionTest::SetUp();
    context().profile = make_gpu_profile(device().facts());
    context().profile.enough_tiles = 1;
    ASSERT_STREQ(attention_choice(context().profile, {}, kTileRows, false).shader.name, "attention.tile");
  }

  /// With what is taken when vectors must not be rounded; and with that of a cache of halves when they may,
  /// where it is something else.
  void check_tiles(AttentionCase c) {
    check(c);
    c.may_round = true;
    c.keys_f32 = c.values_f32 = false;
    const CacheShape shape{c.kv_heads, c.head_size, 0, false, false};
    if (attention_choice(context().profile, shape, kTileRows, true).row.arithmetic != Arithmetic::kFloat32)
      check(c);
  }
};

TEST_P(AttentionTilesTest, EveryCacheType) {
  for (const bool keys_f32 : {false, true}) {
    for (const bool values_f32 : {false, true})
      check_tiles({.position = 21, .tokens = 65, .keys_f32 = keys_f32, .values_f32 = values_f32});
  }
}

TEST_P(AttentionTilesTest, HeadSizes) {
  for (const uint32_t head_size : {4U, 44U, 64U, 80U, 96U, 128U, 132U, 256U}) {
    check_tiles({.heads = 3,
                 .kv_heads = 1,
                 .head_size = head_size,
                 .position = 37,
                 .tokens = 43,
                 .keys_f32 = false,
                 .values_f32 = false});
  }
}

TEST_P(AttentionTilesTest, Groups) {
  for (const uint32_t group : {1U, 3U, 7U, 16U})
    check_tiles({.heads = 2 * group, .position = 5, .tokens = kTileRows / group + 1});
}

TEST_P(AttentionTilesTest, ChunksBeginAndEndAnywhere) {
  for (const uint32_t position : {0U, 1U, 31U, 32U, 63U, 127U})
    for (const uint32_t tokens : {64U, 65U}) check_tiles({.position = position, .tokens = tokens});
}

TEST_P(AttentionTilesTest, FewerRowsATile) {
  const auto rows_of_tiles = [&] {
    std::set<uint32_t> rows;
    for (const vk::Pipeline* pipeline : device().pipelines())
      if (std::string_view(pipeline->name()) == "attention.k32v32.tile")
        rows.insert(pipeline->constants()[2]);
    return rows;
  };
  check_tiles({.head_size = 12, .position = 40, .tokens = 70});
  EXPECT_TRUE(rows_of_tiles().contains(64));

  context().profile.enough_tiles = 1000;
  for (const uint32_t head_size : {8U, 80U, 128U})
    check_tiles({.head_size = head_size, .position = 40, .tokens = 70});
  EXPECT_TRUE(rows_of_tiles().contains(32));
}

TEST_P(AttentionTilesTest, SlicesOfTheCache) {
  for (const uint32_t heads_a_slice : {1U, 2U})
    check_tiles({.heads = 6, .kv_heads = 3, .position = 70, .tokens = 66, .heads_a_slice = heads_a_slice});
}

TEST_P(AttentionTilesTest, LargeScores) {
  // Scores of some hundreds, whose exponentials are no floats, and a maximum that grows from tile to tile.
  check_tiles({.position = 150, .tokens = 64, .query_scale = 60.0F});
}

MOTLEY_ON_EVERY_DEVICE(AttentionTilesTest);

TEST_P(AttentionTest, KeysAndValuesThatRopeStored) {
  const AttentionCase c{.heads = 6, .kv_heads = 2, .head_size = 8, .tokens = 19, .heads_a_slice = 1};
  const uint32_t q_width = c.heads * c.head_size;
  const uint32_t kv_width = c.kv_heads * c.head_size;
  const std::vector<float> q = test::random_values(size_t{c.tokens} * q_width, 1);
  const std::vector<float> k = test::random_values(size_t{c.tokens} * kv_width, 2);
  const std::vector<float> v = test::random_values(size_t{c.tokens} * kv_width, 3);
  const vk::Buffer q_buffer = upload_vectors(q, q_width);
  const vk::Buffer k_buffer = upload_vectors(k, kv_width);
  const vk::Buffer v_buffer = upload_vectors(v, kv_width);
  const vk::Buffer y = zeros(size_t{c.tokens} * stride(q_width));
  const vk::Buffer step = upload(std::vector<uint32_t>(shaders::STEP_TOKENS, 0));
  const vk::Buffer table = upload(std::vector<float>(2, 0.0F));
  const AttentionShape attention{c.heads, 0.5F};
  const CacheShape shape{c.kv_heads, c.head_size, 24, false, false};
  const MappedCache cache(device(), shape, c.heads_a_slice);
  MappedCache wanted_cache(device(), shape, c.heads_a_slice);
  wanted_cache.fill(k, v);
  // One recording, as the engine makes it; nothing is rotated, so that the keys are known.
  run([&](vk::CommandList& commands) {
    rope_and_store(context(), commands, {c.heads, 0, false}, step, table, {q_buffer, stride(q_width)},
                   {k_buffer, stride(kv_width)}, {v_buffer, stride(kv_width)}, cache.cache(), c.tokens);
    attention_prefill(context(), commands, attention, step, {q_buffer, stride(q_width)}, cache.cache(),
                      {y, stride(q_width)}, c.tokens);
  });
  compare(c, attention, wanted_cache, q, y.mapped_as<float>());
}

MOTLEY_ON_EVERY_DEVICE(AttentionTest);

}  // namespace
}  // namespace motley::kernels

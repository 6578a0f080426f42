#include "kernels/rope.hpp"

#include <cmath>

#include "kernels/fixture.hpp"
#include "params/step.h"

namespace motley::kernels {
namespace {

struct RopeCase {
  uint32_t heads = 2;
  uint32_t kv_heads = 1;
  uint32_t head_size = 8;
  uint32_t rotated = 8;
  bool halves = false;
  uint32_t position = 0;
  uint32_t tokens = 1;
  uint32_t heads_a_slice = 8;
  bool keys_f32 = true;
  bool values_f32 = true;
  uint32_t context = 32;
};

std::ostream& operator<<(std::ostream& out, const RopeCase& c) {
  return out << c.heads << "/" << c.kv_heads << " heads of " << c.head_size << ", " << c.rotated
             << " rotated, " << (c.halves ? "halves" : "neighbours") << ", position " << c.position << ", "
             << c.tokens << " tokens";
}

reference::Rotation rotation(const RopeCase& c) { return {c.rotated, c.halves}; }

/// One pair where nothing is rotated, as a range cannot be empty.
std::vector<float> make_table(const RopeCase& c) {
  std::vector<float> table = rotation(c).table(c.context);
  if (table.empty()) table.assign(2, 0.0F);
  return table;
}

class RopeTest : public test::KernelTest {
 protected:
  void check(const RopeCase& c) {
    SCOPED_TRACE(::testing::Message() << c);
    const uint32_t q_width = c.heads * c.head_size;
    const uint32_t kv_width = c.kv_heads * c.head_size;
    const std::vector<float> q = test::random_values(size_t{c.tokens} * q_width, 1);
    const std::vector<float> k = test::random_values(size_t{c.tokens} * kv_width, 2);
    const std::vector<float> v = test::random_values(size_t{c.tokens} * kv_width, 3);
    const vk::Buffer q_buffer = upload_vectors(q, q_width);
    const vk::Buffer k_buffer = upload_vectors(k, kv_width);
    const vk::Buffer v_buffer = upload_vectors(v, kv_width);
    const vk::Buffer table = upload(make_table(c));
    std::vector<uint32_t> step_words(shaders::STEP_TOKENS, 0);
    step_words[shaders::STEP_POSITION] = c.position;
    const vk::Buffer step = upload(step_words);
    const CacheShape shape{c.kv_heads, c.head_size, c.context, c.keys_f32, c.values_f32};
    const MappedCache cache(device(), shape, c.heads_a_slice);
    run([&](vk::CommandList& commands) {
      rope_and_store(context(), commands, {c.heads, c.rotated, c.halves}, step, table,
                     {q_buffer, stride(q_width)}, {k_buffer, stride(kv_width)}, {v_buffer, stride(kv_width)},
                     cache.cache(), c.tokens);
    });
    check_queries(c, q, q_buffer.mapped_as<float>());
    check_keys(c, k, cache);
    check_values(c, v, cache);
    check_rest(c, cache);
  }

 private:
  static void check_queries(const RopeCase& c, std::span<const float> q, std::span<const float> got) {
    const uint32_t width = c.heads * c.head_size;
    for (uint32_t t = 0; t < c.tokens; ++t) {
      for (uint32_t head = 0; head < c.heads; ++head) {
        const size_t at = size_t{head} * c.head_size;
        const std::vector<double> wanted =
            rotation(c).rotate(q.subspan(size_t{t} * width + at, c.head_size), c.position + t);
        const double error = test::nmse(got.subspan(size_t{t} * stride(width) + at, c.head_size), wanted);
        EXPECT_TRUE(error <= 1e-9) << "query, token " << t << " head " << head << ": " << error;
      }
    }
  }

  static void check_keys(const RopeCase& c, std::span<const float> k, const MappedCache& cache) {
    for (uint32_t t = 0; t < c.tokens; ++t) {
      for (uint32_t head = 0; head < c.kv_heads; ++head) {
        const size_t at = (size_t{t} * c.kv_heads + head) * c.head_size;
        const std::vector<double> wanted = rotation(c).rotate(k.subspan(at, c.head_size), c.position + t);
        std::vector<float> got;
        for (uint32_t i = 0; i < c.head_size; ++i) got.push_back(cache.key(head, c.position + t, i));
        if (c.keys_f32) {
          const double error = test::nmse(got, wanted);
          EXPECT_TRUE(error <= 1e-9) << "key, token " << t << " head " << head << ": " << error;
        } else {
          expect_halves(got, wanted);
        }
      }
    }
  }

  /// Nearest halves, but for what rounding of the rotation itself can tip over.
  static void expect_halves(std::span<const float> got, std::span<const double> wanted) {
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double ulp = std::exp2(std::max(std::floor(std::log2(std::abs(wanted[i]))), -14.0) - 10);
      EXPECT_TRUE(std::abs(double{got[i]} - wanted[i]) <= 0.501 * ulp) << got[i] << " for " << wanted[i];
    }
  }

  static void check_values(const RopeCase& c, std::span<const float> v, const MappedCache& cache) {
    for (uint32_t t = 0; t < c.tokens; ++t) {
      for (uint32_t head = 0; head < c.kv_heads; ++head) {
        for (uint32_t i = 0; i < c.head_size; ++i) {
          const float exact = v[(size_t{t} * c.kv_heads + head) * c.head_size + i];
          const float wanted = c.values_f32 ? exact : quant::half_to_float(quant::float_to_half(exact));
          ASSERT_EQ(cache.value(head, c.position + t, i), wanted)
              << "token " << t << " head " << head << " at " << i;
        }
      }
    }
  }

  /// Other positions keep what they had.
  static void check_rest(const RopeCase& c, const MappedCache& cache) {
    for (uint32_t position = 0; position < c.context; ++position) {
      if (position >= c.position && position < c.position + c.tokens) continue;
      for (uint32_t head = 0; head < c.kv_heads; ++head) {
        for (uint32_t i = 0; i < c.head_size; ++i) {
          ASSERT_TRUE(std::isnan(cache.key(head, position, i))) << "key at " << position;
          ASSERT_TRUE(std::isnan(cache.value(head, position, i))) << "value at " << position;
        }
      }
    }
  }
};

TEST_P(RopeTest, HeadSizesAndPairings) {
  for (const bool halves : {false, true}) {
    for (const uint32_t head_size : {4U, 8U, 48U, 64U, 80U, 256U}) {
      check({.head_size = head_size, .rotated = head_size, .halves = halves, .position = 5, .tokens = 3});
    }
  }
}

TEST_P(RopeTest, RotatesOnlyTheBeginningOfAHead) {
  for (const bool halves : {false, true}) {
    for (const uint32_t rotated : {0U, 4U, 20U, 44U}) {
      check({.head_size = 48, .rotated = rotated, .halves = halves, .position = 30, .tokens = 2});
    }
  }
}

TEST_P(RopeTest, GroupsAndSlices) {
  for (const uint32_t heads_a_slice : {1U, 2U, 3U}) {
    check({.heads = 9,
           .kv_heads = 3,
           .head_size = 16,
           .rotated = 16,
           .halves = true,
           .tokens = 2,
           .heads_a_slice = heads_a_slice});
    check({.heads = 3,
           .kv_heads = 3,
           .head_size = 16,
           .rotated = 8,
           .position = 7,
           .tokens = 17,
           .heads_a_slice = heads_a_slice});
  }
}

TEST_P(RopeTest, EveryCacheType) {
  for (const bool keys_f32 : {false, true}) {
    for (const bool values_f32 : {false, true}) {
      check({.kv_heads = 2,
             .head_size = 64,
             .rotated = 64,
             .halves = true,
             .position = 9,
             .tokens = 5,
             .keys_f32 = keys_f32,
             .values_f32 = values_f32});
    }
  }
}

TEST_P(RopeTest, LatePositions) {
  check({.head_size = 32, .rotated = 32, .position = 4090, .tokens = 6, .context = 4096});
}

MOTLEY_ON_EVERY_DEVICE(RopeTest);

}  // namespace
}  // namespace motley::kernels

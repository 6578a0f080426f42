#include "kernels/attention_decode.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "kernels/fixture.hpp"
#include "params/step.h"
#include "quant/half.hpp"

namespace motley::kernels {
namespace {

constexpr uint32_t kWhole = ~0U;

struct DecodeCase {
  uint32_t heads = 4;
  uint32_t kv_heads = 2;
  uint32_t head_size = 8;
  uint32_t rotated = kWhole;  ///< elements of a head
  bool halves = false;
  uint32_t position = 0;
  bool keys_f32 = true;
  bool values_f32 = true;
  uint32_t heads_a_slice = 8;
  float query_scale = 1.0F;

  reference::Rotation rotation() const { return {rotated == kWhole ? head_size : rotated, halves}; }
  uint32_t width() const { return heads * head_size; }
  uint32_t kv_width() const { return kv_heads * head_size; }
};

std::ostream& operator<<(std::ostream& out, const DecodeCase& c) {
  return out << c.heads << "/" << c.kv_heads << " heads of " << c.head_size << ", " << c.rotation().rotated
             << " rotated, " << (c.halves ? "halves" : "neighbours") << ", position " << c.position
             << ", keys f" << (c.keys_f32 ? 32 : 16) << ", values f" << (c.values_f32 ? 32 : 16);
}

/// One pair of pairs where nothing is rotated, as a range cannot be empty.
std::vector<float> make_table(const DecodeCase& c, uint32_t positions) {
  std::vector<float> table = c.rotation().table(positions);
  if (table.empty()) table.assign(4, 0.0F);
  return table;
}

/// A token and the memory that its attention takes. Keys and values of the positions before it are random,
/// all others are NaN.
struct Token {
  DecodeCase c;
  AttentionShape attention;
  MappedCache cache;
  std::vector<float> q, k, v;
  vk::Buffer q_buffer, k_buffer, v_buffer, table, step, parts, y;

  Token(Context& context, const DecodeCase& of)
      : c(of),
        attention{c.heads, 1 / std::sqrt(static_cast<float>(c.head_size))},
        cache(context.device,
              {c.kv_heads, c.head_size, round_up(c.position + 2, kCacheBlock), c.keys_f32, c.values_f32},
              c.heads_a_slice),
        q(reference::random_values(c.width(), 1, c.query_scale)),
        k(reference::random_values(c.kv_width(), 2)),
        v(reference::random_values(c.kv_width(), 3)) {
    vk::Device& device = context.device;
    const size_t cached = size_t{c.position} * c.kv_width();
    cache.fill(reference::random_values(cached, 4), reference::random_values(cached, 5));
    q_buffer = upload<float>(device, q);
    k_buffer = upload<float>(device, k);
    v_buffer = upload<float>(device, v);
    table = upload<float>(device, make_table(c, c.position + 2));
    const uint64_t parts_bytes = attention_parts_bytes(context.profile, attention, cache.cache().shape);
    parts = upload<uint32_t>(device, std::vector<uint32_t>(parts_bytes / sizeof(uint32_t), 0));
    y = upload<float>(device, std::vector<float>(padded_stride(c.width()), 0.0F));
    step = upload<uint32_t>(device, std::vector<uint32_t>(shaders::STEP_TOKENS, 0));
    write_attention_step(context.profile, attention, cache.cache(), c.position, step.mapped_as<uint32_t>());
  }

  void record(Context& context, vk::CommandList& commands, const Vectors& to, const Forms& forms = {}) const {
    const Rope rope{{c.heads, c.rotation().rotated, c.halves}, table};
    attention_decode(context, commands, attention, rope, step, {q_buffer, k_buffer, v_buffer}, cache.cache(),
                     parts, to, forms);
  }
  void record(Context& context, vk::CommandList& commands) const {
    record(context, commands, {y, padded_stride(c.width())});
  }
};

class AttentionDecodeTest : public test::KernelTest {
 protected:
  void check(const DecodeCase& c) {
    SCOPED_TRACE(::testing::Message() << c);
    const Token token(context(), c);
    run([&](vk::CommandList& commands) { token.record(context(), commands); });
    check_stored(token);
    check_rest(token);
    check_attention(token);
    EXPECT_TRUE(std::ranges::equal(token.q_buffer.mapped_as<float>(), token.q)) << "queries stay";
  }

  /// What attention makes of keys and values as they are in the cache now.
  static void check_attention(const Token& token) {
    const DecodeCase& c = token.c;
    const std::span<const float> got = token.y.mapped_as<float>();
    for (uint32_t head = 0; head < c.heads; ++head) {
      const size_t at = size_t{head} * c.head_size;
      const std::vector<double> rotated =
          c.rotation().rotate(std::span(token.q).subspan(at, c.head_size), c.position);
      const std::vector<float> query(rotated.begin(), rotated.end());
      const double error = test::nmse(got.subspan(at, c.head_size),
                                      reference::attend(query, token.attention.scale, token.cache,
                                                        head / (c.heads / c.kv_heads), c.position + 1));
      EXPECT_TRUE(error <= 1e-8) << "head " << head << ": " << error;
    }
    for (const float padding : got.subspan(c.width())) EXPECT_EQ(padding, 0.0F);
  }

  static void check_stored(const Token& token) {
    const DecodeCase& c = token.c;
    for (uint32_t head = 0; head < c.kv_heads; ++head) {
      const size_t at = size_t{head} * c.head_size;
      const std::vector<double> wanted =
          c.rotation().rotate(std::span(token.k).subspan(at, c.head_size), c.position);
      std::vector<float> keys;
      for (uint32_t i = 0; i < c.head_size; ++i) {
        keys.push_back(token.cache.key(head, c.position, i));
        const float exact = token.v[at + i];
        EXPECT_EQ(token.cache.value(head, c.position, i),
                  c.values_f32 ? exact : quant::half_to_float(quant::float_to_half(exact)));
      }
      const double error = test::nmse(keys, wanted);
      EXPECT_TRUE(error <= (c.keys_f32 ? 1e-9 : 2e-7)) << "key of head " << head << ": " << error;
    }
  }

  /// Other positions keep what they had.
  static void check_rest(const Token& token) {
    const DecodeCase& c = token.c;
    const std::vector<float> keys = reference::random_values(size_t{c.position} * c.kv_width(), 4);
    for (uint32_t position = 0; position < token.cache.cache().shape.context; ++position) {
      if (position == c.position) continue;
      for (uint32_t i = 0; i < c.kv_width(); ++i) {
        const float key = token.cache.key(i / c.head_size, position, i % c.head_size);
        if (position > c.position) {
          ASSERT_TRUE(std::isnan(key)) << "key at " << position;
        } else if (c.keys_f32) {
          ASSERT_EQ(key, keys[size_t{position} * c.kv_width() + i]) << "key at " << position;
        }
      }
    }
  }
};

TEST_P(AttentionDecodeTest, HeadSizesAndPairings) {
  context().profile.attention_split = 32;
  for (const uint32_t head_size : {4U, 48U, 80U, 256U}) check({.head_size = head_size, .position = 37});
  for (const uint32_t head_size : {8U, 64U, 80U, 128U})
    check({.head_size = head_size, .halves = true, .position = 37});
}

TEST_P(AttentionDecodeTest, RotatesOnlyTheBeginningOfAHead) {
  for (const bool halves : {false, true}) {
    for (const uint32_t rotated : {0U, 4U, 20U, 44U})
      check({.head_size = 48, .rotated = rotated, .halves = halves, .position = 30});
  }
}

TEST_P(AttentionDecodeTest, EveryCacheType) {
  for (const bool keys_f32 : {false, true}) {
    for (const bool values_f32 : {false, true}) {
      for (const uint32_t heads : {2U, 4U}) {
        check({.heads = heads,
               .head_size = 64,
               .halves = true,
               .position = 40,
               .keys_f32 = keys_f32,
               .values_f32 = values_f32});
      }
    }
  }
}

TEST_P(AttentionDecodeTest, Groups) {
  for (const uint32_t split : {16U, 64U}) {
    context().profile.attention_split = split;
    for (const uint32_t group : {1U, 3U, 4U, 7U}) check({.heads = 2 * group, .position = 33});
  }
}

TEST_P(AttentionDecodeTest, PositionsDividedAmongWorkgroups) {
  for (const uint32_t split : {32U, 20U, 1U}) {
    context().profile.attention_split = split;
    for (const uint32_t position : {0U, 1U, 19U, 20U, 31U, 32U, 33U, 63U, 100U, 255U})
      check({.heads = 6, .position = position});
  }
}

TEST_P(AttentionDecodeTest, PartsAreEven) {
  // Of positions that count alike, a part's sum of exponentials is their number.
  context().profile.attention_split = 64;
  const DecodeCase c{.heads = 1, .kv_heads = 1, .position = 64, .query_scale = 0.0F};
  const Token token(context(), c);
  run([&](vk::CommandList& commands) { token.record(context(), commands); });
  const size_t counters = 2 * size_t{c.heads};
  const size_t part = c.head_size + 2;
  const std::span<const float> parts = token.parts.mapped_as<float>();
  EXPECT_EQ(parts[counters + part - 1], 40.0F);
  EXPECT_EQ(parts[counters + 2 * part - 1], 25.0F);
}

TEST_P(AttentionDecodeTest, MorePartsThanAreWeighedAtOnce) {
  context().profile.attention_split = 1;
  check({.heads = 3, .kv_heads = 1, .head_size = 4, .position = 300});
}

TEST_P(AttentionDecodeTest, SlicesOfTheCache) {
  context().profile.attention_split = 32;
  for (const uint32_t heads_a_slice : {1U, 2U})
    check({.heads = 15, .kv_heads = 3, .position = 70, .heads_a_slice = heads_a_slice});
}

TEST_P(AttentionDecodeTest, WorkgroupsOfAGpu) {
  context().profile = make_gpu_profile(device().facts());
  for (const uint32_t heads : {2U, 10U}) check({.heads = heads, .head_size = 160, .position = 600});
}

TEST_P(AttentionDecodeTest, LargeScores) {
  // Scores of some hundreds, whose exponentials are no floats.
  context().profile.attention_split = 32;
  check({.position = 150, .query_scale = 60.0F});
}

TEST_P(AttentionDecodeTest, LeavesPartsReadyForTheNext) {
  context().profile.attention_split = 16;
  const DecodeCase c{.heads = 14, .position = 100};
  const Token token(context(), c);
  const auto counters = [&] { return token.parts.mapped_as<uint32_t>().first(2 * c.heads); };
  const auto is_zero = [](uint32_t count) { return count == 0; };
  // In one recording as well as in one after another.
  run([&](vk::CommandList& commands) {
    for (int i = 0; i < 3; ++i) token.record(context(), commands);
  });
  EXPECT_TRUE(std::ranges::all_of(counters(), is_zero));
  check_attention(token);
  std::ranges::fill(token.y.mapped_as<float>(), 0.0F);
  run([&](vk::CommandList& commands) { token.record(context(), commands); });
  check_attention(token);
  // With a wrong count none is the last, so that none merges.
  token.parts.mapped_as<uint32_t>()[0] = 100;
  std::ranges::fill(token.y.mapped_as<float>(), 0.0F);
  run([&](vk::CommandList& commands) { token.record(context(), commands); });
  EXPECT_EQ(token.y.mapped_as<float>()[0], 0.0F);
  EXPECT_NE(token.y.mapped_as<float>()[c.width() - 1], 0.0F);
}

TEST_P(AttentionDecodeTest, TokensOneAfterAnother) {
  // Each reads what those before it stored, in both halves and parts of their own.
  context().profile.attention_split = 8;
  const DecodeCase c{.heads = 6, .head_size = 16, .halves = true, .position = 20, .keys_f32 = false};
  Token token(context(), c);
  for (uint32_t position = c.position; position < c.position + 2; ++position) {
    token.c.position = position;
    write_attention_step(context().profile, token.attention, token.cache.cache(), position,
                         token.step.mapped_as<uint32_t>());
    run([&](vk::CommandList& commands) { token.record(context(), commands); });
    check_attention(token);
  }
}

TEST_P(AttentionDecodeTest, TheVariantThatRoundsIsTakenWhereItCan) {
  Profile& profile = context().profile;
  const CacheShape shape{2, 96, 0, false, true};
  const Forms rounded{false, true};
  const auto chosen = [&](uint32_t group, const Forms& forms) {
    return std::string_view(attention_decode_choice(profile, shape, group, forms).shader.name);
  };
  profile.int8_activations = true;
  EXPECT_EQ(chosen(2, rounded), "attention_decode.v32.r4.round");
  EXPECT_EQ(chosen(1, rounded), "attention_decode.v32.round");
  EXPECT_EQ(chosen(2, {}), "attention_decode.v32.r4");
  profile.choices.verdicts["attention_decode.v32.r4.round"].passed = false;
  EXPECT_EQ(chosen(2, rounded), "attention_decode.v32.r4");
  profile.choices.verdicts["attention_decode.v32.r4"].passed = false;
  EXPECT_EQ(chosen(2, rounded), "attention_decode.v32.round");
  profile.int8_activations = profile.dot_products = false;
  EXPECT_EQ(chosen(1, rounded), "attention_decode.v32");
}

TEST_P(AttentionDecodeTest, RefusesACacheOfTooManySlices) {
  Cache cache{{64, 8, 8, false, false}, std::vector<CacheSlice>(21)};
  std::vector<uint32_t> step_words(shaders::STEP_TOKENS, 0);
  EXPECT_THROW(write_attention_step(context().profile, {64, 1.0F}, cache, 0, step_words), Error);
  cache.slices.resize(20);
  EXPECT_NO_THROW(write_attention_step(context().profile, {64, 1.0F}, cache, 0, step_words));
}

MOTLEY_ON_EVERY_DEVICE(AttentionDecodeTest);

}  // namespace
}  // namespace motley::kernels

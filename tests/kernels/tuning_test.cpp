// Tuning picks the fastest of the variants that may be taken, and only when it is faster beyond doubt.
#include "kernels/tuning.hpp"

#include <algorithm>

#include "kernels/attention.hpp"
#include "kernels/fixture.hpp"
#include "kernels/matmul.hpp"

namespace motley::kernels {
namespace {

using quant::Format;
using Names = std::vector<std::string>;

/// The use of a format's products for so many tokens.
KernelUse product(Format format, uint32_t tokens, bool may_round = true) {
  KernelNeeds needs;
  (may_round ? needs.products : needs.exact_products) = {format};
  const std::string wanted = matmul_use({}, format, tokens, true).key();
  for (const KernelUse& use : kernel_uses(needs))
    if (use.comparison && use.comparison->key({}) == wanted) return use;
  ADD_FAILURE() << "no use " << wanted;
  return {};
}

Profile texels_of_8(bool int8) {
  Profile profile;
  profile.lanes = profile.broadcast = 8;
  profile.texel_loads = true;
  profile.int8_activations = int8;
  return profile;
}

TEST(Winner, MustBeFasterThanTheFirstByTheMargin) {
  EXPECT_EQ(winner({{{"a", 100}, {"b", 104}, {"c", 90}}}), "a");
  EXPECT_EQ(winner({{{"a", 100}, {"b", 106}, {"c", 107}}}), "c");
  EXPECT_EQ(winner({{{"a", 100}, {"b", 106}, {"c", 0}}}), "b");
  EXPECT_EQ(winner({{{"a", 7}}}), "a");
}

TEST(Winner, IsNoneWithoutFigures) {
  EXPECT_EQ(winner({}), "");
  EXPECT_EQ(winner({{{"a", 0}, {"b", 0}}}), "");
  EXPECT_EQ(winner({{{"a", 0}, {"b", 5}}}), "") << "nothing to beat";
}

TEST(Contenders, AreThoseThatSuit) {
  Profile profile = texels_of_8(false);
  const KernelUse use = product(Format::kQ4_0, 1);
  EXPECT_EQ(contenders(profile, use), (Names{"matmul.q4_0.t.p2", "matmul.q4_0.b8", "matmul.q4_0"}));
  profile.choices.verdicts["matmul.q4_0.b8"] = {false, 1, "wrong"};
  EXPECT_EQ(contenders(profile, use), (Names{"matmul.q4_0.t.p2", "matmul.q4_0"}));
  prefer(profile, use, "matmul.q4_0");
  EXPECT_EQ(contenders(profile, use).front(), "matmul.q4_0.t.p2") << "in the table's order all the same";
  EXPECT_TRUE(contenders(profile, {}).empty());
}

TEST(Contenders, AreNeverCoarserThanTheFirst) {
  const Profile profile = texels_of_8(true);
  EXPECT_EQ(contenders(profile, product(Format::kQ4_0, 1)).size(), 5U) << "more exact is welcome";
  EXPECT_EQ(contenders(profile, product(Format::kQ4_0, 1, false)).size(), 3U) << "none that rounds";
  KernelUse use;
  static constexpr Variant kRows[] = {{".half", &kAnyDevice, Arithmetic::kFloat16Activations},
                                      {".int8", &kAnyDevice, Arithmetic::kInt8Activations},
                                      {".sums", &kAnyDevice, Arithmetic::kFloat16Sums},
                                      {".float", &kAnyDevice, Arithmetic::kFloat32}};
  static constexpr vk::ShaderCode kCode[] = {{"k.half", {}}, {"k.int8", {}}, {"k.sums", {}}, {"k.float", {}}};
  use.comparison = Comparison{{},
                              {},
                              "GB/s",
                              [](const Profile&) {
                                std::vector<Choice<Variant>> all;
                                for (size_t i = 0; i < std::size(kRows); ++i)
                                  all.push_back({kRows[i], kCode[i]});
                                return all;
                              },
                              {}};
  EXPECT_EQ(contenders(profile, use), (Names{"k.half", "k.float"}));
}

TEST(IsTuned, WhenAllContendersWereLookedAt) {
  Profile profile = texels_of_8(false);
  const KernelUse use = product(Format::kQ4_0, 1);
  EXPECT_FALSE(is_tuned(profile, use));
  Tuned& tuned = profile.choices.tuned[use.comparison->key(profile)];
  tuned.figures = {{"matmul.q4_0.t.p2", 2}, {"matmul.q4_0.b8", 1}};
  EXPECT_FALSE(is_tuned(profile, use)) << "one is new";
  tuned.figures.push_back({"matmul.q4_0", 0});
  EXPECT_TRUE(is_tuned(profile, use)) << "one was left out for good";
  EXPECT_FALSE(is_tuned(profile, product(Format::kQ4_0, 2)));
}

class RatesTest : public test::KernelTest {};

TEST_P(RatesTest, AreMeasuredForAllAndEachIsRight) {
  context().profile.matvec_buffer_bytes = uint64_t{1} << 20;
  context().profile.matmat_rows = 64;
  const uint64_t before = device().memory_usage().now_bytes;
  for (const TokenClass& of : kTokenClasses) {
    const KernelUse use = product(Format::kQ4_0, of.least_tokens);
    const Names names = contenders(context().profile, use);
    ASSERT_GE(names.size(), 2U);
    const std::vector<Tuned::Figure> figures = measure_rates(context(), use);
    ASSERT_EQ(figures.size(), names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(figures[i].variant, names[i]);
      EXPECT_TRUE(figures[i].rate > 0 && figures[i].rate < 1e6) << names[i] << ' ' << figures[i].rate;
    }
    EXPECT_EQ(use.choose(context().profile).shader.name, names.front()) << "timing prefers nothing";
    // Whichever wins, results are right.
    Context preferring = context();
    prefer(preferring.profile, use, names.back());
    const Choice<Variant> choice = use.choose(preferring.profile);
    EXPECT_EQ(choice.shader.name, names.back());
    EXPECT_LE(use.error(preferring), nmse_limit(choice.row.arithmetic, use.limit));
  }
  EXPECT_EQ(device().memory_usage().now_bytes, before);
}

/// Of attention over prompts, with the flavours and a few heads of a GPU.
TEST_P(RatesTest, AreMeasuredForAttention) {
  Profile& profile = context().profile;
  profile = make_gpu_profile(device().facts());
  profile.measured_heads = 4;
  profile.measured_head_size = 64;
  profile.measured_positions = 512;
  profile.measured_chunk = kTileRows;
  const std::vector<KernelUse> uses = kernel_uses({{}, {}, {{false, false}}});
  const auto use = std::ranges::find(uses, "many rows", &KernelUse::purpose);
  ASSERT_NE(use, uses.end());
  Names wanted{"attention.tile", "attention.r4", "attention"};
  if (kMatrices.met(profile)) wanted.insert(wanted.begin(), "attention.coop");
  EXPECT_EQ(contenders(profile, *use), wanted);
  const std::vector<Tuned::Figure> figures = measure_rates(context(), *use);
  ASSERT_EQ(figures.size(), wanted.size());
  for (const Tuned::Figure& figure : figures) EXPECT_GT(figure.rate, 0) << figure.variant;
  EXPECT_EQ(winner({{figures[0], {"attention.r4", 2 * figures[0].rate}}}), "attention.r4");
  prefer(profile, *use, "attention.r4");
  EXPECT_STREQ(use->choose(profile).shader.name, "attention.r4");
  EXPECT_LE(use->error(context()), use->limit);
}

MOTLEY_ON_EVERY_DEVICE(RatesTest);

}  // namespace
}  // namespace motley::kernels

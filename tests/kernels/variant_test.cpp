// Choosing needs no device: plain profiles, tables and shaders that are there or not.
#include "kernels/variant.hpp"

#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "kernels/attention.hpp"
#include "kernels/matmul.hpp"

namespace motley::kernels {
namespace {

using quant::Format;

Profile subgroups_of(uint32_t lanes, bool texel_loads = false) {
  Profile profile;
  profile.device = "'some card'";
  profile.lanes = profile.broadcast = lanes;
  profile.texel_loads = texel_loads;
  return profile;
}

std::string chosen(const Profile& profile, uint32_t tokens) {
  return matmul_choice(profile, Format::kQ4_0, tokens, true).shader.name;
}

void switch_off(Profile& profile, const std::string& variant) {
  profile.choices.verdicts[variant] = {false, 1, "it is off by far"};
}

TEST(Variant, TheFirstThatTheDeviceHasTheFactsFor) {
  EXPECT_EQ(chosen(subgroups_of(0), 1), "matmul.q4_0");
  EXPECT_EQ(chosen(subgroups_of(0), 9), "matmul.q4_0.n8");
  EXPECT_EQ(chosen(subgroups_of(8), 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(subgroups_of(8), 9), "matmul.q4_0.b8.n8");
  EXPECT_EQ(chosen(subgroups_of(8, true), 1), "matmul.q4_0.t.p2");
  EXPECT_EQ(chosen(subgroups_of(8, true), 9), "matmul.q4_0.t.n8p2");
  EXPECT_EQ(chosen(subgroups_of(4), 1), "matmul.q4_0.b4.p4");
}

/// The variants for 3 and 4 tokens, and for 5.
void expect_few(const Profile& profile, const std::string& few, const std::string& several) {
  for (const uint32_t tokens : {3U, 4U}) EXPECT_EQ(chosen(profile, tokens), "matmul.q4_0" + few);
  EXPECT_EQ(chosen(profile, 5), "matmul.q4_0" + several);
}

TEST(Variant, AFewTokensTakeNarrowFlavours) {
  expect_few(subgroups_of(0), ".n4", ".n8");
  expect_few(subgroups_of(8), ".n4", ".b8.n8");
  expect_few(subgroups_of(4), ".b4.n4p4", ".b4.n8p4");
  expect_few(subgroups_of(8, true), ".t.n4p2", ".t.n8p2");
  for (const uint32_t lanes : {8U, 16U}) {
    Profile profile = subgroups_of(lanes);
    profile.address_loads = true;
    expect_few(profile, ".a.n4", ".a.n12");
    profile.int8_activations = true;
    expect_few(profile, lanes == 8 ? ".i8.a.n4p2" : ".i8.n4p2", ".i8.n8p2");
    EXPECT_EQ(chosen(profile, 8), "matmul.q4_0.i8.n8p2");
    EXPECT_EQ(chosen(profile, 9), lanes == 8 ? "matmul.q4_0.i8.a.n16" : "matmul.q4_0.i8.n8p2");
  }
}

TEST(Variant, SoDoTwoTokensOnCpuDrivers) {
  EXPECT_EQ(chosen(subgroups_of(0), 2), "matmul.q4_0.n4");
  EXPECT_EQ(chosen(subgroups_of(4), 2), "matmul.q4_0.b4.n2p4");
  for (const bool texels : {false, true}) {
    Profile profile = subgroups_of(8, texels);
    profile.address_loads = !texels;
    EXPECT_EQ(chosen(profile, 2), texels ? "matmul.q4_0.t.n2p2" : "matmul.q4_0.a.n2");
    profile.int8_activations = true;
    EXPECT_EQ(chosen(profile, 2), texels ? "matmul.q4_0.i8.t.n2p2" : "matmul.q4_0.i8.n2p2");
  }
}

TEST(Variant, ActivationsAreRoundedWhereThatIsFasterAndAllowed) {
  for (const bool texel_loads : {false, true}) {
    Profile profile = subgroups_of(8, texel_loads);
    profile.int8_activations = true;
    const std::string texels = texel_loads ? ".t" : "";
    EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.i8" + texels);
    expect_few(profile, ".i8" + texels + ".n4p2", ".i8" + texels + ".n8p2");
    EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, 1, false).row.arithmetic, Arithmetic::kFloat32);
    // There is no integer form of wide quants.
    EXPECT_EQ(matmul_choice(profile, Format::kQ8_0, 1, true).row.arithmetic, Arithmetic::kFloat32);
  }
}

/// A card as its driver tells of it, with cooperative matrices of these shapes.
vk::DeviceFacts card(std::vector<vk::MatrixShape> matrices) {
  vk::DeviceFacts facts;
  facts.type = vk::DeviceType::kDiscrete;
  facts.max_workgroup_invocations = 1024;
  facts.max_shared_memory_bytes = 48 << 10;
  facts.subgroup_size = facts.min_subgroup_size = facts.max_subgroup_size = 32;
  facts.subgroup_size_control = facts.full_subgroups = true;
  facts.half_matrices = std::move(matrices);
  return facts;
}

TEST(Variant, ClassesOfTokensAreToldApart) {
  const auto key = [](uint32_t tokens) { return matmul_use({}, Format::kQ4_0, tokens, true).key(); };
  EXPECT_EQ(key(1), "matmul.q4_0: one token");
  EXPECT_EQ(key(2), "matmul.q4_0: two tokens");
  for (const uint32_t tokens : {3U, 4U}) EXPECT_EQ(key(tokens), "matmul.q4_0: a few tokens");
  for (const uint32_t tokens : {5U, 8U}) EXPECT_EQ(key(tokens), "matmul.q4_0: up to eight tokens");
  for (const uint32_t tokens : {9U, kTileTokens - 1}) EXPECT_EQ(key(tokens), "matmul.q4_0: several tokens");
  for (const uint32_t tokens : {kTileTokens, 512U}) EXPECT_EQ(key(tokens), "matmul.q4_0: many tokens");
  const Profile gpu = make_profile(card({}));  // which has nothing to tell those apart for
  EXPECT_EQ(matmul_use(gpu, Format::kQ4_0, 2, true).purpose, "a few tokens");
  EXPECT_EQ(matmul_use(gpu, Format::kQ4_0, 5, true).purpose, "several tokens");
}

TEST(Variant, PromptsReadActivationsByAddressWhereThatIsFaster) {
  Profile profile = subgroups_of(8);
  profile.address_loads = true;
  EXPECT_EQ(chosen(profile, 9), "matmul.q4_0.a.n12");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  profile.int8_activations = true;
  EXPECT_EQ(chosen(profile, 9), "matmul.q4_0.i8.a.n16");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.i8");
  EXPECT_GT(rounding_bytes(profile, 512, 3), 3U * 512 * 4);
  profile = subgroups_of(16);
  profile.int8_activations = profile.address_loads = true;
  EXPECT_EQ(chosen(profile, 9), "matmul.q4_0.i8.n8p2");
  EXPECT_LT(rounding_bytes(profile, 512, 3), 3U * 512 * 4);
}

TEST(Variant, PromptsTakeTilesOnAGpu) {
  const Profile plain = make_profile(card({}));
  EXPECT_EQ(chosen(plain, 1), "matmul.q4_0");
  EXPECT_EQ(chosen(plain, kTileTokens - 1), "matmul.q4_0.n8");
  EXPECT_EQ(chosen(plain, kTileTokens), "matmul.q4_0.tile");
  vk::DeviceFacts facts = card({});
  facts.type = vk::DeviceType::kCpu;
  EXPECT_EQ(chosen(make_profile(facts), 512), "matmul.q4_0.n8");
}

/// The variant for the attention of so many rows.
std::string chosen_attention(const Profile& profile, uint32_t rows) {
  return attention_choice(profile, {8, 128, 4096, false, true}, rows, true).shader.name;
}

TEST(Variant, AttentionOverPromptsTakesTilesOnAGpu) {
  Profile profile = make_profile(card({}));
  EXPECT_EQ(chosen_attention(profile, 1), "attention.v32");
  EXPECT_EQ(chosen_attention(profile, kTileRows - 1), "attention.v32.r4");
  EXPECT_EQ(chosen_attention(profile, kTileRows), "attention.v32.tile");
  switch_off(profile, "attention.v32.tile");
  EXPECT_EQ(chosen_attention(profile, kTileRows), "attention.v32.r4");
  vk::DeviceFacts facts = card({});
  facts.type = vk::DeviceType::kCpu;
  EXPECT_EQ(chosen_attention(make_profile(facts), 512), "attention.v32.r4");
}

TEST(Variant, TuningPrefersForAttentionOverPromptsAlone) {
  Profile profile = make_profile(card({}));
  profile.choices.tuned[attention_use(profile, {8, 128, 4096, false, true}, kTileRows, true).key()].variant =
      "attention.v32.r4";
  EXPECT_EQ(chosen_attention(profile, 512), "attention.v32.r4");
  EXPECT_EQ(chosen_attention(profile, 1), "attention.v32");
}

TEST(Variant, CooperativeMatricesWhereTheDeviceHasASuitableShape) {
  if (shaders::find("matmul.q4_0.coop") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  const Profile profile = make_profile(card({{16, 8, 8}, {16, 16, 16}, {16, 8, 16}, {16, 128, 16}}));
  EXPECT_EQ(profile.matrices.n, 16U);
  EXPECT_EQ(profile.matrices.k, 16U);
  EXPECT_EQ(chosen(profile, 512), "matmul.q4_0.coop");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  // Activations that must stay as they are.
  EXPECT_STREQ(matmul_choice(profile, Format::kQ4_0, 512, false).shader.name, "matmul.q4_0.tile");
  EXPECT_GT(rounding_bytes(profile, 512, 3), 3U * 512 * 2);
  EXPECT_EQ(rounding_bytes(make_profile(card({})), 512, 3), 0U);

  for (const auto& spoil : {+[](vk::DeviceFacts& facts) { facts.full_subgroups = false; },
                            +[](vk::DeviceFacts& facts) { facts.subgroup_size_control = false; },
                            +[](vk::DeviceFacts& facts) { facts.type = vk::DeviceType::kCpu; },
                            +[](vk::DeviceFacts& facts) {
                              facts.half_matrices = {{48, 16, 16}};
                            }}) {
    vk::DeviceFacts facts = card({{16, 16, 16}});
    spoil(facts);
    EXPECT_EQ(make_profile(facts).matrices.m, 0U);
  }
}

TEST(Variant, DotProductsOfBytesWhereTheyAreFastAndActivationsMayBeRounded) {
  if (shaders::find("matmul.q4_0.dot") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  vk::DeviceFacts facts = card({});
  facts.integer_dot_product = true;
  EXPECT_EQ(chosen(make_profile(facts), 1), "matmul.q4_0") << "not accelerated";
  facts.packed_dot_product_accelerated = true;
  const Profile profile = make_profile(facts);
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.dot");
  expect_few(profile, ".dot.n4", ".dot.n8");
  EXPECT_EQ(chosen(profile, kTileTokens - 1), "matmul.q4_0.dot.n8");
  EXPECT_EQ(chosen(profile, kTileTokens), "matmul.q4_0.dot.tile");
  EXPECT_STREQ(matmul_choice(profile, Format::kF16, 1, true).shader.name, "matmul.f16");
  for (const uint32_t tokens : {1U, 2U, 512U})
    EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, tokens, false).row.arithmetic, Arithmetic::kFloat32);
  EXPECT_NE(matmul_use(profile, Format::kQ4_0, 1, true).key(),
            matmul_use(profile, Format::kQ4_0, 1, false).key());
  EXPECT_EQ(rounding_bytes(profile, 512, 3), 3U * 512 / 32 * 48);
  // Not a CPU driver's, whatever it says; one whose quirk they are takes them for wide quants.
  facts.type = vk::DeviceType::kCpu;
  EXPECT_EQ(chosen(make_profile(facts), 1), "matmul.q4_0");
  facts.driver_name = "SwiftShader driver";
  facts.subgroup_size = 4;
  EXPECT_EQ(chosen(make_profile(facts), 1), "matmul.q4_0");
  EXPECT_STREQ(matmul_choice(make_profile(facts), Format::kQ8_0, 1, true).shader.name, "matmul.q8_0.dot.p2");
  facts.integer_dot_product = false;
  EXPECT_STREQ(matmul_choice(make_profile(facts), Format::kQ8_0, 1, true).shader.name, "matmul.q8_0");
}

/// Vectors lie rounded to bytes or as halves: no product of any format may want the one while others want
/// the other, whatever is switched off.
TEST(Variant, PromptsAreNeverRoundedInTwoWays) {
  if (shaders::find("matmul.q4_0.dot") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  vk::DeviceFacts facts = card({{16, 16, 16}});
  facts.integer_dot_product = facts.packed_dot_product_accelerated = true;
  Profile profile = make_profile(facts);
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.dot");
  EXPECT_EQ(chosen(profile, 512), "matmul.q4_0.coop");
  EXPECT_GE(rounding_bytes(profile, 512, 3), 3U * 512 * 2);
  for (const char* variant : {"matmul.q4_0.coop", "matmul.q4_0.tile"}) {
    switch_off(profile, variant);
    EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, 512, true).row.arithmetic, Arithmetic::kFloat32);
  }
}

TEST(Variant, AttentionTakesCooperativeMatricesOfHalvesThatMayBeRounded) {
  if (shaders::find("attention.coop") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  const Profile profile = make_profile(card({{16, 8, 16}, {16, 16, 16}}));
  const auto chosen_for = [](const Profile& of, const CacheShape& cache, bool may_round = true) {
    return std::string(attention_choice(of, cache, 512, may_round).shader.name);
  };
  EXPECT_EQ(chosen_for(profile, {8, 128, 4096}), "attention.coop");
  EXPECT_EQ(chosen_for(profile, {8, 128, 4096}, false), "attention.tile");
  EXPECT_EQ(chosen_for(profile, {8, 256, 4096}), "attention.tile") << "too many sums";
  EXPECT_EQ(chosen_for(profile, {8, 128, 4096, true, false}), "attention.k32.tile") << "not to be rounded";
  EXPECT_NE(attention_use(profile, {8, 128, 4096}, 512, true).key(),
            attention_use(profile, {8, 128, 4096}, 512, false).key());
  EXPECT_EQ(chosen_for(make_profile(card({{32, 32, 16}})), {8, 128, 4096}), "attention.tile") << "too large";
  vk::DeviceFacts small = card({{16, 16, 16}});
  small.max_shared_memory_bytes = 16 << 10;
  EXPECT_EQ(chosen_for(make_profile(small), {8, 128, 4096}), "attention.tile");
}

/// How a product of so many rows and tokens is divided.
MatmulLaunch launch_of(const Profile& profile, uint32_t rows, uint32_t tokens, bool may_round = true) {
  const MatmulVariant& row = matmul_choice(profile, Format::kQ4_0, tokens, may_round).row;
  return row.launch(row, profile, {Format::kQ4_0, rows, 4096, profile.lanes}, tokens);
}

TEST(Variant, TilesAreAsWideAsKeepsAGpuBusy) {
  const Profile profile = make_profile(card({}));
  const MatmulLaunch large = launch_of(profile, 14336, 512);
  EXPECT_EQ(large.rows, 128U);
  EXPECT_EQ(large.tokens, 128U);
  EXPECT_EQ(large.workgroup, 256U);
  EXPECT_EQ(launch_of(profile, 14336, 64).tokens, 64U);
  EXPECT_EQ(launch_of(profile, 4096, 64).tokens, 32U);
  EXPECT_EQ(launch_of(profile, 1024, 512).tokens, 32U);
  EXPECT_EQ(launch_of(profile, 1024, 512).workgroup, 64U);
  vk::DeviceFacts small = card({});
  small.max_workgroup_invocations = 128;
  EXPECT_EQ(launch_of(make_profile(small), 14336, 512).workgroup, 128U);
}

TEST(Variant, SubgroupsShareATileOfMatrices) {
  if (shaders::find("matmul.q4_0.coop") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  for (const uint32_t subgroup : {8U, 16U, 32U, 64U}) {
    for (const uint32_t rows : {1024U, 4096U, 14336U}) {
      vk::DeviceFacts facts = card({{8, 16, 16}});
      facts.subgroup_size = subgroup;
      const MatmulLaunch launch = launch_of(make_profile(facts), rows, 512);
      const uint32_t subgroups = launch.tile[2];
      EXPECT_EQ(launch.subgroup_size, subgroup);
      EXPECT_EQ(launch.workgroup, subgroups * subgroup);
      EXPECT_EQ(subgroups % 2, 0U);
      // Each has half of the rows, and whole matrices of tokens.
      EXPECT_EQ(2 * launch.tokens / subgroups % 16, 0U) << subgroup << " " << rows;
      EXPECT_LE(launch.workgroup, 256U);
    }
  }
  // Two blocks of a large tile need more shared memory than some have.
  vk::DeviceFacts facts = card({{16, 16, 16}});
  EXPECT_EQ(launch_of(make_profile(facts), 14336, 512).tile[3], 2U);
  facts.max_shared_memory_bytes = 32 << 10;
  EXPECT_EQ(launch_of(make_profile(facts), 14336, 512).tile[3], 1U);
}

/// The same card with matrices as large as a tile.
vk::DeviceFacts card_of_teams(std::vector<vk::MatrixTeam> teams) {
  vk::DeviceFacts facts = card({{16, 16, 16}});
  facts.half_matrix_teams = std::move(teams);
  facts.max_matrix_dimension = 1024;
  facts.matrix_team_shared_bytes = 16 << 10;
  return facts;
}

TEST(Variant, WorkgroupsMultiplyLargeMatricesWhereTheyCan) {
  if (shaders::find("matmul.q4_0.coop2") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  const vk::MatrixTeam subgroup{{16, 16, 16}, 0};
  const vk::MatrixTeam workgroup{{32, 32, 16}, 128};
  const Profile profile = make_profile(card_of_teams({subgroup, workgroup}));
  ASSERT_EQ(profile.matrix_teams.size(), 1U);
  EXPECT_EQ(profile.matrix_teams.front().workgroup, 128U);
  EXPECT_EQ(chosen(profile, 512), "matmul.q4_0.coop2");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  EXPECT_STREQ(matmul_choice(profile, Format::kQ4_0, 512, false).shader.name, "matmul.q4_0.tile");
  // Subgroups would each decode weights of their own: tried, but not taken first.
  const Profile small = make_profile(card_of_teams({subgroup}));
  EXPECT_EQ(chosen(small, 512), "matmul.q4_0.coop");
  EXPECT_STREQ(matmul_variants(small, Format::kQ4_0, 512, true).at(1).shader.name, "matmul.q4_0.coop2");
  for (const auto& spoil :
       {+[](vk::DeviceFacts& facts) { facts.type = vk::DeviceType::kCpu; },
        +[](vk::DeviceFacts& facts) { facts.max_matrix_dimension = 128; },
        +[](vk::DeviceFacts& facts) { facts.matrix_team_shared_bytes = facts.max_shared_memory_bytes; },
        +[](vk::DeviceFacts& facts) { facts.max_workgroup_invocations = 64; },
        +[](vk::DeviceFacts& facts) {
          facts.half_matrix_teams = {{{48, 32, 16}, 128}};
        }}) {
    vk::DeviceFacts facts = card_of_teams({workgroup});
    spoil(facts);
    EXPECT_NE(chosen(make_profile(facts), 512), "matmul.q4_0.coop2");
  }
}

TEST(Variant, LargeMatricesAreLoadedWithAllColumnsOfATile) {
  const Profile profile = make_profile(card_of_teams({{{16, 16, 16}, 128}}));
  const Profile without = make_profile(card({{16, 16, 16}}));
  EXPECT_EQ(rounding_bytes(profile, 512, 300), rounding_bytes(without, 512, 512));
  EXPECT_EQ(rounding_bytes(profile, 512, kTileTokens - 1), rounding_bytes(without, 512, kTileTokens - 1));
}

TEST(Variant, TheTeamSuitsTheTile) {
  if (shaders::find("matmul.q4_0.coop2") == nullptr) GTEST_SKIP() << "this build's glslc knows none";
  const Profile profile = make_profile(card_of_teams({{{32, 64, 16}, 256}, {{32, 32, 16}, 128}}));
  constexpr uint32_t kWorkgroupScope = 2;
  const auto expect = [&](uint32_t rows, uint32_t tokens, uint32_t wide, uint32_t workgroup) {
    const MatmulLaunch launch = launch_of(profile, rows, tokens);
    EXPECT_EQ(launch.rows, 128U);
    EXPECT_EQ(launch.tokens, wide) << rows << " rows, " << tokens << " tokens";
    EXPECT_EQ(launch.workgroup, workgroup) << rows << " rows, " << tokens << " tokens";
    EXPECT_EQ(launch.tile[0], 4U);
    EXPECT_EQ(launch.tile[1], wide);
    EXPECT_EQ(launch.tile[2], kWorkgroupScope);
    EXPECT_EQ(launch.tile[3], 2U);
  };
  expect(14336, 512, 256, 256);
  expect(14336, 128, 128, 256);
  expect(14336, 64, 64, 128);
  expect(1024, 512, 32, 128);
  // Half the room leaves one block of weights, and an eighth a tile of fewer rows.
  vk::DeviceFacts facts = card_of_teams({{{32, 32, 16}, 128}});
  facts.max_shared_memory_bytes = 32 << 10;
  EXPECT_EQ(launch_of(make_profile(facts), 14336, 512).tile[3], 1U);
  facts.matrix_team_shared_bytes = 28 << 10;
  EXPECT_EQ(launch_of(make_profile(facts), 14336, 512).rows, 32U);
  // No more sums than an invocation of the only team has registers for.
  EXPECT_EQ(launch_of(make_profile(card_of_teams({{{16, 16, 16}, 128}})), 14336, 512).tokens, 128U);
}

TEST(Variant, WhatIsSwitchedOffIsPassedOver) {
  Profile profile = subgroups_of(8, true);
  switch_off(profile, "matmul.q4_0.t.p2");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 3), "matmul.q4_0.t.n4p2");
  EXPECT_STREQ(matmul_choice(profile, Format::kQ8_0, 1, true).shader.name, "matmul.q8_0.t.p2");
  switch_off(profile, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  profile.choices.verdicts["matmul.q4_0.b8"].passed = true;
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
}

/// Lets tuning prefer a variant for products with one token, or several.
void prefer(Profile& profile, uint32_t tokens, bool may_round, const std::string& variant) {
  profile.choices.tuned[matmul_use(profile, Format::kQ4_0, tokens, may_round).key()].variant = variant;
}

TEST(Variant, WhatTuningPrefersComesFirst) {
  Profile profile = subgroups_of(8, true);
  prefer(profile, 1, true, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 3), "matmul.q4_0.t.n4p2") << "another use";
  // What is fastest for 32 tokens is not forced upon 3, though it could multiply them.
  prefer(profile, 5, true, "matmul.q4_0.b8.n8");
  expect_few(profile, ".t.n4p2", ".b8.n8");
  EXPECT_EQ(chosen(profile, 9), "matmul.q4_0.t.n8p2");
  prefer(profile, 3, true, "matmul.q4_0.n8");
  expect_few(profile, ".n8", ".b8.n8");
  EXPECT_STREQ(matmul_choice(profile, Format::kQ8_0, 1, true).shader.name, "matmul.q8_0.t.p2");
  switch_off(profile, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.t.p2") << "what is wrong is not taken, however fast";
}

TEST(Variant, WhatTuningPrefersMustSuit) {
  Profile profile = subgroups_of(8, true);
  // Unknown; of another number of tokens; of another kind of device.
  for (const char* name : {"matmul.q4_0.x", "", "matmul.q4_0.n8", "matmul.q4_0.b4.p4"}) {
    prefer(profile, 1, true, name);
    EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.t.p2") << name;
  }
  // Where nothing rounds it is one use.
  prefer(profile, 1, false, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  profile.int8_activations = true;
  prefer(profile, 1, false, "matmul.q4_0.i8");
  EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, 1, false).row.arithmetic, Arithmetic::kFloat32)
      << "what must not be rounded is not";
}

TEST(Variant, WithNoneLeftTheDeviceCannotBeUsed) {
  Profile profile = subgroups_of(0);
  switch_off(profile, "matmul.q4_0");
  try {
    chosen(profile, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
    for (const char* part : {"'some card'", "'matmul.q4_0'", "it is off by far"})
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in " << error.what();
  }
  EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.n4");
}

TEST(Variant, WhatThisBuildLeftOutIsPassedOver) {
  Profile profile = subgroups_of(8);
  profile.find_shader = [](std::string_view name) {
    return name.find(".b8") == std::string_view::npos ? shaders::find(name) : nullptr;
  };
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  EXPECT_EQ(chosen(profile, 9), "matmul.q4_0.n8");
}

TEST(Variant, CoarserArithmeticMayBeFurtherOff) {
  EXPECT_EQ(nmse_limit(Arithmetic::kFloat32, 1e-10), 1e-10);
  EXPECT_EQ(nmse_limit(Arithmetic::kFloat16Activations, 1e-10), 2e-7);
  EXPECT_EQ(nmse_limit(Arithmetic::kInt8Activations, 1e-10), 1e-4);
  EXPECT_EQ(nmse_limit(Arithmetic::kFloat16Sums, 1e-10), 5e-4);
  EXPECT_EQ(nmse_limit(Arithmetic::kFloat16Activations, 1e-3), 1e-3);
}

}  // namespace
}  // namespace motley::kernels

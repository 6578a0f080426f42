// Choosing needs no device: plain profiles, tables and shaders that are there or not.
#include "kernels/variant.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "base/error.hpp"
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
  EXPECT_EQ(chosen(subgroups_of(0), 2), "matmul.q4_0.n8");
  EXPECT_EQ(chosen(subgroups_of(8), 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(subgroups_of(8), 2), "matmul.q4_0.b8.n8");
  EXPECT_EQ(chosen(subgroups_of(8, true), 1), "matmul.q4_0.t.p2");
  EXPECT_EQ(chosen(subgroups_of(8, true), 9), "matmul.q4_0.t.n8p2");
  EXPECT_EQ(chosen(subgroups_of(4), 1), "matmul.q4_0.b4.p4");
}

TEST(Variant, ActivationsAreRoundedWhereThatIsFasterAndAllowed) {
  for (const bool texel_loads : {false, true}) {
    Profile profile = subgroups_of(8, texel_loads);
    profile.int8_activations = true;
    const std::string texels = texel_loads ? ".t" : "";
    EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.i8" + texels);
    EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.i8" + texels + ".n8p2");
    EXPECT_EQ(matmul_choice(profile, Format::kQ4_0, 1, false).row.arithmetic, Arithmetic::kFloat32);
    // There is no integer form of wide quants.
    EXPECT_EQ(matmul_choice(profile, Format::kQ8_0, 1, true).row.arithmetic, Arithmetic::kFloat32);
  }
}

TEST(Variant, WhatIsSwitchedOffIsPassedOver) {
  Profile profile = subgroups_of(8, true);
  switch_off(profile, "matmul.q4_0.t.p2");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.t.n8p2");
  EXPECT_STREQ(matmul_choice(profile, Format::kQ8_0, 1, true).shader.name, "matmul.q8_0.t.p2");
  switch_off(profile, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  profile.choices.verdicts["matmul.q4_0.b8"].passed = true;
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
}

/// Lets tuning prefer a variant for products with one token, or several.
void prefer(Profile& profile, uint32_t tokens, bool may_round, const std::string& variant) {
  profile.choices.tuned[matmul_use(Format::kQ4_0, tokens, may_round).key()].variant = variant;
}

TEST(Variant, WhatTuningPrefersComesFirst) {
  Profile profile = subgroups_of(8, true);
  prefer(profile, 1, true, "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0.b8");
  EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.t.n8p2") << "another use";
  EXPECT_STREQ(matmul_choice(profile, Format::kQ8_0, 1, true).shader.name, "matmul.q8_0.t.p2");
  EXPECT_STREQ(matmul_choice(profile, Format::kQ4_0, 1, false).shader.name, "matmul.q4_0.t.p2");
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
  EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.n8");
}

TEST(Variant, WhatThisBuildLeftOutIsPassedOver) {
  Profile profile = subgroups_of(8);
  profile.find_shader = [](std::string_view name) {
    return name.find(".b8") == std::string_view::npos ? shaders::find(name) : nullptr;
  };
  EXPECT_EQ(chosen(profile, 1), "matmul.q4_0");
  EXPECT_EQ(chosen(profile, 2), "matmul.q4_0.n8");
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

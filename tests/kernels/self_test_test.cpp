// The self-test finds what computes wrongly and nothing else, and leads to a variant that is right.
#include "kernels/self_test.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/fixture.hpp"
#include "kernels/matmul.hpp"

namespace motley::kernels {
namespace {

using quant::Format;

class SelfTestTest : public test::KernelTest {
 protected:
  /// Tries until every use has a variant that passed; their names in the order of trying.
  std::vector<std::string> try_all(const std::vector<KernelUse>& uses) {
    std::vector<std::string> tried;
    while (const auto trial = next_trial(profile(), uses)) {
      tried.push_back(trial->variant());
      profile().choices.verdicts[trial->variant()] = run_trial(context(), *trial);
    }
    return tried;
  }
  Profile& profile() { return context().profile; }
  const Verdict& verdict(const std::string& variant) { return profile().choices.verdicts.at(variant); }

  /// The uses of a kernel of those that the needs ask for.
  static std::vector<KernelUse> uses_of(const KernelNeeds& needs, const std::string& kernel,
                                        const std::string& purpose = "") {
    std::vector<KernelUse> uses = kernel_uses(needs);
    std::erase_if(uses, [&](const KernelUse& use) {
      return use.kernel != kernel || (!purpose.empty() && use.purpose != purpose);
    });
    return uses;
  }
};

TEST_P(SelfTestTest, WhatIsRightPasses) {
  const uint64_t before = device().memory_usage().now_bytes;
  KernelNeeds needs{{}, {Format::kF32, Format::kQ4_K}, {{false, false}, {true, true}}};
  needs.single_heads = true;
  const std::vector<std::string> tried = try_all(kernel_uses(needs));
  for (const char* name : {"rms_norm", "rms_norm.in_place", "swiglu", "top_k", "draw", "rope", "rope.k32v32",
                           "attention.r4", "attention.k32v32.r4", "attention_decode", "attention_decode.r4",
                           "attention_decode.k32v32.r4", "embed.f32", "embed.q4_k"}) {
    EXPECT_EQ(std::ranges::count(tried, name), 1) << name;
  }
  for (const std::string& name : tried) EXPECT_TRUE(verdict(name).passed) << name << verdict(name).reason;
  EXPECT_TRUE(try_all(kernel_uses(needs)).empty());
  EXPECT_EQ(device().memory_usage().now_bytes, before);
}

TEST_P(SelfTestTest, ProductsPass) {
  KernelNeeds needs{{Format::kQ4_0}, {}, {}};
  needs.exact_products = needs.products;
  const std::vector<KernelUse> uses = uses_of(needs, "matmul");
  ASSERT_EQ(try_all(uses).size(), profile().int8_activations ? 8U : 4U);
  for (const KernelUse& use : uses) {
    const Verdict& found = verdict(use.choose(profile()).shader.name);
    EXPECT_TRUE(found.passed) << found.reason;
    EXPECT_GT(found.nmse, 0);
  }
}

TEST_P(SelfTestTest, ProductsPassWithTheSizesOfAGpu) {
  profile() = Profile();
  profile().workgroup = 256;
  const std::vector<KernelUse> uses = uses_of({{Format::kQ8_0}, {}, {}}, "matmul", "one token");
  EXPECT_EQ(try_all(uses), std::vector<std::string>{"matmul.q8_0"});
  EXPECT_TRUE(verdict("matmul.q8_0").passed) << verdict("matmul.q8_0").reason;
}

TEST_P(SelfTestTest, TilesPassAndGiveWay) {
  profile() = make_gpu_profile(device().facts());
  const std::vector<KernelUse> uses = uses_of({{Format::kQ4_0}, {}, {}}, "matmul", "many tokens");
  std::vector<std::string> names;
  for (const Choice<Variant>& choice : matmul_variants(profile(), Format::kQ4_0, kTileTokens, true))
    names.emplace_back(choice.shader.name);
  ASSERT_GE(names.size(), 2U);
  EXPECT_EQ(names.back(), "matmul.q4_0.n8");
  names.pop_back();
  EXPECT_EQ(names.back(), "matmul.q4_0.tile");
  for (const std::string& name : names) {
    EXPECT_EQ(try_all(uses), std::vector<std::string>{name});
    EXPECT_TRUE(verdict(name).passed) << verdict(name).reason;
    profile().choices.verdicts[name].passed = false;
  }
  EXPECT_STREQ(uses.front().choose(profile()).shader.name, "matmul.q4_0.n8");
}

TEST_P(SelfTestTest, TilesOfAttentionPassAndGiveWay) {
  profile() = make_gpu_profile(device().facts());
  KernelNeeds needs{{}, {}, {{false, true}}};
  needs.head_size = 64;
  const std::vector<KernelUse> uses = uses_of(needs, "attention", "many rows");
  EXPECT_EQ(try_all(uses), std::vector<std::string>{"attention.v32.tile"});
  EXPECT_TRUE(verdict("attention.v32.tile").passed) << verdict("attention.v32.tile").reason;
  EXPECT_GT(verdict("attention.v32.tile").nmse, 0);
  profile().choices.verdicts["attention.v32.tile"].passed = false;
  EXPECT_STREQ(uses.front().choose(profile()).shader.name, "attention.v32.r4");
}

TEST_P(SelfTestTest, MatricesOfAttentionPassAndGiveWay) {
  profile() = make_gpu_profile(device().facts());
  KernelNeeds needs{{}, {}, {{false, false}}};
  needs.head_size = 64;
  const std::vector<KernelUse> uses = uses_of(needs, "attention", "many rows");
  if (uses.front().choose(profile()).row.arithmetic == Arithmetic::kFloat32)
    GTEST_SKIP() << "no cooperative matrices";
  EXPECT_EQ(try_all(uses), std::vector<std::string>{"attention.coop"});
  EXPECT_TRUE(verdict("attention.coop").passed) << verdict("attention.coop").reason;
  profile().choices.verdicts["attention.coop"].passed = false;
  EXPECT_EQ(try_all(uses), std::vector<std::string>{"attention.tile"});
}

/// Some shaders with the code of others, as if a driver had compiled them wrongly.
const vk::ShaderCode* wrong_code(std::string_view name) {
  static std::map<std::string, vk::ShaderCode, std::less<>> made;
  const auto with_code_of = [&](const std::string& other) {
    return &made.try_emplace(std::string(name),
                             vk::ShaderCode{shaders::find(name)->name, shaders::find(other)->words})
                .first->second;
  };
  // These read and write less than what they stand for, and so nothing that is not there.
  if (name == "matmul.q8_0.t.p2" || name == "matmul.q8_0.b8" || name == "matmul.q8_0.b4.p4" ||
      name == "matmul.q8_0.tile")
    return with_code_of("matmul.q4_0" + std::string(name.substr(std::string_view("matmul.q8_0").size())));
  if (name == "rope.k32v32") return with_code_of("rope.k32");
  if (name == "attention.v32.tile") return with_code_of("attention.tile");
  if (name == "attention_decode.v32.r4") return with_code_of("attention_decode.r4");
  // Of three buffers in place of two.
  if (name == "swiglu" || name == "quantize") return with_code_of("rms_norm");
  return shaders::find(name);
}

TEST_P(SelfTestTest, TilesThatAreWrongAreFound) {
  profile() = make_gpu_profile(device().facts());
  profile().matrices = {};
  profile().matrix_teams.clear();
  const std::vector<KernelUse> uses = uses_of({{Format::kQ8_0}, {}, {}}, "matmul", "many tokens");
  profile().find_shader = wrong_code;
  ASSERT_EQ(next_trial(profile(), uses)->variant(), "matmul.q8_0.tile");
  EXPECT_FALSE(run_trial(context(), *next_trial(profile(), uses)).passed);
}

TEST_P(SelfTestTest, TilesOfAttentionThatAreWrongAreFound) {
  profile() = make_gpu_profile(device().facts());
  const std::vector<KernelUse> uses = uses_of({{}, {}, {{false, true}}}, "attention", "many rows");
  profile().find_shader = wrong_code;
  ASSERT_EQ(next_trial(profile(), uses)->variant(), "attention.v32.tile");
  EXPECT_FALSE(run_trial(context(), *next_trial(profile(), uses)).passed);
}

TEST_P(SelfTestTest, AttentionOfATokenThatIsWrongGivesWay) {
  const std::vector<KernelUse> uses = uses_of({{}, {}, {{false, true}}}, "attention_decode", "several heads");
  profile().find_shader = wrong_code;
  EXPECT_EQ(try_all(uses), (std::vector<std::string>{"attention_decode.v32.r4", "attention_decode.v32"}));
  EXPECT_FALSE(verdict("attention_decode.v32.r4").passed);
  EXPECT_TRUE(verdict("attention_decode.v32").passed) << verdict("attention_decode.v32").reason;
}

TEST_P(SelfTestTest, AVariantThatIsWrongGivesWayToTheNext) {
  KernelNeeds needs;
  needs.exact_products = {Format::kQ8_0};
  const std::vector<KernelUse> uses = uses_of(needs, "matmul", "one token, not rounded");
  const std::string best = uses.front().choose(profile()).shader.name;
  profile().find_shader = wrong_code;
  const std::vector<std::string> tried = try_all(uses);
  ASSERT_GE(tried.size(), 2U);  // several are wrong where the device has the choice
  EXPECT_EQ(tried.front(), best);
  EXPECT_FALSE(verdict(best).passed);
  EXPECT_FALSE(verdict(best).nmse <= 1e-3);  // or NaN
  EXPECT_NE(verdict(best).reason.find("at most 1e-10 is right"), std::string::npos) << verdict(best).reason;
  EXPECT_TRUE(verdict(tried.back()).passed) << verdict(tried.back()).reason;
  EXPECT_EQ(uses.front().choose(profile()).shader.name, tried.back());
  EXPECT_LT(uses.front().error(context()), 1e-10) << "what the kernel computes now is right";
}

TEST_P(SelfTestTest, WhereRoundingFailsProductsDoWithout) {
  const Format format = profile().dot_products ? Format::kQ8_0 : Format::kQ4_0;
  const std::vector<KernelUse> uses = uses_of({{format}, {}, {}}, "matmul", "one token");
  if (uses.front().choose(profile()).row.arithmetic == Arithmetic::kFloat32)
    GTEST_SKIP() << "this build's glslc knows no dot products of bytes";
  profile().find_shader = wrong_code;
  const std::vector<std::string> tried = try_all(uses);
  EXPECT_FALSE(verdict(tried.front()).passed);
  EXPECT_TRUE(verdict(tried.back()).passed) << verdict(tried.back()).reason;
  EXPECT_EQ(uses.front().choose(profile()).row.arithmetic, Arithmetic::kFloat32);
}

TEST_P(SelfTestTest, WithoutAnyRightVariantTheDeviceIsOfNoUse) {
  const std::vector<KernelUse> uses = uses_of({{}, {}, {{true, true}}}, "rope");
  profile().find_shader = wrong_code;
  try {
    try_all(uses);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
    EXPECT_NE(std::string(error.what()).find(device().facts().name), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("its results are wrong"), std::string::npos) << error.what();
  }
}

TEST_P(SelfTestTest, WhatCannotBeRunHasNotPassed) {
  const std::vector<KernelUse> uses = uses_of({}, "swiglu");
  profile().find_shader = wrong_code;
  const Verdict found = run_trial(context(), *next_trial(profile(), uses));
  EXPECT_FALSE(found.passed);
  EXPECT_NE(found.reason.find("could not be run"), std::string::npos) << found.reason;
}

TEST_P(SelfTestTest, VerdictsFollowTheError) {
  KernelUse use = uses_of({}, "swiglu").front();
  use.limit = 1e-9;
  const auto passes = [&](double error) {
    use.error = [=](Context&) { return error; };
    return run_trial(context(), *next_trial(profile(), {use})).passed;
  };
  EXPECT_TRUE(passes(0));
  EXPECT_TRUE(passes(1e-9));
  EXPECT_FALSE(passes(1.1e-9));
  EXPECT_FALSE(passes(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(passes(std::numeric_limits<double>::infinity()));
  // The device's failure is no verdict on the variant.
  for (const ErrorCode code : {ErrorCode::kDeviceLost, ErrorCode::kOutOfMemory}) {
    use.error = [=](Context&) -> double { fail(code, "on purpose"); };
    EXPECT_THROW(run_trial(context(), *next_trial(profile(), {use})), Error);
  }
}

MOTLEY_ON_EVERY_DEVICE(SelfTestTest);

}  // namespace
}  // namespace motley::kernels

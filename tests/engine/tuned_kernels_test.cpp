// What tuning found is kept, decides what is chosen, and ends in time. Times are made up.
#include "engine/tuned_kernels.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "engine/tested_kernels.hpp"
#include "kernels/matmul.hpp"
#include "support/devices.hpp"
#include "support/temporary_directory.hpp"

namespace motley::engine {
namespace {

using kernels::Choices;
using kernels::KernelNeeds;
using kernels::KernelUse;
using kernels::Tuned;
using quant::Format;

constexpr size_t kUses = std::size(kernels::kTokenClasses);  // of a format

class TuneKernelsTest : public test::DeviceTest {
 protected:
  TuneKernelsTest() {
    options_.rates = [this](kernels::Context& context, const KernelUse& use) {
      timed_.push_back(use.comparison->key(context.profile));
      seconds_ += seconds_a_use_;
      std::vector<Tuned::Figure> figures;
      for (const std::string& name : kernels::contenders(context.profile, use))
        figures.push_back({name, rates_.contains(name) ? rates_[name] : 100});
      return figures;
    };
    options_.seconds = [this] { return seconds_; };
  }

  VariantCache cache() const { return VariantCache(directory_.path(), "1.0"); }
  Choices known() const { return cache().load(device().facts()).choices; }

  static KernelNeeds products(std::vector<Format> formats) { return {std::move(formats), {}, {}}; }
  std::string key(Format format, uint32_t tokens, bool may_round = true) const {
    return kernels::matmul_use(kernels::make_profile(device().facts()), format, tokens, may_round).key();
  }
  std::string name(const Choices& choices, Format format, uint32_t tokens, bool may_round = true) const {
    kernels::Profile profile = kernels::make_profile(device().facts());
    profile.choices = choices;
    return kernels::matmul_choice(profile, format, tokens, may_round).shader.name;
  }
  /// The variants that the device has for products, best first.
  std::vector<std::string> variants(Format format, uint32_t tokens, bool may_round = true) const {
    std::vector<std::string> names;
    const kernels::Profile profile = kernels::make_profile(device().facts());
    for (const auto& choice : kernels::matmul_variants(profile, format, tokens, may_round))
      names.emplace_back(choice.shader.name);
    return names;
  }

  /// Says beforehand that all variants compute rightly, which else takes seconds to find out.
  void trust(const std::vector<Format>& formats) {
    Choices choices = known();
    for (const Format format : formats)
      for (const kernels::TokenClass& of : kernels::kTokenClasses)
        for (const std::string& variant : variants(format, of.least_tokens))
          choices.verdicts[variant] = {true, 0, ""};
    cache().save(device().facts(), {choices, ""});
  }

  struct Outcome {
    bool changed;
    Choices choices;
  };
  Outcome tune(const KernelNeeds& needs) {
    kernels::Context context(device());
    const bool changed = tune_kernels(context, needs, cache(), options_);
    return {changed, context.profile.choices};
  }

  test::TemporaryDirectory directory_;
  TuningOptions options_;
  std::map<std::string, double> rates_;  // of variants; others: 100
  std::vector<std::string> timed_;       // uses
  double seconds_ = 0;
  double seconds_a_use_ = 0;
};

TEST_P(TuneKernelsTest, TheFastestIsTakenAndRemembered) {
  trust({Format::kQ8_0});
  const std::string last = variants(Format::kQ8_0, 1).back();
  rates_[last] = 200;
  const Outcome first = tune(products({Format::kQ8_0}));
  EXPECT_TRUE(first.changed);
  std::vector<std::string> wanted;
  for (const kernels::TokenClass& of : kernels::kTokenClasses)
    wanted.push_back(key(Format::kQ8_0, of.least_tokens));
  EXPECT_EQ(timed_, wanted);
  EXPECT_EQ(name(first.choices, Format::kQ8_0, 1), last);
  EXPECT_EQ(name(first.choices, Format::kQ8_0, 2), variants(Format::kQ8_0, 2).front());
  ASSERT_NE(known().find_tuned(key(Format::kQ8_0, 1)), nullptr);
  EXPECT_EQ(known().find_tuned(key(Format::kQ8_0, 1))->find(last)->rate, 200);
  // The next start times nothing.
  timed_.clear();
  const Outcome second = tune(products({Format::kQ8_0}));
  EXPECT_FALSE(second.changed);
  EXPECT_TRUE(timed_.empty());
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), last);
  // Unless it is asked to.
  rates_.clear();
  options_.again = true;
  EXPECT_TRUE(tune(products({Format::kQ8_0})).changed);
  EXPECT_EQ(timed_.size(), kUses);
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), variants(Format::kQ8_0, 1).front());
}

TEST_P(TuneKernelsTest, WithinTheMarginTheTableDecides) {
  trust({Format::kQ8_0});
  rates_[variants(Format::kQ8_0, 1).back()] = 104;
  const Outcome outcome = tune(products({Format::kQ8_0}));
  EXPECT_FALSE(outcome.changed);
  EXPECT_EQ(name(outcome.choices, Format::kQ8_0, 1), variants(Format::kQ8_0, 1).front());
}

TEST_P(TuneKernelsTest, WhatTheTimeDoesNotSufficeForIsLeftToTheTable) {
  const std::vector<Format> formats = {Format::kQ8_0, Format::kF16, Format::kBF16};
  trust(formats);
  for (const Format format : formats)
    for (const kernels::TokenClass& of : kernels::kTokenClasses)
      rates_[variants(format, of.least_tokens).back()] = 200;
  seconds_a_use_ = 2;
  options_.budget_seconds = 5;
  const Outcome outcome = tune(products(formats));
  EXPECT_EQ(timed_.size(), 2U) << "a third would have ended after 6 s";
  EXPECT_NEAR(outcome.choices.tuning_seconds, 4, 1e-9);
  EXPECT_EQ(name(outcome.choices, Format::kQ8_0, 1), variants(Format::kQ8_0, 1).back());
  EXPECT_EQ(name(outcome.choices, Format::kF16, 1), variants(Format::kF16, 1).front());
  // It stays so, or every start would take that time.
  EXPECT_FALSE(tune(products(formats)).changed);
  EXPECT_EQ(timed_.size(), 2U);
  // What another model needs has its own time, in another process.
  trust({Format::kF32});
  EXPECT_TRUE(!tune(products({Format::kF32})).changed && timed_.size() == 4U);
  options_ = {.again = true, .rates = options_.rates, .seconds = options_.seconds};
  EXPECT_TRUE(tune(products(formats)).changed);
  EXPECT_EQ(name(known(), Format::kBF16, 2), variants(Format::kBF16, 2).back());
}

TEST_P(TuneKernelsTest, OneProcessHasOneBudget) {
  trust({Format::kQ8_0, Format::kF16});
  seconds_a_use_ = 2;
  options_.budget_seconds = 5;
  kernels::Context context(device());
  tune_kernels(context, products({Format::kQ8_0}), cache(), options_);
  tune_kernels(context, products({Format::kF16}), cache(), options_);
  // What one use takes is not known of the second call's before it was tried.
  EXPECT_EQ(timed_.size(), 3U);
}

TEST_P(TuneKernelsTest, WhatIsWrongIsNotTaken) {
  const std::vector<std::string> names = variants(Format::kQ8_0, 1);
  trust({Format::kQ8_0});
  Choices choices = known();
  choices.verdicts[names.back()] = {false, 1, "on purpose"};
  cache().save(device().facts(), {choices, ""});
  rates_[names.back()] = 1000;
  const Outcome outcome = tune(products({Format::kQ8_0}));
  EXPECT_EQ(name(outcome.choices, Format::kQ8_0, 1), names.front());
  // What fails later gives way, too.
  choices = known();
  choices.verdicts[names.back()] = {true, 0, ""};
  choices.tuned[key(Format::kQ8_0, 1)].variant = names.back();
  EXPECT_EQ(name(choices, Format::kQ8_0, 1), names.back());
  choices.verdicts[names.back()].passed = false;
  EXPECT_EQ(name(choices, Format::kQ8_0, 1), names.front());
}

TEST_P(TuneKernelsTest, VariantsAreTriedBeforeTheyAreTimed) {
  // The first alone is trusted; a driver compiles the last wrongly.
  const std::vector<std::string> names = variants(Format::kQ8_0, 1);
  trust({Format::kQ8_0});
  Choices choices = known();
  choices.verdicts.erase(names.back());
  cache().save(device().facts(), {choices, ""});
  rates_[names.back()] = 1000;
  kernels::Context context(device());
  context.profile.find_shader = [](std::string_view wanted) {
    static const vk::ShaderCode wrong{"matmul.q8_0", shaders::find("matmul.q4_0")->words};
    return wanted == wrong.name ? &wrong : shaders::find(wanted);
  };
  ASSERT_EQ(names.back(), "matmul.q8_0");
  set_log_sink([](LogLevel, std::string_view) {});
  tune_kernels(context, products({Format::kQ8_0}), cache(), options_);
  set_log_sink({});
  ASSERT_NE(known().find(names.back()), nullptr);
  EXPECT_FALSE(known().find(names.back())->passed);
  EXPECT_EQ(known().find_tuned(key(Format::kQ8_0, 1))->find(names.back()), nullptr);
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), names.front());
}

TEST_P(TuneKernelsTest, RoundingIsTunedApart) {
  if (!kernels::make_profile(device().facts()).int8_activations) GTEST_SKIP() << "rounds nothing";
  trust({Format::kQ4_0});
  const std::vector<std::string> rounding = variants(Format::kQ4_0, 1);
  const std::vector<std::string> exact = variants(Format::kQ4_0, 1, false);
  rates_[rounding[1]] = 300;
  rates_[exact.back()] = 200;
  KernelNeeds needs = products({Format::kQ4_0});
  needs.exact_products = needs.products;
  const Outcome outcome = tune(needs);
  EXPECT_EQ(timed_.size(), kUses) << "the figures of the exact ones are known from the others";
  EXPECT_EQ(name(outcome.choices, Format::kQ4_0, 1), rounding[1]);
  EXPECT_EQ(name(outcome.choices, Format::kQ4_0, 1, false), exact.back());
}

TEST_P(TuneKernelsTest, AFailureWhileTimingIsNoReasonToTryForever) {
  trust({Format::kQ8_0});
  const auto rates = options_.rates;
  ErrorCode code = ErrorCode::kOutOfMemory;
  options_.rates = [&](kernels::Context& context, const KernelUse& use) {
    rates(context, use);
    fail(code, "on purpose");
    return std::vector<Tuned::Figure>();
  };
  EXPECT_FALSE(tune(products({Format::kQ8_0})).changed);
  EXPECT_EQ(timed_.size(), kUses);
  tune(products({Format::kQ8_0}));
  EXPECT_EQ(timed_.size(), kUses);
  code = ErrorCode::kDeviceLost;
  options_.again = true;
  EXPECT_THROW(tune(products({Format::kQ8_0})), Error);
  EXPECT_EQ(timed_.size(), kUses + 1);
  options_.again = false;
  tune(products({Format::kQ8_0}));
  EXPECT_EQ(timed_.size(), kUses + 1);
}

TEST_P(TuneKernelsTest, NamesThatThisBuildHasNotAreIgnored) {
  trust({Format::kQ8_0});
  Choices choices = known();
  choices.tuned[key(Format::kQ8_0, 1)] = {"matmul.q8_0.gone", {{"matmul.q8_0.gone", 7}}};
  choices.tuned["gone: one token"] = {"gone", {{"gone", 7}}};
  cache().save(device().facts(), {choices, ""});
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), variants(Format::kQ8_0, 1).front());
  tune(products({Format::kQ8_0}));
  EXPECT_EQ(timed_.size(), kUses) << "the ones that there are were never compared";
}

TEST_P(TuneKernelsTest, NoDamagedFileIsBelieved) {
  trust({Format::kQ8_0});
  rates_[variants(Format::kQ8_0, 1).back()] = 200;
  tune(products({Format::kQ8_0}));
  const std::filesystem::path path = cache().files().path(device().facts());
  const std::string whole = read_whole_file(path);
  for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{
           {": 200.0", ": -200.0"}, {": 200.0", ": null"}, {": 200.0", ": 1e300"}, {"\"tuned\"", "\"x\""}}) {
    std::string damaged = whole;
    ASSERT_NE(damaged.find(from), std::string::npos) << from << " in " << whole;
    damaged.replace(damaged.find(from), std::string_view(from).size(), to);
    std::ofstream(path) << damaged;
    EXPECT_TRUE(known().tuned.empty() && known().verdicts.empty()) << from << " as " << to;
  }
  // The program ended before the variant at hand was timed.
  std::string ended = whole;
  ended.replace(ended.find(": 200.0"), 7, ": 0.0");
  std::ofstream(path) << ended;
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), variants(Format::kQ8_0, 1).front());
}

TEST_P(TuneKernelsTest, TestingAgainKeepsWhatIsFastest) {
  trust({Format::kQ8_0});
  const std::string last = variants(Format::kQ8_0, 1).back();
  rates_[last] = 200;
  tune(products({Format::kQ8_0}));
  kernels::Context context(device());
  test_kernels(context, {}, cache(), true);
  EXPECT_EQ(known().find(last), nullptr);
  EXPECT_EQ(name(known(), Format::kQ8_0, 1), last);
}

MOTLEY_ON_EVERY_DEVICE(TuneKernelsTest);

}  // namespace
}  // namespace motley::engine

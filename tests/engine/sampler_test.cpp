#include "engine/sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace motley::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Every filter and penalty off, temperature 1.
SamplingParameters plain() {
  SamplingParameters parameters;
  parameters.temperature = 1.0f;
  parameters.top_k = 0;
  parameters.top_p = 1.0f;
  parameters.min_p = 0.0f;
  return parameters;
}

SamplingParameters greedy() {
  SamplingParameters parameters = plain();
  parameters.temperature = 0.0f;
  return parameters;
}

/// Logits whose softmax is `probabilities`.
std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  logits.reserve(probabilities.size());
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

using Distribution = std::map<int32_t, double>;

Distribution distribution(Sampler& sampler, std::span<const float> logits) {
  Distribution result;
  for (const Candidate& candidate : sampler.candidates(logits)) {
    EXPECT_TRUE(result.emplace(candidate.token, candidate.probability).second) << "token twice";
  }
  return result;
}

Distribution distribution(const SamplingParameters& parameters, std::span<const float> logits) {
  Sampler sampler(parameters);
  return distribution(sampler, logits);
}

std::vector<int32_t> kept(const SamplingParameters& parameters, const std::vector<float>& logits) {
  std::vector<int32_t> tokens;
  for (const auto& [token, probability] : distribution(parameters, logits)) tokens.push_back(token);
  return tokens;
}

void expect_near(const Distribution& got, const Distribution& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [token, probability] : wanted) {
    ASSERT_TRUE(got.contains(token)) << token;
    EXPECT_NEAR(got.at(token), probability, 1e-9) << token;
  }
}

// --- Each filter on numbers that can be followed by hand ---

TEST(Sampler, TopKKeepsTheLikeliestAndOfEqualOnesTheLowestId) {
  SamplingParameters parameters = plain();
  parameters.top_k = 2;
  EXPECT_EQ(kept(parameters, {1.0f, 3.0f, 2.0f, 0.0f}), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(kept(parameters, {1.0f, 2.0f, 2.0f, 2.0f}), (std::vector<int32_t>{1, 2}));
  parameters.top_k = 0;
  EXPECT_EQ(kept(parameters, {1.0f, 3.0f, 2.0f, 0.0f}).size(), 4u);
  parameters.top_k = 9;
  EXPECT_EQ(kept(parameters, {1.0f, 3.0f, 2.0f, 0.0f}).size(), 4u);
}

TEST(Sampler, TopPKeepsTheShortestPrefixThatReachesTheMass) {
  const std::vector<float> logits = logits_of({0.1, 0.5, 0.15, 0.25});
  SamplingParameters parameters = plain();
  parameters.top_p = 0.74f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 3}));
  parameters.top_p = 0.76f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 2, 3}));
  parameters.top_p = 0.0f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1}));
  parameters.top_p = 1.0f;
  EXPECT_EQ(kept(parameters, logits).size(), 4u);
}

TEST(Sampler, MinPKeepsAShareOfTheLikeliest) {
  const std::vector<float> logits = logits_of({0.1, 0.5, 0.15, 0.25});
  SamplingParameters parameters = plain();
  parameters.min_p = 0.29f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 2, 3}));
  parameters.min_p = 0.31f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 3}));
  parameters.min_p = 1.0f;
  EXPECT_EQ(kept(parameters, {2.0f, 5.0f, 5.0f}), (std::vector<int32_t>{1, 2}));
}

TEST(Sampler, TypicalPMayDropTheLikeliest) {
  // Entropy 1.207 nat; information 0.693, 1.386, 1.897, 2.303: token 2 (0.25) is the most typical, then 0.5,
  // then 0.15.
  const std::vector<float> logits = logits_of({0.1, 0.5, 0.25, 0.15});
  SamplingParameters parameters = plain();
  parameters.typical_p = 0.2f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{2}));
  parameters.typical_p = 0.7f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 2}));
  parameters.typical_p = 0.8f;
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 2, 3}));
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const std::vector<float> logits = logits_of({0.2, 0.8});
  SamplingParameters parameters = plain();
  parameters.temperature = 0.5f;  // probabilities squared
  EXPECT_NEAR(distribution(parameters, logits).at(1), 0.64 / 0.68, 1e-6);
  parameters.temperature = 1e30f;
  EXPECT_NEAR(distribution(parameters, logits).at(1), 0.5, 1e-6);
  parameters.temperature = 1e-30f;
  EXPECT_EQ(distribution(parameters, logits).at(0), 0.0);
  EXPECT_EQ(Sampler(parameters).sample(logits), 1);
}

TEST(Sampler, TheFiltersLookAtProbabilitiesBeforeTheTemperature) {
  SamplingParameters parameters = plain();
  parameters.top_p = 0.74f;
  parameters.temperature = 100.0f;
  EXPECT_EQ(kept(parameters, logits_of({0.1, 0.5, 0.15, 0.25})), (std::vector<int32_t>{1, 3}));
}

// --- All together against a slow oracle ---

struct OracleToken {
  int32_t id;
  double logit;
  double p;
};

void oracle_normalize(std::vector<OracleToken>& tokens, double temperature) {
  double largest = -1e300;
  double sum = 0.0;
  for (const OracleToken& token : tokens) largest = std::max(largest, token.logit);
  for (OracleToken& token : tokens) sum += token.p = std::exp((token.logit - largest) / temperature);
  for (OracleToken& token : tokens) token.p /= sum;
}

/// Sorts by `key`, ties by logit and id, and cuts where the mass is reached.
void oracle_cut(std::vector<OracleToken>& tokens, double mass,
                const std::function<double(const OracleToken&)>& key) {
  std::sort(tokens.begin(), tokens.end(), [&](const OracleToken& a, const OracleToken& b) {
    return std::tuple(key(a), -a.logit, a.id) < std::tuple(key(b), -b.logit, b.id);
  });
  double sum = 0.0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    sum += tokens[i].p;
    if (sum >= mass) tokens.resize(i + 1);
  }
}

Distribution oracle(const SamplingParameters& parameters, const std::vector<float>& logits) {
  std::vector<OracleToken> tokens;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -kInfinity)
      tokens.push_back({static_cast<int32_t>(i), static_cast<double>(logits[i]), 0.0});
  }
  const auto likeliest_first = [](const OracleToken& token) { return -token.logit; };
  oracle_cut(tokens, 1e9, likeliest_first);
  if (parameters.top_k > 0) tokens.resize(std::min(tokens.size(), static_cast<size_t>(parameters.top_k)));
  if (parameters.typical_p < 1.0f) {
    oracle_normalize(tokens, 1.0);
    double entropy = 0.0;
    for (const OracleToken& token : tokens) entropy -= token.p > 0.0 ? token.p * std::log(token.p) : 0.0;
    oracle_cut(tokens, static_cast<double>(parameters.typical_p),
               [&](const OracleToken& token) { return std::abs(-std::log(token.p) - entropy); });
  }
  if (parameters.top_p < 1.0f) {
    oracle_normalize(tokens, 1.0);
    oracle_cut(tokens, static_cast<double>(parameters.top_p), likeliest_first);
  }
  oracle_normalize(tokens, 1.0);
  double largest = 0.0;
  for (const OracleToken& token : tokens) largest = std::max(largest, token.p);
  std::erase_if(tokens, [&](const OracleToken& token) {
    return token.p < static_cast<double>(parameters.min_p) * largest * (1.0 - 1e-12);
  });
  oracle_normalize(tokens, static_cast<double>(parameters.temperature));
  Distribution result;
  for (const OracleToken& token : tokens) result[token.id] = token.p;
  return result;
}

/// Logits between -8 and 8, some of them -infinity.
std::vector<float> random_logits(size_t count, uint64_t seed) {
  Xoshiro256 random(seed);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(random.uniform() * 16.0 - 8.0);
  for (size_t i = 0; i < count; i += 17) logits[i] = -kInfinity;
  return logits;
}

TEST(Sampler, CombinationsMatchTheOracle) {
  uint64_t seed = 1;
  for (const size_t vocabulary_size : {2u, 50u, 3000u}) {
    for (const int top_k : {0, 1, 40}) {
      for (const float typical_p : {1.0f, 0.9f, 0.3f}) {
        for (const float top_p : {1.0f, 0.95f, 0.4f}) {
          for (const float min_p : {0.0f, 0.05f, 0.5f}) {
            SamplingParameters parameters = plain();
            parameters.top_k = top_k;
            parameters.typical_p = typical_p;
            parameters.top_p = top_p;
            parameters.min_p = min_p;
            parameters.temperature = 0.7f;
            const std::vector<float> logits = random_logits(vocabulary_size, seed++);
            SCOPED_TRACE(testing::Message() << vocabulary_size << " " << top_k << " " << typical_p << " "
                                            << top_p << " " << min_p);
            expect_near(distribution(parameters, logits), oracle(parameters, logits));
          }
        }
      }
    }
  }
}

// --- Bias and penalties ---

TEST(Sampler, PenaltiesChangeTheLogitsAsDefined) {
  SamplingParameters parameters = plain();
  parameters.repeat_penalty = 2.0f;
  parameters.frequency_penalty = 0.25f;
  parameters.presence_penalty = 0.5f;
  Sampler sampler(parameters);
  for (const int32_t token : {0, 1, 1, 1}) sampler.accept(token);
  std::vector<float> got;
  for (const Candidate& candidate : sampler.candidates(std::vector<float>{3.0f, -1.0f, 1.0f})) {
    got.push_back(candidate.logit);
  }
  EXPECT_EQ(got, (std::vector<float>{3.0f / 2 - 0.25f - 0.5f, -1.0f * 2 - 0.75f - 0.5f, 1.0f}));
}

TEST(Sampler, PenaltiesForgetWhatLeftTheWindow) {
  SamplingParameters parameters = greedy();
  parameters.presence_penalty = 10.0f;
  parameters.penalty_last_n = 2;
  const std::vector<float> logits = {3.0f, 2.0f, 1.0f};
  Sampler sampler(parameters);
  const auto next = [&] {
    const int32_t token = sampler.sample(logits);
    sampler.accept(token);
    return token;
  };
  for (int turn = 0; turn < 5; ++turn) {
    EXPECT_EQ(next(), 0);
    EXPECT_EQ(next(), 1);
    EXPECT_EQ(next(), 2);
  }
  sampler.reset();
  EXPECT_EQ(next(), 0);
}

TEST(Sampler, PenaltyWindowOfAllAndOfNone) {
  SamplingParameters parameters = greedy();
  parameters.presence_penalty = 10.0f;
  parameters.penalty_last_n = -1;
  Sampler all(parameters);
  parameters.penalty_last_n = 0;
  Sampler none(parameters);
  for (int i = 0; i < 1000; ++i) {
    all.accept(i == 0 ? 0 : 1);
    none.accept(0);
  }
  const std::vector<float> logits = {3.0f, 2.0f, 1.0f};
  EXPECT_EQ(all.sample(logits), 2);
  EXPECT_EQ(none.sample(logits), 0);
}

TEST(Sampler, BiasMovesAndBans) {
  SamplingParameters parameters = greedy();
  const std::vector<float> logits = {3.0f, 2.0f, 1.0f};
  parameters.logit_bias = {{2, 2.5f}};
  EXPECT_EQ(Sampler(parameters).sample(logits), 2);
  parameters.logit_bias = {{2, 2.5f}, {2, -kInfinity}, {0, -kInfinity}};
  EXPECT_EQ(Sampler(parameters).sample(logits), 1);
  parameters = plain();
  parameters.logit_bias = {{0, -kInfinity}};
  EXPECT_EQ(kept(parameters, logits), (std::vector<int32_t>{1, 2}));
}

TEST(Sampler, BiasBeyondTheLargestFloatStaysFinite) {
  SamplingParameters parameters = plain();
  parameters.logit_bias = {{1, 3e38f}};
  EXPECT_EQ(distribution(parameters, std::vector<float>{0.0f, 3e38f}).at(1), 1.0);
}

// --- The draw ---

TEST(Sampler, VocabularyOfOne) {
  EXPECT_EQ(Sampler(SamplingParameters{}).sample(std::vector<float>{-3.0f}), 0);
  EXPECT_EQ(Sampler(greedy()).sample(std::vector<float>{-3.0f}), 0);
}

TEST(Sampler, GreedyTakesTheLargestAndOfEqualOnesTheLowestId) {
  EXPECT_EQ(Sampler(greedy()).sample(std::vector<float>{1.0f, 7.0f, 7.0f, 2.0f}), 1);
  EXPECT_EQ(Sampler(greedy()).sample(std::vector<float>{-kInfinity, -7.0f, -kInfinity}), 1);
  SamplingParameters parameters = greedy();
  parameters.temperature = -1.0f;
  EXPECT_EQ(Sampler(parameters).sample(std::vector<float>{1.0f, 7.0f}), 1);
}

TEST(Sampler, DrawsFollowTheProbabilities) {
  const std::vector<double> probabilities = {0.3, 0.2, 0.15, 0.15, 0.1, 0.05, 0.03, 0.02};
  std::vector<float> logits = logits_of(probabilities);
  logits.push_back(-kInfinity);
  constexpr int kDraws = 200000;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    SamplingParameters parameters = plain();
    parameters.seed = seed;
    Sampler sampler(parameters);
    std::vector<int> counts(logits.size());
    for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.sample(logits))];
    EXPECT_EQ(counts.back(), 0);
    double chi_square = 0.0;
    for (size_t i = 0; i < probabilities.size(); ++i) {
      const double expected = probabilities[i] * kDraws;
      chi_square += std::pow(counts[i] - expected, 2) / expected;
    }
    EXPECT_LT(chi_square, 24.32);  // 7 degrees of freedom: exceeded once in 1000
  }
}

std::vector<int32_t> continuation(Sampler& sampler, size_t count) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < count; ++i) {
    tokens.push_back(sampler.sample(random_logits(1000, i)));
    sampler.accept(tokens.back());
  }
  return tokens;
}

TEST(Sampler, SameSeedSameTokensAHundredTimes) {
  SamplingParameters parameters;
  parameters.repeat_penalty = 1.1f;
  parameters.seed = 42;
  Sampler first(parameters);
  const std::vector<int32_t> tokens = continuation(first, 50);
  for (int i = 0; i < 99; ++i) {
    Sampler again(parameters);
    ASSERT_EQ(continuation(again, 50), tokens);
  }
  first.reset();
  EXPECT_EQ(continuation(first, 50), tokens);
  parameters.seed = 43;
  Sampler other(parameters);
  EXPECT_NE(continuation(other, 50), tokens);
}

TEST(Sampler, SameTokensOnEveryMachine) {
  SamplingParameters parameters = plain();
  parameters.seed = 7;
  Sampler sampler(parameters);
  // As a separate program in another language computes it.
  EXPECT_EQ(continuation(sampler, 8), (std::vector<int32_t>{701, 251, 856, 995, 962, 899, 31, 65}));
}

TEST(Xoshiro256, GivesThePublishedSequence) {
  // Of the state 1, 2, 3, 4, by the authors' C code.
  Xoshiro256 random(std::array<uint64_t, 4>{1, 2, 3, 4});
  for (const uint64_t expected : {11520u, 0u, 1509978240u}) EXPECT_EQ(random.next(), expected);
  EXPECT_EQ(random.next(), 1215971899390074240u);
}

TEST(Xoshiro256, SeedsByThePublishedSplitMix64) {
  // SplitMix64 of 1234567 begins with these; xoshiro's first output is rotl(s1 * 5, 7) * 9.
  Xoshiro256 seeded(1234567);
  Xoshiro256 given(std::array<uint64_t, 4>{6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                           4593380528125082431u});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(seeded.next(), given.next());
  EXPECT_GE(seeded.uniform(), 0.0);
  EXPECT_LT(seeded.uniform(), 1.0);
}

}  // namespace
}  // namespace motley::engine

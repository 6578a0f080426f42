// Choosing the next token from the logits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/draw.hpp"

namespace motley::engine {

/// How a token is chosen, in the order in which the steps apply. Names and meaning are those of llama.cpp's
/// options.
struct SamplingParameters {
  /// (token, amount): added to the token's logit first of all; -infinity bans the token. Anything but NaN and
  /// +infinity.
  std::vector<std::pair<int32_t, float>> logit_bias;

  /// The penalties look at the last so many accepted tokens: 0 at none, -1 at all.
  int penalty_last_n = 64;
  /// Logits of tokens among them: divided by this where positive, multiplied where negative (Keskar et al.
  /// 2019, CTRL). Above 0; 1 changes nothing.
  float repeat_penalty = 1.0f;
  /// Lowers the logit by this times the token's count, and by that once for a count above 0 (the OpenAI API's
  /// penalties). From -100 to 100; 0 changes nothing.
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;

  /// Keeps the so many likeliest tokens; 0 keeps all.
  int top_k = 40;
  /// Keeps the tokens whose information is nearest to the expected one, until their probabilities sum up to
  /// this (Meister et al. 2022, locally typical sampling). From 0 to 1; 1 keeps all.
  float typical_p = 1.0f;
  /// Keeps the likeliest tokens until their probabilities sum up to this (Holtzman et al. 2019, nucleus
  /// sampling). From 0 to 1; 1 keeps all, 0 the likeliest.
  float top_p = 0.95f;
  /// Keeps the tokens at least this times as probable as the likeliest (Nguyen et al. 2024). From 0 to 1; 0
  /// keeps all.
  float min_p = 0.05f;

  /// The remaining logits are divided by this. Not above 0: the likeliest token after bias and penalties is
  /// taken, of several the one of the lowest id; the filters and the seed do not matter then.
  float temperature = 0.8f;

  /// Same seed, same parameters, same logits: same tokens.
  uint64_t seed = 0;
};

/// xoshiro256** 1.0, its state filled by SplitMix64 (Blackman and Vigna, https://prng.di.unimi.it; public
/// domain).
class Xoshiro256 {
 public:
  explicit Xoshiro256(uint64_t seed);
  explicit Xoshiro256(const std::array<uint64_t, 4>& state) : state_(state) {}

  uint64_t next();

  /// Uniform in [0, 1): a multiple of 2^-53.
  double uniform();

 private:
  std::array<uint64_t, 4> state_{};
};

/// A token that may be drawn.
struct Candidate {
  int32_t token;
  float logit;         ///< After bias and penalties, before the temperature.
  double probability;  ///< Among the candidates.
};

/// Chooses tokens and remembers them for the penalties. One object a stream of text; not for several threads
/// at once.
class Sampler {
 public:
  /// Throws Error{kInvalidArgument} that names the parameter, its range and the value.
  explicit Sampler(SamplingParameters parameters);

  /// The next token for `logits`, one a token of the vocabulary. Does not accept it. Errors as for
  /// candidates().
  int32_t sample(std::span<const float> logits);

  /// How a device draws in this sampler's stead; nothing where that takes more than the likeliest few logits
  /// as they are.
  std::optional<kernels::DrawRule> rule() const;
  /// As sample() with all logits, given the likeliest rule()->top_k, in their order.
  int32_t sample(const kernels::Likeliest& likeliest);
  /// What sample() will decide by when it is called the next time, or after `later` more calls; not greedily.
  double chance(uint32_t later) const;

  /// The tokens that sample() would draw from, valid until the next call; their probabilities sum up to 1.
  /// In the order in which the last filter that had to sort left them, else by id. Throws Error{kDeviceLost}
  /// where a logit is NaN or +infinity; Error{kInvalidArgument} where `logits` is empty, where a biased or
  /// accepted token is outside of it, and where every token has -infinity.
  std::span<const Candidate> candidates(std::span<const float> logits);

  /// Counts `token` (not negative, else Error{kInvalidArgument}) as part of the text, for the penalties.
  void accept(int32_t token);

  /// Forgets the accepted tokens and starts the random numbers again.
  void reset();

  const SamplingParameters& parameters() const { return parameters_; }

 private:
  bool is_greedy() const { return parameters_.temperature <= 0.0f; }
  bool penalizes() const;
  int32_t draw(std::span<const Candidate> choice);
  void narrow();
  void load(std::span<const float> logits);
  void apply_bias();
  void apply_penalties();
  void keep_top_k(size_t limit);
  void keep_typical();
  void keep_top_p();
  void keep_min_p();
  void normalize(double temperature);
  template <typename Before>
  void keep_until(double mass, Before before);

  SamplingParameters parameters_;
  Xoshiro256 random_;
  std::vector<float> logits_;                    // with bias and penalties
  std::vector<Candidate> candidates_;            // both are kept between calls for their memory
  std::vector<int32_t> window_;                  // the last accepted tokens, a ring of at most penalty_last_n
  size_t oldest_ = 0;                            // where the full ring's oldest token is
  std::unordered_map<int32_t, int32_t> counts_;  // how often a token is in the window
};

}  // namespace motley::engine

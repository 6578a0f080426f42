#include "engine/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"

namespace motley::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargestFloat = std::numeric_limits<float>::max();

/// Throws unless lowest <= value <= highest; NaN never is.
void check_range(const char* name, float value, float lowest, float highest) {
  if (!(value >= lowest && value <= highest)) {
    fail(ErrorCode::kInvalidArgument, "sampling parameter {} is {}; it must be from {} to {}", name, value,
         lowest, highest);
  }
}

void check(const SamplingParameters& parameters) {
  check_range("temperature", parameters.temperature, -kLargestFloat, kLargestFloat);
  check_range("top_p", parameters.top_p, 0.0f, 1.0f);
  check_range("min_p", parameters.min_p, 0.0f, 1.0f);
  check_range("typical_p", parameters.typical_p, 0.0f, 1.0f);
  check_range("repeat_penalty", parameters.repeat_penalty, 1e-6f, 1e6f);
  check_range("frequency_penalty", parameters.frequency_penalty, -100.0f, 100.0f);
  check_range("presence_penalty", parameters.presence_penalty, -100.0f, 100.0f);
  if (parameters.top_k < 0) {
    fail(ErrorCode::kInvalidArgument, "sampling parameter top_k is {}; it must be 0 (all) or more",
         parameters.top_k);
  }
  if (parameters.penalty_last_n < -1) {
    fail(ErrorCode::kInvalidArgument,
         "sampling parameter penalty_last_n is {}; it must be -1 (all), 0 (none) or more",
         parameters.penalty_last_n);
  }
  for (const auto& [token, amount] : parameters.logit_bias) {
    if (token < 0 || !(amount < kInfinity)) {
      fail(ErrorCode::kInvalidArgument,
           "sampling parameter logit_bias has {} for token {}; the token must not be negative and the bias "
           "must be a "
           "number or -infinity",
           amount, token);
    }
  }
}

/// A total order, so that the same logits give the same order with every standard library.
bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/// Throws for what no token's logit is.
void refuse_infinity(float logit, size_t token) {
  if (logit < kInfinity) return;
  fail(
      ErrorCode::kDeviceLost,
      "{} logits from the device (token {}): the device computes wrongly, or the model's weights are damaged",
      std::isnan(logit) ? "NaN" : "infinite", token);
}

/// Bias and penalties must not make a logit infinite that was not.
float limited(float logit) { return std::min(logit, kLargestFloat); }

}  // namespace

Xoshiro256::Xoshiro256(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t mixed = seed;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    word = mixed ^ mixed >> 31;
  }
}

uint64_t Xoshiro256::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Xoshiro256::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

Sampler::Sampler(SamplingParameters parameters)
    : parameters_(std::move(parameters)), random_(parameters_.seed) {
  check(parameters_);
}

int32_t Sampler::sample(std::span<const float> logits) { return draw(candidates(logits)); }

std::optional<kernels::DrawRule> Sampler::rule() const {
  if (!parameters_.logit_bias.empty() || penalizes()) return std::nullopt;
  if (is_greedy()) return kernels::DrawRule{};
  const auto top_k = static_cast<uint32_t>(parameters_.top_k);
  if (top_k < 1 || top_k > kernels::kMaxTopK || parameters_.typical_p < 1.0f) return std::nullopt;
  return kernels::DrawRule{top_k, parameters_.top_p, parameters_.min_p, parameters_.temperature};
}

int32_t Sampler::sample(const kernels::Likeliest& likeliest) {
  candidates_.clear();
  for (const auto& [token, logit] : likeliest) {
    refuse_infinity(logit, token);
    if (logit != -kInfinity) candidates_.push_back({static_cast<int32_t>(token), logit, 0.0});
  }
  narrow();
  return draw(candidates_);
}

double Sampler::chance(uint32_t later) const {
  Xoshiro256 random = random_;
  for (uint32_t i = 0; i < later; ++i) random.next();
  return random.uniform();
}

/// Each draw takes one number, also where there is no choice, so that it is known which one a draw will take.
int32_t Sampler::draw(std::span<const Candidate> choice) {
  if (is_greedy()) return choice.front().token;
  const double target = random_.uniform();
  double sum = 0.0;
  const Candidate* drawn = nullptr;
  for (const Candidate& candidate : choice) {
    if (candidate.probability <= 0.0) continue;
    drawn = &candidate;  // the last possible one is drawn where rounding keeps the sum below the target
    sum += candidate.probability;
    if (sum > target) break;
  }
  return drawn->token;
}

std::span<const Candidate> Sampler::candidates(std::span<const float> logits) {
  load(logits);
  apply_bias();
  apply_penalties();
  keep_top_k(is_greedy() ? 1 : static_cast<size_t>(parameters_.top_k));
  narrow();
  return candidates_;
}

/// The steps behind top_k.
void Sampler::narrow() {
  if (candidates_.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "no token can be drawn: all logits are -infinity (with the logit bias applied)");
  }
  if (is_greedy()) {
    candidates_.front().probability = 1.0;
    return;
  }
  keep_typical();
  keep_top_p();
  keep_min_p();
  normalize(static_cast<double>(parameters_.temperature));
}

void Sampler::load(std::span<const float> logits) {
  if (logits.empty() || logits.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail(ErrorCode::kInvalidArgument, "cannot sample from {} logits", logits.size());
  }
  for (size_t i = 0; i < logits.size(); ++i) refuse_infinity(logits[i], i);
  logits_.assign(logits.begin(), logits.end());
}

void Sampler::apply_bias() {
  for (const auto& [token, amount] : parameters_.logit_bias) {
    if (static_cast<size_t>(token) >= logits_.size()) {
      fail(ErrorCode::kInvalidArgument, "logit_bias names token {}, but the vocabulary has {}", token,
           logits_.size());
    }
    float& logit = logits_[static_cast<size_t>(token)];
    logit = limited(logit + amount);
  }
}

bool Sampler::penalizes() const {
  return parameters_.penalty_last_n != 0 &&
         (parameters_.repeat_penalty != 1.0f || parameters_.frequency_penalty != 0.0f ||
          parameters_.presence_penalty != 0.0f);
}

void Sampler::apply_penalties() {
  for (const auto& [token, count] : counts_) {
    if (static_cast<size_t>(token) >= logits_.size()) {
      fail(ErrorCode::kInvalidArgument, "token {} was accepted, but the vocabulary has {}", token,
           logits_.size());
    }
    float& logit = logits_[static_cast<size_t>(token)];
    logit = logit > 0.0f ? logit / parameters_.repeat_penalty : logit * parameters_.repeat_penalty;
    logit = limited(logit - static_cast<float>(count) * parameters_.frequency_penalty -
                    parameters_.presence_penalty);
  }
}

/// Makes candidates of the `limit` likeliest tokens, likeliest first, or of all by id where that is no limit
/// (or 0). Tokens of -infinity are none.
void Sampler::keep_top_k(size_t limit) {
  const bool unlimited = limit == 0 || limit >= logits_.size();
  candidates_.clear();
  for (size_t i = 0; i < logits_.size(); ++i) {
    const Candidate candidate{static_cast<int32_t>(i), logits_[i], 0.0};
    if (candidate.logit == -kInfinity) continue;
    if (unlimited || candidates_.size() < limit) {
      candidates_.push_back(candidate);
      if (candidates_.size() == limit && !unlimited)
        std::make_heap(candidates_.begin(), candidates_.end(), likelier);
    } else if (likelier(candidate, candidates_.front())) {  // the heap's front is its least likely token
      std::pop_heap(candidates_.begin(), candidates_.end(), likelier);
      candidates_.back() = candidate;
      std::push_heap(candidates_.begin(), candidates_.end(), likelier);
    }
  }
  if (!unlimited) std::sort(candidates_.begin(), candidates_.end(), likelier);
}

/// Sets the probabilities at this temperature.
void Sampler::normalize(double temperature) {
  const float largest = std::min_element(candidates_.begin(), candidates_.end(), likelier)->logit;
  double sum = 0.0;
  for (Candidate& candidate : candidates_) {
    candidate.probability = std::exp((static_cast<double>(candidate.logit) - largest) / temperature);
    sum += candidate.probability;
  }
  for (Candidate& candidate : candidates_) candidate.probability /= sum;
}

/// Keeps the shortest run of candidates in the order of `before` whose probabilities sum up to `mass`, at
/// least one. Sorts as far as it needs to: the likeliest few tokens usually have nearly all of the mass.
template <typename Before>
void Sampler::keep_until(double mass, Before before) {
  constexpr size_t kFirstRun = 128;
  size_t sorted = 0;
  double sum = 0.0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i == sorted) {
      sorted = std::min(std::max(kFirstRun, 8 * sorted), candidates_.size());
      const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(i);
      const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(sorted);
      std::nth_element(begin, end, candidates_.end(), before);
      std::sort(begin, end, before);
    }
    sum += candidates_[i].probability;
    if (sum >= mass) {
      candidates_.resize(i + 1);
      return;
    }
  }
}

void Sampler::keep_typical() {
  if (parameters_.typical_p >= 1.0f) return;
  normalize(1.0);
  double mean_logit = 0.0;
  for (const Candidate& candidate : candidates_)
    mean_logit += candidate.probability * static_cast<double>(candidate.logit);
  // A token's information is c - logit and the expected one, the entropy, c - mean logit, with the same c:
  // their distance is that of the logit from its mean.
  const auto more_typical = [mean_logit](const Candidate& a, const Candidate& b) {
    const double distance_a = std::abs(static_cast<double>(a.logit) - mean_logit);
    const double distance_b = std::abs(static_cast<double>(b.logit) - mean_logit);
    return distance_a < distance_b || (distance_a == distance_b && likelier(a, b));
  };
  keep_until(static_cast<double>(parameters_.typical_p), more_typical);
}

void Sampler::keep_top_p() {
  if (parameters_.top_p >= 1.0f) return;
  normalize(1.0);
  keep_until(static_cast<double>(parameters_.top_p), likelier);
}

void Sampler::keep_min_p() {
  if (parameters_.min_p <= 0.0f) return;
  const float largest = std::min_element(candidates_.begin(), candidates_.end(), likelier)->logit;
  const double lowest = static_cast<double>(largest) + std::log(static_cast<double>(parameters_.min_p));
  std::erase_if(candidates_, [lowest](const Candidate& candidate) {
    return static_cast<double>(candidate.logit) < lowest;
  });
}

void Sampler::accept(int32_t token) {
  if (token < 0)
    fail(ErrorCode::kInvalidArgument, "token {} cannot be accepted: ids are not negative", token);
  if (!penalizes()) return;
  ++counts_[token];
  if (parameters_.penalty_last_n < 0) return;
  if (window_.size() < static_cast<size_t>(parameters_.penalty_last_n)) {
    window_.push_back(token);
    return;
  }
  const auto left = counts_.find(std::exchange(window_[oldest_], token));
  if (--left->second == 0) counts_.erase(left);
  oldest_ = (oldest_ + 1) % window_.size();
}

void Sampler::reset() {
  window_.clear();
  oldest_ = 0;
  counts_.clear();
  random_ = Xoshiro256(parameters_.seed);
}

}  // namespace motley::engine

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/checks.hpp"
#include "kernels/draw.hpp"
#include "kernels/mapped_cache.hpp"
#include "kernels/reference.hpp"
#include "kernels/top_k.hpp"
#include "kernels/workbench.hpp"
#include "params/step.h"

namespace motley::kernels::checks {

using reference::random_values;

namespace {

constexpr uint32_t kCount = 5003;
constexpr float kSpread = 3.0F;

/// The probabilities of those that `rule` lets be drawn.
std::vector<double> probabilities(const Likeliest& likeliest, const DrawRule& rule) {
  const auto shares = [&](size_t count, double temperature) {
    std::vector<double> result;
    for (size_t i = 0; i < count; ++i)
      result.push_back(std::exp((double{likeliest[i].second} - likeliest[0].second) / temperature));
    const double sum = std::accumulate(result.begin(), result.end(), 0.0);
    for (double& share : result) share /= sum;
    return result;
  };
  const std::vector<double> plain = shares(likeliest.size(), 1.0);
  size_t kept = 0;
  for (double mass = 0; kept < plain.size() && mass < rule.top_p; ++kept) mass += plain[kept];
  while (kept > 1 && plain[kept - 1] < rule.min_p * plain[0]) --kept;
  return shares(kept, rule.temperature);
}

/// Has a token drawn at `position`; what it is, and whether the step buffer says that it comes next.
struct Drawn {
  uint32_t token = 0;
  bool step_is_right = false;
};

Drawn draw_once(Context& context, std::span<const float> logits, const DrawRule& rule, double chance,
                uint32_t turn) {
  const uint32_t position = context.profile.attention_split - 1;
  const MappedCache cache(context.device, {4, 8, 16, false, false}, 2);
  const vk::Buffer logits_buffer = upload<float>(context.device, logits);
  const vk::Buffer found(context.device, top_k_bytes(rule.top_k), vk::MemoryUse::kShared, "what was found");
  const uint32_t no_token[] = {UINT32_MAX};
  const vk::Buffer step = upload_step(context.device, position, no_token);
  const std::span<uint32_t> words = step.mapped_as<uint32_t>();
  words[shaders::STEP_CHANCES + turn] = std::bit_cast<uint32_t>(static_cast<float>(chance));
  run(context.device, [&](vk::CommandList& commands) {
    kernels::top_k(context, commands, logits_buffer, static_cast<uint32_t>(logits.size()), rule.top_k, found);
    kernels::draw(context, commands, rule, cache.cache(), step, turn, found);
  });
  const uint32_t token = read_drawn(found.mapped_as<uint32_t>());
  bool right = words[shaders::STEP_TOKENS] == token && words[shaders::STEP_POSITION] == position + 1 &&
               words[shaders::STEP_SPLITS] == 2;
  for (size_t i = 0; i < cache.cache().slices.size(); ++i)
    right = right && words[shaders::STEP_ATTENTION_GROUPS + 3 * i + 2] == 2;
  return {token, right};
}

}  // namespace

double draw(Context& context) {
  const std::vector<float> logits = random_values(kCount, 20, kSpread);
  const DrawRule rules[] = {{1, 1, 0, 0}, {40, 0.95F, 0.05F, 0.8F}, {256, 1, 0, 1.5F}, {256, 0.5F, 0, 1}};
  bool right = true;
  for (const DrawRule& rule : rules) {
    const Likeliest likeliest = largest(logits, rule.top_k);
    if (rule.temperature <= 0) {
      const Drawn drawn = draw_once(context, logits, rule, 0.5, 0);
      right = right && drawn.step_is_right && drawn.token == likeliest[0].first;
      continue;
    }
    const std::vector<double> shares = probabilities(likeliest, rule);
    for (const size_t wanted : {size_t{0}, shares.size() / 2, shares.size() - 1}) {
      const double before = std::accumulate(shares.begin(), shares.begin() + static_cast<long>(wanted), 0.0);
      const Drawn drawn =
          draw_once(context, logits, rule, before + shares[wanted] / 2, static_cast<uint32_t>(wanted % 2));
      right = right && drawn.step_is_right && drawn.token == likeliest[wanted].first;
    }
  }
  return right ? 0 : std::numeric_limits<double>::infinity();
}

}  // namespace motley::kernels::checks

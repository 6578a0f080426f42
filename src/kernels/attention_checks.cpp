#include <cmath>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/checks.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference.hpp"
#include "kernels/rope.hpp"
#include "kernels/workbench.hpp"
#include "params/step.h"

namespace motley::kernels::checks {

using reference::nmse;
using reference::random_values;

/// Parts as attention leaves them; the sums of their exponentials are positive.
double attention_merge(Context& context, bool rounded) {
  constexpr uint32_t kHeads = 3;
  constexpr uint32_t kSplits = 5;
  const uint32_t head_size = rounded ? 96 : kHeadSize;
  const uint32_t part_size = head_size + 2;
  const uint32_t width = kHeads * head_size;
  std::vector<float> parts = random_values(size_t{kHeads} * kSplits * part_size, 13, 2.0F);
  for (size_t at = head_size + 1; at < parts.size(); at += part_size) parts[at] = 1.0F + std::abs(parts[at]);
  std::vector<uint32_t> words(shaders::STEP_TOKENS, 0);
  words[shaders::STEP_SPLITS] = kSplits;
  const vk::Buffer step = upload<uint32_t>(context.device, words);
  const vk::Buffer parts_buffer = upload<float>(context.device, parts);
  const vk::Buffer y = upload_nan(context.device, padded_stride(width));
  const vk::Buffer y_rounded = upload_nan(context.device, rounded_floats(width, 1));
  const Vectors to{y, padded_stride(width), y_rounded};
  run(context.device, [&](vk::CommandList& commands) {
    kernels::attention_merge(context, commands, kHeads, head_size, step, parts_buffer, to,
                             {!rounded, rounded});
  });
  const std::vector<float> got = read_vectors(to, width, 1, rounded);
  Worst worst;
  for (size_t head = 0; head < kHeads; ++head) {
    std::vector<double> wanted(head_size, 0.0);
    double sum = 0;
    for (size_t split = 0; split < kSplits; ++split) {
      const std::span<const float> part =
          std::span(parts).subspan((head * kSplits + split) * part_size, part_size);
      const double scale = std::exp(double{part[head_size]});
      sum += double{part[head_size + 1]} * scale;
      for (size_t i = 0; i < head_size; ++i) wanted[i] += double{part[i]} * scale;
    }
    for (double& element : wanted) element /= sum;
    worst.add(nmse(std::span(got).subspan(head * head_size, head_size), wanted));
  }
  return worst.get();
}

double rope(Context& context, const KernelNeeds::CacheTypes& types, bool halves) {
  constexpr uint32_t kHeads = 6;
  constexpr uint32_t kKvHeads = 2;
  constexpr uint32_t kTokens = 3;
  constexpr uint32_t kPosition = 5;
  constexpr uint32_t kPositions = 16;
  constexpr uint32_t kWidth = kHeads * kHeadSize;
  constexpr uint32_t kKvWidth = kKvHeads * kHeadSize;
  const reference::Rotation rotation{kHeadSize / 2, halves};
  const std::vector<float> q = random_values(size_t{kTokens} * kWidth, 14);
  const std::vector<float> k = random_values(size_t{kTokens} * kKvWidth, 15);
  const std::vector<float> v = random_values(size_t{kTokens} * kKvWidth, 16);
  const vk::Buffer q_buffer = upload_vectors(context.device, q, kWidth);
  const vk::Buffer k_buffer = upload_vectors(context.device, k, kKvWidth);
  const vk::Buffer v_buffer = upload_vectors(context.device, v, kKvWidth);
  const vk::Buffer table = upload<float>(context.device, rotation.table(kPositions));
  const vk::Buffer step = upload_step(context.device, kPosition);
  const MappedCache cache(context.device, {kKvHeads, kHeadSize, kPositions, types.keys_f32, types.values_f32},
                          1);
  run(context.device, [&](vk::CommandList& commands) {
    const uint32_t kv_stride = padded_stride(kKvWidth);
    rope_and_store(context, commands, {kHeads, rotation.rotated, halves}, step, table,
                   {q_buffer, padded_stride(kWidth)}, {k_buffer, kv_stride}, {v_buffer, kv_stride},
                   cache.cache(), kTokens);
  });
  Worst worst;
  for (uint32_t t = 0; t < kTokens; ++t) {
    const uint32_t position = kPosition + t;
    for (size_t head = 0; head < kHeads; ++head) {
      const auto wanted =
          rotation.rotate(std::span(q).subspan(t * kWidth + head * kHeadSize, kHeadSize), position);
      const size_t at = size_t{t} * padded_stride(kWidth) + head * kHeadSize;
      worst.add(nmse(q_buffer.mapped_as<float>().subspan(at, kHeadSize), wanted));
    }
    for (uint32_t head = 0; head < kKvHeads; ++head) {
      const size_t at = size_t{t} * kKvWidth + head * kHeadSize;
      const auto keys = rotation.rotate(std::span(k).subspan(at, kHeadSize), position);
      const std::span<const float> values = std::span(v).subspan(at, kHeadSize);
      std::vector<float> got_keys;
      std::vector<float> got_values;
      for (uint32_t i = 0; i < kHeadSize; ++i) {
        got_keys.push_back(cache.key(head, position, i));
        got_values.push_back(cache.value(head, position, i));
      }
      worst.add(nmse(got_keys, keys));
      worst.add(nmse(got_values, std::vector<double>(values.begin(), values.end())));
    }
  }
  return worst.get();
}

double attention(const Context& of, const KernelNeeds::CacheTypes& types, const AttentionCase& c) {
  Context context = of;
  context.profile.attention_split = 32;  // so that few positions are divided
  constexpr uint32_t kKvHeads = 2;
  vk::Device& device = context.device;
  const AttentionShape attention{kKvHeads * c.group, 1 / std::sqrt(static_cast<float>(c.head_size))};
  const uint32_t width = attention.heads * c.head_size;
  const uint32_t stride = padded_stride(width);
  const uint32_t positions = c.position + c.tokens;
  const CacheShape shape{kKvHeads, c.head_size, round_up(positions + 1, kCacheBlock), types.keys_f32,
                         types.values_f32};
  MappedCache cache(device, shape, 1);
  const size_t cached = size_t{positions} * kKvHeads * c.head_size;
  cache.fill(random_values(cached, 17), random_values(cached, 18));
  const std::vector<float> q = random_values(size_t{c.tokens} * width, 19);
  const vk::Buffer q_buffer = upload_vectors(device, q, width);
  const vk::Buffer y = upload_nan(device, size_t{c.tokens} * stride);
  const uint64_t rounding = c.may_round ? rounding_bytes(context.profile, stride, c.tokens) : 0;
  vk::Buffer rounded;
  if (rounding > 0) rounded = upload_nan(device, rounding / sizeof(float));
  const Vectors to{y, stride, rounding > 0 ? rounded : vk::BufferRange()};
  const vk::Buffer step = upload_step(device, c.position);
  write_attention_step(context.profile, attention, cache.cache(), c.position, step.mapped_as<uint32_t>());
  const vk::Buffer parts(device, attention_parts_bytes(context.profile, attention, shape),
                         vk::MemoryUse::kDevice, "parts of attention");
  run(device, [&](vk::CommandList& commands) {
    if (c.decode) {
      attention_decode(context, commands, attention, step, {q_buffer, stride}, cache.cache(), parts, to);
    } else {
      attention_prefill(context, commands, attention, step, {q_buffer, stride}, cache.cache(), to, c.tokens);
    }
  });
  Worst worst;
  std::vector<float> all_got;
  std::vector<double> all_wanted;
  for (uint32_t t = 0; t < c.tokens; ++t) {
    for (uint32_t head = 0; head < attention.heads; ++head) {
      const size_t from = size_t{t} * width + size_t{head} * c.head_size;
      const size_t at = size_t{t} * stride + size_t{head} * c.head_size;
      const auto wanted = reference::attend(std::span(q).subspan(from, c.head_size), attention.scale, cache,
                                            head / c.group, c.position + t + 1);
      const auto got = y.mapped_as<float>().subspan(at, c.head_size);
      worst.add(nmse(got, wanted));
      all_got.insert(all_got.end(), got.begin(), got.end());
      all_wanted.insert(all_wanted.end(), wanted.begin(), wanted.end());
    }
  }
  // Rounding shows in a single row by chance.
  const bool is_exact =
      c.decode || attention_choice(context.profile, shape, c.tokens * c.group, c.may_round).row.arithmetic ==
                      Arithmetic::kFloat32;
  return is_exact ? worst.get() : nmse(all_got, all_wanted);
}

double attention_of_prompts(const Context& context, const KernelNeeds::CacheTypes& types, uint32_t head_size,
                            bool may_round) {
  constexpr uint32_t kGroup = 3;
  constexpr uint32_t kTokens = kTileRows / kGroup + 2;
  constexpr uint32_t kPosition = 37;  // so that the second tile of positions is seen in part
  Worst worst;
  for (const uint32_t enough_tiles : {1U, context.profile.enough_tiles}) {
    Context sized = context;
    sized.profile.enough_tiles = enough_tiles;
    worst.add(attention(sized, types, {head_size, kGroup, kPosition, kTokens, false, may_round}));
  }
  return worst.get();
}

}  // namespace motley::kernels::checks

#include <cmath>
#include <vector>

#include "kernels/attention_decode.hpp"
#include "kernels/checks.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference.hpp"
#include "kernels/workbench.hpp"
#include "params/step.h"

namespace motley::kernels::checks {

using reference::nmse;
using reference::random_values;

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

double attention(Context& context, const KernelNeeds::CacheTypes& types, const AttentionCase& c) {
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
  run(device, [&](vk::CommandList& commands) {
    attention_prefill(context, commands, attention, step, {q_buffer, stride}, cache.cache(), to, c.tokens);
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
      attention_choice(context.profile, shape, c.tokens * c.group, c.may_round).row.arithmetic ==
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
    worst.add(attention(sized, types, {head_size, kGroup, kPosition, kTokens, may_round}));
  }
  return worst.get();
}

double attention_decode(const Context& of, const KernelNeeds::CacheTypes& types, uint32_t head_size,
                        uint32_t group, bool rounded) {
  Context context = of;
  constexpr uint32_t kSplit = 32;
  context.profile.attention_split = kSplit;  // so that few positions are divided
  constexpr uint32_t kKvHeads = 2;
  constexpr uint32_t kTokens = 2;
  constexpr uint32_t kPosition = 3 * kSplit - 1;  // the next is the only one of its part
  vk::Device& device = context.device;
  const AttentionShape attention{kKvHeads * group, 1 / std::sqrt(static_cast<float>(head_size))};
  const reference::Rotation rotation{head_size / 8 * 4, true};
  const uint32_t width = attention.heads * head_size;
  const CacheShape shape{kKvHeads, head_size, round_up(kPosition + kTokens, kCacheBlock), types.keys_f32,
                         types.values_f32};
  const std::vector<float> q = random_values(width, 17);
  const std::vector<float> k = random_values(size_t{kKvHeads} * head_size, 18);
  const std::vector<float> v = random_values(k.size(), 19);
  std::vector<float> keys = random_values(kPosition * k.size(), 20);
  std::vector<float> values = random_values(kPosition * k.size(), 21);
  MappedCache cache(device, shape, 1);
  cache.fill(keys, values);
  // The tokens are alike, but for their positions.
  for (uint32_t position = kPosition; position < kPosition + kTokens; ++position) {
    for (size_t head = 0; head < kKvHeads; ++head) {
      const auto rotated = rotation.rotate(std::span(k).subspan(head * head_size, head_size), position);
      keys.insert(keys.end(), rotated.begin(), rotated.end());
    }
    values.insert(values.end(), v.begin(), v.end());
  }
  MappedCache wanted_cache(device, shape, kKvHeads);
  wanted_cache.fill(keys, values);

  const vk::Buffer q_buffer = upload<float>(device, q);
  const vk::Buffer k_buffer = upload<float>(device, k);
  const vk::Buffer v_buffer = upload<float>(device, v);
  const vk::Buffer table = upload<float>(device, rotation.table(kPosition + kTokens));
  const vk::Buffer step = upload_step(device, kPosition);
  const std::vector<uint32_t> no_parts(attention_parts_bytes(context.profile, attention, shape) / 4, 0);
  const vk::Buffer parts = upload<uint32_t>(device, no_parts);
  Worst worst;
  for (uint32_t position = kPosition; position < kPosition + kTokens; ++position) {
    write_attention_step(context.profile, attention, cache.cache(), position, step.mapped_as<uint32_t>());
    const vk::Buffer y = upload_nan(device, padded_stride(width));
    const vk::Buffer y_rounded = upload_nan(device, rounded_floats(width, 1));
    const Vectors to{y, padded_stride(width), y_rounded};
    run(device, [&](vk::CommandList& commands) {
      kernels::attention_decode(
          context, commands, attention, {{attention.heads, rotation.rotated, rotation.halves}, table}, step,
          {q_buffer, k_buffer, v_buffer}, cache.cache(), parts, to, {!rounded, rounded});
    });
    const std::vector<float> got = read_vectors(to, width, 1, rounded);
    for (uint32_t head = 0; head < attention.heads; ++head) {
      const size_t at = size_t{head} * head_size;
      const std::vector<double> turned = rotation.rotate(std::span(q).subspan(at, head_size), position);
      const std::vector<float> query(turned.begin(), turned.end());
      worst.add(nmse(std::span(got).subspan(at, head_size),
                     reference::attend(query, attention.scale, wanted_cache, head / group, position + 1)));
    }
  }
  return worst.get();
}

}  // namespace motley::kernels::checks

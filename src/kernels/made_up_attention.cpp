#include "kernels/made_up_attention.hpp"

#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "kernels/made_up.hpp"
#include "kernels/matmul.hpp"
#include "params/step.h"
#include "placement/machine.hpp"

namespace motley::kernels {

MadeUpAttention::MadeUpAttention(Context& context, bool keys_f32, bool values_f32, bool may_round)
    : profile_(context.profile),
      shape_{profile_.measured_heads, 1 / std::sqrt(static_cast<float>(profile_.measured_head_size))},
      stride_(round_up(profile_.measured_heads * profile_.measured_head_size, kActivationPadding)) {
  cache_.shape = {std::max(profile_.measured_heads / 4, 1U), profile_.measured_head_size,
                  profile_.measured_positions, keys_f32, values_f32};
  const CacheShape& shape = cache_.shape;
  const auto buffer = [&](uint64_t bytes) { return filled(context.device, bytes, kPattern); };
  const uint64_t vectors_bytes = uint64_t{stride_} * profile_.measured_chunk * sizeof(float);
  q_ = buffer(vectors_bytes);
  k_ = buffer(uint64_t{shape.kv_heads} * shape.head_size * sizeof(float));
  v_ = buffer(k_.size_bytes());
  rope_table_ = buffer(uint64_t{shape.context} * shape.head_size * sizeof(float));
  y_ = buffer(vectors_bytes);
  const uint64_t rounding = may_round ? rounding_bytes(profile_, stride_, profile_.measured_chunk) : 0;
  if (rounding > 0) rounded_ = buffer(rounding);
  keys_ = buffer(shape.kv_heads * shape.key_head_bytes());
  values_ = buffer(shape.kv_heads * shape.value_head_bytes());
  parts_ = filled(context.device, attention_parts_bytes(profile_, shape_, shape), 0);
  cache_.slices = {{0, shape.kv_heads, keys_, values_}};
  step_ =
      vk::Buffer(context.device, shaders::STEP_TOKENS * sizeof(uint32_t), vk::MemoryUse::kShared, kMeasuring);
}

uint32_t MadeUpAttention::middle(const Profile& profile) {
  return (placement::kManyTokens - profile.measured_chunk) / 2;
}

void MadeUpAttention::set_position(uint32_t position) {
  write_attention_step(profile_, shape_, cache_, position, step_.mapped_as<uint32_t>());
}

void MadeUpAttention::decode(Context& context, vk::CommandList& commands) const {
  const Rope rope{{shape_.heads, cache_.shape.head_size, true}, rope_table_};
  attention_decode(context, commands, shape_, rope, step_, {q_, k_, v_}, cache_, parts_, {y_, stride_});
}

void MadeUpAttention::prefill(Context& context, vk::CommandList& commands) const {
  const Vectors y{y_, stride_, rounded_.size_bytes() > 0 ? rounded_ : vk::BufferRange()};
  attention_prefill(context, commands, shape_, step_, {q_, stride_}, cache_, y, profile_.measured_chunk);
}

double MadeUpAttention::giga(uint32_t tokens, uint32_t position) const {
  const double pairs = tokens * (position + 0.5 * (tokens + 1));
  return 4.0 * shape_.heads * cache_.shape.head_size * pairs / 1e9;
}

}  // namespace motley::kernels

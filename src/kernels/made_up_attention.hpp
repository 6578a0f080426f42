// Attention as a layer of a real model has it, to time kernels with.
#pragma once

#include "kernels/attention_decode.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {

/// A layer's attention with made-up queries and cache, like that of models of today: four heads share keys.
/// Sizes are those of the profile.
class MadeUpAttention {
 public:
  /// `may_round`: vectors may be rounded where that is faster.
  MadeUpAttention(Context& context, bool keys_f32, bool values_f32, bool may_round);

  /// Of the cache.
  uint32_t positions() const { return cache_.shape.context; }
  /// Where a chunk of profile.measured_chunk tokens begins that lies in the middle of a prompt of
  /// placement::kManyTokens.
  static uint32_t middle(const Profile& profile);
  /// Where tokens begin. Not while something runs that was recorded.
  void set_position(uint32_t position);

  /// Records that of a token.
  void decode(Context& context, vk::CommandList& commands) const;
  /// Records that of profile.measured_chunk tokens.
  void prefill(Context& context, vk::CommandList& commands) const;

  /// Operations of so many tokens from `position` on, 1e9: two products of a head's length for each pair of a
  /// query and a position, two operations an element.
  double giga(uint32_t tokens, uint32_t position) const;

 private:
  const Profile profile_;
  AttentionShape shape_;
  Cache cache_;
  uint32_t stride_;
  vk::Buffer q_, k_, v_, y_, rounded_, keys_, values_, parts_, rope_table_, step_;
};

}  // namespace motley::kernels

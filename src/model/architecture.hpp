// The architectures that Motley runs, each one row of data.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace motley::model {

/// Which elements of a head rope rotates together, of n = rope dimensions.
enum class RopeStyle {
  kInterleaved,  ///< Pairs (2i, 2i + 1).
  kHalves        ///< Pairs (i, i + n/2), also called NeoX style.
};

/// What tells one decoder-only transformer of the Llama family from another. Common to all: RMS norms before
/// attention, before the feed-forward part and before the output; rope; grouped-query causal attention; a
/// feed-forward part down(silu(gate(x)) * up(x)).
struct Architecture {
  const char* name;  ///< As in general.architecture; also the prefix of the model's keys.
  RopeStyle rope;
  bool qkv_bias;  ///< The q, k and v projections have biases; otherwise they may have.
  bool qk_norm;   ///< q and k are RMS-normed head by head, before rope.
};

/// Every architecture supported.
std::span<const Architecture> architectures();

/// nullptr when it is none of them.
const Architecture* find_architecture(std::string_view name);

/// Their names, for messages: "llama, qwen2, ...".
std::string supported_architectures();

}  // namespace motley::model

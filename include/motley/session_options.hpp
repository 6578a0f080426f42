// What a session is made for; plans leave room for it.
#pragma once

#include <cstdint>

#include <motley/common.hpp>

namespace motley {

enum class CacheType { kF16, kF32 };

/// What quantized weights are multiplied with.
enum class Activations {
  kAuto,  ///< rounded where the device is faster with them: to 8 bits, which changes logits by about a
          ///< thousandth, or to half precision for prompts on GPUs with cooperative matrices
  kF32,   ///< as they are
};

struct SessionOptions {
  std::uint32_t context_tokens = 0;  ///< positions in the KV cache; 0: as trained, at most 4096
  /// Prompt tokens run in one pass, at most 4096; made smaller where memory asks. 0: what is predicted to be
  /// fastest on the plan's devices, at most 512.
  std::uint32_t batch_tokens = 0;
  CacheType cache_k = CacheType::kF16;
  CacheType cache_v = CacheType::kF16;
  Activations activations = Activations::kAuto;
  /// The devices time each kernel, which slows the session down: kernels run one after another then. Throws
  /// kUnsupported where a device has no clock for them.
  bool time_kernels = false;
};

}  // namespace motley

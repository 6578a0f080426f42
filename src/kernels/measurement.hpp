// What a device was measured to do with the kernels that the engine uses.
#pragma once

#include <vector>

#include "kernels/profile.hpp"
#include "quant/format.hpp"

namespace motley::kernels {

struct FormatMeasurement {
  quant::Format format{};
  double matvec_gbs = 0;     ///< bytes of weights read in products with one vector, 1e9/s
  double matmat_gflops = 0;  ///< of products with placement::kManyTokens vectors, 1e9/s
  double few_gflops = 0;     ///< of products with placement::kFewTokens vectors, 1e9/s
  double product_us = 0;     ///< one more product with one vector, beside the bytes of its weights
};

struct Measurements {
  double bandwidth_gbs = 0;  ///< reading its own memory, 1e9 bytes/s
  double host_read_gbs = 0;  ///< a kernel reading host memory; bandwidth_gbs where the host's is its own
  double upload_gbs = 0;     ///< copying from staging memory on the host
  double download_gbs = 0;   ///< copying to it
  double dispatch_us = 0;    ///< one more dispatch that waits for the one before and does next to nothing
  double handoff_us = 0;     ///< submitting such a dispatch and waiting for it
  double decode_attention_gflops = 0;   ///< of one token's queries with the KV cache, 1e9/s
  double prefill_attention_gflops = 0;  ///< of a prompt's, 1e9/s
  double activation_gbs = 0;            ///< read and written by norms and gated activations of a prompt
  std::vector<FormatMeasurement> formats;

  /// Nothing where the format was not measured.
  const FormatMeasurement* find(quant::Format format) const;
};

/// Measures everything but the formats. All memory taken is given back. Throws Error{kOutOfMemory} when the
/// device has no room for small buffers, Error{kDeviceLost}.
Measurements measure_device(Context& context);

/// Measures kernels::matmul with made-up weights of one format, more of them than caches hold and in several
/// buffers as a model's are, each as large as a matrix of a model. Throws as measure_device().
FormatMeasurement measure_format(Context& context, quant::Format format);

}  // namespace motley::kernels

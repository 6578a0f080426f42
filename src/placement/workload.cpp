#include "placement/workload.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"

namespace motley::placement {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 62;

/// Adds to a sum that starts below kMostBytes.
void add_checked(uint64_t& sum, uint64_t figure, const std::string& owner, const char* field) {
  const auto total = checked_add(sum, figure);
  if (!total || *total > kMostBytes) {
    fail(ErrorCode::kInvalidArgument, "{}: {} is {}, which brings the model beyond {} bytes", owner, field,
         figure, kMostBytes);
  }
  sum = *total;
}

void check_layer(const LayerCost& layer, const std::string& owner, uint64_t& bytes) {
  uint64_t weights = 0;
  for (const MatrixCost& matrix : layer.matrices) {
    add_checked(bytes, matrix.bytes, owner, "bytes");
    add_checked(weights, matrix.weights, owner, "weights");
    if (!(matrix.active_share > 0 && matrix.active_share <= 1)) {
      fail(ErrorCode::kInvalidArgument, "{}: active_share is {}; it must be above 0 and at most 1", owner,
           matrix.active_share);
    }
  }
  add_checked(bytes, layer.vector_bytes, owner, "vector_bytes");
  add_checked(bytes, layer.kv_bytes, owner, "kv_bytes");
}

}  // namespace

uint64_t weights_bytes(const LayerCost& layer) {
  uint64_t bytes = layer.vector_bytes;
  for (const MatrixCost& matrix : layer.matrices) bytes += matrix.bytes;
  return bytes;
}

std::vector<uint32_t> chunk_sizes(const Workload& workload) {
  if (workload.batch > 0) return {std::min(workload.batch, kPrefillTokens)};
  const uint32_t longest = workload.context > 0 ? std::min(workload.context, kPrefillTokens) : kPrefillTokens;
  std::vector<uint32_t> sizes;
  for (uint32_t size = kPrefillTokens; size >= kFewestChunkTokens; size /= 2) {
    if (size <= longest) sizes.push_back(size);
  }
  if (sizes.empty()) sizes.push_back(longest);
  return sizes;
}

void check_workload(const Workload& workload, size_t devices) {
  if (workload.layers.empty() || workload.layers.size() > kMaxLayers) {
    fail(ErrorCode::kInvalidArgument, "the model has {} layers; from 1 to {} can be planned",
         workload.layers.size(), kMaxLayers);
  }
  uint64_t bytes = 0;
  check_layer(workload.embedding, "embedding", bytes);
  for (size_t i = 0; i < workload.layers.size(); ++i) {
    check_layer(workload.layers[i], fmt::format("layer {}", i), bytes);
  }
  check_layer(workload.output, "output layer", bytes);
  add_checked(bytes, workload.handoff_bytes_per_token, "model", "handoff_bytes_per_token");
  if (workload.scratch.size() != 1 && workload.scratch.size() != devices) {
    fail(ErrorCode::kInvalidArgument, "the model's scratch memory is told for {} devices; the machine has {}",
         workload.scratch.size(), devices);
  }
  for (const Scratch& scratch : workload.scratch) {
    uint64_t sum = bytes;
    add_checked(sum, scratch.bytes, "model", "scratch bytes");
    add_checked(sum, scratch.output_bytes, "model", "scratch output_bytes");
  }
}

}  // namespace motley::placement

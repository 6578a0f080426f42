#include "kernels/top_k.hpp"

#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "kernels/variant.hpp"
#include "params/found.h"
#include "params/top_k.h"

namespace motley::kernels {
namespace {

uint64_t output_words(uint32_t k) { return shaders::FOUND_ENTRIES + uint64_t{2} * top_k_capacity(k); }

void check_words(uint64_t words, uint32_t k) {
  if (words >= output_words(k)) return;
  fail(ErrorCode::kInternal, "top_k: the output for k = {} has {} words; {} are needed", k, words,
       output_words(k));
}

}  // namespace

uint64_t top_k_bytes(uint32_t k) { return output_words(k) * sizeof(uint32_t); }

void top_k(Context& context, vk::CommandList& commands, const vk::BufferRange& logits, uint32_t vocabulary,
           uint32_t k, const vk::BufferRange& out) {
  if (k < 1 || k > kMaxTopK) fail(ErrorCode::kInternal, "top_k: k = {}; it is from 1 to {}", k, kMaxTopK);
  if (vocabulary < 1 || logits.size_bytes / sizeof(float) < vocabulary) {
    fail(ErrorCode::kInternal, "top_k: {} logits are wanted of a range of {} bytes", vocabulary,
         logits.size_bytes);
  }
  check_words(out.size_bytes / sizeof(uint32_t), k);
  const uint32_t constants[] = {context.profile.workgroup};
  const shaders::TopKParameters parameters{vocabulary, k, top_k_capacity(k)};
  commands.dispatch(context.device.pipeline(choose_only(context.profile, "top_k").shader, constants),
                    {logits, out}, parameters, {1, 1, 1});
}

TopK read_top_k_counts(std::span<const uint32_t> out) {
  return {out[shaders::FOUND_COUNT], out[shaders::FOUND_NANS]};
}

std::optional<Likeliest> read_top_k(std::span<const uint32_t> out, uint32_t k) {
  check_words(out.size(), k);
  const TopK counts = read_top_k_counts(out);
  if (counts.found > top_k_capacity(k) || counts.nans > 0) return std::nullopt;
  Likeliest entries;
  entries.reserve(counts.found);
  for (uint32_t i = 0; i < counts.found; ++i) {
    const size_t at = shaders::FOUND_ENTRIES + size_t{2} * i;
    entries.emplace_back(out[at], std::bit_cast<float>(out[at + 1]));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  entries.resize(std::min<size_t>(entries.size(), k));
  return entries;
}

}  // namespace motley::kernels

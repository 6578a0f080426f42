#include "isa/kernel_uses.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kernels/arithmetic.hpp"
#include "kernels/attention_decode.hpp"
#include "kernels/bandwidth.hpp"
#include "kernels/draw.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/embed.hpp"
#include "kernels/matmul.hpp"
#include "kernels/quantize.hpp"
#include "kernels/round_half.hpp"
#include "kernels/top_k.hpp"
#include "quant/format.hpp"

namespace motley::isa {
namespace {

using kernels::Context;
using vk::CommandList;

constexpr uint32_t kWidth = 4096;
constexpr uint32_t kFeedForward = 14336;
constexpr uint32_t kVocabulary = 128256;
constexpr uint32_t kTableRows = 8192;
constexpr uint32_t kKvHeads = 8;
constexpr uint32_t kContextLength = 4096;
constexpr uint32_t kFew = kernels::kMoreTokens - 1;
constexpr uint32_t kSeveral = 8;
constexpr uint32_t kBatch = 512;
constexpr float kEpsilon = 1e-5F;

/// What uses are given: ranges of one buffer, all from its start, as nothing is ever run.
struct Ranges {
  const vk::Buffer& memory;

  kernels::Weight weight(const Context& context, quant::Format format, uint32_t rows) const {
    kernels::Weight weight;
    weight.shape = {format, rows, kWidth, context.profile.lanes};
    weight.parts.push_back({{memory, 0, weight.shape.packed_bytes()}, 0, rows});
    return weight;
  }
  kernels::Vectors vectors(uint32_t width) const {
    return {{memory, 0, uint64_t{width} * kBatch * sizeof(float)}, width};
  }
  /// Those that may be rounded.
  kernels::Vectors rounding_vectors(uint32_t width) const {
    const uint64_t rounded_bytes =
        std::max(kernels::rounded_bytes(width, kBatch), kernels::half_bytes(width, kBatch));
    return {vectors(width).range, width, {memory, 0, rounded_bytes}};
  }
  kernels::Cache cache(const kernels::CacheShape& shape) const {
    return {shape, {{0, shape.kv_heads, memory, memory}}};
  }
};

std::string tokens_text(uint32_t tokens) {
  return tokens == 1 ? "1 token" : fmt::format("{} tokens", tokens);
}

void add_matmul(std::vector<KernelUse>& uses, Ranges of, const quant::FormatInfo& format) {
  for (const uint32_t tokens : {1U, kFew, kSeveral, kBatch}) {
    for (const bool adds : {false, true}) {
      uses.push_back(
          {fmt::format("matmul {}, {}{}", format.stem, tokens_text(tokens), adds ? ", added to" : ""),
           [=, format = format.format](Context& context, CommandList& commands) {
             const vk::BufferRange bias(of.memory);
             kernels::matmul(context, commands, of.weight(context, format, kFeedForward),
                             of.rounding_vectors(kWidth), of.vectors(kFeedForward), tokens,
                             {adds, adds ? &bias : nullptr});
           }});
    }
  }
}

void add_embed(std::vector<KernelUse>& uses, Ranges of, const quant::FormatInfo& format) {
  uses.push_back({fmt::format("embed {}", format.stem),
                  [=, format = format.format](Context& context, CommandList& commands) {
                    kernels::embed(context, commands, of.weight(context, format, kTableRows), of.memory,
                                   of.vectors(kWidth), kBatch);
                  }});
}

void add_heads(std::vector<KernelUse>& uses, Ranges of, const kernels::CacheShape& shape, uint32_t group) {
  const uint32_t heads = group * shape.kv_heads;
  const std::string what = fmt::format("heads of {}, {} a KV head, cache {}/{}", shape.head_size, group,
                                       shape.keys_f32 ? "f32" : "f16", shape.values_f32 ? "f32" : "f16");
  for (const bool halves : {false, true}) {
    uses.push_back({fmt::format("rope of {}, {}", halves ? "halves" : "pairs", what),
                    [=](Context& context, CommandList& commands) {
                      kernels::rope_and_store(context, commands, {heads, shape.head_size, halves}, of.memory,
                                              of.memory, of.vectors(kWidth), of.vectors(kWidth),
                                              of.vectors(kWidth), of.cache(shape), kBatch);
                    }});
  }
  const kernels::AttentionShape attention{heads, 0.1F};
  for (const bool rounded : {false, true}) {
    uses.push_back({fmt::format("attention_decode, {}{}", what, rounded ? ", rounded" : ""),
                    [=](Context& context, CommandList& commands) {
                      if (rounded && !context.profile.rounds_to_bytes()) return;
                      const kernels::Rope rope{{heads, shape.head_size, true}, of.memory};
                      const uint64_t parts_bytes =
                          kernels::attention_parts_bytes(context.profile, attention, shape);
                      kernels::attention_decode(context, commands, attention, rope, of.memory,
                                                {of.memory, of.memory, of.memory}, of.cache(shape),
                                                {of.memory, 0, parts_bytes}, of.rounding_vectors(kWidth),
                                                {!rounded, rounded});
                    }});
  }
  for (const uint32_t tokens : {1U, 2U, kBatch}) {
    uses.push_back({fmt::format("attention, {}, {}", tokens_text(tokens), what),
                    [=](Context& context, CommandList& commands) {
                      kernels::attention_prefill(context, commands, attention, of.memory, of.vectors(kWidth),
                                                 of.cache(shape), of.vectors(kWidth), tokens);
                    }});
  }
}

void add_single_vectors(std::vector<KernelUse>& uses, Ranges of) {
  uses.push_back({"rms_norm", [=](Context& context, CommandList& commands) {
                    kernels::rms_norm(context, commands, of.memory, of.vectors(kWidth), 0, of.vectors(kWidth),
                                      kWidth, 1, kEpsilon);
                  }});
  uses.push_back({"rms_norm of heads", [=](Context& context, CommandList& commands) {
                    kernels::rms_norm_heads(context, commands, of.memory, of.vectors(kWidth), kWidth / 32, 32,
                                            1, kEpsilon);
                  }});
  uses.push_back({"swiglu", [=](Context& context, CommandList& commands) {
                    kernels::swiglu(context, commands, of.vectors(kFeedForward), of.vectors(kFeedForward),
                                    kFeedForward, 1);
                  }});
  uses.push_back({"round_half", [=](Context& context, CommandList& commands) {
                    kernels::round_half(context, commands, of.rounding_vectors(kWidth), kWidth, kBatch);
                  }});
  uses.push_back({"top_k", [=](Context& context, CommandList& commands) {
                    kernels::top_k(context, commands, of.memory, kVocabulary, 40, of.memory);
                  }});
  uses.push_back({"draw", [=](Context& context, CommandList& commands) {
                    kernels::draw(context, commands, {40, 0.95F, 0.05F, 0.8F},
                                  of.cache({4, 64, 512, false, false}), of.memory, 0, of.memory);
                  }});
  uses.push_back(
      {"arithmetic", [](Context& context, CommandList&) { kernels::measure_arithmetic_gflops(context); }});
  uses.push_back(
      {"bandwidth", [](Context& context, CommandList&) { kernels::measure_bandwidth_gbs(context); }});
}

/// What kernels write rounded to 8 bits, on devices with products that read it.
void add_rounding(std::vector<KernelUse>& uses, Ranges of) {
  constexpr kernels::Forms kForms{.exact = true, .rounded = true};
  const auto add = [&](const char* name, auto record) {
    uses.push_back({fmt::format("{}, rounded", name), [=](Context& context, CommandList& commands) {
                      if (context.profile.rounds_to_bytes()) record(context, commands);
                    }});
  };
  add("rms_norm", [=](Context& context, CommandList& commands) {
    kernels::rms_norm(context, commands, of.memory, of.vectors(kWidth), 0, of.rounding_vectors(kWidth),
                      kWidth, 1, kEpsilon, kForms);
  });
  add("swiglu", [=](Context& context, CommandList& commands) {
    kernels::swiglu(context, commands, of.rounding_vectors(kFeedForward), of.vectors(kFeedForward),
                    kFeedForward, 1, kForms);
  });
}

}  // namespace

std::vector<KernelUse> kernel_uses(const vk::Buffer& memory) {
  constexpr std::pair<uint32_t, uint32_t> kHeads[] = {{64, 1}, {64, 4}, {128, 4}, {256, 2}};
  const Ranges of{memory};
  std::vector<KernelUse> uses;
  for (const quant::FormatInfo& format : quant::all_formats()) {
    add_matmul(uses, of, format);
    add_embed(uses, of, format);
  }
  for (const auto& [head_size, group] : kHeads) {
    for (const bool keys_f32 : {false, true}) {
      for (const bool values_f32 : {false, true})
        add_heads(uses, of, {kKvHeads, head_size, kContextLength, keys_f32, values_f32}, group);
    }
  }
  add_single_vectors(uses, of);
  add_rounding(uses, of);
  return uses;
}

}  // namespace motley::isa

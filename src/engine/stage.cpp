#include "engine/stage.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/rope_table.hpp"
#include "engine/tested_kernels.hpp"
#include "engine/tuned_kernels.hpp"
#include "engine/uploader.hpp"
#include "kernels/attention_decode.hpp"
#include "params/step.h"

namespace motley::engine {
namespace {

std::atomic<uint64_t> stages_made{0};

void add_format(std::vector<quant::Format>& formats, quant::Format format) {
  if (std::ranges::find(formats, format) == formats.end()) formats.push_back(format);
}

}  // namespace

Stage::Stage(const LoadedModel& model, const StageWeights& weights, const StagePlan& plan)
    : model_(model), weights_(weights), context_(weights.context()), plan_(plan), number_(++stages_made) {
  kernels::KernelNeeds needs = kernel_needs({}, model_.config());
  needs.caches.push_back({plan_.cache.keys_f32, plan_.cache.values_f32});
  if (plan_.rounded_bytes == 0) {
    for (const PlannedTensor& tensor : weights_.plan().tensors)
      if (tensor.matrix) add_format(needs.exact_products, tensor.shape.format);
  }
  prepare_kernels(context_, needs, weights_.spec().tune);
  allocate();
}

void Stage::allocate() {
  vk::Device& device = weights_.device();
  cache_ = std::make_unique<KvCache>(device, plan_.layers, weights_.spec().host_layers, plan_.cache);
  scratch_.reserve(16);  // the ranges below point to the buffers
  const auto buffer = [&](uint64_t bytes, vk::MemoryUse use) -> const vk::Buffer& {
    return scratch_.emplace_back(device, bytes, use, "scratch");
  };
  const auto vectors = [&](uint32_t stride) {
    return kernels::Vectors{buffer(uint64_t{plan_.batch} * stride * sizeof(float), vk::MemoryUse::kDevice),
                            stride};
  };
  x_ = vectors(plan_.embedding_stride);
  normed_ = vectors(plan_.embedding_stride);
  attended_ = vectors(plan_.q_stride);
  // Each is multiplied before the next is rounded, so that they share the room.
  vk::BufferRange rounded;
  if (plan_.rounded_bytes > 0) rounded = buffer(plan_.rounded_bytes, vk::MemoryUse::kDevice);
  normed_.rounded = attended_.rounded = rounded;
  const vk::Buffer& heads = buffer(plan_.heads_bytes(), vk::MemoryUse::kDevice);
  const vk::Buffer& feed_forward = buffer(plan_.feed_forward_bytes(), vk::MemoryUse::kDevice);
  place_projected(heads, feed_forward, rounded);
  attention_parts_ = buffer(plan_.attention_parts_bytes, vk::MemoryUse::kDevice);
  rope_table_ = buffer(plan_.rope_table_bytes, vk::MemoryUse::kDevice);
  step_ = buffer(plan_.step_bytes, vk::MemoryUse::kShared);
  if (plan_.head_rows > 0) {
    const uint32_t vocabulary = model_.config().vocabulary;
    const uint64_t logits_bytes = uint64_t{plan_.head_rows} * vocabulary * sizeof(float);
    logits_ = {buffer(logits_bytes, vk::MemoryUse::kDevice), vocabulary};
    for (vk::BufferRange& found : found_) found = buffer(plan_.found_bytes / 2, vk::MemoryUse::kShared);
    if (logits_.range.buffer->mapped().empty())
      logits_readback_ = vk::Buffer(device, logits_bytes, vk::MemoryUse::kReadback, "logits");
  }

  // What lies between a vector's end and its stride is multiplied with zeros and must be a number; attention
  // counts from zero.
  vk::CommandList clear(device);
  for (const vk::BufferRange& each : {x_.range, normed_.range, attended_.range, vk::BufferRange(heads),
                                      vk::BufferRange(feed_forward), attention_parts_, rounded})
    if (each.buffer != nullptr) clear.fill(each, 0);
  clear.finish();
  device.wait(device.submit(clear));

  const std::vector<float> table = make_rope_table(model_.rope_frequencies(), plan_.cache.context);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(table));
  Uploader uploader(device);
  for (uint64_t at = 0; at < bytes.size(); at += Uploader::kPieceBytes) {
    const uint64_t size = std::min<uint64_t>(Uploader::kPieceBytes, bytes.size() - at);
    uploader.write({*rope_table_.buffer, at, size}, bytes.subspan(at, size));
  }
  uploader.finish();
}

void Stage::place_projected(const vk::Buffer& heads, const vk::Buffer& feed_forward,
                            const vk::BufferRange& rounded) {
  const model::Config& config = model_.config();
  const auto place = [](const vk::Buffer& in, uint64_t first, uint64_t elements, uint32_t stride) {
    return kernels::Vectors{{in, first * sizeof(float), elements * sizeof(float)}, stride};
  };
  const uint64_t batch = plan_.batch;
  const uint32_t q = plan_.q_stride;
  const uint32_t kv = plan_.kv_stride;
  const uint32_t wide = plan_.feed_forward_stride;
  chunk_ = {place(heads, 0, batch * q, q), place(heads, batch * q, batch * kv, kv),
            place(heads, batch * (uint64_t{q} + kv), batch * kv, kv),
            place(feed_forward, 0, batch * wide, wide),
            place(feed_forward, batch * wide, batch * wide, wide)};
  const uint32_t k_row = next_row(config.q_size());
  const uint32_t v_row = k_row + next_row(config.kv_size());
  const uint32_t up_row = next_row(config.feed_forward);
  // The down projection reads the gate to the end of its stride.
  single_ = {place(heads, 0, k_row, q), place(heads, k_row, v_row - k_row, kv),
             place(heads, v_row, v_row - k_row, kv), place(feed_forward, 0, wide, wide),
             place(feed_forward, up_row, up_row, wide)};
  chunk_.gate.rounded = single_.gate.rounded = rounded;
}

void Stage::connect(HandOff* before, HandOff* behind) {
  before_ = before;
  behind_ = behind;
}

void Stage::start(std::span<const Token> tokens, uint32_t position, uint32_t slot) {
  drawn_ = take_ahead(tokens, position);
  if (drawn_) return;
  write_step(tokens, position);
  const auto count = static_cast<uint32_t>(tokens.size());
  decoding_ = count == 1;
  submit(body(count), count, position, slot);
}

void Stage::start_together(std::span<const NextToken> next, uint32_t slot) {
  const std::span<uint32_t> words = step_.buffer->mapped_as<uint32_t>();
  for (const NextToken& each : next) {
    each.stage->end_ahead();
    each.stage->write_step(std::span(&each.token, 1), each.position);
  }
  for (size_t i = 0; i < next.size(); ++i)
    words[shaders::STEP_TOKENS + i] = static_cast<uint32_t>(next[i].token);
  decoding_ = true;
  submit(body_together(next), static_cast<uint32_t>(next.size()), next.front().position, slot);
}

void Stage::submit(const vk::CommandList& body, uint32_t tokens, uint32_t position, uint32_t slot) {
  position_ = position;
  const uint64_t bytes = uint64_t{tokens} * plan_.embedding_stride * sizeof(float);
  std::vector<const vk::CommandList*> lists;
  if (before_ != nullptr) {
    before_->carry(slot, bytes);
    lists.push_back(&before_->receive(slot, bytes));
  }
  lists.push_back(&body);
  running_.push_back({&body, decoding_, position});
  if (behind_ != nullptr) lists.push_back(&behind_->send(slot, bytes));
  submission_ = device().submit(lists);
}

void Stage::wait() {
  device().wait(submission_);
  const auto end = std::chrono::steady_clock::now();
  for (const Running& run : running_)
    kernel_times_.add(run.commands->step_times(), run.decode, run.position, end);
  running_.clear();
}

std::span<const float> Stage::run_head(uint32_t first, uint32_t rows) {
  const vk::CommandList& commands = head(first, rows);
  submission_ = device().submit(commands);
  running_.push_back({&commands, decoding_, 0});
  wait();
  logits_turn_ = 0;
  logits_read_ = true;
  return logits(rows);
}

std::span<const float> Stage::logits(uint32_t rows) {
  const vk::Buffer& computed = *logits_.range.buffer;
  const size_t count = size_t{rows} * model_.config().vocabulary;
  const uint64_t first = first_logit(logits_turn_);
  if (logits_readback_.size_bytes() == 0) return computed.mapped_as<float>().subspan(first, count);
  if (!logits_read_) {
    vk::CommandList copy(device());
    copy.copy({computed, first * sizeof(float), count * sizeof(float)},
              {logits_readback_, 0, count * sizeof(float)});
    copy.finish();
    device().wait(device().submit(copy));
    logits_read_ = true;
  }
  return logits_readback_.mapped_as<float>().first(count);
}

void Stage::write_step(std::span<const Token> tokens, uint32_t position) {
  const std::span<uint32_t> words = step_.buffer->mapped_as<uint32_t>();
  kernels::write_attention_step(context_.profile, plan_.attention, cache_->layer(0), position, words);
  std::memcpy(&words[shaders::STEP_TOKENS], tokens.data(), tokens.size_bytes());
}

}  // namespace motley::engine

#include "engine/session.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "engine/rope_table.hpp"
#include "engine/uploader.hpp"
#include "params/step.h"

namespace motley::engine {

Session::Session(std::shared_ptr<const LoadedModel> model, const SessionRequest& request)
    : model_(std::move(model)),
      plan_(plan_session(model_->config(), model_->device().facts(), model_->context().profile, request,
                         model_->device().available_bytes())) {
  allocate();
}

void Session::allocate() {
  vk::Device& device = model_->device();
  cache_ = std::make_unique<KvCache>(device, model_->config(), plan_.cache);
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
  q_ = vectors(plan_.q_stride);
  attended_ = vectors(plan_.q_stride);
  k_ = vectors(plan_.kv_stride);
  v_ = vectors(plan_.kv_stride);
  gate_ = vectors(plan_.feed_forward_stride);
  up_ = vectors(plan_.feed_forward_stride);
  attention_parts_ = buffer(plan_.attention_parts_bytes, vk::MemoryUse::kDevice);
  rope_table_ = buffer(plan_.rope_table_bytes, vk::MemoryUse::kDevice);
  step_ = buffer(plan_.step_bytes, vk::MemoryUse::kShared);

  const uint32_t vocabulary = model_->config().vocabulary;
  const uint64_t logits_bytes = uint64_t{plan_.head_rows} * vocabulary * sizeof(float);
  logits_ = {buffer(logits_bytes, vk::MemoryUse::kDevice), vocabulary};
  if (logits_.range.buffer->mapped().empty()) {
    logits_readback_ = vk::Buffer(device, logits_bytes, vk::MemoryUse::kReadback, "logits");
  }

  // What lies between a vector's end and its stride is read and must be zero; no kernel writes there.
  vk::CommandList clear(device);
  for (const kernels::Vectors* each : {&x_, &normed_, &q_, &attended_, &k_, &v_, &gate_, &up_})
    clear.fill(each->range, 0);
  clear.finish();
  device.wait(device.submit(clear));

  const std::vector<float> table = make_rope_table(model_->rope_frequencies(), plan_.cache.context);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(table));
  Uploader uploader(device);
  for (uint64_t at = 0; at < bytes.size(); at += Uploader::kPieceBytes) {
    const uint64_t size = std::min<uint64_t>(Uploader::kPieceBytes, bytes.size() - at);
    uploader.write({*rope_table_.buffer, at, size}, bytes.subspan(at, size));
  }
  uploader.finish();
}

void Session::check_tokens(std::span<const Token> tokens) const {
  if (tokens.empty()) fail(ErrorCode::kInvalidArgument, "there is no token to evaluate");
  const uint32_t vocabulary = model_->config().vocabulary;
  for (const Token token : tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= vocabulary) {
      fail(ErrorCode::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocabulary);
    }
  }
  if (tokens.size() > plan_.context - position()) {
    fail(ErrorCode::kContextFull,
         "the context holds {} tokens; {} are in it and {} more were to be added: use a larger context (-c)",
         plan_.context, position(), tokens.size());
  }
}

template <typename AfterChunk>
void Session::run_chunks(std::span<const Token> tokens, AfterChunk after_chunk) {
  check_tokens(tokens);
  have_logits_ = false;
  for (size_t done = 0; done < tokens.size();) {
    if (cancelled_) {
      cancelled_ = false;
      fail(ErrorCode::kCancelled, "cancelled after {} of {} tokens", done, tokens.size());
    }
    const auto count = static_cast<uint32_t>(std::min<size_t>(plan_.batch, tokens.size() - done));
    run_body(tokens.subspan(done, count));
    after_chunk(done, count);
    done += count;
  }
}

void Session::evaluate(std::span<const Token> tokens) {
  run_chunks(tokens, [&](size_t done, uint32_t count) {
    if (done + count == tokens.size()) run_head(count - 1, 1);
  });
  have_logits_ = true;
}

std::vector<float> Session::evaluate_all(std::span<const Token> tokens, size_t first) {
  const size_t vocabulary = model_->config().vocabulary;
  if (first >= tokens.size())
    fail(ErrorCode::kInvalidArgument, "logits from token {} of {}", first, tokens.size());
  std::vector<float> result((tokens.size() - first) * vocabulary);
  const std::span<const float> source = logits_readback_.size_bytes() > 0
                                            ? logits_readback_.mapped_as<float>()
                                            : logits_.range.buffer->mapped_as<float>();
  run_chunks(tokens, [&](size_t done, uint32_t count) {
    const size_t begin = first > done ? first - done : 0;
    for (size_t row = begin; row < count; row += plan_.head_rows) {
      const auto rows = static_cast<uint32_t>(std::min<size_t>(plan_.head_rows, count - row));
      run_head(static_cast<uint32_t>(row), rows);
      std::memcpy(result.data() + (done + row - first) * vocabulary, source.data(),
                  rows * vocabulary * sizeof(float));
    }
  });
  return result;
}

std::span<const float> Session::logits() const {
  if (!have_logits_) return {};
  const vk::Buffer& source = logits_readback_.size_bytes() > 0 ? logits_readback_ : *logits_.range.buffer;
  return source.mapped_as<float>().first(model_->config().vocabulary);
}

void Session::truncate(uint32_t length) {
  tokens_.resize(std::min<size_t>(length, tokens_.size()));
  have_logits_ = false;
}

void Session::run_body(std::span<const Token> tokens) {
  write_step(tokens);
  vk::Device& device = model_->device();
  device.wait(device.submit(body(static_cast<uint32_t>(tokens.size()))));
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void Session::run_head(uint32_t first, uint32_t rows) {
  vk::Device& device = model_->device();
  device.wait(device.submit(head(first, rows)));
}

void Session::write_step(std::span<const Token> tokens) {
  const std::span<uint32_t> words = step_.buffer->mapped_as<uint32_t>();
  kernels::write_attention_step(model_->context().profile, plan_.attention, cache_->layer(0), position(),
                                words);
  std::memcpy(&words[shaders::STEP_TOKENS], tokens.data(), tokens.size_bytes());
}

}  // namespace motley::engine

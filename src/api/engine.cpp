#include "api/impl.hpp"
#include "base/error.hpp"
#include "engine/perplexity.hpp"
#include "engine/session_plan.hpp"
#include "engine/uploader.hpp"

namespace motley {

engine::SessionRequest to_request(const SessionOptions& options) {
  return {options.context_tokens, options.batch_tokens, options.cache_k == CacheType::kF32,
          options.cache_v == CacheType::kF32};
}

MemoryNeed predict_memory(const Model& model, const Device& device, const SessionOptions& options) {
  const gguf::File& file = *Access::of(model).file;
  const vk::Device& vulkan = *Access::of(device).device;
  const kernels::Profile profile = kernels::make_profile(vulkan.facts());
  const model::Config config = model::read_config(file);
  const engine::WeightPlan weights =
      engine::plan_weights(model::find_tensors(file, config), vulkan.facts(), profile);
  MemoryNeed need;
  need.weights_bytes = weights.total_bytes();
  const uint64_t available = vulkan.available_bytes();
  if (need.weights_bytes > available) {
    fail(ErrorCode::kOutOfMemory,
         "the weights of '{}' take {:.1f} MiB, and '{}' has {:.1f} MiB available: take a smaller model or a "
         "coarser "
         "weight format",
         file.path().string(), static_cast<double>(need.weights_bytes) / (1 << 20), vulkan.facts().name,
         static_cast<double>(available) / (1 << 20));
  }
  const uint64_t left = available - need.weights_bytes;
  const engine::SessionPlan session =
      engine::plan_session(config, engine::single_stage(Access::of(device).device, config),
                           to_request(options), std::span(&left, 1));
  need.cache_bytes = session.cache_bytes();
  need.scratch_bytes = session.scratch_bytes();
  return need;
}

Engine::Engine(Model model, Device device, const EngineOptions& options)
    : impl_(std::make_shared<Impl>(Impl{std::move(model), std::move(device), nullptr})) {
  impl_->loaded = std::make_shared<const engine::LoadedModel>(
      Access::of(impl_->model).file, Access::of(impl_->device).device, options.progress);
}

const Model& Engine::model() const { return impl_->model; }
const Device& Engine::device() const { return impl_->device; }
uint32_t Engine::trained_context_tokens() const { return impl_->loaded->config().context_length; }
uint32_t Engine::vocabulary_size() const { return impl_->loaded->config().vocabulary; }
uint64_t Engine::bytes_per_token() const { return impl_->loaded->bytes_per_token(); }

Perplexity perplexity(const Engine& engine, std::string_view text, uint32_t context_tokens,
                      const SessionOptions& options,
                      const std::function<bool(uint32_t, uint32_t, double)>& on_chunk) {
  const tokenizer::Tokenizer& tokenizer = Access::of(engine.model()).get_tokenizer();
  engine::SessionRequest request = to_request(options);
  request.context = context_tokens;
  if (context_tokens < 2)
    fail(ErrorCode::kInvalidArgument, "perplexity needs a context of at least 2 tokens");
  engine::Session session(Access::of(engine).loaded, request);
  const std::vector<Token> tokens = tokenizer.encode(text, {true, false});
  const auto bos = tokenizer.adds_bos() ? tokenizer.bos() : std::nullopt;
  const engine::PerplexityResult result = engine::compute_perplexity(session, tokens, bos, on_chunk);
  return {result.value, result.standard_error, result.scored_tokens, result.chunks};
}

}  // namespace motley

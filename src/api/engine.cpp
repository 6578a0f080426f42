#include <algorithm>

#include "api/impl.hpp"
#include "api/plan_request.hpp"
#include "base/error.hpp"
#include "engine/perplexity.hpp"
#include "engine/session_plan.hpp"
#include "engine/uploader.hpp"

namespace motley {

engine::SessionRequest to_request(const SessionOptions& options) {
  return {options.context_tokens,
          options.batch_tokens,
          options.cache_k == CacheType::kF32,
          options.cache_v == CacheType::kF32,
          options.activations == Activations::kF32,
          options.time_kernels};
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

Engine::Engine(Model model, Device device, const EngineOptions& options) {
  // The context is the session's affair, which says what would fit.
  SessionOptions smallest;
  smallest.context_tokens = 1;
  smallest.batch_tokens = 1;
  OpenedDevices opened;
  opened.devices.push_back(std::move(device));
  impl_ = Impl::load(std::move(model), std::move(opened), smallest, options);
}

Engine::Engine(Model model, const PlanOptions& plan, const SessionOptions& session,
               const EngineOptions& options, const DeviceOptions& device_options) {
  impl_ = Impl::load(std::move(model), open_devices(plan, device_options), session, options);
}

std::shared_ptr<Engine::Impl> Engine::Impl::load(Model model, OpenedDevices opened,
                                                 const SessionOptions& session,
                                                 const EngineOptions& options) {
  engine::ModelHost::Options host_options = opened.host_options(session);
  host_options.recover = options.recover;
  host_options.tune = options.tune;
  host_options.progress = options.progress;
  if (options.planned) {
    host_options.planned = [opened, tell = options.planned](const placement::Plan& plan,
                                                            const placement::Machine& machine,
                                                            const placement::Request& asked) {
      tell(opened.describe(plan, machine, asked));
    };
  }
  auto host = std::make_shared<engine::ModelHost>(Access::of(model).file, opened.vulkan_devices(),
                                                  std::move(host_options));
  host->load();
  return std::make_shared<Impl>(Impl{std::move(model), std::move(opened), std::move(host)});
}

const Model& Engine::model() const { return impl_->model; }
const Device& Engine::device() const {
  return impl_->opened.devices[impl_->host->plan().stages.front().device];
}

std::vector<Device> Engine::devices() const {
  std::vector<Device> used;
  std::vector<size_t> seen;
  for (const placement::Stage& stage : impl_->host->plan().stages) {
    if (std::ranges::find(seen, stage.device) != seen.end()) continue;
    seen.push_back(stage.device);
    used.push_back(impl_->opened.devices[stage.device]);
  }
  return used;
}

Plan Engine::plan() const {
  const engine::ModelHost& host = *impl_->host;
  Plan plan = impl_->opened.describe(host.plan(), host.machine(), host.request());
  plan.model = impl_->model.path().string();
  plan.layers = host.config().layers;
  plan.context_tokens = host.context_tokens();
  return plan;
}

uint32_t Engine::trained_context_tokens() const { return impl_->host->config().context_length; }
uint32_t Engine::vocabulary_size() const { return impl_->host->config().vocabulary; }

uint64_t Engine::bytes_per_token() const {
  const auto model = impl_->host->loaded().model;
  return model == nullptr ? 0 : model->bytes_per_token();
}

Perplexity perplexity(const Engine& engine, std::string_view text, uint32_t context_tokens,
                      const SessionOptions& options,
                      const std::function<bool(uint32_t, uint32_t, double)>& on_chunk) {
  const tokenizer::Tokenizer& tokenizer = Access::of(engine.model()).get_tokenizer();
  engine::SessionRequest request = to_request(options);
  request.context = context_tokens;
  if (context_tokens < 2)
    fail(ErrorCode::kInvalidArgument, "perplexity needs a context of at least 2 tokens");
  engine::Session session(Access::of(engine).host, request);
  const std::vector<Token> tokens = tokenizer.encode(text, {true, false});
  const auto bos = tokenizer.adds_bos() ? tokenizer.bos() : std::nullopt;
  const engine::PerplexityResult result = engine::compute_perplexity(session, tokens, bos, on_chunk);
  return {result.value, result.standard_error, result.scored_tokens, result.chunks};
}

}  // namespace motley

// The forward pass: which kernels run in which order on which memory.
#include "engine/stage.hpp"
#include "kernels/attention_decode.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/embed.hpp"
#include "kernels/matmul.hpp"
#include "kernels/round_half.hpp"

namespace motley::engine {

const vk::CommandList& Stage::body(uint32_t tokens) {
  if (!bodies_.contains(tokens)) {
    // Decoding and full batches come again and again; of the other lengths only the last is kept.
    std::erase_if(bodies_, [&](const auto& entry) { return entry.first != 1 && entry.first != plan_.batch; });
    bodies_[tokens] = record_body({tokens, {}});
  }
  return *bodies_[tokens];
}

/// Sequences begin and end, so that commands for those that ran together once may never be wanted again.
const vk::CommandList& Stage::body_together(std::span<const NextToken> next) {
  constexpr size_t kKept = 16;
  std::vector<uint64_t> numbers;
  Rows rows{static_cast<uint32_t>(next.size()), {}};
  for (const NextToken& each : next) {
    numbers.push_back(each.stage->number_);
    rows.owners.push_back(each.stage);
  }
  if (bodies_together_.size() >= kKept && !bodies_together_.contains(numbers)) bodies_together_.clear();
  std::unique_ptr<vk::CommandList>& recorded = bodies_together_[numbers];
  if (recorded == nullptr) recorded = record_body(rows);
  return *recorded;
}

std::unique_ptr<vk::CommandList> Stage::record_body(const Rows& rows) {
  auto commands = std::make_unique<vk::CommandList>(device(), plan_.time_kernels);
  if (before_ == nullptr)
    kernels::embed(context_, *commands, weights_.token_embedding(), step_, x_, rows.count);
  for (size_t i = 0; i < weights_.layers().size(); ++i) record_layer(*commands, i, rows);
  commands->finish();
  return commands;
}

void Stage::record_layer(vk::CommandList& commands, size_t index, const Rows& rows) {
  record_attention(commands, index, rows);
  record_feed_forward(commands, index, rows.count);
}

void Stage::record_projection(vk::CommandList& commands, const kernels::Weight& weight,
                              const vk::BufferRange& bias, const kernels::Vectors& to, uint32_t tokens) {
  kernels::MatmulOptions options;
  if (bias.buffer != nullptr) options.bias = &bias;
  kernels::matmul(context_, commands, weight, normed_, to, tokens, options);
}

void Stage::record_projections(vk::CommandList& commands, const std::vector<Projection>& projections,
                               const vk::BufferRange& to) {
  for (const Projection& each : projections) {
    const uint32_t rows = each.weight.shape.rows;
    const vk::BufferRange products(*to.buffer, to.offset_bytes + each.first_row * sizeof(float),
                                   rows * sizeof(float));
    record_projection(commands, each.weight, each.bias, {products, rows}, 1);
  }
}

void Stage::record_attention(vk::CommandList& commands, size_t index, const Rows& rows) {
  const model::Config& config = model_.config();
  const LayerWeights& layer = weights_.layers()[index];
  const uint32_t tokens = rows.count;
  const auto& [q, k, v, gate, up] = projected(tokens);
  const auto forms = [&](std::initializer_list<const kernels::Weight*> read_by, const kernels::Vectors& x) {
    return kernels::forms_read(context_.profile, read_by, x, tokens);
  };

  kernels::rms_norm(context_, commands, layer.attention_norm, x_, 0, normed_, config.embedding, tokens,
                    config.norm_epsilon, forms({&layer.q, &layer.k, &layer.v}, normed_));
  if (tokens == 1) {
    record_projections(commands, layer.qkv, q.range);
  } else {
    record_projection(commands, layer.q, layer.q_bias, q, tokens);
    record_projection(commands, layer.k, layer.k_bias, k, tokens);
    record_projection(commands, layer.v, layer.v_bias, v, tokens);
  }
  if (layer.q_norm.buffer != nullptr) {
    kernels::rms_norm_heads(context_, commands, layer.q_norm, q, config.head_size, config.heads, tokens,
                            config.norm_epsilon);
    kernels::rms_norm_heads(context_, commands, layer.k_norm, k, config.head_size, config.kv_heads, tokens,
                            config.norm_epsilon);
  }
  record_attention_to_cache(commands, index, rows, forms({&layer.attention_output}, attended_));
  kernels::matmul(context_, commands, layer.attention_output, attended_, x_, tokens, {.accumulate = true});
}

/// From the projected queries, keys and values to `attended_`, in these forms.
void Stage::record_attention_to_cache(vk::CommandList& commands, size_t index, const Rows& rows,
                                      const kernels::Forms& forms) {
  const model::Config& config = model_.config();
  const auto& [q, k, v, gate, up] = projected(rows.count);
  const bool halves = config.architecture->rope == model::RopeStyle::kHalves;
  const kernels::RopeShape rope{config.heads, config.rope_dimensions, halves};
  if (rows.count == 1) {
    kernels::attention_decode(context_, commands, plan_.attention, {rope, rope_table_}, step_,
                              {q.range, k.range, v.range}, cache_->layer(index), attention_parts_, attended_,
                              forms);
  } else if (rows.owners.empty()) {
    const kernels::Cache& cache = cache_->layer(index);
    kernels::rope_and_store(context_, commands, rope, step_, rope_table_, q, k, v, cache, rows.count);
    kernels::attention_prefill(context_, commands, plan_.attention, step_, q, cache, attended_, rows.count,
                               forms);
  } else {
    for (uint32_t row = 0; row < rows.count; ++row) {
      Stage& owner = *rows.owners[row];
      const auto own = [row](const kernels::Vectors& all) {
        const uint64_t bytes = all.stride * sizeof(float);
        return vk::BufferRange(*all.range.buffer, all.range.offset_bytes + row * bytes, bytes);
      };
      kernels::attention_decode(owner.context_, commands, plan_.attention, {rope, owner.rope_table_},
                                owner.step_, {own(q), own(k), own(v)}, owner.cache_->layer(index),
                                owner.attention_parts_, {own(attended_), attended_.stride});
    }
    kernels::round_vectors(context_, commands, attended_, config.q_size(), rows.count, forms);
  }
}

void Stage::record_feed_forward(vk::CommandList& commands, size_t index, uint32_t tokens) {
  const model::Config& config = model_.config();
  const LayerWeights& layer = weights_.layers()[index];
  const kernels::Vectors& gate = projected(tokens).gate;
  const kernels::Vectors& up = projected(tokens).up;
  kernels::rms_norm(context_, commands, layer.feed_forward_norm, x_, 0, normed_, config.embedding, tokens,
                    config.norm_epsilon,
                    kernels::forms_read(context_.profile, {&layer.gate, &layer.up}, normed_, tokens));
  if (tokens == 1) {
    record_projections(commands, layer.gate_up, gate.range);
  } else {
    record_projection(commands, layer.gate, {}, gate, tokens);
    record_projection(commands, layer.up, {}, up, tokens);
  }
  kernels::swiglu(context_, commands, gate, up, config.feed_forward, tokens,
                  kernels::forms_read(context_.profile, {&layer.down}, gate, tokens));
  kernels::matmul(context_, commands, layer.down, gate, x_, tokens, {.accumulate = true});
}

void Stage::record_head(vk::CommandList& commands, uint32_t first, uint32_t rows,
                        const kernels::Vectors& to) {
  const model::Config& config = model_.config();
  kernels::rms_norm(context_, commands, weights_.output_norm(), x_, first, normed_, config.embedding, rows,
                    config.norm_epsilon,
                    kernels::forms_read(context_.profile, {&weights_.output()}, normed_, rows));
  kernels::matmul(context_, commands, weights_.output(), normed_, to, rows);
}

const vk::CommandList& Stage::head(uint32_t first, uint32_t rows) {
  constexpr size_t kKept = 64;
  if (heads_.size() >= kKept && !heads_.contains({first, rows})) heads_.clear();
  std::unique_ptr<vk::CommandList>& recorded = heads_[{first, rows}];
  if (recorded == nullptr) {
    auto commands = std::make_unique<vk::CommandList>(device(), plan_.time_kernels);
    record_head(*commands, first, rows, logits_);
    if (logits_readback_.size_bytes() > 0) {
      const uint64_t bytes = uint64_t{rows} * model_.config().vocabulary * sizeof(float);
      commands->copy({*logits_.range.buffer, 0, bytes}, {logits_readback_, 0, bytes});
    }
    commands->finish();
    recorded = std::move(commands);
  }
  return *recorded;
}

}  // namespace motley::engine

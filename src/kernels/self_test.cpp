#include "kernels/self_test.hpp"

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "kernels/attention_decode.hpp"
#include "kernels/checks.hpp"
#include "kernels/embed.hpp"
#include "kernels/matmul.hpp"
#include "kernels/quantize.hpp"

namespace motley::kernels {
namespace {

constexpr double kProductLimit = 1e-10;
constexpr double kElementwiseLimit = 1e-9;
constexpr double kAttentionLimit = 1e-8;
constexpr double kHalfLimit = 2e-7;  // of what is rounded to half precision once

template <typename Row>
Choice<Variant> plain(const Choice<Row>& choice) {
  return {choice.row, choice.shader};
}

KernelUse only(std::string shader, std::string kernel, std::string purpose,
               std::function<double(Context&)> error, double limit) {
  const auto choose = [shader = std::move(shader)](const Profile& profile) {
    return choose_only(profile, shader);
  };
  return {std::move(kernel), "", std::move(purpose), choose, std::move(error), limit};
}

/// Attention of so many tokens that GPUs compute it by tiles.
void add_prompt_use(std::vector<KernelUse>& uses, uint32_t head_size, const std::string& name,
                    const KernelNeeds::CacheTypes& types, bool may_round) {
  const CacheShape shape{0, head_size, 0, types.keys_f32, types.values_f32};
  const auto key_of = [shape](bool rounded) {
    return [=](const Profile& profile) { return attention_use(profile, shape, kTileRows, rounded).key(); };
  };
  Comparison comparison{
      key_of(may_round), key_of(true), "GFLOP/s",
      [=](const Profile& profile) { return attention_variants(profile, shape, kTileRows, may_round); },
      [=](Context& context) {
        return attention_workload(context, types.keys_f32, types.values_f32, may_round);
      }};
  uses.push_back(
      {"attention", name, may_round ? "many rows" : "many rows, not rounded",
       [=](const Profile& profile) { return attention_choice(profile, shape, kTileRows, may_round); },
       [=](Context& context) { return checks::attention_of_prompts(context, types, head_size, may_round); },
       kAttentionLimit, std::move(comparison)});
}

/// Attention of one token, `group` query heads a KV head. As it is comes first: where rounding fails, that
/// and quantize() do it.
void add_decode_uses(std::vector<KernelUse>& uses, uint32_t head_size, const std::string& name,
                     const KernelNeeds::CacheTypes& types, uint32_t group) {
  for (const bool rounded : {false, true}) {
    // Heads are rounded in whole blocks.
    const uint32_t size = rounded ? round_up(head_size, kRoundedElements) : head_size;
    const CacheShape shape{1, size, 0, types.keys_f32, types.values_f32};
    uses.push_back(
        {"attention_decode", name,
         fmt::format("{}{}", group > 1 ? "several heads" : "one head", rounded ? ", rounded" : ""),
         [=](const Profile& profile) {
           return attention_decode_choice(profile, shape, group, {!rounded, rounded});
         },
         [=](Context& context) { return checks::attention_decode(context, types, size, group, rounded); },
         kAttentionLimit});
  }
}

void add_cache_uses(std::vector<KernelUse>& uses, const KernelNeeds& needs,
                    const KernelNeeds::CacheTypes& types) {
  const uint32_t head_size = needs.head_size;
  const std::string name =
      fmt::format("{}/{}", types.keys_f32 ? "f32" : "f16", types.values_f32 ? "f32" : "f16");
  const CacheShape shape{0, 0, 0, types.keys_f32, types.values_f32};
  uses.push_back({"rope", name, "", [shape](const Profile& profile) { return rope_choice(profile, shape); },
                  [=](Context& context) {
                    checks::Worst worst;
                    for (const bool halves : {false, true}) worst.add(checks::rope(context, types, halves));
                    return worst.get();
                  },
                  types.keys_f32 && types.values_f32 ? kElementwiseLimit : kHalfLimit});
  uses.push_back({"attention", name, "several rows",
                  [shape](const Profile& profile) { return attention_choice(profile, shape, 2, true); },
                  [=](Context& context) {
                    return checks::attention(context, types, {head_size, 3, 37, 5});
                  },
                  kAttentionLimit});
  for (const bool may_round : {true, false}) add_prompt_use(uses, head_size, name, types, may_round);
  add_decode_uses(uses, head_size, name, types, 3);
  if (needs.single_heads) add_decode_uses(uses, head_size, name, types, 1);
}

/// Of a kernel that makes vectors, as they are and rounded. The former come first: where rounding fails, they
/// and quantize() do it.
void add_vector_uses(std::vector<KernelUse>& uses, const char* kernel, double (*error)(Context&, bool),
                     double limit) {
  for (const bool rounded : {false, true}) {
    uses.push_back({kernel, "", rounded ? "rounded" : "vectors",
                    [=](const Profile& profile) {
                      return plain(rounding_choice(profile, kernel, kRoundedElements, {!rounded, rounded}));
                    },
                    [=](Context& context) { return error(context, rounded); }, limit});
  }
}

void add_product_uses(std::vector<KernelUse>& uses, quant::Format format, bool may_round) {
  for (const TokenClass& of : kTokenClasses) {
    const uint32_t tokens = of.least_tokens;
    const auto key_of = [=](bool rounded) {
      return [=](const Profile& profile) { return matmul_use(profile, format, tokens, rounded).key(); };
    };
    Comparison comparison{
        key_of(may_round), key_of(true), tokens < kMoreTokens ? "GB/s" : "GFLOP/s",
        [=](const Profile& profile) { return matmul_variants(profile, format, tokens, may_round); },
        [=](Context& context) {
          const uint32_t timed_tokens = token_class(context.profile, tokens).timed_tokens;
          return product_workload(context, format, timed_tokens, may_round);
        }};
    uses.push_back(
        {"matmul", quant::info(format).stem, fmt::format("{}{}", of.name, may_round ? "" : ", not rounded"),
         [=](const Profile& profile) { return plain(matmul_choice(profile, format, tokens, may_round)); },
         [=](Context& context) { return checks::product(context, format, tokens, may_round); }, kProductLimit,
         std::move(comparison)});
  }
}

}  // namespace

KernelNeeds all_kernel_needs() {
  KernelNeeds needs;
  for (const quant::FormatInfo& info : quant::all_formats()) needs.products.push_back(info.format);
  needs.tables = needs.products;
  needs.exact_products = needs.products;
  for (const bool keys_f32 : {false, true})
    for (const bool values_f32 : {false, true}) needs.caches.push_back({keys_f32, values_f32});
  needs.single_heads = true;
  return needs;
}

std::vector<KernelUse> kernel_uses(const KernelNeeds& needs) {
  std::vector<KernelUse> uses{
      only("rms_norm.in_place", "rms_norm", "heads", checks::norm_of_heads, kElementwiseLimit),
      only("top_k", "top_k", "", checks::top_k, 0), only("draw", "draw", "", checks::draw, 0)};
  add_vector_uses(uses, "rms_norm", checks::norm, kElementwiseLimit);
  add_vector_uses(uses, "swiglu", checks::swiglu, kElementwiseLimit);
  for (const KernelNeeds::CacheTypes& types : needs.caches) add_cache_uses(uses, needs, types);
  for (const quant::Format format : needs.tables) {
    uses.push_back({"embed", quant::info(format).stem, "",
                    [format](const Profile& profile) { return embed_choice(profile, format); },
                    [format](Context& context) { return checks::embed(context, format); }, kProductLimit});
  }
  for (const quant::Format format : needs.products) add_product_uses(uses, format, true);
  for (const quant::Format format : needs.exact_products) add_product_uses(uses, format, false);
  return uses;
}

std::optional<Trial> next_trial(const Profile& profile, const std::vector<KernelUse>& uses) {
  for (const KernelUse& use : uses) {
    const Choice<Variant> choice = use.choose(profile);
    if (profile.choices.find(choice.shader.name) == nullptr) return Trial{&use, choice};
  }
  return std::nullopt;
}

Verdict run_trial(Context& context, const Trial& trial) {
  const double limit = nmse_limit(trial.choice.row.arithmetic, trial.use->limit);
  Verdict verdict;
  try {
    verdict.nmse = trial.use->error(context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDeviceLost || error.code() == ErrorCode::kOutOfMemory) throw;
    verdict.reason = fmt::format("it could not be run: {}", error.what());
    return verdict;
  }
  verdict.passed = verdict.nmse <= limit;  // NaN has not
  if (!verdict.passed) {
    const std::string found =
        std::isnan(verdict.nmse) ? "some are no numbers" : fmt::format("NMSE {:.2g}", verdict.nmse);
    verdict.reason = fmt::format("its results are wrong: {}, at most {:.2g} is right", found, limit);
  }
  return verdict;
}

}  // namespace motley::kernels

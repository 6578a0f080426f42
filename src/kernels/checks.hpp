// Comparisons of single kernels with double precision, on shapes small but with remainders wherever a kernel
// treats them apart. Each gives the largest error, as a share of the results' power; NaN when a result is
// none.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/profile.hpp"
#include "kernels/self_test.hpp"
#include "kernels/timing.hpp"
#include "kernels/top_k.hpp"
#include "kernels/weight.hpp"
#include "quant/format.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels::checks {

constexpr uint32_t kHeadSize = 80;  // no power of two, and more than a subgroup's lanes

/// With the rounding of the vectors where the variant asks for it: where that is wrong, others do without.
double product(Context& context, quant::Format format, uint32_t least_tokens, bool may_round);
double embed(Context& context, quant::Format format);
/// `rounded`: of the flavour that gives vectors rounded to 8 bits.
double norm(Context& context, bool rounded);
double norm_of_heads(Context& context);
double swiglu(Context& context, bool rounded);
/// Ids and their order must be right, and the logits are copied: infinite when they are not.
double top_k(Context& context);
/// The tokens drawn must be those that double precision draws: infinite when they are not.
double draw(Context& context);
double rope(Context& context, const KernelNeeds::CacheTypes& types, bool halves);

struct AttentionCase {
  uint32_t head_size;
  uint32_t group;     ///< query heads that share a KV head
  uint32_t position;  ///< of the first token
  uint32_t tokens;
  bool may_round = false;
};
double attention(Context& context, const KernelNeeds::CacheTypes& types, const AttentionCase& c);
/// Of kTileRows rows and more, with tiles of either height.
double attention_of_prompts(const Context& context, const KernelNeeds::CacheTypes& types, uint32_t head_size,
                            bool may_round);
/// Of two tokens, one after the other, whose positions are divided among workgroups.
double attention_decode(const Context& context, const KernelNeeds::CacheTypes& types, uint32_t head_size,
                        uint32_t group, bool rounded);

/// The k largest of at least so many logits, as top_k() must find them.
Likeliest largest(std::span<const float> logits, uint32_t k);

/// Collects the largest of several errors; NaN stays.
class Worst {
 public:
  void add(double error) {
    if (!(error <= worst_)) worst_ = std::isnan(worst_) ? worst_ : error;
  }
  double get() const { return worst_; }

 private:
  double worst_ = 0;
};

/// As run_once(), but it takes no longer than a minute: what does hangs.
void run(vk::Device& device, const Pass& pass);

/// Mapped, of NaN: what no one writes is found.
vk::Buffer upload_nan(vk::Device& device, size_t floats);
/// Floats of a buffer for vectors rounded to 8 bits.
size_t rounded_floats(uint32_t width, uint32_t tokens);
/// Mapped vectors that a kernel wrote, [tokens][width], as they are or rounded.
std::vector<float> read_vectors(const Vectors& vectors, uint32_t width, uint32_t tokens, bool rounded);
/// A step buffer.
vk::Buffer upload_step(vk::Device& device, uint32_t position, std::span<const uint32_t> tokens = {});

}  // namespace motley::kernels::checks

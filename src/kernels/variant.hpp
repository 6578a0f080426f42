// Which flavour of a kernel runs on a device: a table for each kernel, best first.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/profile.hpp"

namespace motley::kernels {

/// What a flavour asks of a device.
struct Requirement {
  bool (*met)(const Profile& profile);
  const char* text;  ///< for people, e.g. "subgroups of 8"
};

inline constexpr Requirement kAnyDevice{[](const Profile&) { return true; }, "any device"};

inline constexpr Requirement kTexels{[](const Profile& profile) { return profile.texel_loads; },
                                     "texel buffers faster than storage buffers"};

inline constexpr Requirement kIntegerProducts{[](const Profile& profile) { return profile.int8_activations; },
                                              "fast products of integers"};

inline constexpr Requirement kRounding{[](const Profile& profile) { return profile.rounds_to_bytes(); },
                                       "fast products of integers, or dot products of bytes"};

/// Of flavours that work through shared memory, which CPU drivers do not have.
inline constexpr Requirement kTiles{[](const Profile& profile) { return profile.tiles; }, "a GPU"};

inline constexpr Requirement kMatrices{
    [](const Profile& profile) { return profile.matrices.m > 0; },
    "cooperative matrices of halves, subgroups of a size that can be asked for"};

/// What a flavour reckons with, which decides how far from double precision its results may be.
enum class Arithmetic {
  kFloat32,
  kInt8Activations,     ///< activations rounded to 8 bits
  kFloat16Activations,  ///< activations rounded to half precision, sums in single precision
  kFloat16Sums,         ///< half precision throughout
};

/// The largest error of a kernel's results, as a share of their power, where one whose arithmetic is
/// kFloat32 may have `float32_limit`.
double nmse_limit(Arithmetic arithmetic, double float32_limit);

/// A row of a kernel's table. Kernels derive from it what else the host must know of the flavour.
struct Variant {
  const char* flavour;  ///< end of the shader's name, "" or ".b8.n8"
  const Requirement* requirement;
  Arithmetic arithmetic = Arithmetic::kFloat32;
};

template <typename Row>
struct Choice {
  const Row& row;
  const vk::ShaderCode& shader;
};

/// Something that a variant is chosen for.
struct Use {
  std::string stem;          ///< of the variants' shaders, their names without the flavour
  std::string purpose = {};  ///< where a stem has several, e.g. "one token"

  /// Its name among what tuning found.
  std::string key() const { return purpose.empty() ? stem : stem + ": " + purpose; }
};

/// The variant's shader, unless it is switched off, which is added to `reasons`, or left out of this build.
const vk::ShaderCode* usable_shader(const Profile& profile, std::string_view stem, const Variant& variant,
                                    std::string& reasons);

/// Throws Error{kDeviceLost}: nothing of the kernel is left, for `reasons`.
[[noreturn]] void fail_without_variant(const Profile& profile, std::string_view stem,
                                       const std::string& reasons);

/// The rows of a table, best first, that `serve` what is wanted, whose requirement the device meets, which
/// this build has and which are not switched off.
template <typename Row, typename Serves>
std::vector<Choice<Variant>> eligible(const Profile& profile, const Use& use, std::span<const Row> table,
                                      Serves serves) {
  std::vector<Choice<Variant>> rows;
  std::string reasons;
  for (const Row& row : table) {
    if (!row.requirement->met(profile) || !serves(row)) continue;
    if (const vk::ShaderCode* shader = usable_shader(profile, use.stem, row, reasons))
      rows.push_back({row, *shader});
  }
  return rows;
}

/// Of the eligible rows the one that tuning prefers, else the first. Throws Error{kDeviceLost} when there is
/// none: the device cannot be used then.
template <typename Row, typename Serves>
Choice<Row> choose(const Profile& profile, const Use& use, std::span<const Row> table, Serves serves) {
  std::string reasons;
  const Tuned* tuned = profile.choices.find_tuned(use.key());
  // A name that this build does not know, or of what the device no longer suits, is none of these rows'.
  for (const bool any : {false, true}) {
    reasons.clear();
    if (!any && (tuned == nullptr || tuned->variant.empty())) continue;
    for (const Row& row : table) {
      if (!row.requirement->met(profile) || !serves(row)) continue;
      if (!any && use.stem + row.flavour != tuned->variant) continue;
      if (const vk::ShaderCode* shader = usable_shader(profile, use.stem, row, reasons))
        return {row, *shader};
    }
  }
  fail_without_variant(profile, use.stem, reasons);
}

/// The same for a kernel that is used for one purpose only.
template <typename Row, typename Serves>
Choice<Row> choose(const Profile& profile, std::string_view stem, std::span<const Row> table, Serves serves) {
  return choose<Row>(profile, Use{std::string(stem)}, table, serves);
}

/// The same for a kernel that has but one flavour.
Choice<Variant> choose_only(const Profile& profile, std::string_view name);

}  // namespace motley::kernels

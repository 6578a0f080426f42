// Which flavour of a kernel runs on a device: a table for each kernel, best first.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kernels/profile.hpp"

namespace motley::kernels {

/// What a flavour asks of a device.
struct Requirement {
  bool (*met)(const Profile& profile);
  const char* text;  ///< for people, e.g. "subgroups of 8"
};

inline constexpr Requirement kAnyDevice{[](const Profile&) { return true; }, "any device"};

/// A row of a kernel's table. Kernels derive from it what else the host must know of the flavour.
struct Variant {
  const char* flavour;  ///< end of the shader's name, "" or ".b8.n8"
  const Requirement* requirement;
};

template <typename Row>
struct Choice {
  const Row& row;
  const vk::ShaderCode& shader;
};

/// The variant's shader, unless it is switched off, which is added to `reasons`, or left out of this build.
const vk::ShaderCode* usable_shader(const Context& context, std::string_view stem, const Variant& variant,
                                    std::string& reasons);

/// Throws Error{kDeviceLost}: nothing of the kernel is left, for `reasons`.
[[noreturn]] void fail_without_variant(const Context& context, std::string_view stem,
                                       const std::string& reasons);

/// The first row that `serves` what is wanted, whose requirement the device meets, which this build has and
/// which is not switched off. `stem` is the shader's name without the flavour. Throws Error{kDeviceLost} when
/// none is left: the device cannot be used then.
template <typename Row, typename Serves>
Choice<Row> choose(const Context& context, std::string_view stem, std::span<const Row> table, Serves serves) {
  std::string reasons;
  for (const Row& row : table) {
    if (!row.requirement->met(context.profile) || !serves(row)) continue;
    if (const vk::ShaderCode* shader = usable_shader(context, stem, row, reasons)) return {row, *shader};
  }
  fail_without_variant(context, stem, reasons);
}

}  // namespace motley::kernels

// Every compiled kernel variant by name: KERNEL[.format][.flavour], as shaders/CMakeLists.txt lists them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "vk/shader.hpp"

namespace motley::shaders {

std::span<const vk::ShaderCode> table();

/// Nothing when this build left the variant out (its compiler lacks an extension).
const vk::ShaderCode* find(std::string_view name);

/// Throws Error{kInternal} when there is no such variant.
const vk::ShaderCode& get(std::string_view name);

/// Tells builds with other kernels apart: what was found out about kernels holds for this one's only.
uint64_t fingerprint();

}  // namespace motley::shaders

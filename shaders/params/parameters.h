// A parameter block declared once: GLSL reads it as the push-constant block `p`, C++ as a struct of the same layout.
#ifdef __cplusplus
#pragma once
#include <cstdint>
#define MOTLEY_PARAMETERS(name) namespace motley::shaders { struct name {
#define MOTLEY_PARAMETERS_END(name) }; static_assert(sizeof(name) <= 128, "push constants hold 128 bytes everywhere"); }
namespace motley::shaders { using uint = uint32_t; using device_address = uint64_t; }
#else
#define device_address uvec2
#define MOTLEY_PARAMETERS(name) layout(push_constant) uniform name {
#define MOTLEY_PARAMETERS_END(name) } p;
#endif

// gate = silu(gate) * up, silu(x) = x / (1 + e^-x) (Shazeer 2020). gl_WorkGroupID.y is the token.
// ROUND builds write the result rounded to 8 bits too (common/round.glsl), an invocation a block of 32, with EXACT as it is as well.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/swiglu.h"

layout(local_size_x_id = 0) in;

#ifdef ROUND
layout(constant_id = 1) const bool EXACT = false;

layout(binding = 0, std430) buffer Gate { vec4 gate[]; };
layout(binding = 1, std430) readonly buffer Up { vec4 up[]; };
layout(binding = 2, std430) writeonly buffer Rounded { uvec4 rounded[]; };
#include "common/round.glsl"

void main() {
  const uint block = gl_GlobalInvocationID.x;
  if (block >= p.width / 32) return;
  const uint at = gl_WorkGroupID.y * (p.stride / 32) + block;
  vec4 values[8];
  [[unroll]] for (uint i = 0; i < 8; ++i) {
    const vec4 value = gate[at * 8 + i];
    values[i] = value / (1.0 + exp(-value)) * up[at * 8 + i];
    if (EXACT) gate[at * 8 + i] = values[i];
  }
  write_rounded(values, at);
}
#else
layout(binding = 0, std430) buffer Gate { float gate[]; };
layout(binding = 1, std430) readonly buffer Up { float up[]; };

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= p.width) return;
  const uint at = gl_WorkGroupID.y * p.stride + i;
  const float value = gate[at];
  gate[at] = value / (1.0 + exp(-value)) * up[at];
}
#endif

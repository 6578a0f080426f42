// gate = silu(gate) * up, silu(x) = x / (1 + e^-x) (Shazeer 2020). gl_WorkGroupID.y is the token.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "params/swiglu.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) buffer Gate { float gate[]; };
layout(binding = 1, std430) readonly buffer Up { float up[]; };

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= p.width) return;
  const uint at = gl_WorkGroupID.y * p.stride + i;
  const float value = gate[at];
  gate[at] = value / (1.0 + exp(-value)) * up[at];
}

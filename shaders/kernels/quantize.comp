// Rounds vectors to 8 bits (common/round.glsl), an invocation a block. gl_WorkGroupID.y is the token.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/quantize.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer X { vec4 x[]; };
layout(binding = 1, std430) writeonly buffer Rounded { uvec4 rounded[]; };
#include "common/round.glsl"

void main() {
  const uint block = gl_GlobalInvocationID.x;
  if (block >= p.blocks) return;
  const uint at = gl_WorkGroupID.y * p.blocks + block;
  vec4 values[8];
  [[unroll]] for (uint i = 0; i < 8; ++i) values[i] = x[at * 8 + i];
  write_rounded(values, at);
}

// Adds up the splits that attention.comp left unnormalised, for one token. gl_WorkGroupID.x is the query head.
// ROUND builds write the result rounded to 8 bits (common/round.glsl), an invocation a block of 32, and with EXACT as it is as well.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/attention.h"
#include "params/step.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) readonly buffer Parts { float parts[]; };  // [head][split][head_size sums, maximum, sum]
layout(binding = 2, std430) writeonly buffer Y { float y[]; };

#ifdef ROUND
layout(constant_id = 1) const bool EXACT = false;
layout(binding = 3, std430) writeonly buffer Rounded { uvec4 rounded[]; };
#include "common/round.glsl"
#endif

void main() {
  const uint head = gl_WorkGroupID.x;
  const uint splits = step_words[STEP_SPLITS];
  const uint part_size = p.head_size + 2;
  const uint base = head * splits * part_size;
  float maximum = parts[base + p.head_size];
  for (uint s = 1; s < splits; ++s) maximum = max(maximum, parts[base + s * part_size + p.head_size]);
  float sum = 0.0;
  for (uint s = 0; s < splits; ++s) {
    const uint at = base + s * part_size + p.head_size;
    sum += parts[at + 1] * exp(parts[at] - maximum);
  }
#ifdef ROUND
  for (uint block = gl_LocalInvocationID.x; block < p.head_size / 32; block += gl_WorkGroupSize.x) {
    vec4 values[8];
    [[unroll]] for (uint i = 0; i < 8; ++i) values[i] = vec4(0);
    for (uint s = 0; s < splits; ++s) {
      const uint at = base + s * part_size;
      const float share = exp(parts[at + p.head_size] - maximum) / sum;
      [[unroll]] for (uint i = 0; i < 32; ++i) values[i / 4][i % 4] += parts[at + block * 32 + i] * share;
    }
    if (EXACT) {
      [[unroll]] for (uint i = 0; i < 32; ++i) y[head * p.head_size + block * 32 + i] = values[i / 4][i % 4];
    }
    write_rounded(values, head * (p.head_size / 32) + block);
  }
#else
  for (uint i = gl_LocalInvocationID.x; i < p.head_size; i += gl_WorkGroupSize.x) {
    float total = 0.0;
    for (uint s = 0; s < splits; ++s) {
      const uint at = base + s * part_size;
      total += parts[at + i] * exp(parts[at + p.head_size] - maximum);
    }
    y[head * p.head_size + i] = total / sum;
  }
#endif
}

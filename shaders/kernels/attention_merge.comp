// Adds up the splits that attention.comp left unnormalised, for one token. gl_WorkGroupID.x is the query head.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "params/attention.h"
#include "params/step.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) readonly buffer Parts { float parts[]; };  // [head][split][head_size sums, maximum, sum]
layout(binding = 2, std430) writeonly buffer Y { float y[]; };

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
  for (uint i = gl_LocalInvocationID.x; i < p.head_size; i += gl_WorkGroupSize.x) {
    float total = 0.0;
    for (uint s = 0; s < splits; ++s) {
      const uint at = base + s * part_size;
      total += parts[at + i] * exp(parts[at + p.head_size] - maximum);
    }
    y[head * p.head_size + i] = total / sum;
  }
}

// y = x / sqrt(mean(x^2) + epsilon) * weight, for vectors of `width` elements (Zhang & Sennrich 2019). One workgroup a vector:
// gl_WorkGroupID.y is the token, .x the vector within it (a head, for the per-head norms of q and k; 0 otherwise).
// IN_PLACE builds write where they read. ROUND builds write the result rounded to 8 bits (common/round.glsl), whole vectors of blocks
// of 32, and with EXACT as it is as well.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/rms_norm.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer Weight { float weight[]; };
#ifdef IN_PLACE
layout(binding = 1, std430) buffer Y { float y[]; };
#define INPUT(i) y[i]
#else
layout(binding = 1, std430) readonly buffer X { float x[]; };
#define INPUT(i) x[i]
layout(binding = 2, std430) writeonly buffer Y { float y[]; };
#endif

#ifdef ROUND
layout(constant_id = 1) const bool EXACT = false;
layout(binding = 3, std430) writeonly buffer Rounded { uvec4 rounded[]; };
#include "common/round.glsl"
#endif

const uint WORKGROUP = gl_WorkGroupSize.x;
shared float sums[WORKGROUP];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint within = gl_WorkGroupID.x * p.width;
  const uint from = p.x_offset + gl_WorkGroupID.y * p.x_stride + within;
  const uint to = gl_WorkGroupID.y * p.y_stride + within;
  float sum = 0.0;
  for (uint i = lane; i < p.width; i += WORKGROUP) {
    const float value = INPUT(from + i);
    sum += value * value;
  }
  sums[lane] = sum;
  barrier();
  for (uint half_size = WORKGROUP / 2; half_size > 0; half_size /= 2) {
    if (lane < half_size) sums[lane] += sums[lane + half_size];
    barrier();
  }
  const float scale = 1.0 / sqrt(sums[0] / float(p.width) + p.epsilon);
#ifdef ROUND
  for (uint block = lane; block < p.width / 32; block += WORKGROUP) {
    vec4 values[8];
    [[unroll]] for (uint i = 0; i < 32; ++i) {
      const uint e = block * 32 + i;
      values[i / 4][i % 4] = INPUT(from + e) * scale * weight[e];
      if (EXACT) y[to + e] = values[i / 4][i % 4];
    }
    write_rounded(values, gl_WorkGroupID.y * (p.y_stride / 32) + block);
  }
#else
  for (uint i = lane; i < p.width; i += WORKGROUP) y[to + i] = INPUT(from + i) * scale * weight[i];
#endif
}

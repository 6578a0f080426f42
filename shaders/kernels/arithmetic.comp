// Multiplies and adds in registers: what a device can do at most in single precision, without matrix units. Eight vectors of sums
// that wait for none of the others keep its pipelines full. The total is written so that nothing can be left out.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/arithmetic.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) writeonly buffer Sums { float sums[]; };

void main() {
  const vec4 factor = vec4(p.factor);
  const vec4 addend = vec4(p.addend);
  vec4 sum[8];
  [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = vec4(gl_LocalInvocationID.x + i);
  for (uint turn = 0; turn < p.count; ++turn) {
    [[unroll]] for (uint again = 0; again < 4; ++again) {
      [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = sum[i] * factor + addend;
    }
  }
  vec4 total = vec4(0);
  [[unroll]] for (uint i = 0; i < 8; ++i) total += sum[i];
  sums[gl_GlobalInvocationID.x] = total.x + total.y + total.z + total.w;
}

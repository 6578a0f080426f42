// Reads a buffer once: what a device can do at most when it streams weights. The sum is written so that no read can be left out.
// TEXELS: through a texel buffer, as matmul.comp does where that is faster.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/bandwidth.h"

#ifdef TEXELS
#extension GL_EXT_samplerless_texture_functions : require
#endif

layout(local_size_x_id = 0) in;

#ifdef TEXELS
layout(binding = 0) uniform utextureBuffer data;
#define DATA(i) texelFetch(data, int(i))
#else
layout(binding = 0, std430) readonly buffer Data { uvec4 data[]; };
#define DATA(i) data[i]
#endif
layout(binding = 1, std430) writeonly buffer Sums { uint sums[]; };

void main() {
  uvec4 sum[4] = {uvec4(0), uvec4(0), uvec4(0), uvec4(0)};
  uint at = gl_WorkGroupID.x * p.group_step + gl_LocalInvocationID.x;
  for (uint i = 0; i < p.count; i += 4) {
    [[unroll]] for (uint j = 0; j < 4; ++j) sum[j] ^= DATA(at + j * p.step);
    at += 4 * p.step;
  }
  const uvec4 all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
  sums[gl_GlobalInvocationID.x] = all.x ^ all.y ^ all.z ^ all.w;
}

// Activations in half precision for products with cooperative matrices (matmul_coop.glsl); a workgroup a vector.
//
// Each is scaled as common/half.glsl says; the product with it is multiplied by the inverse. `rounded` has first the vectors, eight halves
// an element, then four inverses an element. What lies between a vector's end and its stride may be any number: it becomes zero.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common/half.glsl"
#include "params/round_half.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer X { vec4 x[]; };
layout(binding = 1, std430) writeonly buffer Rounded { uvec4 rounded[]; };

const uint WORKGROUP = gl_WorkGroupSize.x;
shared uint largest[WORKGROUP];

// Four elements of a vector; zeros from its end on.
vec4 four(const uint first, const uint i) {
  const uvec4 place = 4 * i + uvec4(0, 1, 2, 3);
  return mix(vec4(0), x[first + i], lessThan(place, uvec4(p.width)));
}

// Of a float that is not negative the bits grow with its value; NaN and infinity are beyond all numbers.
uint largest_of(const vec4 v) {
  const uvec4 bits = floatBitsToUint(abs(v));
  return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

void main() {
  const uint id = gl_LocalInvocationID.x;
  const uint token = gl_WorkGroupID.x;
  const uint quads = p.stride / 4;
  uint most = 0;
  for (uint i = id; i < quads; i += WORKGROUP) most = max(most, largest_of(four(token * quads, i)));
  largest[id] = most;
  for (uint reach = WORKGROUP / 2; reach > 0; reach /= 2) {
    barrier();
    if (id < reach) largest[id] = max(largest[id], largest[id + reach]);
  }
  barrier();
  const uint scale_exponent = half_scale_exponent(largest[0]);
  const float scale = half_scale(scale_exponent);
  for (uint i = id; i < quads / 2; i += WORKGROUP) {
    const vec4 low = rounded_to_half(four(token * quads, 2 * i) * scale);
    const vec4 high = rounded_to_half(four(token * quads, 2 * i + 1) * scale);
    rounded[token * (quads / 2) + i] =
        uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
  }
  if (id == 0) rounded[p.tokens * (quads / 2) + token / 4][token % 4] = floatBitsToUint(inverse_half_scale(scale_exponent));
}

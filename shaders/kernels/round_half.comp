// Activations in half precision for products with cooperative matrices (matmul_coop.glsl); a workgroup a vector.
//
// Halves end at 65504, and below 2^-14 they lose precision. So each vector is multiplied by a power of two that brings its largest
// element to 2^14 … 2^15: whatever is not 2^29 times smaller than that keeps all 11 bits, and nothing overflows. The product with
// the vector is multiplied by the inverse, which is exact. `rounded` has first the vectors, eight halves an element, then four inverses
// an element. What lies between a vector's end and its stride may be any number: it becomes zero.
#version 460
#extension GL_GOOGLE_include_directive : require
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

// To 11 bits, ties to even: how packHalf2x16 rounds is left to drivers, and what is rounded already stays as it is.
vec4 rounded_to_half(const vec4 v) {
  const uvec4 bits = floatBitsToUint(v);
  const uvec4 nearest = (bits + 0xFFFu + ((bits >> 13) & 1u)) & ~0x1FFFu;
  const bvec4 is_number = lessThan(bits & 0x7F800000u, uvec4(0x7F800000u));
  return mix(v, uintBitsToFloat(nearest), is_number);
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
  // Exponents are kept with 127 added to them; that of the scale is 14 less the largest's. Where the largest is no number, the
  // vector goes as it is, so that the product is none either.
  const uint exponent = largest[0] >> 23;
  const uint scale_exponent = exponent == 255 ? 127 : min(127 + 14 + 127 - exponent, 253u);
  const float scale = uintBitsToFloat(scale_exponent << 23);
  for (uint i = id; i < quads / 2; i += WORKGROUP) {
    const vec4 low = rounded_to_half(four(token * quads, 2 * i) * scale);
    const vec4 high = rounded_to_half(four(token * quads, 2 * i + 1) * scale);
    rounded[token * (quads / 2) + i] =
        uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
  }
  if (id == 0) rounded[p.tokens * (quads / 2) + token / 4][token % 4] = (254 - scale_exponent) << 23;
}

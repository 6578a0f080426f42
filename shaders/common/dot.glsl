// Helpers of products with activations rounded to 8 bits (round.glsl), four elements at once (GL_EXT_integer_dot_product).
//
// Quants are less than 128, so that as bytes they are signed ones too: every device that multiplies bytes so multiplies these.
#include "common/integer.glsl"

// The products of four rows' quants with the same four activations.
ivec4 dot_rows(const uvec4 quants, const uint x4) {
  const int x = int(x4);
  return ivec4(dotPacked4x8EXT(int(quants.x), x), dotPacked4x8EXT(int(quants.y), x), dotPacked4x8EXT(int(quants.z), x),
               dotPacked4x8EXT(int(quants.w), x));
}

// What a block of four rows has beside its quants.
struct DotScales {
  vec4 scale[INTEGER_HALVES];
#ifdef DOT_OFFSET
  vec4 offset;
#endif
};

DotScales read_scales() {
  DotScales scales;
  scales.scale[0] = INTEGER_FIRST_SCALE;
  scales.scale[INTEGER_HALVES - 1] = INTEGER_SECOND_SCALE;
#ifdef DOT_OFFSET
  scales.offset = DOT_OFFSET;
#endif
  return scales;
}

// What products begin with that the elements of half h take part in: the centre's with their sum.
ivec4 centre_product(const uvec4 head, const uint h) {
  if (INTEGER_HALVES == 1) return ivec4(-DOT_CENTRE * int(head.y));
  const int quarters = int(head[2 + h]);
  return ivec4(-DOT_CENTRE * ((quarters << 16 >> 16) + (quarters >> 16)));
}

// Products of a block of four rows, quants[e] being their elements 4e … 4e+3, with the activations of the texels.
vec4 block_products(const uvec4 quants[8], const DotScales scales, const uvec4 head, const uvec4 low, const uvec4 high) {
  ivec4 sums[INTEGER_HALVES];
  [[unroll]] for (uint h = 0; h < INTEGER_HALVES; ++h) sums[h] = centre_product(head, h);
  [[unroll]] for (uint e = 0; e < 4; ++e) sums[0] += dot_rows(quants[e], low[e]);
  [[unroll]] for (uint e = 0; e < 4; ++e) sums[INTEGER_HALVES - 1] += dot_rows(quants[4 + e], high[e]);
  const float x_scale = uintBitsToFloat(head.x);
  vec4 products = scales.scale[0] * (vec4(sums[0]) * x_scale);
  if (INTEGER_HALVES == 2) products += scales.scale[INTEGER_HALVES - 1] * (vec4(sums[INTEGER_HALVES - 1]) * x_scale);
#ifdef DOT_OFFSET
  products += scales.offset * (float(int(head.y)) * x_scale);
#endif
  return products;
}

// Vectors of floats rounded to halves. Halves end at 65504, and below 2^-14 they lose precision. So a vector is multiplied by a power
// of two that brings its largest element to 2^14 … 2^15: whatever is not 2^29 times smaller than that keeps all 11 bits, and nothing
// overflows. What is made of the vector is multiplied by the inverse, which is exact.

// The exponent of the scale for a vector whose largest magnitude has these bits. Exponents are kept with 127 added to them; that of the
// scale is 14 less the largest's. Where the largest is no number, the vector goes as it is, so that what is made of it is none either.
uint half_scale_exponent(const uint largest) {
  const uint exponent = largest >> 23;
  return exponent == 255 ? 127 : min(127 + 14 + 127 - exponent, 253u);
}

float half_scale(const uint exponent) { return uintBitsToFloat(exponent << 23); }

float inverse_half_scale(const uint exponent) { return uintBitsToFloat((254 - exponent) << 23); }

// To 11 bits, ties to even: how conversions to halves round is left to drivers, and what is rounded already stays as it is.
vec4 rounded_to_half(const vec4 v) {
  const uvec4 bits = floatBitsToUint(v);
  const uvec4 nearest = (bits + 0xFFFu + ((bits >> 13) & 1u)) & ~0x1FFFu;
  const bvec4 is_number = lessThan(bits & 0x7F800000u, uvec4(0x7F800000u));
  return mix(v, uintBitsToFloat(nearest), is_number);
}

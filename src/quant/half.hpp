// The 16-bit floating-point formats, converted with integer arithmetic so that every machine gives the same
// bits.
#pragma once

#include <cstdint>

namespace motley::quant {

/// IEEE 754 binary16 to binary32: exact for every value; a NaN keeps its sign and payload.
float half_to_float(uint16_t half);

/// Rounds to the nearest half, ties to even. From 65520 on: infinity. Below 2^-14: subnormal or zero.
/// NaN stays NaN (made quiet).
uint16_t float_to_half(float value);

/// bfloat16 is the upper half of a binary32: exact.
float bfloat16_to_float(uint16_t bfloat16);

/// Rounds to the nearest bfloat16, ties to even. NaN stays NaN (made quiet).
uint16_t float_to_bfloat16(float value);

}  // namespace motley::quant

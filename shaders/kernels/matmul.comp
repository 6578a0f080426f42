// y[column][row] = sum over k of weight[row][k] * x[column][k]   (+ bias[row], + what y held)
//
// Weights are packed in panels of 4 * LANES rows (src/kernels/weight_layout.hpp): one 16-byte load gives a lane the same word of its
// four rows, and the lanes of a panel read neighbouring addresses. A lane keeps COLUMNS sums of its four rows.
//
// Flavours, for CPU drivers where nothing else is said (GB/s of Q4_0 with one column, GFLOP/s with 64; two cores of a Xeon with AVX-512):
// COLUMNS=n    a workgroup multiplies so many tokens, so that what is loaded or decoded of a weight serves them all; with fewer the
//              last is multiplied again. So up to four tokens have flavours of four columns, and two, which those take a fifth to
//              a half longer, flavours of two. ms of CPU time for 4096 rows of 2048 and 1, 2, 4 and 8 tokens (2 and 4 took as long
//              as 8 before): with INT8 Q4_0 1.1, 2.2, 3.2, 5.7 on lavapipe 22.3; 1.2, 1.4, 1.7, 5.0 on 26.2; there with vectors of
//              512 bits 0.7, 1.1, 1.7, 2.5. Q6_K 2.1, 2.4, 3.2, 6.3; 1.6, 1.7, 2.4, 6.9; 1.2, 1.7, 2.3, 3.3. F16 4.5, 5.5, 7.5, 13;
//              2.4, 3.1, 3.3, 5.2. (Eight of Q4_0 and Q6_K on 26.2 by two panels of eight columns: 3.2 and 5.1, taken for five to eight.) SwiftShader's 1024 rows: Q4_0 5.6, 8.2, 10, 16; Q8_0 8.2, 17, 19, 25. Other numbers of panels
//              gain 7 % here and lose as much there.
// PANELS=n     a workgroup works on so many panels, so that what is loaded or decoded of an activation serves them all.
// INT8         activations rounded to 8 bits (quantize.comp), products of integers: matmul_int8.glsl.
// TEXELS       everything is read through texel buffers. lavapipe 22.3 makes of any other load that is not at a constant address a
//              loop over its lanes with a branch for each component, some 400 instructions for 16 bytes a lane, of a texel fetch
//              eight loads and a transposition: 9.0 of 5.2 GB/s, 51 of 29 GFLOP/s. On 26.2 it is the slower of the two: 10 of 12, 48 of 93.
// ADDRESSES    activations are read by address, which lavapipe does not check: an instruction of the processor takes one from memory for
//              all lanes and multiplies with it. 26.2, many tokens: 90 of 54 GFLOP/s (F16), 89 of 62 (Q8_0), with INT8 and a word
//              for each activation instead of a byte 109 of 82 (Q4_0), 81 of 50 (Q6_K). 22.3 is slower so.
// BROADCAST=n  activations are handed round in registers: matmul_float.glsl.
// DOT          activations rounded to 8 bits, four multiplied at once: matmul_dot.glsl. For real GPUs that have it in hardware.
//              SwiftShader has not, but is slower still at unpacking wide quants; GB/s with one column, of what is taken
//              without: Q8_0 0.46 of 0.28, Q5_K 0.26 of 0.14, Q6_K 0.27 of 0.16. Nibbles (Q4_K 0.32 of 0.35, Q4_0 0.33 of 0.40)
//              and several columns (GFLOP/s with 32, all formats: 1.0-1.6 of 2.1-4.0) are not multiplied so there.
// For real GPUs and prompts:
// TILE         a workgroup computes a tile of many rows and tokens through shared memory: matmul_tile.glsl.
// DOT and TILE the same with packed products of bytes: matmul_dot_tile.glsl.
// MATRIX       the same with cooperative matrices of half precision: matmul_coop.glsl.
// MATRIX2      the same with matrices as large as the tile: matmul_coop2.glsl.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef BROADCAST
#extension GL_KHR_shader_subgroup_ballot : require
#endif
#if defined(MATRIX) || defined(MATRIX2)
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#endif
#ifdef DOT
#extension GL_EXT_integer_dot_product : require
#endif
#ifdef MATRIX2
#extension GL_NV_cooperative_matrix2 : require
#endif
#ifdef TEXELS
#extension GL_EXT_samplerless_texture_functions : require
#endif
#ifdef ADDRESSES
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
#include "params/matmul.h"

#ifndef COLUMNS
#define COLUMNS 1
#endif

#ifndef PANELS
#define PANELS 1
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 8;
layout(constant_id = 2) const uint SPLIT = 1;
layout(constant_id = 3) const bool ACCUMULATE = false;
layout(constant_id = 4) const bool BIAS = false;

layout(binding = 2, std430) readonly buffer Bias { float bias[]; };
layout(binding = 3, std430) buffer Y { float y[]; };

uint unit_base;
#ifdef TEXELS
layout(binding = 0) uniform utextureBuffer weights;
#define WORD(j) texelFetch(weights, int(unit_base + (j) * LANES))
#else
layout(binding = 0, std430) readonly buffer Weights { uvec4 weights[]; };
#define WORD(j) weights[unit_base + (j) * LANES]
#endif

// The four words of activations at a place; places are X_START and so many times four words further.
#if defined(ADDRESSES)
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Four { uvec4 words; };
#define X_PLACE uint64_t
#define X_START packUint2x32(p.x_address)
#define X_FURTHER(fours) (16 * uint64_t(fours))
#define X(place) Four(place).words
// lavapipe runs a loop's body once more when all lanes have left it, and what they all read at one address is read then, though nothing
// comes of it. So the last block is not left behind.
#define X_NEXT_BLOCK(unit, b, fours) X_FURTHER((unit) + 1 == p.units && (b) + 1 == UNIT_BLOCKS ? 0 : (fours))
#else
#define X_PLACE uint
#define X_START 0
#define X_FURTHER(fours) (fours)
#define X_NEXT_BLOCK(unit, b, fours) (fours)
#ifdef TEXELS
layout(binding = 1) uniform utextureBuffer x;
#define X(place) texelFetch(x, int(place))
#else
layout(binding = 1, std430) readonly buffer X { uvec4 x[]; };
#define X(place) x[place]
#endif
#endif
#include "common/decode.glsl"
#include "block.glsl"

// Columns beyond the last repeat it and are not written; so do panels.
uint column_read(const uint column) { return min(column, p.columns - 1); }

// Where a unit of a lane's four rows begins; panels beyond the last repeat it as well.
uint unit_place(const uint panel, const uint unit, const uint lane) {
  return (min(panel, (p.rows - 1) / (4 * LANES)) * p.units + unit) * UNIT_WORDS * LANES + lane;
}

bool is_outside(const uint row, const uint column) { return column >= p.columns || row >= p.rows; }
uint place_of(const uint row, const uint column) { return column * p.y_stride + p.y_offset + row; }

float result_of(const uint row, const uint column, float value) {
  if (BIAS) value += bias[p.y_offset + row];
  if (ACCUMULATE) value += y[place_of(row, column)];
  return value;
}

void write_one(const uint row, const uint column, const float value) {
  if (!is_outside(row, column)) y[place_of(row, column)] = result_of(row, column, value);
}

void write_four(const uint row, const uint column, const vec4 sum) {
  [[unroll]] for (uint i = 0; i < 4; ++i) write_one(row + i, column, sum[i]);
}

void write_sums(const uint row, const uint column, const vec4 sum[COLUMNS]) {
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) write_four(row, column + n, sum[n]);
}

#if defined(INT8)
#include "kernels/matmul_int8.glsl"
#elif defined(DOT) && defined(TILE)
#include "kernels/matmul_dot_tile.glsl"
#elif defined(DOT)
#include "kernels/matmul_dot.glsl"
#elif defined(TILE)
#include "kernels/matmul_tile.glsl"
#elif defined(MATRIX)
#include "kernels/matmul_coop.glsl"
#elif defined(MATRIX2)
#include "kernels/matmul_coop2.glsl"
#else
#include "kernels/matmul_float.glsl"
#endif

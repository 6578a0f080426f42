// y[column][row] = sum over k of weight[row][k] * x[column][k]   (+ bias[row], + what y held)
//
// Weights are packed in panels of 4 * LANES rows (src/kernels/weight_layout.hpp): one 16-byte load gives a lane the same word of its
// four rows, and the lanes of a panel read neighbouring addresses. A lane keeps COLUMNS sums of its four rows.
// SPLIT groups of lanes share a panel's units and add up in shared memory; with SPLIT 1 there is neither shared memory nor a
// barrier, which CPU drivers pay dearly for.
//
// BROADCAST=n (4 or 8, equal to LANES and to the subgroup size; SPLIT is 1): each lane loads a part of a block's activations and
// hands it round in registers. On lavapipe 26.2 that is 69 against 32 GFLOP/s at 8 columns, on SwiftShader 3.2 against 2.2.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef BROADCAST
#extension GL_KHR_shader_subgroup_ballot : require
#endif
#include "params/matmul.h"

#ifndef COLUMNS
#define COLUMNS 1
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 8;
layout(constant_id = 2) const uint SPLIT = 1;
layout(constant_id = 3) const bool ACCUMULATE = false;
layout(constant_id = 4) const bool BIAS = false;

layout(binding = 0, std430) readonly buffer Weights { uvec4 weights[]; };
layout(binding = 1, std430) readonly buffer X { vec4 x[]; };
layout(binding = 2, std430) readonly buffer Bias { float bias[]; };
layout(binding = 3, std430) buffer Y { float y[]; };

const uint kSharedSums = SPLIT > 1 ? LANES * (SPLIT - 1) * COLUMNS : 1;
shared vec4 partial[kSharedSums];

uint unit_base;
#define WORD(j) weights[unit_base + (j) * LANES]
#include "common/decode.glsl"
#include "block.glsl"

#if defined(BROADCAST) && BROADCAST == 8
#define LOAD_BLOCK(n) x_first[n] = x[x_base[n] + lane];
#define AT(n, i, c) subgroupBroadcast(x_first[n].c, i)
#elif defined(BROADCAST) && BROADCAST == 4
#define LOAD_BLOCK(n) x_first[n] = x[x_base[n] + lane]; x_second[n] = x[x_base[n] + 4 + lane];
#define AT(n, i, c) ((i) < 4 ? subgroupBroadcast(x_first[n].c, (i) & 3) : subgroupBroadcast(x_second[n].c, (i) & 3))
#else
#define LOAD_BLOCK(n)
#define AT(n, i, c) x[x_base[n] + (i)].c
#endif

void write_sums(const uint row, const uint column, const vec4 sum[COLUMNS]) {
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    if (column + n < p.columns) {
      const uint to = (column + n) * p.y_stride + p.y_offset + row;
      [[unroll]] for (uint i = 0; i < 4; ++i) {
        if (row + i < p.rows) {
          float value = sum[n][i];
          if (BIAS) value += bias[p.y_offset + row + i];
          if (ACCUMULATE) value += y[to + i];
          y[to + i] = value;
        }
      }
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x % LANES;
  const uint split = gl_LocalInvocationID.x / LANES;
  const uint panel = gl_WorkGroupID.y;
  const uint column = gl_WorkGroupID.x * COLUMNS;
  vec4 sum[COLUMNS];
  vec4 x_first[COLUMNS];
  vec4 x_second[COLUMNS];
  uint x_base[COLUMNS];
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    sum[n] = vec4(0);
    // Columns beyond the last repeat it and are not written.
    x_base[n] = min(column + n, p.columns - 1) * (p.x_stride / 4) + split * UNIT_BLOCKS * 8;
  }
  unit_base = (panel * p.units + split) * UNIT_WORDS * LANES + lane;

  for (uint unit = split; unit < p.units; unit += SPLIT) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
      begin_block(b);
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) { LOAD_BLOCK(n) }
      [[unroll]] for (uint r = 0; r < 4; ++r) {
        vec4 w0, w1, w2, w3, w4, w5, w6, w7;
        DECODE_RUN(b, r)
        [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
          sum[n] += w0 * AT(n, RUN_FIRST(r), x);
          sum[n] += w1 * AT(n, RUN_FIRST(r), y);
          sum[n] += w2 * AT(n, RUN_FIRST(r), z);
          sum[n] += w3 * AT(n, RUN_FIRST(r), w);
          sum[n] += w4 * AT(n, RUN_SECOND(r), x);
          sum[n] += w5 * AT(n, RUN_SECOND(r), y);
          sum[n] += w6 * AT(n, RUN_SECOND(r), z);
          sum[n] += w7 * AT(n, RUN_SECOND(r), w);
        }
      }
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += 8;
    }
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += (SPLIT - 1) * UNIT_BLOCKS * 8;
    unit_base += SPLIT * UNIT_WORDS * LANES;
  }

  if (SPLIT > 1) {
    if (split > 0) {
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) partial[((split - 1) * COLUMNS + n) * LANES + lane] = sum[n];
    }
    barrier();
    if (split > 0) return;
    for (uint s = 0; s < SPLIT - 1; ++s) {
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) sum[n] += partial[(s * COLUMNS + n) * LANES + lane];
    }
  }
  write_sums((gl_WorkGroupID.y * LANES + lane) * 4, column, sum);
}

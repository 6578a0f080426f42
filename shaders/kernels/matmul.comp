// y[column][row] = sum over k of weight[row][k] * x[column][k]   (+ bias[row], + what y held)
//
// Weights are packed in panels of 4 * LANES rows (src/kernels/weight_layout.hpp): one 16-byte load gives a lane the same word of its
// four rows, and the lanes of a panel read neighbouring addresses. A lane keeps COLUMNS sums of its four rows.
// SPLIT groups of lanes share a panel's units and add up in shared memory; with SPLIT 1 there is neither shared memory nor a
// barrier, which CPU drivers pay dearly for.
//
// BROADCAST=n (4 or 8, equal to LANES and to the subgroup size; SPLIT is 1): each lane loads a part of a block's activations and
// hands it round in registers. On lavapipe 26.2 that is 69 against 32 GFLOP/s at 8 columns, on SwiftShader 3.1 against 2.2.
// PANELS=n: a workgroup works on so many panels, so that each activation handed round serves them all. Handing round takes 30 cycles
// a value on lavapipe 22.3: 4 panels make 17.7 of 8.1 GFLOP/s at 8 columns, 3.1 of 2.1 GB/s at one. On 26.2 they only spill registers.
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

#ifndef PANELS
#define PANELS 1
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

// Element e of the block's activations for column n.
#ifdef BROADCAST
#define AT(n, e) handed[n][e]
#else
#define AT(n, e) x[x_base[n] + (e) / 4][(e) % 4]
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
  const uint first_panel = gl_WorkGroupID.y * PANELS;
  const uint column = gl_WorkGroupID.x * COLUMNS;
  vec4 sum[PANELS][COLUMNS];
  uint panel_base[PANELS];
  uint x_base[COLUMNS];
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    [[unroll]] for (uint q = 0; q < PANELS; ++q) sum[q][n] = vec4(0);
    // Columns beyond the last repeat it and are not written; so do panels.
    x_base[n] = min(column + n, p.columns - 1) * (p.x_stride / 4) + split * UNIT_BLOCKS * 8;
  }
  const uint last_panel = (p.rows - 1) / (4 * LANES);
  [[unroll]] for (uint q = 0; q < PANELS; ++q) {
    panel_base[q] = (min(first_panel + q, last_panel) * p.units + split) * UNIT_WORDS * LANES + lane;
  }

  for (uint unit = split; unit < p.units; unit += SPLIT) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
#ifdef BROADCAST
      float handed[COLUMNS][32];
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
        [[unroll]] for (uint part = 0; part < 8 / BROADCAST; ++part) {
          const vec4 mine = x[x_base[n] + part * BROADCAST + lane];
          [[unroll]] for (uint i = 0; i < BROADCAST; ++i) {
            const uint e = 4 * (part * BROADCAST + i);
            handed[n][e] = subgroupBroadcast(mine.x, i);
            handed[n][e + 1] = subgroupBroadcast(mine.y, i);
            handed[n][e + 2] = subgroupBroadcast(mine.z, i);
            handed[n][e + 3] = subgroupBroadcast(mine.w, i);
          }
        }
      }
#endif
      [[unroll]] for (uint q = 0; q < PANELS; ++q) {
        unit_base = panel_base[q];
        begin_block(b);
        [[unroll]] for (uint r = 0; r < 4; ++r) {
          vec4 w0, w1, w2, w3, w4, w5, w6, w7;
          DECODE_RUN(b, r)
          const uint e = 4 * RUN_FIRST(r);
          const uint f = 4 * RUN_SECOND(r);
          [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
            sum[q][n] += w0 * AT(n, e);
            sum[q][n] += w1 * AT(n, e + 1);
            sum[q][n] += w2 * AT(n, e + 2);
            sum[q][n] += w3 * AT(n, e + 3);
            sum[q][n] += w4 * AT(n, f);
            sum[q][n] += w5 * AT(n, f + 1);
            sum[q][n] += w6 * AT(n, f + 2);
            sum[q][n] += w7 * AT(n, f + 3);
          }
        }
      }
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += 8;
    }
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += (SPLIT - 1) * UNIT_BLOCKS * 8;
    [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] += SPLIT * UNIT_WORDS * LANES;
  }

  if (SPLIT > 1) {
    // Only PANELS == 1 is built for devices that split.
    if (split > 0) {
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) partial[((split - 1) * COLUMNS + n) * LANES + lane] = sum[0][n];
    }
    barrier();
    if (split > 0) return;
    for (uint s = 0; s < SPLIT - 1; ++s) {
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) sum[0][n] += partial[(s * COLUMNS + n) * LANES + lane];
    }
  }
  [[unroll]] for (uint q = 0; q < PANELS; ++q) write_sums(((first_panel + q) * LANES + lane) * 4, column, sum[q]);
}

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
layout(constant_id = 2) const uint ACCUMULATE = 0;

layout(binding = 0, std430) readonly buffer Weights { uvec4 weights[]; };
layout(binding = 1, std430) readonly buffer X { vec4 x[]; };
layout(binding = 2, std430) buffer Y { float y[]; };

uint unit_base;
#define WORD(j) weights[unit_base + (j) * LANES]
#include "block.glsl"

#ifdef BROADCAST
#if BROADCAST == 8
#ifdef NOX
#define LOAD_BLOCK(n) xv[n] = vec4(float(x_base[n]+lane))
#else
#define LOAD_BLOCK(n) xv[n] = x[x_base[n] + lane]
#endif
#define AT(n, i, c) subgroupBroadcast(xv[n].c, i)
#else
#define LOAD_BLOCK(n) xv[n] = x[x_base[n] + lane]; xw[n] = x[x_base[n] + 4 + lane]
#define AT(n, i, c) ((i) < 4 ? subgroupBroadcast(xv[n].c, (i) & 3) : subgroupBroadcast(xw[n].c, (i) & 3))
#endif
#else
#define LOAD_BLOCK(n)
#ifdef NOX
#define AT(n, i, c) float(p.rows + n*32+(i))
#else
#define AT(n, i, c) x[x_base[n] + (i)].c
#endif
#endif

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint panel = gl_WorkGroupID.y;
  const uint column = gl_WorkGroupID.x * COLUMNS;
  vec4 sum[COLUMNS];
  vec4 xv[COLUMNS];
  vec4 xw[COLUMNS];
  uint x_base[COLUMNS];
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    sum[n] = x[n] * 1e-9;
    x_base[n] = min(column + n, p.columns - 1) * (p.x_stride / 4);
  }
  unit_base = panel * p.units * UNIT_WORDS * LANES + lane;
  for (uint unit = 0; unit < p.units; ++unit) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
      begin_block(b);
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) { LOAD_BLOCK(n); }
      [[unroll]] for (uint r = 0; r < BLOCK_RUNS; ++r) {
        vec4 w0, w1, w2, w3, w4, w5, w6, w7;
        DECODE_RUN(b, r);
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
    unit_base += UNIT_WORDS * LANES;
  }
  const uint row = (panel * LANES + lane) * 4;
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    if (column + n < p.columns) {
      const uint to = (column + n) * p.y_stride + p.y_offset + row;
      [[unroll]] for (uint i = 0; i < 4; ++i) {
        if (row + i < p.rows) y[to + i] = (ACCUMULATE != 0 ? y[to + i] : 0.0) + sum[n][i];
      }
    }
  }
}

// Products by tiles with activations rounded to 8 bits, four elements at once: a workgroup computes TILE_PANELS panels of rows
// for TILE_TOKENS tokens.
//
// In steps of two blocks along a row the workgroup lays the tile's quants into shared memory as bytes, with their scales, and the
// tokens' activations beside them as they are; then every invocation multiplies four rows with sixteen tokens. Its quants of a
// block are in registers then, and a token's activations are three loads for 32 products. A workgroup has
// TILE_ROWS * TILE_TOKENS / 64 invocations.
#include "common/dot.glsl"

layout(constant_id = 5) const uint TILE_PANELS = 4;
layout(constant_id = 6) const uint TILE_TOKENS = 64;

const uint WORKGROUP = gl_WorkGroupSize.x;
const uint ROW_QUADS = TILE_PANELS * LANES;  // of four rows
const uint TOKENS = 16;                      // of an invocation
const uint TOKEN_PLACES = TILE_TOKENS / TOKENS;
const uint STEP_BLOCKS = 2;
const uint QUADS = 8;  // of four weights, or activations, in a block

const uint WEIGHT_TASKS = ROW_QUADS * 4 * STEP_BLOCKS;
const uint TOKEN_TEXELS = STEP_BLOCKS * kBlockTexels;
const uint X_TASKS = TILE_TOKENS * TOKEN_TEXELS;

shared uvec4 quant_tile[STEP_BLOCKS * QUADS * ROW_QUADS];  // [block][four weights][four rows]
shared DotScales scale_tile[STEP_BLOCKS * ROW_QUADS];      // [block][four rows]
shared uvec4 x_tile[TILE_TOKENS * TOKEN_TEXELS];           // [token][block][texel]

// An invocation at a time a run of four rows, the first of a block also its scales.
void fill_weights(const uint unit, const uint first_block) {
  [[unroll]] for (uint begin = 0; begin < WEIGHT_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > WEIGHT_TASKS && task >= WEIGHT_TASKS) continue;
    const uint lane = task % LANES;
    const uint r = task / LANES % 4;
    const uint block = task / (LANES * 4) % STEP_BLOCKS;
    const uint panel = task / (LANES * 4 * STEP_BLOCKS);
    unit_base = unit_place(gl_WorkGroupID.y * TILE_PANELS + panel, unit, lane);
    const uint b = first_block + block;
    begin_block(b);
    uvec4 q0, q1;
    DOT_RUN(b, r)
    const uint row_quad = panel * LANES + lane;
    quant_tile[(block * QUADS + RUN_FIRST(r)) * ROW_QUADS + row_quad] = q0;
    quant_tile[(block * QUADS + RUN_SECOND(r)) * ROW_QUADS + row_quad] = q1;
    if (r == 0) scale_tile[block * ROW_QUADS + row_quad] = read_scales();
  }
}

// `first` is the number of the step's first texel in a vector.
void fill_activations(const uint first) {
  [[unroll]] for (uint begin = 0; begin < X_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > X_TASKS && task >= X_TASKS) continue;
    const uint token = column_read(gl_WorkGroupID.x * TILE_TOKENS + task / TOKEN_TEXELS);
    x_tile[task] = X(token * (p.x_stride / 32) * kBlockTexels + first + task % TOKEN_TEXELS);
  }
}

void main() {
  const uint row_place = gl_LocalInvocationID.x % ROW_QUADS;
  const uint token_place = gl_LocalInvocationID.x / ROW_QUADS;
  vec4 sum[TOKENS];
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) sum[n] = vec4(0);

  uint first = 0;
  for (uint unit = 0; unit < p.units; ++unit) {
    for (uint b = 0; b < UNIT_BLOCKS; b += STEP_BLOCKS, first += TOKEN_TEXELS) {
      barrier();  // what lies there has been multiplied
      fill_weights(unit, b);
      fill_activations(first);
      barrier();
      [[dont_unroll]] for (uint block = 0; block < STEP_BLOCKS; ++block) {
        uvec4 quants[QUADS];
        [[unroll]] for (uint e = 0; e < QUADS; ++e) quants[e] = quant_tile[(block * QUADS + e) * ROW_QUADS + row_place];
        const DotScales scales = scale_tile[block * ROW_QUADS + row_place];
        [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
          const uint from = (n * TOKEN_PLACES + token_place) * TOKEN_TEXELS + block * kBlockTexels;
          sum[n] += block_products(quants, scales, x_tile[from], x_tile[from + 1], x_tile[from + 2]);
        }
      }
    }
  }

  const uint row = 4 * (gl_WorkGroupID.y * ROW_QUADS + row_place);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    write_four(row, gl_WorkGroupID.x * TILE_TOKENS + n * TOKEN_PLACES + token_place, sum[n]);
  }
}

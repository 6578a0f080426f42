// Products by tiles, in single precision: a workgroup computes TILE_PANELS panels of rows for TILE_TOKENS tokens.
//
// In steps of RUNS runs along a row (common/decode.glsl) the workgroup decodes the tile's weights into shared memory, each once for
// all tokens of the tile, lays the tokens' activations beside them, and then every invocation multiplies eight rows with eight
// tokens in registers. A workgroup has TILE_ROWS * TILE_TOKENS / 64 invocations.
#ifndef RUNS
#define RUNS 2
#endif

layout(constant_id = 5) const uint TILE_PANELS = 4;
layout(constant_id = 6) const uint TILE_TOKENS = 64;

const uint WORKGROUP = gl_WorkGroupSize.x;
const uint ROW_QUADS = TILE_PANELS * LANES;  // of four rows
const uint ROW_PLACES = ROW_QUADS / 2;       // invocations side by side along the rows, each with two quads
const uint TOKEN_PLACES = TILE_TOKENS / 8;   // along the tokens, each with eight of them
const uint STEP_QUADS = 2 * RUNS;            // of four weights of a row
const uint X_STRIDE = STEP_QUADS + 1;        // odd, so that neighbouring tokens lie in other banks of the memory

const uint WEIGHT_TASKS = ROW_QUADS * RUNS;
const uint X_TASKS = TILE_TOKENS * STEP_QUADS;

shared vec4 weight_tile[4 * STEP_QUADS * ROW_QUADS];  // [weight of the step][four rows]
shared vec4 x_tile[TILE_TOKENS * X_STRIDE];           // [token][four activations of the step]

// Decodes the step's weights: an invocation at a time a run of four rows.
void fill_weights(const uint unit, const uint b, const uint first_run) {
  [[unroll]] for (uint begin = 0; begin < WEIGHT_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > WEIGHT_TASKS && task >= WEIGHT_TASKS) continue;
    const uint lane = task % LANES;
    const uint run = task / LANES % RUNS;
    const uint panel = task / (LANES * RUNS);
    unit_base = unit_place(gl_WorkGroupID.y * TILE_PANELS + panel, unit, lane);
    begin_block(b);
    vec4 w0, w1, w2, w3, w4, w5, w6, w7;
    const uint r = first_run + run;
    DECODE_RUN(b, r)
    const uint to = 8 * run * ROW_QUADS + panel * LANES + lane;
    weight_tile[to] = w0;
    weight_tile[to + ROW_QUADS] = w1;
    weight_tile[to + 2 * ROW_QUADS] = w2;
    weight_tile[to + 3 * ROW_QUADS] = w3;
    weight_tile[to + 4 * ROW_QUADS] = w4;
    weight_tile[to + 5 * ROW_QUADS] = w5;
    weight_tile[to + 6 * ROW_QUADS] = w6;
    weight_tile[to + 7 * ROW_QUADS] = w7;
  }
}

// `first` is the number of the block's first four activations.
void fill_activations(const uint first, const uint first_run) {
  [[unroll]] for (uint begin = 0; begin < X_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > X_TASKS && task >= X_TASKS) continue;
    const uint quad = task % STEP_QUADS;
    const uint token = task / STEP_QUADS;
    const uint r = first_run + quad / 2;
    const uint from = first + (quad % 2 == 0 ? RUN_FIRST(r) : RUN_SECOND(r));
    x_tile[token * X_STRIDE + quad] =
        uintBitsToFloat(X(column_read(gl_WorkGroupID.x * TILE_TOKENS + token) * (p.x_stride / 4) + from));
  }
}

void main() {
  const uint row_place = gl_LocalInvocationID.x % ROW_PLACES;
  const uint token_place = gl_LocalInvocationID.x / ROW_PLACES;
  vec4 sum[2][8];
  [[unroll]] for (uint n = 0; n < 8; ++n) sum[0][n] = sum[1][n] = vec4(0);

  uint first = 0;
  for (uint unit = 0; unit < p.units; ++unit) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b, first += 8) {
      for (uint run = 0; run < 4; run += RUNS) {
        barrier();  // what lies there has been multiplied
        fill_weights(unit, b, run);
        fill_activations(first, run);
        barrier();
        // Unrolled, it takes lavapipe five times as long to compile, and 256 multiplications hide what a turn costs.
        [[dont_unroll]] for (uint quad = 0; quad < STEP_QUADS; ++quad) {
          vec4 x4[8];
          [[unroll]] for (uint n = 0; n < 8; ++n) x4[n] = x_tile[(n * TOKEN_PLACES + token_place) * X_STRIDE + quad];
          [[unroll]] for (uint i = 0; i < 4; ++i) {
            const uint from = (4 * quad + i) * ROW_QUADS + row_place;
            const vec4 low = weight_tile[from];
            const vec4 high = weight_tile[from + ROW_PLACES];
            [[unroll]] for (uint n = 0; n < 8; ++n) {
              sum[0][n] += low * x4[n][i];
              sum[1][n] += high * x4[n][i];
            }
          }
        }
      }
    }
  }

  const uint row = 4 * (gl_WorkGroupID.y * ROW_QUADS + row_place);
  [[unroll]] for (uint n = 0; n < 8; ++n) {
    const uint column = gl_WorkGroupID.x * TILE_TOKENS + n * TOKEN_PLACES + token_place;
    write_four(row, column, sum[0][n]);
    write_four(row + 4 * ROW_PLACES, column, sum[1][n]);
  }
}

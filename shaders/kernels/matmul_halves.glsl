// A tile's weights as halves in shared memory, for matmul_coop.glsl and matmul_coop2.glsl.
//
// DEPTH 2: there is room in shared memory for two blocks, so that the next is loaded while one is multiplied, with one barrier a
// block instead of two. It takes more than the 32 KiB that every device has.
layout(constant_id = 5) const uint TILE_PANELS = 4;
layout(constant_id = 6) const uint TILE_TOKENS = 64;
layout(constant_id = 8) const uint DEPTH = 1;

const uint WORKGROUP = gl_WorkGroupSize.x;
const uint ROW_QUADS = TILE_PANELS * LANES;  // of four rows
const uint TILE_ROWS = 4 * ROW_QUADS;
const uint QUADS = 8;            // of four weights, or activations, in a block
const uint STRIDE = QUADS + 2;   // 80 bytes, so that neighbouring rows lie in other banks of the memory, 16-byte aligned

const uint WEIGHT_TASKS = ROW_QUADS * 4;

shared f16vec4 weight_tile[DEPTH * TILE_ROWS * STRIDE];  // [row][four weights]

// An invocation at a time a run of four rows, transposed in registers.
void fill_weights(const uint block) {
  const uint unit = block / UNIT_BLOCKS;
  const uint b = block % UNIT_BLOCKS;
  const uint base = block % DEPTH * TILE_ROWS * STRIDE;
  [[unroll]] for (uint begin = 0; begin < WEIGHT_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > WEIGHT_TASKS && task >= WEIGHT_TASKS) continue;
    const uint lane = task % LANES;
    const uint r = task / LANES % 4;
    const uint panel = task / (LANES * 4);
    unit_base = unit_place(gl_WorkGroupID.y * TILE_PANELS + panel, unit, lane);
    begin_block(b);
    vec4 w0, w1, w2, w3, w4, w5, w6, w7;
    DECODE_RUN(b, r)
    const uint to = base + 4 * (panel * LANES + lane) * STRIDE;
    [[unroll]] for (uint i = 0; i < 4; ++i) {
      weight_tile[to + i * STRIDE + RUN_FIRST(r)] = f16vec4(w0[i], w1[i], w2[i], w3[i]);
      weight_tile[to + i * STRIDE + RUN_SECOND(r)] = f16vec4(w4[i], w5[i], w6[i], w7[i]);
    }
  }
}

// What round_half.comp multiplied a token's activations by is divided out again; the scales lie behind the vectors.
float scale_of(const uint column) {
  return uintBitsToFloat(X(p.columns * (p.x_stride / 8) + column / 4)[column % 4]);
}

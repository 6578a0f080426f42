// Products by tiles with cooperative matrices as large as the tile (VK_NV_cooperative_matrix2): weights and activations in half
// precision, sums in single precision.
//
// A workgroup computes TILE_PANELS panels of rows for TILE_TOKENS tokens, block after block of 32 weights along a row, by one
// product a block of TILE_ROWS * 32 weights and 32 * TILE_TOKENS activations, which the driver divides among the invocations. The
// weights are decoded into shared memory as halves, each once for all tokens of the tile (matmul_halves.glsl). The activations
// are halves already, scaled for each token (round_half.comp), and are loaded from where they lie; behind those of the last token
// there is room for a whole tile (rounding_bytes() in kernels/matmul.hpp), as such a load does not end at the last token. What
// lies there is in columns of the sums that are not written.
//
// TEAM is the scope of the matrices: the workgroup, or on drivers that do not have that, the subgroup, which is the whole
// workgroup then.
layout(constant_id = 7) const uint TEAM = gl_ScopeWorkgroup;

#include "kernels/matmul_halves.glsl"

const uint BLOCK = 4 * QUADS;

#define SUMS coopmat<float, TEAM, TILE_ROWS, TILE_TOKENS, gl_MatrixUseAccumulator>

uint row_of(const uint in_tile) { return gl_WorkGroupID.y * TILE_ROWS + in_tile; }
uint column_of(const uint in_tile) { return gl_WorkGroupID.x * TILE_TOKENS + in_tile; }

// The two are called at least once for every sum, and may be called again, so that none may both read and write what lies in y.
float finished(const in uint row, const in uint column, const in float sum) {
  if (is_outside(row_of(row), column_of(column))) return 0.0;
  return result_of(row_of(row), column_of(column), sum * scale_of(column_of(column)));
}

float written(const in uint row, const in uint column, const in float result) {
  if (!is_outside(row_of(row), column_of(column))) y[place_of(row_of(row), column_of(column))] = result;
  return result;
}

void main() {
  const uint blocks = p.units * UNIT_BLOCKS;
  SUMS sums = SUMS(0.0);
  fill_weights(0);
  for (uint block = 0; block < blocks; ++block) {
    barrier();
    coopmat<float16_t, TEAM, TILE_ROWS, BLOCK, gl_MatrixUseA> weight_matrix;
    coopmat<float16_t, TEAM, BLOCK, TILE_TOKENS, gl_MatrixUseB> x_matrix;
    coopMatLoad(weight_matrix, weight_tile, block % DEPTH * TILE_ROWS * STRIDE, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    coopMatLoad(x_matrix, x, column_of(0) * (p.x_stride / 8) + 4 * block, p.x_stride / 8, gl_CooperativeMatrixLayoutColumnMajor);
    sums = coopMatMulAdd(weight_matrix, x_matrix, sums);
    if (DEPTH == 1) barrier();  // all have loaded what lies there
    if (block + 1 < blocks) fill_weights(block + 1);
  }

  coopMatPerElementNV(sums, sums, finished);
  if (ACCUMULATE) barrier();  // all have read what is written now
  coopMatPerElementNV(sums, sums, written);
}

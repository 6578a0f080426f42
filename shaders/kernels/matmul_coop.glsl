// Products by tiles with cooperative matrices: weights and activations in half precision, sums in single precision.
//
// A workgroup computes TILE_PANELS panels of rows for TILE_TOKENS tokens, block after block of 32 weights along a row. The
// weights are decoded into shared memory as halves, each once for all tokens of the tile (matmul_halves.glsl); the activations
// are halves already, scaled for each token (round_half.comp), so that none overflows. Each subgroup computes half of the tile's
// rows for its share of the tokens, by matrices of M * K weights and K * N activations.
layout(constant_id = 7) const uint SUBGROUPS = 4;
layout(constant_id = 9) const uint M = 16;
layout(constant_id = 10) const uint N = 16;
layout(constant_id = 11) const uint K = 16;

#include "kernels/matmul_halves.glsl"

const uint PART_ROWS = TILE_ROWS / 2;
const uint PART_TOKENS = 2 * TILE_TOKENS / SUBGROUPS;
const uint ROW_MATRICES = PART_ROWS / M;
const uint TOKEN_MATRICES = PART_TOKENS / N;

const uint X_TASKS = TILE_TOKENS * 4;

shared f16vec4 x_tile[DEPTH * TILE_TOKENS * STRIDE];  // [token][four activations]
shared float results[SUBGROUPS * M * N];              // of each subgroup a matrix, [token][row]

f16vec4 halves(const uvec2 words) { return f16vec4(unpackFloat2x16(words.x), unpackFloat2x16(words.y)); }

void fill_activations(const uint block, const uint base) {
  [[unroll]] for (uint begin = 0; begin < X_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > X_TASKS && task >= X_TASKS) continue;
    const uint part = task % 4;
    const uint token = task / 4;
    const uvec4 eight = X(column_read(gl_WorkGroupID.x * TILE_TOKENS + token) * (p.x_stride / 8) + 4 * block + part);
    const uint to = base + token * STRIDE + 2 * part;
    x_tile[to] = halves(eight.xy);
    x_tile[to + 1] = halves(eight.zw);
  }
}

void fill(const uint block) {
  fill_weights(block);
  fill_activations(block, block % DEPTH * TILE_TOKENS * STRIDE);
}

void main() {
  const uint first_row = gl_SubgroupID % 2 * PART_ROWS;
  const uint first_token = gl_SubgroupID / 2 * PART_TOKENS;
  coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> sum[ROW_MATRICES * TOKEN_MATRICES];
  [[unroll]] for (uint i = 0; i < ROW_MATRICES * TOKEN_MATRICES; ++i) {
    sum[i] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0.0);
  }

  const uint blocks = p.units * UNIT_BLOCKS;
  fill(0);
  for (uint block = 0; block < blocks; ++block) {
    barrier();
    const uint weights_base = (block % DEPTH * TILE_ROWS + first_row) * STRIDE;
    const uint x_base = (block % DEPTH * TILE_TOKENS + first_token) * STRIDE;
    [[unroll]] for (uint k = 0; k < 32; k += K) {
      coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> x_matrix[TOKEN_MATRICES];
      [[unroll]] for (uint n = 0; n < TOKEN_MATRICES; ++n) {
        coopMatLoad(x_matrix[n], x_tile, x_base + n * N * STRIDE + k / 4, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
      }
      [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
        coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> weight_matrix;
        coopMatLoad(weight_matrix, weight_tile, weights_base + m * M * STRIDE + k / 4, STRIDE,
                    gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint n = 0; n < TOKEN_MATRICES; ++n) {
          sum[m * TOKEN_MATRICES + n] = coopMatMulAdd(weight_matrix, x_matrix[n], sum[m * TOKEN_MATRICES + n]);
        }
      }
    }
    if (DEPTH == 1) barrier();  // all have multiplied what lies there
    if (block + 1 < blocks) fill(block + 1);
  }

  const uint own = gl_SubgroupID * M * N;
  [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
    [[unroll]] for (uint n = 0; n < TOKEN_MATRICES; ++n) {
      coopMatStore(sum[m * TOKEN_MATRICES + n], results, own, M, gl_CooperativeMatrixLayoutColumnMajor);
      subgroupBarrier();
      for (uint i = gl_SubgroupInvocationID; i < M * N; i += gl_SubgroupSize) {
        const uint column = gl_WorkGroupID.x * TILE_TOKENS + first_token + n * N + i / M;
        if (column < p.columns) {
          const uint row = gl_WorkGroupID.y * TILE_ROWS + first_row + m * M + i % M;
          write_one(row, column, results[own + i] * scale_of(column));
        }
      }
      subgroupBarrier();
    }
  }
}

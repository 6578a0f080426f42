// Products with activations rounded to 8 bits (quantize.comp), four elements at once (GL_EXT_integer_dot_product).
#include "common/dot.glsl"
#include "kernels/matmul_split.glsl"

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
    x_base[n] = (column_read(column + n) * (p.x_stride / 32) + split * UNIT_BLOCKS) * kBlockTexels;
  }
  [[unroll]] for (uint q = 0; q < PANELS; ++q) {
    panel_base[q] = (panel_read(first_panel + q) * p.units + split) * UNIT_WORDS * LANES + lane;
  }

  for (uint unit = split; unit < p.units; unit += SPLIT) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
      uvec4 head[COLUMNS], first[COLUMNS], second[COLUMNS];
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
        head[n] = X(x_base[n]);
        first[n] = X(x_base[n] + 1);
        second[n] = X(x_base[n] + 2);
        x_base[n] += kBlockTexels;
      }
      [[unroll]] for (uint q = 0; q < PANELS; ++q) {
        unit_base = panel_base[q];
        begin_block(b);
        const DotScales scales = read_scales();
        ivec4 sums[COLUMNS][INTEGER_HALVES];
        [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
          [[unroll]] for (uint h = 0; h < INTEGER_HALVES; ++h) sums[n][h] = begin_sums(head[n], h);
        }
        [[unroll]] for (uint r = 0; r < 4; ++r) {
          uvec4 q0, q1;
          DOT_RUN(b, r)
          const uint e = RUN_FIRST(r);
          const uint f = RUN_SECOND(r);
          [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
            sums[n][0] += dot_rows(q0, e < 4 ? first[n][e % 4] : second[n][e % 4]);
            sums[n][INTEGER_HALVES - 1] += dot_rows(q1, f < 4 ? first[n][f % 4] : second[n][f % 4]);
          }
        }
        [[unroll]] for (uint n = 0; n < COLUMNS; ++n) sum[q][n] += finish_sums(sums[n], scales, head[n]);
      }
    }
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += (SPLIT - 1) * UNIT_BLOCKS * kBlockTexels;
    [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] += SPLIT * UNIT_WORDS * LANES;
  }
  if (!add_splits(lane, split, sum[0])) return;
  [[unroll]] for (uint q = 0; q < PANELS; ++q) write_sums(((first_panel + q) * LANES + lane) * 4, column, sum[q]);
}

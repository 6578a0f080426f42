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
  [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] = unit_place(first_panel + q, split, lane);

  for (uint unit = split; unit < p.units; unit += SPLIT) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
      uvec4 quants[PANELS][8];
      DotScales scales[PANELS];
      [[unroll]] for (uint q = 0; q < PANELS; ++q) {
        unit_base = panel_base[q];
        begin_block(b);
        scales[q] = read_scales();
        [[unroll]] for (uint r = 0; r < 4; ++r) {
          uvec4 q0, q1;
          DOT_RUN(b, r)
          quants[q][RUN_FIRST(r)] = q0;
          quants[q][RUN_SECOND(r)] = q1;
        }
      }
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
        const uvec4 head = X(x_base[n]);
        const uvec4 low = X(x_base[n] + 1);
        const uvec4 high = X(x_base[n] + 2);
        [[unroll]] for (uint q = 0; q < PANELS; ++q) sum[q][n] += block_products(quants[q], scales[q], head, low, high);
        x_base[n] += kBlockTexels;
      }
    }
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += (SPLIT - 1) * UNIT_BLOCKS * kBlockTexels;
    [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] += SPLIT * UNIT_WORDS * LANES;
  }
  if (!add_splits(lane, split, sum[0])) return;
  [[unroll]] for (uint q = 0; q < PANELS; ++q) write_sums(((first_panel + q) * LANES + lane) * 4, column, sum[q]);
}

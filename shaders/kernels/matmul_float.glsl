// Products with activations in single precision.
//
// BROADCAST=n (4, 8 or 16, equal to LANES and to the subgroup size; SPLIT is 1): each lane loads a part of a block's activations and
// hands it round in registers. On lavapipe 26.2 that is 69 against 32 GFLOP/s at 8 columns, on SwiftShader 3.1 against 2.2.
#include "kernels/matmul_split.glsl"

// Lanes that load something of a block's activations of their own, four elements each.
#ifdef BROADCAST
const uint SENDERS = min(BROADCAST, 8);
#endif

// Element e of the block's activations for column n.
#ifdef BROADCAST
#define AT(n, e) handed[n][e]
#else
#define AT(n, e) uintBitsToFloat(X(x_base[n] + X_FURTHER((e) / 4)))[(e) % 4]
#endif

// By address there are two sums, of every other four products each, so that less waits for one another, and they are sums of products
// rounded once, which a processor has an instruction for.
#ifdef ADDRESSES
#define CHAINS 2
#define ADD(sum, w, x) sum = fma(w, vec4(x), sum)
#else
#define CHAINS 1
#define ADD(sum, w, x) sum += w * (x)
#endif

void main() {
  const uint lane = gl_LocalInvocationID.x % LANES;
  const uint split = SPLIT > 1 ? gl_LocalInvocationID.x / LANES : 0;  // so that all lanes are seen to read one address
  const uint first_panel = gl_WorkGroupID.y * PANELS;
  const uint column = gl_WorkGroupID.x * COLUMNS;
  vec4 sum[CHAINS][PANELS][COLUMNS];
  uint panel_base[PANELS];
  X_PLACE x_base[COLUMNS];
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    [[unroll]] for (uint q = 0; q < PANELS; ++q) {
      [[unroll]] for (uint c = 0; c < CHAINS; ++c) sum[c][q][n] = vec4(0);
    }
    x_base[n] = X_START + X_FURTHER(column_read(column + n) * (p.x_stride / 4) + split * UNIT_BLOCKS * 8);
  }
  [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] = unit_place(first_panel + q, split, lane);

  for (uint unit = split; unit < p.units; unit += SPLIT) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
#ifdef BROADCAST
      float handed[COLUMNS][32];
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
        [[unroll]] for (uint part = 0; part < 8 / SENDERS; ++part) {
          const vec4 mine = uintBitsToFloat(X(x_base[n] + part * SENDERS + lane % SENDERS));
          [[unroll]] for (uint i = 0; i < SENDERS; ++i) {
            const uint e = 4 * (part * SENDERS + i);
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
            ADD(sum[0][q][n], w0, AT(n, e));
            ADD(sum[0][q][n], w1, AT(n, e + 1));
            ADD(sum[0][q][n], w2, AT(n, e + 2));
            ADD(sum[0][q][n], w3, AT(n, e + 3));
            ADD(sum[CHAINS - 1][q][n], w4, AT(n, f));
            ADD(sum[CHAINS - 1][q][n], w5, AT(n, f + 1));
            ADD(sum[CHAINS - 1][q][n], w6, AT(n, f + 2));
            ADD(sum[CHAINS - 1][q][n], w7, AT(n, f + 3));
          }
        }
      }
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += X_NEXT_BLOCK(unit, b, 8);
    }
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += X_FURTHER((SPLIT - 1) * UNIT_BLOCKS * 8);
    [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] += SPLIT * UNIT_WORDS * LANES;
  }

  [[unroll]] for (uint q = 0; q < PANELS; ++q) {
    [[unroll]] for (uint n = 0; n < COLUMNS * (CHAINS - 1); ++n) sum[0][q][n] += sum[CHAINS - 1][q][n];
  }
  if (!add_splits(lane, split, sum[0][0])) return;
  [[unroll]] for (uint q = 0; q < PANELS; ++q) write_sums(((first_panel + q) * LANES + lane) * 4, column, sum[0][q]);
}

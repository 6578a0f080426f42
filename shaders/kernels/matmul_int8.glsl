// Products with activations rounded to 8 bits (quantize.comp), in 32-bit integers. SPLIT is 1.
//
// Quants of two rows lie in the 16-bit halves of a word, so that one multiplication serves both: (a + 65536 b) x = a x + 65536 b x.
// Quants are meant from INTEGER_CENTRE, which keeps the sum of so many products as lie between two flushes within 16 bits; for that
// the accumulator begins with the centre's product with the activations' sum. What overflows on the way comes back, for all is
// modulo 2^32. (Q8_0 has a row a word at best, which is no faster than products in single precision.)
#include "common/integer.glsl"

// Activations 4r + i and 16 + 4r + i of the block.
#ifdef ADDRESSES
#define FIRST(n, r, i) int(X(x_base[n] + X_FURTHER(1 + (r)))[i])
#define SECOND(n, r, i) int(X(x_base[n] + X_FURTHER(5 + (r)))[i])
#else
#define BYTE(word, i) (((word) << (24 - 8 * (i))) >> 24)
#define FIRST(n, r, i) BYTE(first[n][r], i)
#define SECOND(n, r, i) BYTE(second[n][r], i)
#endif

// LLVM 15 collects a chain of integer sums at its end and keeps all products until then, in memory for want of registers. A zero
// that it knows nothing of cuts the chain: 31 of 28 GFLOP/s.
#ifdef TEXELS
#define CUT_CHAIN(sums) sums ^= ivec2(p.zero)
#else
#define CUT_CHAIN(sums)
#endif

// The sum of the activations of group g of half h of a block.
int sum_of(const ivec4 head, const uint h, const uint g) {
  if (INTEGER_RUNS == 4) return head.y;
  const ivec2 sums = (head.zw << (g == 0 ? 16 : 0)) >> 16;
  return INTEGER_HALVES == 2 ? sums[h] : sums.x + sums.y;
}

// The sums of four rows.
ivec4 unpack_sums(const ivec2 sums) {
  const ivec2 low = (sums << 16) >> 16;
  const ivec2 high = (sums + 0x8000) >> 16;
  return ivec4(low.x, high.x, low.y, high.y);
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint first_panel = gl_WorkGroupID.y * PANELS;
  const uint column = gl_WorkGroupID.x * COLUMNS;
  vec4 sum[PANELS][COLUMNS];
  uint panel_base[PANELS];
  X_PLACE x_base[COLUMNS];
  [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
    [[unroll]] for (uint q = 0; q < PANELS; ++q) sum[q][n] = vec4(0);
    x_base[n] = X_START + X_FURTHER(column_read(column + n) * (p.x_stride / 32) * kBlockTexels);
  }
  [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] = unit_place(first_panel + q, 0, lane);

  for (uint unit = 0; unit < p.units; ++unit) {
    for (uint b = 0; b < UNIT_BLOCKS; ++b) {
      ivec4 head[COLUMNS], first[COLUMNS], second[COLUMNS];
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
        head[n] = ivec4(X(x_base[n]));
#ifndef ADDRESSES
        first[n] = ivec4(X(x_base[n] + 1));
        second[n] = ivec4(X(x_base[n] + 2));
        x_base[n] += kBlockTexels;
#endif
      }
      [[unroll]] for (uint q = 0; q < PANELS; ++q) {
        unit_base = panel_base[q];
        begin_block(b);
        ivec4 total[INTEGER_HALVES][COLUMNS];
        [[unroll]] for (uint g = 0; g < 4 / INTEGER_RUNS; ++g) {
          ivec2 sums[INTEGER_HALVES][COLUMNS];
          [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
            [[unroll]] for (uint h = 0; h < INTEGER_HALVES; ++h) {
              sums[h][n] = ivec2(sum_of(head[n], h, g) * (-65537 * INTEGER_CENTRE));
            }
          }
          [[unroll]] for (uint i = 0; i < INTEGER_RUNS; ++i) {
            const uint r = g * INTEGER_RUNS + i;
            ivec2 w0, w1, w2, w3, w4, w5, w6, w7;
            INTEGER_RUN(b, r)
            [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
              sums[0][n] += w0 * FIRST(n, r, 0);
              sums[0][n] += w1 * FIRST(n, r, 1);
              sums[0][n] += w2 * FIRST(n, r, 2);
              sums[0][n] += w3 * FIRST(n, r, 3);
              sums[INTEGER_HALVES - 1][n] += w4 * SECOND(n, r, 0);
              sums[INTEGER_HALVES - 1][n] += w5 * SECOND(n, r, 1);
              sums[INTEGER_HALVES - 1][n] += w6 * SECOND(n, r, 2);
              sums[INTEGER_HALVES - 1][n] += w7 * SECOND(n, r, 3);
              [[unroll]] for (uint h = 0; h < INTEGER_HALVES; ++h) CUT_CHAIN(sums[h][n]);
            }
          }
          [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
            [[unroll]] for (uint h = 0; h < INTEGER_HALVES; ++h) {
              total[h][n] = unpack_sums(sums[h][n]) + (g == 0 ? ivec4(0) : total[h][n]);
            }
          }
        }
        [[unroll]] for (uint n = 0; n < COLUMNS; ++n) {
          const float scale = intBitsToFloat(head[n].x);
          sum[q][n] += INTEGER_FIRST_SCALE * (vec4(total[0][n]) * scale);
          if (INTEGER_HALVES == 2) sum[q][n] += INTEGER_SECOND_SCALE * (vec4(total[INTEGER_HALVES - 1][n]) * scale);
#ifdef INTEGER_OFFSET
          sum[q][n] += INTEGER_OFFSET * (float(head[n].y) * scale);
#endif
        }
      }
#ifdef ADDRESSES
      [[unroll]] for (uint n = 0; n < COLUMNS; ++n) x_base[n] += X_NEXT_BLOCK(unit, b, kBlockTexels);
#endif
    }
    [[unroll]] for (uint q = 0; q < PANELS; ++q) panel_base[q] += UNIT_WORDS * LANES;
  }
  [[unroll]] for (uint q = 0; q < PANELS; ++q) write_sums(((first_panel + q) * LANES + lane) * 4, column, sum[q]);
}

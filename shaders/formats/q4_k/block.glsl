// Q4_K: w = d * s * q - m * t, a scale s and a minimum t of 6 bits for each block of 32. Packed unit of 8 blocks:
// word 0 the halves d and m; word 1 the low nibbles of s, word 2 of t; word 3 the high pairs of bits of s, then of t; then 4 words a block.
#define UNIT_WORDS 36
#define UNIT_BLOCKS 8
#define RUN_FIRST NIBBLE_RUN_FIRST
#define RUN_SECOND NIBBLE_RUN_SECOND

vec4 block_scale;
vec4 block_offset;

void begin_block(const uint b) {
  const uvec4 halves = WORD(0);
  const uvec4 high = WORD(3) >> (2 * b);
  const uvec4 scale = ((WORD(1) >> (4 * b)) & 15u) | ((high & 3u) << 4);
  const uvec4 minimum = ((WORD(2) >> (4 * b)) & 15u) | ((high >> 12) & 48u);
  block_scale = low_halves(halves) * vec4(ivec4(scale));
  block_offset = -high_halves(halves) * vec4(ivec4(minimum));
}

#define DECODE_RUN(b, r)                            \
  {                                                 \
    const uvec4 word = WORD(4 + 4 * (b) + (r));     \
    DECODE_NIBBLES(word, block_scale, block_offset) \
  }

#define INTEGER_CENTRE 8
#define INTEGER_RUNS 4
#define INTEGER_HALVES 1
#define INTEGER_RUN(b, r) PAIR_NIBBLES(WORD(4 + 4 * (b) + (r)))
#define INTEGER_FIRST_SCALE block_scale
#define INTEGER_SECOND_SCALE block_scale
#define INTEGER_OFFSET (block_offset + INTEGER_CENTRE * block_scale)
#define DOT_CENTRE 0
#define DOT_OFFSET block_offset
#define DOT_RUN(b, r) DOT_NIBBLES(WORD(4 + 4 * (b) + (r)))

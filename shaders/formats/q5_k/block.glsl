// Q5_K: w = d * s * q - m * t as Q4_K, q of 5 bits. Packed unit of 8 blocks: words 0-3 as Q4_K, then for each block 4 words of
// nibbles and one whose bit i is the fifth bit of element i.
#define UNIT_WORDS 44
#define UNIT_BLOCKS 8
#define RUN_FIRST NIBBLE_RUN_FIRST
#define RUN_SECOND NIBBLE_RUN_SECOND

vec4 block_scale;
vec4 block_offset;
uvec4 block_high;

void begin_block(const uint b) {
  const uvec4 halves = WORD(0);
  const uvec4 high = WORD(3) >> (2 * b);
  const uvec4 scale = ((WORD(1) >> (4 * b)) & 15u) | ((high & 3u) << 4);
  const uvec4 minimum = ((WORD(2) >> (4 * b)) & 15u) | ((high >> 12) & 48u);
  block_scale = low_halves(halves) * vec4(ivec4(scale));
  block_offset = -high_halves(halves) * vec4(ivec4(minimum));
  block_high = WORD(8 + 5 * b);
}

#define HIGH_BIT(i) (((block_high >> (i)) & 1u) << 4)

#define DECODE_RUN(b, r)                                                                                        \
  {                                                                                                             \
    const uvec4 word = WORD(4 + 5 * (b) + (r));                                                                 \
    w0 = vec4(ivec4((word & 15u) | HIGH_BIT(4 * (r)))) * block_scale + block_offset;                            \
    w1 = vec4(ivec4(((word >> 8) & 15u) | HIGH_BIT(4 * (r) + 1))) * block_scale + block_offset;                 \
    w2 = vec4(ivec4(((word >> 16) & 15u) | HIGH_BIT(4 * (r) + 2))) * block_scale + block_offset;                \
    w3 = vec4(ivec4(((word >> 24) & 15u) | HIGH_BIT(4 * (r) + 3))) * block_scale + block_offset;                \
    w4 = vec4(ivec4(((word >> 4) & 15u) | HIGH_BIT(16 + 4 * (r)))) * block_scale + block_offset;                \
    w5 = vec4(ivec4(((word >> 12) & 15u) | HIGH_BIT(17 + 4 * (r)))) * block_scale + block_offset;               \
    w6 = vec4(ivec4(((word >> 20) & 15u) | HIGH_BIT(18 + 4 * (r)))) * block_scale + block_offset;               \
    w7 = vec4(ivec4((word >> 28) | HIGH_BIT(19 + 4 * (r)))) * block_scale + block_offset;                       \
  }

#define INTEGER_CENTRE 16
#define INTEGER_RUNS 2
#define INTEGER_HALVES 1
#define INTEGER_RUN(b, r)                                                            \
  PAIR_NIBBLES(WORD(4 + 5 * (b) + (r)))                                              \
  {                                                                                  \
    const uvec2 first = pair_low(block_high) >> (4 * (r));                           \
    const uvec2 second = pair_high(block_high) >> (4 * (r));                         \
    w0 |= ivec2((first & 0x10001u) << 4);                                            \
    w1 |= ivec2((first & 0x20002u) << 3);                                            \
    w2 |= ivec2((first & 0x40004u) << 2);                                            \
    w3 |= ivec2((first & 0x80008u) << 1);                                            \
    w4 |= ivec2((second & 0x10001u) << 4);                                           \
    w5 |= ivec2((second & 0x20002u) << 3);                                           \
    w6 |= ivec2((second & 0x40004u) << 2);                                           \
    w7 |= ivec2((second & 0x80008u) << 1);                                           \
  }
#define INTEGER_FIRST_SCALE block_scale
#define INTEGER_SECOND_SCALE block_scale
#define INTEGER_OFFSET (block_offset + INTEGER_CENTRE * block_scale)
// Multiplied, four bits go to a byte each.
#define FIFTH_BITS(i) (((((block_high >> (i)) & 15u) * 0x204081u) & 0x01010101u) << 4)
#define DOT_CENTRE 0
#define DOT_OFFSET block_offset
#define DOT_RUN(b, r)                       \
  DOT_NIBBLES(WORD(4 + 5 * (b) + (r)))      \
  q0 |= FIFTH_BITS(4 * (r));                \
  q1 |= FIFTH_BITS(16 + 4 * (r));

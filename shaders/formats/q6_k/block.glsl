// Q6_K: w = d * s * (q - 32), a signed byte s for each 16 weights. Packed unit of 16 blocks (two of GGUF's 256): word 0 holds
// both halves d; words 1-8 two bytes s a block; then for each block 4 words of low nibbles and 2 words of high pairs of bits,
// element i in bits 2(i % 16) of word i / 16.
#define UNIT_WORDS 105
#define UNIT_BLOCKS 16
#define RUN_FIRST NIBBLE_RUN_FIRST
#define RUN_SECOND NIBBLE_RUN_SECOND

vec4 first_scale;   // of elements 0 … 15
vec4 second_scale;  // of elements 16 … 31
uvec4 first_high;
uvec4 second_high;

void begin_block(const uint b) {
  const vec4 d = low_halves(WORD(0) >> (16 * (b >> 3)));
  const uvec4 scales = WORD(1 + (b >> 1)) >> (16 * (b & 1));
  first_scale = d * SIGNED_BYTE(scales, 0);
  second_scale = d * SIGNED_BYTE(scales, 1);
  first_high = WORD(13 + 6 * b);
  second_high = WORD(14 + 6 * b);
}

#define HIGH_PAIR(word, i) ((((word) >> (2 * (i))) & 3u) << 4)

#define DECODE_RUN(b, r)                                                                                     \
  {                                                                                                          \
    const uvec4 word = WORD(9 + 6 * (b) + (r));                                                              \
    w0 = vec4(ivec4((word & 15u) | HIGH_PAIR(first_high, 4 * (r))) - 32) * first_scale;                      \
    w1 = vec4(ivec4(((word >> 8) & 15u) | HIGH_PAIR(first_high, 4 * (r) + 1)) - 32) * first_scale;           \
    w2 = vec4(ivec4(((word >> 16) & 15u) | HIGH_PAIR(first_high, 4 * (r) + 2)) - 32) * first_scale;          \
    w3 = vec4(ivec4(((word >> 24) & 15u) | HIGH_PAIR(first_high, 4 * (r) + 3)) - 32) * first_scale;          \
    w4 = vec4(ivec4(((word >> 4) & 15u) | HIGH_PAIR(second_high, 4 * (r))) - 32) * second_scale;             \
    w5 = vec4(ivec4(((word >> 12) & 15u) | HIGH_PAIR(second_high, 4 * (r) + 1)) - 32) * second_scale;        \
    w6 = vec4(ivec4(((word >> 20) & 15u) | HIGH_PAIR(second_high, 4 * (r) + 2)) - 32) * second_scale;        \
    w7 = vec4(ivec4((word >> 28) | HIGH_PAIR(second_high, 4 * (r) + 3)) - 32) * second_scale;                \
  }

// High pairs of bits of the run's elements, two rows a word: those of elements 8h … 8h+7 lie in half h of the words.
#define PAIR_BITS(high, r) (((r) < 2 ? pair_low(high) : pair_high(high)) >> (8 * ((r) & 1)))

#define INTEGER_CENTRE 32
#define INTEGER_RUNS 2
#define INTEGER_HALVES 2
#define INTEGER_RUN(b, r)                                  \
  PAIR_NIBBLES(WORD(9 + 6 * (b) + (r)))                    \
  {                                                        \
    const uvec2 first = PAIR_BITS(first_high, r);          \
    const uvec2 second = PAIR_BITS(second_high, r);        \
    w0 |= ivec2((first & 0x30003u) << 4);                  \
    w1 |= ivec2((first & 0xC000Cu) << 2);                  \
    w2 |= ivec2(first & 0x300030u);                        \
    w3 |= ivec2((first & 0xC000C0u) >> 2);                 \
    w4 |= ivec2((second & 0x30003u) << 4);                 \
    w5 |= ivec2((second & 0xC000Cu) << 2);                 \
    w6 |= ivec2(second & 0x300030u);                       \
    w7 |= ivec2((second & 0xC000C0u) >> 2);                \
  }
#define INTEGER_FIRST_SCALE first_scale
#define INTEGER_SECOND_SCALE second_scale
// The four lowest pairs of bits, each in bits 4 and 5 of a byte.
uvec4 pairs_to_bytes(const uvec4 pairs) {
  const uvec4 twos = (pairs & 0xFu) | ((pairs << 12) & 0xF0000u);
  return ((twos | (twos << 6)) & 0x3030303u) << 4;
}

#define DOT_CENTRE 32
#define DOT_RUN(b, r)                             \
  DOT_NIBBLES(WORD(9 + 6 * (b) + (r)))            \
  q0 |= pairs_to_bytes(first_high >> (8 * (r)));  \
  q1 |= pairs_to_bytes(second_high >> (8 * (r)));

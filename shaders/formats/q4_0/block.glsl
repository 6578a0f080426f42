// Q4_0: w = d * (q - 8). Packed unit of two blocks: word 0 holds both halves d, words 1-4 and 5-8 their quants.
#define UNIT_WORDS 9
#define UNIT_BLOCKS 2
#define RUN_FIRST NIBBLE_RUN_FIRST
#define RUN_SECOND NIBBLE_RUN_SECOND

vec4 block_scale;
vec4 block_offset;

void begin_block(const uint b) {
  block_scale = low_halves(WORD(0) >> (16 * b));
  block_offset = -8.0 * block_scale;
}

#define DECODE_RUN(b, r)                                 \
  {                                                      \
    const uvec4 word = WORD(1 + 4 * (b) + (r));          \
    DECODE_NIBBLES(word, block_scale, block_offset)      \
  }

#define INTEGER_CENTRE 8
#define INTEGER_RUNS 4
#define INTEGER_HALVES 1
#define INTEGER_RUN(b, r) PAIR_NIBBLES(WORD(1 + 4 * (b) + (r)))
#define INTEGER_FIRST_SCALE block_scale
#define INTEGER_SECOND_SCALE block_scale
#define DOT_CENTRE 8
#define DOT_RUN(b, r) DOT_NIBBLES(WORD(1 + 4 * (b) + (r)))

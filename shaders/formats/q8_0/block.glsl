// Q8_0: w = d * q, q signed. Packed unit of two blocks: word 0 holds both halves d, words 1-8 and 9-16 their quants in order.
#define UNIT_WORDS 17
#define UNIT_BLOCKS 2
#define RUN_FIRST(r) (2 * (r))
#define RUN_SECOND(r) (2 * (r) + 1)

vec4 block_scale;

void begin_block(const uint b) { block_scale = low_halves(WORD(0) >> (16 * b)); }

#define DECODE_RUN(b, r)                               \
  {                                                    \
    const uvec4 first = WORD(1 + 8 * (b) + 2 * (r));   \
    const uvec4 second = WORD(2 + 8 * (b) + 2 * (r));  \
    w0 = SIGNED_BYTE(first, 0) * block_scale;          \
    w1 = SIGNED_BYTE(first, 1) * block_scale;          \
    w2 = SIGNED_BYTE(first, 2) * block_scale;          \
    w3 = SIGNED_BYTE(first, 3) * block_scale;          \
    w4 = SIGNED_BYTE(second, 0) * block_scale;         \
    w5 = SIGNED_BYTE(second, 1) * block_scale;         \
    w6 = SIGNED_BYTE(second, 2) * block_scale;         \
    w7 = SIGNED_BYTE(second, 3) * block_scale;         \
  }

#define INTEGER_HALVES 1
#define INTEGER_FIRST_SCALE block_scale
#define INTEGER_SECOND_SCALE block_scale
#define DOT_CENTRE 0
#define DOT_RUN(b, r)                  \
  q0 = WORD(1 + 8 * (b) + 2 * (r));    \
  q1 = WORD(2 + 8 * (b) + 2 * (r));

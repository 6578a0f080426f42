// F16: two weights a word, the first in the low half. Packed unit of one block.
#define UNIT_WORDS 16
#define UNIT_BLOCKS 1
#define RUN_FIRST(r) (2 * (r))
#define RUN_SECOND(r) (2 * (r) + 1)

void begin_block(const uint b) {}

#define DECODE_PAIR(j, low, high) \
  {                               \
    const uvec4 word = WORD(j);   \
    low = low_halves(word); \
    high = high_halves(word); \
  }

#define DECODE_RUN(b, r)           \
  DECODE_PAIR(4 * (r), w0, w1)     \
  DECODE_PAIR(4 * (r) + 1, w2, w3) \
  DECODE_PAIR(4 * (r) + 2, w4, w5) \
  DECODE_PAIR(4 * (r) + 3, w6, w7)

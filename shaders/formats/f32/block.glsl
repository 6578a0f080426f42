// F32: a weight a word. Packed unit of one block.
#define UNIT_WORDS 32
#define UNIT_BLOCKS 1
#define RUN_FIRST(r) (2 * (r))
#define RUN_SECOND(r) (2 * (r) + 1)

void begin_block(const uint b) {}

#define DECODE_RUN(b, r)                  \
  w0 = uintBitsToFloat(WORD(8 * (r)));     \
  w1 = uintBitsToFloat(WORD(8 * (r) + 1)); \
  w2 = uintBitsToFloat(WORD(8 * (r) + 2)); \
  w3 = uintBitsToFloat(WORD(8 * (r) + 3)); \
  w4 = uintBitsToFloat(WORD(8 * (r) + 4)); \
  w5 = uintBitsToFloat(WORD(8 * (r) + 5)); \
  w6 = uintBitsToFloat(WORD(8 * (r) + 6)); \
  w7 = uintBitsToFloat(WORD(8 * (r) + 7));

// Helpers of the formats' integer form, products with activations of 8 bits.
//
// What a format's block.glsl defines for it (a weight is scale * (quant - centre) + offset):
//   INTEGER_CENTRE     what is subtracted of a quant
//   INTEGER_RUNS       runs between two flushes, 4 or 2: (largest quant from the centre) * 127 * (their elements) is below 32768
//   INTEGER_HALVES     2 when elements 0 … 15 and 16 … 31 of a block have scales of their own and are summed apart, else 1
//   INTEGER_RUN(b, r)  sets w0 … w7, each an ivec2 with four rows' quants in its 16-bit halves, to elements 4r … 4r+3 and
//                      16+4r … 16+4r+3 of block b
//   INTEGER_FIRST_SCALE, INTEGER_SECOND_SCALE, INTEGER_OFFSET  of the four rows, after begin_block(b); no offset is zero
//
// And for products of four bytes at once:
//   DOT_RUN(b, r)      sets q0 and q1, each a uvec4 with four rows' quants as signed bytes, to elements 4*RUN_FIRST(r) … +3 and
//                      4*RUN_SECOND(r) … +3 of block b (common/decode.glsl)
//   DOT_CENTRE         what is subtracted of a quant
//   DOT_OFFSET         what is added to the weights of the four rows then; no offset is zero
//   INTEGER_HALVES, where runs have their first elements in the first half, and the scales

// Of a block of 32 rounded activations (common/round.glsl): four words of scale and sums, then the activations, a byte or (ADDRESSES) a
// word each.
#ifdef ADDRESSES
const uint kBlockTexels = 9;
#else
const uint kBlockTexels = 3;
#endif

// Lower and upper halves of the words of four rows, those of rows 0 and 1 together, and of 2 and 3.
uvec2 pair_low(const uvec4 words) { return (words.xz & 0xFFFFu) | (words.yw << 16); }
uvec2 pair_high(const uvec4 words) { return (words.xz >> 16) | (words.yw & 0xFFFF0000u); }

// The low and high nibbles of a run are its first and second elements.
#define DOT_NIBBLES(word)           \
  {                                 \
    const uvec4 both = word;        \
    q0 = both & 0x0F0F0F0Fu;        \
    q1 = (both >> 4) & 0x0F0F0F0Fu; \
  }

// The nibbles of a run (common/decode.glsl: byte i holds element i low and 16 + i high), two rows a word.
#define PAIR_NIBBLES(word)                      \
  {                                             \
    const uvec2 low = pair_low(word);           \
    const uvec2 high = pair_high(word);         \
    w0 = ivec2(low & 0xF000Fu);                 \
    w1 = ivec2((low >> 8) & 0xF000Fu);          \
    w2 = ivec2(high & 0xF000Fu);                \
    w3 = ivec2((high >> 8) & 0xF000Fu);         \
    w4 = ivec2((low >> 4) & 0xF000Fu);          \
    w5 = ivec2((low >> 12) & 0xF000Fu);         \
    w6 = ivec2((high >> 4) & 0xF000Fu);         \
    w7 = ivec2((high >> 12) & 0xF000Fu);        \
  }

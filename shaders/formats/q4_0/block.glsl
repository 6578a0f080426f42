// Q4_0: blocks of 32 weights d * (q - 8), stored in pairs. Packed unit: word 0 holds both halves d; words 1-4 and 5-8
// the quants of the two blocks, byte i of a block with element i in its low and element 16 + i in its high nibble.
#define UNIT_WORDS 9
#define UNIT_BLOCKS 2
#define BLOCK_RUNS 4

vec4 scale_;
vec4 offset_;

void begin_block(const uint b) {
  const uvec4 bits = WORD(0) >> (16 * b);
  scale_ = vec4(unpackHalf2x16(bits.x).x, unpackHalf2x16(bits.y).x, unpackHalf2x16(bits.z).x, unpackHalf2x16(bits.w).x);
  offset_ = -8.0 * scale_;
}

// Run r is word r of the block: elements 4r ... 4r+3 and 16+4r ... 16+4r+3.
#define RUN_FIRST(r) (r)
#define RUN_SECOND(r) ((r) + 4)

#define DECODE_RUN(b, r) { \
  const uvec4 word = WORD(1 + 4 * (b) + (r)); \
  w0 = vec4(ivec4(word & 0xFu)) * scale_ + offset_; \
  w1 = vec4(ivec4(word & 0xF00u)) * (scale_ * (1.0 / 256.0)) + offset_; \
  w2 = vec4(ivec4(word & 0xF0000u)) * (scale_ * (1.0 / 65536.0)) + offset_; \
  w3 = vec4(ivec4(word & 0xF000000u)) * (scale_ * (1.0 / 16777216.0)) + offset_; \
  w4 = vec4(ivec4(word & 0xF0u)) * (scale_ * (1.0 / 16.0)) + offset_; \
  w5 = vec4(ivec4(word & 0xF000u)) * (scale_ * (1.0 / 4096.0)) + offset_; \
  w6 = vec4(ivec4(word & 0xF00000u)) * (scale_ * (1.0 / 1048576.0)) + offset_; \
  w7 = vec4(ivec4(word >> 28)) * scale_ + offset_; }

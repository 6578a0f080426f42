// Helpers of the formats' block.glsl: decoding packed words of four rows at a time.
//
// What a format's block.glsl defines (all loads go through WORD(j), word j of the current unit of this lane's 4 rows):
//   UNIT_WORDS          32-bit words of a packed unit
//   UNIT_BLOCKS         blocks of 32 weights in a unit
//   begin_block(b)      reads what the block's weights share (scale, minimum)
//   DECODE_RUN(b, r)    sets w0 … w7 (a vec4: the weight of 4 rows) to run r, r = 0 … 3, of block b: the elements
//                       4*RUN_FIRST(r) … +3 and 4*RUN_SECOND(r) … +3 of the block
// The packing itself is src/kernels/weight_layout.cpp.

vec4 low_halves(const uvec4 bits) {
  return vec4(unpackHalf2x16(bits.x).x, unpackHalf2x16(bits.y).x, unpackHalf2x16(bits.z).x, unpackHalf2x16(bits.w).x);
}

vec4 high_halves(const uvec4 bits) {
  return vec4(unpackHalf2x16(bits.x).y, unpackHalf2x16(bits.y).y, unpackHalf2x16(bits.z).y, unpackHalf2x16(bits.w).y);
}

// Byte i of four words as signed numbers. Compilers for GPUs make one instruction of both shifts; of bitfieldExtract SwiftShader
// makes a dozen.
#define SIGNED_BYTE(word, i) vec4((ivec4(word) << (24 - 8 * (i))) >> 24)

// Word r of a block's quants holds elements 4r … 4r+3 in the low and 16+4r … 16+4r+3 in the high nibbles of its bytes.
#define NIBBLE_RUN_FIRST(r) (r)
#define NIBBLE_RUN_SECOND(r) ((r) + 4)

// Nibbles are masked where they stand and never shifted: the power of two goes into the scale, which is exact.
#define DECODE_NIBBLES(word, scale, offset)                               \
  w0 = vec4(ivec4((word) & 0xFu)) * (scale) + (offset);                   \
  w1 = vec4(ivec4((word) & 0xF00u)) * ((scale) * (1.0 / 256.0)) + (offset);       \
  w2 = vec4(ivec4((word) & 0xF0000u)) * ((scale) * (1.0 / 65536.0)) + (offset);   \
  w3 = vec4(ivec4((word) & 0xF000000u)) * ((scale) * (1.0 / 16777216.0)) + (offset); \
  w4 = vec4(ivec4((word) & 0xF0u)) * ((scale) * (1.0 / 16.0)) + (offset);         \
  w5 = vec4(ivec4((word) & 0xF000u)) * ((scale) * (1.0 / 4096.0)) + (offset);     \
  w6 = vec4(ivec4((word) & 0xF00000u)) * ((scale) * (1.0 / 1048576.0)) + (offset); \
  w7 = vec4(ivec4((word) >> 28)) * (scale) + (offset);

// Rounding to 8 bits for the integer flavours of matmul: blocks of 32 elements, each x = scale * q with q = -127 … 127.
//
// A block becomes three times four words: the scale (float32), the sum of q, and the sums of its quarters as 16-bit halves (q 0 … 7
// low and 8 … 15 high in one word, 16 … 23 low and 24 … 31 high in the next); then q as bytes, in order. WIDE: as words, eight times four
// of them, for processors that multiply with a number from memory but would have to take bytes apart first.

// Block `at` of what the kernel declares as `rounded`.
void write_rounded(const vec4 values[8], const uint at) {
  vec4 largest = vec4(0);
  vec4 total = vec4(0);
  [[unroll]] for (uint i = 0; i < 8; ++i) {
    largest = max(largest, abs(values[i]));
    total += abs(values[i]);
  }
  const float most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  const float all = total.x + total.y + total.z + total.w;
  // What is no number makes the whole block none, that it may be noticed behind.
  const bool finite = all <= 3.0e38;
  const float inverse = finite && most > 0.0 ? 127.0 / most : 0.0;
  ivec4 q[8];
  ivec4 sums;
  [[unroll]] for (uint i = 0; i < 8; ++i) {
    q[i] = finite ? ivec4(roundEven(values[i] * inverse)) : ivec4(0);
    const int sum = q[i].x + q[i].y + q[i].z + q[i].w;
    sums[i / 2] = i % 2 == 0 ? sum : sums[i / 2] + sum;
  }
  const uint scale = finite ? floatBitsToUint(most / 127.0) : 0x7FC00000u;
  const uvec4 head = uvec4(scale, sums.x + sums.y + sums.z + sums.w, (sums.x & 0xFFFF) | sums.y << 16, (sums.z & 0xFFFF) | sums.w << 16);
#ifdef WIDE
  rounded[at * 9] = head;
  [[unroll]] for (uint i = 0; i < 8; ++i) rounded[at * 9 + 1 + i] = uvec4(q[i]);
#else
  uvec4 bytes[2];
  [[unroll]] for (uint i = 0; i < 8; ++i) {
    bytes[i / 4][i % 4] = (q[i].x & 255) | (q[i].y & 255) << 8 | (q[i].z & 255) << 16 | q[i].w << 24;
  }
  rounded[at * 3] = head;
  rounded[at * 3 + 1] = bytes[0];
  rounded[at * 3 + 2] = bytes[1];
#endif
}

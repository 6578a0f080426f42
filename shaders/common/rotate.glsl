// Rotation of queries and keys by their position (Su et al. 2021). Pairs of elements are turned by angles whose cosines and sines
// come from a table made by the host in float64. HALVES pairs element i with i + rotated/2, the other style 2i with 2i + 1.
//
// An invocation handles four elements of a head that are two whole pairs of rotation and two whole pairs of the cache. What
// includes this declares HALVES, `table` and p.rotated, a multiple of 4.

// Where the four elements with number i begin, in two runs of two.
uvec2 four_places(const uint i) {
  return HALVES && 4 * i < p.rotated ? uvec2(2 * i, 2 * i + p.rotated / 2) : uvec2(4 * i, 4 * i + 2);
}

// Cosine and sine for each of their pairs. Elements that are not rotated are turned by nothing.
vec4 turns_of(const uint i, const uint position) {
  return 4 * i < p.rotated ? table[position * (p.rotated / 4) + i] : vec4(1, 0, 1, 0);
}

vec2 turn(const vec2 pair, const vec2 by) { return vec2(pair.x * by.x - pair.y * by.y, pair.x * by.y + pair.y * by.x); }

// The two runs.
void rotate(inout vec2 a, inout vec2 b, const vec4 turns) {
  const vec2 first = turn(HALVES ? vec2(a.x, b.x) : a, turns.xy);
  const vec2 second = turn(HALVES ? vec2(a.y, b.y) : b, turns.zw);
  a = HALVES ? vec2(first.x, second.x) : first;
  b = HALVES ? vec2(first.y, second.y) : second;
}

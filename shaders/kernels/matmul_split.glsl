// SPLIT groups of lanes share a panel's units and add up in shared memory; with SPLIT 1 there is neither shared memory nor a
// barrier, which CPU drivers pay dearly for.

const uint kSharedSums = SPLIT > 1 ? LANES * (SPLIT - 1) * COLUMNS : 1;
shared vec4 partial[kSharedSums];

// Adds the other groups' sums to those of the first; false for all others, which are done then. Only PANELS == 1 is built for
// devices that split.
bool add_splits(const uint lane, const uint split, inout vec4 sum[COLUMNS]) {
  if (SPLIT == 1) return true;
  if (split > 0) {
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) partial[((split - 1) * COLUMNS + n) * LANES + lane] = sum[n];
  }
  barrier();
  if (split > 0) return false;
  for (uint s = 0; s < SPLIT - 1; ++s) {
    [[unroll]] for (uint n = 0; n < COLUMNS; ++n) sum[n] += partial[(s * COLUMNS + n) * LANES + lane];
  }
  return true;
}

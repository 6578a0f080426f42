// Merging of the parts into which attention_decode.comp divides the positions: each workgroup leaves its sums, and that which
// does so last of those with the same rows adds them all up.
//
// `parts` has pairs of words: first a counter of parts (.x) for every KV head's runs of ROWS rows, zero but while a step runs, in
// room for one a query head. Then come floats, [head][part][PAIRS sums of values, then maximum and sum of exponentials].
const uint PART_PAIRS = PAIRS + 1;

// Parts that a lane reads at once: many on a GPU, which waits long for each, few where a compiler makes a loop of each load.
const uint PARTS_A_TURN = LANES / 4;

shared uint parts_before;

uint part_of(const uint r, const uint split, const uint splits) { return p.heads + (head_of(r) * splits + split) * PART_PAIRS; }

void leave_part(const uint splits) {
  const uint lane = gl_LocalInvocationID.x;
  [[dont_unroll]] for (uint i = lane; i < ROWS * PAIRS; i += LANES) {
    if (is_row(i / PAIRS)) parts[part_of(i / PAIRS, gl_WorkGroupID.z, splits) + i % PAIRS] = floatBitsToUint(weighted[i]);
  }
  vec2 ends = vec2(maximum[0], sum[0]);
  [[unroll]] for (uint r = 1; r < ROWS; ++r) ends = lane == r ? vec2(maximum[r], sum[r]) : ends;
  if (lane < ROWS && is_row(lane)) parts[part_of(lane, gl_WorkGroupID.z, splits) + PAIRS] = floatBitsToUint(ends);
}

// Whether all other workgroups have left their parts, which are then visible. The last one makes the counter zero again.
bool is_last(const uint splits) {
  const uint counter = (p.kv_head_first + gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  memoryBarrierBuffer();
  barrier();
  if (gl_LocalInvocationID.x == 0) {
    parts_before = atomicAdd(parts[counter].x, 1);
    if (parts_before == splits - 1) parts[counter].x = 0;
  }
  barrier();
  memoryBarrierBuffer();
  return parts_before == splits - 1;
}

// Sets sum and `weighted` to those of all parts.
void merge_parts(const uint splits) {
  const uint lane = gl_LocalInvocationID.x;
  // Lanes, which are as many as rows or more, share the rows' parts; `probability` gets what each counts beside the others.
  const uint row = lane % ROWS;
  float most = LOWEST;
  for (uint s = lane / ROWS; s < splits; s += LANES / ROWS) {
    most = max(most, uintBitsToFloat(parts[part_of(row, s, splits) + PAIRS].x));
  }
  lane_value[lane] = most;
  barrier();
  [[dont_unroll]] for (uint l = row; l < LANES; l += ROWS) most = max(most, lane_value[l]);
  float own_sum = 0.0;
  for (uint first = 0; first < splits; first += CHUNK) {
    const uint count = min(CHUNK, splits - first);
    const uint end = (count + PARTS_A_TURN - 1) / PARTS_A_TURN * PARTS_A_TURN;
    [[dont_unroll]] for (uint c = lane / ROWS; c < end; c += LANES / ROWS) {
      const vec2 ends = uintBitsToFloat(parts[part_of(row, min(first + c, splits - 1), splits) + PAIRS]);
      const float share = c < count ? exp(ends.x - most) : 0.0;
      probability[row * CHUNK + c] = share;
      own_sum += share * ends.y;
    }
    barrier();
    [[dont_unroll]] for (uint i = lane; i < ROWS * PAIRS; i += LANES) {
      const uint r = i / PAIRS;
      vec2 total = first == 0 ? vec2(0) : weighted[i];
      for (uint c = 0; c < end; c += PARTS_A_TURN) {
        [[unroll]] for (uint u = 0; u < PARTS_A_TURN; ++u) {
          const uint from = part_of(r, min(first + c + u, splits - 1), splits);
          total += probability[r * CHUNK + c + u] * uintBitsToFloat(parts[from + i % PAIRS]);
        }
      }
      weighted[i] = total;
    }
    barrier();
  }
  lane_value[lane] = own_sum;
  barrier();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    sum[r] = 0.0;
    [[dont_unroll]] for (uint l = r; l < LANES; l += ROWS) sum[r] += lane_value[l];
  }
}

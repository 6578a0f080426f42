// Merging of the parts into which attention_decode.comp divides the positions: each workgroup leaves its sums, and that which does so last
// of those with the same rows adds them all up.
//
// `parts` has first a counter of parts for every KV head's runs of ROWS rows, zero but while a step runs, in room for one a query head. Then
// come floats, [head][part][HEAD_SIZE sums of values, maximum, sum of exponentials].
const uint PART_WORDS = HEAD_SIZE + 2;

shared uint parts_before;

uint part_of(const uint r, const uint split, const uint splits) { return p.heads + (head_of(r) * splits + split) * PART_WORDS; }

vec2 part_pair(const uint at) { return vec2(uintBitsToFloat(parts[at]), uintBitsToFloat(parts[at + 1])); }

void leave_part(const uint splits) {
  const uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    if (is_row(r)) {
      const uint to = part_of(r, gl_WorkGroupID.z, splits);
      for (uint pair = lane; pair < PAIRS; pair += LANES) {
        parts[to + 2 * pair] = floatBitsToUint(weighted[r * PAIRS + pair].x);
        parts[to + 2 * pair + 1] = floatBitsToUint(weighted[r * PAIRS + pair].y);
      }
      if (lane == 0) {
        parts[to + HEAD_SIZE] = floatBitsToUint(maximum[r]);
        parts[to + HEAD_SIZE + 1] = floatBitsToUint(sum[r]);
      }
    }
  }
}

// Whether all other workgroups have left their parts, which are then visible. The last one makes the counter zero again.
bool is_last(const uint splits) {
  const uint counter = (p.kv_head_first + gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  memoryBarrierBuffer();
  barrier();
  if (gl_LocalInvocationID.x == 0) {
    parts_before = atomicAdd(parts[counter], 1);
    if (parts_before == splits - 1) parts[counter] = 0;
  }
  barrier();
  memoryBarrierBuffer();
  return parts_before == splits - 1;
}

// Sets maximum, sum and `weighted` to those of all parts.
void merge_parts(const uint splits) {
  const uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    float most = LOWEST;
    for (uint s = lane; s < splits; s += LANES) most = max(most, uintBitsToFloat(parts[part_of(r, s, splits) + HEAD_SIZE]));
    lane_value[r * LANES + lane] = most;
  }
  barrier();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    maximum[r] = LOWEST;
    sum[r] = 0.0;
    for (uint l = 0; l < LANES; ++l) maximum[r] = max(maximum[r], lane_value[r * LANES + l]);
  }
  // `probability` has what a part counts beside others. Parts are read four at a time, that a GPU has several loads under way.
  for (uint first = 0; first < splits; first += CHUNK) {
    const uint count = min(CHUNK, splits - first);
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      for (uint c = lane; c < CHUNK; c += LANES) {
        const vec2 ends = part_pair(part_of(r, min(first + c, splits - 1), splits) + HEAD_SIZE);
        const float share = c < count ? exp(ends.x - maximum[r]) : 0.0;
        probability[r * CHUNK + c] = share;
        sum[r] += share * ends.y;
      }
    }
    barrier();
    for (uint pair = lane; pair < PAIRS; pair += LANES) {
      vec2 total[ROWS];
      [[unroll]] for (uint r = 0; r < ROWS; ++r) total[r] = first == 0 ? vec2(0) : weighted[r * PAIRS + pair];
      for (uint c = 0; c < count; c += 4) {
        [[unroll]] for (uint u = 0; u < 4; ++u) {
          [[unroll]] for (uint r = 0; r < ROWS; ++r) {
            const uint from = part_of(r, min(first + c + u, splits - 1), splits);
            total[r] += probability[r * CHUNK + c + u] * part_pair(from + 2 * pair);
          }
        }
      }
      [[unroll]] for (uint r = 0; r < ROWS; ++r) weighted[r * PAIRS + pair] = total[r];
    }
    barrier();
  }
  add_up_lanes();
}

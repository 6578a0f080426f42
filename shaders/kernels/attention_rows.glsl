// Attention of a few rows at a time, for decoding and short prompts.
//
// A workgroup handles ROWS rows. gl_WorkGroupID.z is the split of the positions. In the scores phase lanes are positions, in the
// values phase lanes are pairs of elements. PARTIAL: the splits write unnormalised sums for attention_merge.
#ifndef ROWS
#define ROWS 1
#endif
#define PER_LANE 4  // positions a lane scores at once, to use each loaded element of q that often

layout(constant_id = 2) const bool PARTIAL = false;

layout(binding = 1, std430) readonly buffer Q { vec2 q[]; };
layout(binding = 2, std430) readonly buffer Keys { KEY_PAIR keys[]; };
layout(binding = 3, std430) readonly buffer Values { VALUE_PAIR values[]; };
layout(binding = 4, std430) writeonly buffer Y { float y[]; };

const uint LANES = gl_WorkGroupSize.x;
const uint CHUNK = LANES * PER_LANE;
const uint PAIRS = HEAD_SIZE / 2;

shared float lane_value[ROWS * LANES];
shared float probability[ROWS * CHUNK];
shared vec2 weighted[ROWS * PAIRS];

// Loops do several things a turn because lavapipe ends every loop of an invocation, with no word of it, when all of them together
// have had 65,535 turns. Tried there: a prefill is right with heads of 64 up to 32,000 positions, of 128 to 16,000, of 256 to 8,400;
// beyond it is not. Longer turns reach further, but 8 positions a turn cost SwiftShader a third of its speed.
const uint PAIRS_A_TURN = 2;
const uint POSITIONS_A_TURN = 4;

#define ADD_VALUE(c)                                                                                            \
  const vec2 value = UNPACK_VALUE(values[at]);                                                                  \
  at += PAIRS;                                                                                                  \
  [[unroll]] for (uint r = 0; r < ROWS; ++r) total[r] += probability[r * CHUNK + (c)] * value;

void write_rows(const uint first_row, const uint kv_head, const uint lane, const float maximum[ROWS], const float sum[ROWS]) {
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint row = first_row + r;
    if (row < p.tokens * p.group) {
      const uint token = row / p.group;
      const uint head = kv_head * p.group + row % p.group;
      uint to = token * p.y_stride + head * HEAD_SIZE;
      float scale = 1.0 / sum[r];
      if (PARTIAL) {
        // [head][split][HEAD_SIZE sums, maximum, sum of exponentials]
        to = (head * step_words[STEP_SPLITS] + gl_WorkGroupID.z) * (HEAD_SIZE + 2);
        scale = 1.0;
        if (lane == 0) {
          y[to + HEAD_SIZE] = maximum[r];
          y[to + HEAD_SIZE + 1] = sum[r];
        }
      }
      for (uint pair = lane; pair < PAIRS; pair += LANES) {
        const vec2 value = weighted[r * PAIRS + pair] * scale;
        y[to + 2 * pair] = value.x;
        y[to + 2 * pair + 1] = value.y;
      }
    }
  }
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint kv_head = gl_WorkGroupID.y;
  const uint first_row = gl_WorkGroupID.x * ROWS;
  const uint last_row = p.tokens * p.group - 1;
  const uint position = step_words[STEP_POSITION];

  uint q_base[ROWS];
  uint limit[ROWS];  // positions the row sees
  float maximum[ROWS];
  float sum[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint row = min(first_row + r, last_row);
    const uint token = row / p.group;
    q_base[r] = (token * p.q_stride + ((p.kv_head_first + kv_head) * p.group + row % p.group) * HEAD_SIZE) / 2;
    limit[r] = position + token + 1;
    maximum[r] = LOWEST;
    sum[r] = 0.0;
  }
  for (uint i = lane; i < ROWS * PAIRS; i += LANES) weighted[i] = vec2(0);

  const uint begin = PARTIAL ? gl_WorkGroupID.z * p.split_length : 0;
  const uint end = PARTIAL ? min(begin + p.split_length, limit[ROWS - 1]) : limit[ROWS - 1];
  for (uint chunk = begin; chunk < end; chunk += CHUNK) {
    // Scores of PER_LANE positions for each row.
    float score[ROWS][PER_LANE];
    uint key_base[PER_LANE];
    [[unroll]] for (uint j = 0; j < PER_LANE; ++j) {
      [[unroll]] for (uint r = 0; r < ROWS; ++r) score[r][j] = 0.0;
      key_base[j] = key_index(kv_head, min(chunk + j * LANES + lane, end - 1), 0, p.context, PAIRS);
    }
    for (uint first = 0; first < PAIRS; first += PAIRS_A_TURN) {
      [[unroll]] for (uint u = 0; u < PAIRS_A_TURN; ++u) {
        const uint pair = first + u;
        vec2 key[PER_LANE];
        [[unroll]] for (uint j = 0; j < PER_LANE; ++j) key[j] = UNPACK_KEY(keys[key_base[j] + pair * CACHE_BLOCK]);
        [[unroll]] for (uint r = 0; r < ROWS; ++r) {
          const vec2 query = q[q_base[r] + pair];
          [[unroll]] for (uint j = 0; j < PER_LANE; ++j) score[r][j] += query.x * key[j].x + query.y * key[j].y;
        }
      }
    }
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      float most = LOWEST;
      [[unroll]] for (uint j = 0; j < PER_LANE; ++j) {
        const uint at = chunk + j * LANES + lane;
        score[r][j] = at < min(limit[r], end) ? score[r][j] * p.scale : LOWEST;
        most = max(most, score[r][j]);
      }
      lane_value[r * LANES + lane] = most;
    }
    barrier();

    // The chunk's maximum, known to every lane; probabilities relative to it.
    float rescale[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      float most = maximum[r];
      for (uint l = 0; l < LANES; ++l) most = max(most, lane_value[r * LANES + l]);
      rescale[r] = exp(maximum[r] - most);
      maximum[r] = most;
      float lane_sum = 0.0;
      [[unroll]] for (uint j = 0; j < PER_LANE; ++j) {
        const float e = score[r][j] == LOWEST ? 0.0 : exp(score[r][j] - most);
        probability[r * CHUNK + j * LANES + lane] = e;
        lane_sum += e;
      }
      sum[r] = sum[r] * rescale[r] + lane_sum;
    }
    barrier();

    const uint count = min(CHUNK, end - chunk);
    for (uint pair = lane; pair < PAIRS; pair += LANES) {
      vec2 total[ROWS];
      [[unroll]] for (uint r = 0; r < ROWS; ++r) total[r] = weighted[r * PAIRS + pair] * rescale[r];
      uint at = value_index(kv_head, chunk, pair, p.context, PAIRS);
      uint c = 0;
      for (; c + POSITIONS_A_TURN <= count; c += POSITIONS_A_TURN) {
        [[unroll]] for (uint u = 0; u < POSITIONS_A_TURN; ++u) {
          ADD_VALUE(c + u)
        }
      }
      for (; c < count; ++c) {
        ADD_VALUE(c)
      }
      [[unroll]] for (uint r = 0; r < ROWS; ++r) weighted[r * PAIRS + pair] = total[r];
    }
    barrier();
  }

  // Every lane holds the sum over its own positions.
  [[unroll]] for (uint r = 0; r < ROWS; ++r) lane_value[r * LANES + lane] = sum[r];
  barrier();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    sum[r] = 0.0;
    for (uint l = 0; l < LANES; ++l) sum[r] += lane_value[r * LANES + l];
  }
  write_rows(first_row, p.kv_head_first + kv_head, lane, maximum, sum);
}

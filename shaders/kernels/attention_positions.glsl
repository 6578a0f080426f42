// Attention of ROWS rows to a run of positions, in one pass with a running maximum: attention_rows.glsl, attention_decode.comp.
//
// In the scores phase lanes are positions, in the values phase lanes are pairs of elements. What includes this defines
// QUERY(r, pair), a pair of elements of the query of row r, declares keys and values, and sets maximum, sum and `weighted` to what
// the rows have before.
#define PER_LANE 4  // positions a lane scores at once, to use each loaded element of a query that often

const uint LANES = gl_WorkGroupSize.x;
const uint CHUNK = LANES * PER_LANE;
const uint PAIRS = HEAD_SIZE / 2;

shared float lane_value[ROWS * LANES];
shared float probability[ROWS * CHUNK];
shared vec2 weighted[ROWS * PAIRS];  // sums of values, relative to the maximum as the sums of exponentials are

float maximum[ROWS];
float sum[ROWS];  // of the lane's own positions, until add_up_lanes()

// Loops do several things a turn because lavapipe ends every loop of an invocation, with no word of it, when all of them together
// have had 65,535 turns. Tried there: a prefill is right with heads of 64 up to 32,000 positions, of 128 to 16,000, of 256 to
// 8,400; beyond it is not. Longer turns reach further, but 8 positions a turn cost SwiftShader a third of its speed.
const uint PAIRS_A_TURN = 2;
const uint POSITIONS_A_TURN = 4;

#define ADD_VALUE(c)                                                                                            \
  const vec2 value = UNPACK_VALUE(values[at]);                                                                  \
  at += PAIRS;                                                                                                  \
  [[unroll]] for (uint r = 0; r < ROWS; ++r) total[r] += probability[r * CHUNK + (c)] * value;

// Of the positions from `begin` to before `end`, of which row r sees those before limit[r].
void attend(const uint kv_head, const uint begin, const uint end, const uint limit[ROWS]) {
  const uint lane = gl_LocalInvocationID.x;
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
          const vec2 query = QUERY(r, pair);
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
}

// Every lane holds the sum over its own positions; then that over all.
void add_up_lanes() {
  [[unroll]] for (uint r = 0; r < ROWS; ++r) lane_value[r * LANES + gl_LocalInvocationID.x] = sum[r];
  barrier();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    sum[r] = 0.0;
    for (uint l = 0; l < LANES; ++l) sum[r] += lane_value[r * LANES + l];
  }
}

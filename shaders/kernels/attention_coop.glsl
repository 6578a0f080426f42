// Attention of a tile of rows with cooperative matrices: queries, keys, probabilities and values are halves, sums are floats.
//
// Each subgroup has 16 rows to itself; it keeps their queries and sums in registers. The workgroup goes through the positions in tiles
// of 32, whose keys and values all subgroups read from shared memory. A subgroup lays its scores there, where a row is one lane's or
// shared by a few, and takes the probabilities back as matrices. Queries are scaled to halves for each row (common/half.glsl).
#include "common/half.glsl"

layout(constant_id = 2) const uint SUBGROUPS = 4;  // two at least
layout(constant_id = 3) const uint M = 16;
layout(constant_id = 4) const uint N = 16;
layout(constant_id = 5) const uint K = 16;

const uint WORKGROUP = gl_WorkGroupSize.x;
const uint LANES = WORKGROUP / SUBGROUPS;
const uint PART_ROWS = 16;  // of a subgroup
const uint TILE_ROWS = PART_ROWS * SUBGROUPS;
const uint TILE_POSITIONS = 32;
const uint POSITION_QUADS = TILE_POSITIONS / 4;

const uint PAIRS = HEAD_SIZE / 2;
const uint HEAD_QUADS = HEAD_SIZE / 4;
const uint UNIT = K > N ? K : N;
const uint PADDED = (HEAD_SIZE + UNIT - 1) / UNIT * UNIT;
const uint STRIDE = PADDED / 4 + 2;  // 16 bytes more than a power of two, so that neighbouring rows lie in other banks
const uint SCORE_STRIDE = POSITION_QUADS + 1;
const uint PROBABILITY_STRIDE = POSITION_QUADS + 2;

const uint ROW_MATRICES = PART_ROWS / M;
const uint DEPTH_MATRICES = PADDED / K;
const uint SUM_MATRICES = PADDED / N;
const uint SHARERS = LANES > PART_ROWS ? LANES / PART_ROWS : 1;    // lanes that share a row's probabilities
const uint LANE_ROWS = LANES < PART_ROWS ? PART_ROWS / LANES : 1;  // or rows of a lane
const uint SHARE = POSITION_QUADS / SHARERS;

layout(binding = 1, std430) readonly buffer Q { vec4 q[]; };
layout(binding = 2, std430) readonly buffer Keys { uvec4 keys[]; };
layout(binding = 3, std430) readonly buffer Values { uvec2 values[]; };
layout(binding = 4, std430) writeonly buffer Y { vec4 y[]; };

const uint VALUES_FROM = TILE_POSITIONS * STRIDE;
const uint ROOM_ROWS = TILE_ROWS > 2 * TILE_POSITIONS ? TILE_ROWS : 2 * TILE_POSITIONS;
shared f16vec4 room[ROOM_ROWS * STRIDE];  // first [row] of queries, then [position] of keys and, from VALUES_FROM, of values
shared vec4 scores[TILE_ROWS * SCORE_STRIDE];
shared f16vec4 probabilities[TILE_ROWS * PROBABILITY_STRIDE];

coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> query[ROW_MATRICES * DEPTH_MATRICES];
coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> total[ROW_MATRICES * SUM_MATRICES];

// Of the rows that the lane has or shares.
float own_scale[LANE_ROWS];  // of the scores
float own_maximum[LANE_ROWS];
float own_sum[LANE_ROWS];  // of its share of the probabilities

uint sharer() { return gl_SubgroupInvocationID / PART_ROWS; }

uint own_row(const uint r) { return gl_SubgroupID * PART_ROWS + r * LANES + gl_SubgroupInvocationID % PART_ROWS; }

// What the sharers of a row tell each other lies behind its scores.
void tell(const uint row, const float value) { scores[row * SCORE_STRIDE + POSITION_QUADS][sharer()] = value; }

float largest_told(const uint row) {
  float most = scores[row * SCORE_STRIDE + POSITION_QUADS].x;
  [[unroll]] for (uint s = 1; s < SHARERS; ++s) most = max(most, scores[row * SCORE_STRIDE + POSITION_QUADS][s]);
  return most;
}

float sum_told(const uint row) {
  float sum = scores[row * SCORE_STRIDE + POSITION_QUADS].x;
  [[unroll]] for (uint s = 1; s < SHARERS; ++s) sum += scores[row * SCORE_STRIDE + POSITION_QUADS][s];
  return sum;
}

// Where a row's queries begin.
uint query_index(const uint row) {
  const uint head = (p.kv_head_first + gl_WorkGroupID.y) * p.group + row % p.group;
  return row / p.group * (p.q_stride / 4) + head * HEAD_QUADS;
}

void take_queries(const uint first_row, const uint last_row) {
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) {
    const uint row = own_row(r);
    const uint from = query_index(min(first_row + row, last_row));
    float largest = 0.0;
    for (uint quad = sharer(); quad < HEAD_QUADS; quad += SHARERS) {
      const vec4 four = abs(q[from + quad]);
      largest = max(largest, max(max(four.x, four.y), max(four.z, four.w)));
    }
    tell(row, largest);
  }
  subgroupBarrier();
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) {
    const uint row = own_row(r);
    const uint from = query_index(min(first_row + row, last_row));
    const uint exponent = half_scale_exponent(floatBitsToUint(largest_told(row)));
    own_scale[r] = p.scale * inverse_half_scale(exponent);
    own_maximum[r] = LOWEST;
    own_sum[r] = 0.0;
    for (uint quad = sharer(); quad < PADDED / 4; quad += SHARERS) {
      vec4 four = vec4(0);  // keys and values lie where this does, and their padding stays as it is
      if (quad < HEAD_QUADS) four = rounded_to_half(q[from + quad] * half_scale(exponent));
      room[row * STRIDE + quad] = f16vec4(four);
    }
  }
  subgroupBarrier();
  [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
    [[unroll]] for (uint k = 0; k < DEPTH_MATRICES; ++k) {
      coopMatLoad(query[m * DEPTH_MATRICES + k], room, (gl_SubgroupID * PART_ROWS + m * M) * STRIDE + k * K / 4, STRIDE,
                  gl_CooperativeMatrixLayoutRowMajor);
    }
  }
}

// Of no position from `end` on, but for those that lie in four with one before, whose scores are masked.
void fill_keys(const uint first, const uint end) {
  for (uint task = gl_LocalInvocationID.x; task < POSITION_QUADS * HEAD_QUADS; task += WORKGROUP) {
    // Neighbours read what is neighbouring in memory: the eight positions of a block, then the next elements.
    const uint quad = task / 2 % HEAD_QUADS;
    const uint position = 4 * (task / (2 * HEAD_QUADS) * 2 + task % 2);
    const uint from = key_index(gl_WorkGroupID.y, min(first + position, (end - 1) / 4 * 4), 2 * quad, p.context, PAIRS) / 4;
    const uvec4 low = keys[from];
    const uvec4 high = keys[from + CACHE_BLOCK / 4];
    [[unroll]] for (uint i = 0; i < 4; ++i) {
      room[(position + i) * STRIDE + quad] = f16vec4(unpackFloat2x16(low[i]), unpackFloat2x16(high[i]));
    }
  }
}

void fill_values(const uint first, const uint end) {
  const uint from = value_index(gl_WorkGroupID.y, first, 0, p.context, PAIRS) / 2;
  for (uint task = gl_LocalInvocationID.x; task < TILE_POSITIONS * HEAD_QUADS; task += WORKGROUP) {
    uvec2 words = uvec2(0);  // what lies behind the last may be no number
    if (task < (end - first) * HEAD_QUADS) words = values[from + task];
    room[VALUES_FROM + task / HEAD_QUADS * STRIDE + task % HEAD_QUADS] =
        f16vec4(unpackFloat2x16(words.x), unpackFloat2x16(words.y));
  }
}

void lay_scores() {
  [[unroll]] for (uint n = 0; n < TILE_POSITIONS / N; ++n) {
    coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> sum[ROW_MATRICES];
    [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
      sum[m] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0.0);
    }
    [[unroll]] for (uint k = 0; k < DEPTH_MATRICES; ++k) {
      coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> key;
      coopMatLoad(key, room, n * N * STRIDE + k * K / 4, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
      [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) sum[m] = coopMatMulAdd(query[m * DEPTH_MATRICES + k], key, sum[m]);
    }
    [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
      coopMatStore(sum[m], scores, (gl_SubgroupID * PART_ROWS + m * M) * SCORE_STRIDE + n * N / 4, SCORE_STRIDE,
                   gl_CooperativeMatrixLayoutRowMajor);
    }
  }
}

// Makes probabilities of the scores, relative to the largest of the row so far. In the place of the scores it leaves what the row's
// sums are multiplied with, once for every column of a matrix. Positions from a row's `limit` on are masked.
void weigh_scores(const uint first, const uint limit[LANE_ROWS]) {
  vec4 own[LANE_ROWS * SHARE];
  float most[LANE_ROWS];
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) {
    most[r] = own_maximum[r];
    [[unroll]] for (uint j = 0; j < SHARE; ++j) {
      const uint quad = j * SHARERS + sharer();
      vec4 four = scores[own_row(r) * SCORE_STRIDE + quad] * own_scale[r];
      [[unroll]] for (uint i = 0; i < 4; ++i) four[i] = first + 4 * quad + i < limit[r] ? four[i] : LOWEST;
      most[r] = max(most[r], max(max(four.x, four.y), max(four.z, four.w)));
      own[r * SHARE + j] = four;
    }
    tell(own_row(r), most[r]);
  }
  subgroupBarrier();
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) {
    most[r] = largest_told(own_row(r));
    const float shrink = exp(own_maximum[r] - most[r]);
    own_maximum[r] = most[r];
    own_sum[r] *= shrink;
    for (uint quad = sharer(); quad < N / 4; quad += SHARERS) scores[own_row(r) * SCORE_STRIDE + quad] = vec4(shrink);
    [[unroll]] for (uint j = 0; j < SHARE; ++j) {
      // 0 of those that are masked. The sum is of what is multiplied.
      const f16vec4 four = f16vec4(exp(own[r * SHARE + j] - most[r]));
      probabilities[own_row(r) * PROBABILITY_STRIDE + j * SHARERS + sharer()] = four;
      own_sum[r] += dot(vec4(four), vec4(1));
    }
  }
}

void add_values() {
  const uint first_row = gl_SubgroupID * PART_ROWS;
  [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
    coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> shrink;
    coopMatLoad(shrink, scores, (first_row + m * M) * SCORE_STRIDE, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint n = 0; n < SUM_MATRICES; ++n) total[m * SUM_MATRICES + n] *= shrink;
  }
  [[unroll]] for (uint k = 0; k < TILE_POSITIONS; k += K) {
    coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> probability[ROW_MATRICES];
    [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
      coopMatLoad(probability[m], probabilities, (first_row + m * M) * PROBABILITY_STRIDE + k / 4, PROBABILITY_STRIDE,
                  gl_CooperativeMatrixLayoutRowMajor);
    }
    [[unroll]] for (uint n = 0; n < SUM_MATRICES; ++n) {
      coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> value;
      coopMatLoad(value, room, VALUES_FROM + k * STRIDE + n * N / 4, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
      [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
        total[m * SUM_MATRICES + n] = coopMatMulAdd(probability[m], value, total[m * SUM_MATRICES + n]);
      }
    }
  }
}

void write_rows(const uint first_row) {
  const uint part = gl_SubgroupID * PART_ROWS;
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) tell(own_row(r), own_sum[r]);
  [[unroll]] for (uint n = 0; n < SUM_MATRICES; ++n) {
    subgroupBarrier();
    [[unroll]] for (uint m = 0; m < ROW_MATRICES; ++m) {
      coopMatStore(total[m * SUM_MATRICES + n], scores, (part + m * M) * SCORE_STRIDE, SCORE_STRIDE,
                   gl_CooperativeMatrixLayoutRowMajor);
    }
    subgroupBarrier();
    for (uint task = gl_SubgroupInvocationID; task < PART_ROWS * N / 4; task += LANES) {
      const uint row = part + task / (N / 4);
      const uint quad = n * N / 4 + task % (N / 4);
      const uint token = (first_row + row) / p.group;
      if (token >= p.tokens || quad >= HEAD_QUADS) continue;
      const uint head = (p.kv_head_first + gl_WorkGroupID.y) * p.group + (first_row + row) % p.group;
      y[token * (p.y_stride / 4) + head * HEAD_QUADS + quad] = scores[row * SCORE_STRIDE + task % (N / 4)] / sum_told(row);
    }
  }
}

void main() {
  // The last rows see most, so they begin first: what ends last is short then.
  const uint first_row = (gl_NumWorkGroups.x - 1 - gl_WorkGroupID.x) * TILE_ROWS;
  const uint last_row = min(first_row + TILE_ROWS, p.tokens * p.group) - 1;
  const uint position = step_words[STEP_POSITION];
  const uint end = position + last_row / p.group + 1;
  uint limit[LANE_ROWS];
  [[unroll]] for (uint r = 0; r < LANE_ROWS; ++r) limit[r] = position + min(first_row + own_row(r), last_row) / p.group + 1;
  take_queries(first_row, last_row);
  [[unroll]] for (uint i = 0; i < ROW_MATRICES * SUM_MATRICES; ++i) {
    total[i] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0.0);
  }
  for (uint first = 0; first < end; first += TILE_POSITIONS) {
    barrier();  // what lies there has been used
    fill_keys(first, end);
    fill_values(first, end);
    barrier();
    lay_scores();
    subgroupBarrier();
    weigh_scores(first, limit);
    subgroupBarrier();
    add_values();
  }
  subgroupBarrier();
  write_rows(first_row);
}

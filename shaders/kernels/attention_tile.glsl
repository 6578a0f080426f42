// Attention of a tile of rows at a time, in single precision, so that keys and values are read once for all of its rows.
//
// A workgroup goes through the positions in tiles of 32. Of each it multiplies queries with keys, some elements of them at a time in
// shared memory, every invocation a few rows with four positions; lays the scores there and turns them into probabilities, every
// invocation a part of one row; then adds up the values, which take the place beside, every invocation a few rows and elements.
// Sums stay in registers until the end. Rows that see all positions of a tile need no mask there.
//
// Tiles of 64 positions would read a fifth less from shared memory, but take 136 registers of AMD's compiler and 22 KiB for 64 rows of
// heads of 128: one subgroup a SIMD on Vega instead of two, and spilled registers on GFX1100.
layout(constant_id = 2) const uint TILE_ROWS = 64;
layout(constant_id = 3) const uint ELEMENT_PLACES = 8;   // invocations side by side along the elements of a sum
layout(constant_id = 4) const uint VALUES_AT_ONCE = 16;  // positions whose values lie in shared memory at once

const uint WORKGROUP = gl_WorkGroupSize.x;
const uint HEAD_QUADS = HEAD_SIZE / 4;  // of four elements
const uint PAIRS = HEAD_SIZE / 2;
const uint TILE_POSITIONS = 32;
const uint POSITION_QUADS = TILE_POSITIONS / 4;

const uint STEP_QUADS = 8;                 // of elements that are multiplied at once
const uint QUERY_STRIDE = STEP_QUADS + 1;  // odd, so that neighbouring rows lie in other banks of the memory
const uint KEY_STRIDE = POSITION_QUADS + 1;
const uint KEYS_FROM = TILE_ROWS * QUERY_STRIDE;
const uint QUERY_TASKS = TILE_ROWS * STEP_QUADS / WORKGROUP;
const uint KEY_TASKS = 2 * STEP_QUADS * POSITION_QUADS;
const uint SCORE_PLACES = WORKGROUP / POSITION_QUADS;  // invocations side by side along the rows
const uint SCORE_ROWS = TILE_ROWS / SCORE_PLACES;      // of an invocation, with four positions each

const uint SCORE_STRIDE = POSITION_QUADS + 1;
const uint SHARERS = WORKGROUP / TILE_ROWS;  // invocations that share a row's probabilities
const uint SHARE = POSITION_QUADS / SHARERS;

const uint VALUES_FROM = TILE_ROWS * SCORE_STRIDE;
const uint VALUE_TASKS = VALUES_AT_ONCE * HEAD_QUADS;
const uint KEYS_END = KEYS_FROM + 4 * STEP_QUADS * KEY_STRIDE;
const uint VALUES_END = VALUES_FROM + VALUE_TASKS;
const uint ROOM = KEYS_END > VALUES_END ? KEYS_END : VALUES_END;
const uint VALUE_PLACES = WORKGROUP / ELEMENT_PLACES;  // invocations side by side along the rows
const uint VALUE_ROWS = TILE_ROWS / VALUE_PLACES;      // of an invocation, of each of them
const uint VALUE_QUADS = (HEAD_QUADS + ELEMENT_PLACES - 1) / ELEMENT_PLACES;

layout(binding = 1, std430) readonly buffer Q { vec4 q[]; };
#ifdef KEYS_F32
layout(binding = 2, std430) readonly buffer Keys { vec4 keys[]; };
#else
layout(binding = 2, std430) readonly buffer Keys { uvec4 keys[]; };
#endif
#ifdef VALUES_F32
layout(binding = 3, std430) readonly buffer Values { vec4 values[]; };
#else
layout(binding = 3, std430) readonly buffer Values { uvec2 values[]; };
#endif
layout(binding = 4, std430) writeonly buffer Y { vec4 y[]; };

// First queries [row][four elements] and, from KEYS_FROM, keys [element][four positions]; then scores or probabilities
// [row][four positions] and, from VALUES_FROM, values [position][four elements].
shared vec4 tile[ROOM];
shared float of_sharers[WORKGROUP];  // [sharer][row]
shared float rescale[TILE_ROWS];     // of the sums so far, where the row's maximum has grown

vec4 score[SCORE_ROWS];
vec4 total[VALUE_ROWS * VALUE_QUADS];
float own_maximum = LOWEST;  // of the row whose probabilities the invocation shares
float own_sum = 0.0;         // of its share of them

// A pair of elements of the four positions from `first`, a multiple of four.
void read_keys(const uint kv_head, const uint first, const uint pair, out vec4 even, out vec4 odd) {
  const uint from = key_index(kv_head, first, pair, p.context, PAIRS);
#ifdef KEYS_F32
  const vec4 low = keys[from / 2];
  const vec4 high = keys[from / 2 + 1];
  even = vec4(low.xz, high.xz);
  odd = vec4(low.yw, high.yw);
#else
  const uvec4 words = keys[from / 4];
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    const vec2 both = unpackHalf2x16(words[i]);
    even[i] = both.x;
    odd[i] = both.y;
  }
#endif
}

// Of no position from `end` on, but for those that lie in four with one before, whose scores are masked.
void fill_keys(const uint kv_head, const uint first, const uint end, const uint first_quad) {
  [[unroll]] for (uint begin = 0; begin < KEY_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > KEY_TASKS && task >= KEY_TASKS) continue;
    // Neighbours read what is neighbouring in memory: the eight positions of a block, then the next pair.
    const uint pair = task / 2 % (2 * STEP_QUADS);
    const uint quad = task / (4 * STEP_QUADS) * 2 + task % 2;
    vec4 even, odd;
    read_keys(kv_head, min(first + 4 * quad, (end - 1) / 4 * 4), min(2 * first_quad + pair, PAIRS - 1), even, odd);
    const uint to = KEYS_FROM + 2 * pair * KEY_STRIDE + quad;
    tile[to] = even;
    tile[to + KEY_STRIDE] = odd;
  }
}

// `from`: where the queries of the invocation's tasks begin.
void fill_queries(const uint from[QUERY_TASKS], const uint first_quad) {
  [[unroll]] for (uint i = 0; i < QUERY_TASKS; ++i) {
    const uint task = i * WORKGROUP + gl_LocalInvocationID.x;
    const uint quad = task % STEP_QUADS;
    tile[task / STEP_QUADS * QUERY_STRIDE + quad] = q[from[i] + min(first_quad + quad, HEAD_QUADS - 1)];
  }
}

void fill_values(const uint kv_head, const uint first, const uint end) {
  const uint from = value_index(kv_head, first, 0, p.context, PAIRS) / 2;
  const uint count = (end - first) * HEAD_QUADS;
  [[unroll]] for (uint begin = 0; begin < VALUE_TASKS; begin += WORKGROUP) {
    const uint task = begin + gl_LocalInvocationID.x;
    if (begin + WORKGROUP > VALUE_TASKS && task >= VALUE_TASKS) continue;
    vec4 value = vec4(0);  // what lies behind the last may be no number
#ifdef VALUES_F32
    if (task < count) value = values[from + task];
#else
    if (task < count) {
      const uvec2 words = values[from + task];
      value = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
    }
#endif
    tile[VALUES_FROM + task] = value;
  }
}

// The first `quads` of the elements that lie there.
void multiply_keys(const uint quads) {
  const uint row_place = gl_LocalInvocationID.x / POSITION_QUADS;
  const uint quad_of_positions = gl_LocalInvocationID.x % POSITION_QUADS;
  [[dont_unroll]] for (uint quad = 0; quad < quads; ++quad) {
    vec4 key[4];
    [[unroll]] for (uint i = 0; i < 4; ++i) key[i] = tile[KEYS_FROM + (4 * quad + i) * KEY_STRIDE + quad_of_positions];
    [[unroll]] for (uint r = 0; r < SCORE_ROWS; ++r) {
      const vec4 query = tile[(r * SCORE_PLACES + row_place) * QUERY_STRIDE + quad];
      [[unroll]] for (uint i = 0; i < 4; ++i) score[r] += query[i] * key[i];
    }
  }
}

void lay_scores() {
  const uint row_place = gl_LocalInvocationID.x / POSITION_QUADS;
  const uint quad_of_positions = gl_LocalInvocationID.x % POSITION_QUADS;
  [[unroll]] for (uint r = 0; r < SCORE_ROWS; ++r) {
    tile[(r * SCORE_PLACES + row_place) * SCORE_STRIDE + quad_of_positions] = score[r] * p.scale;
  }
}

// Makes probabilities of the scores, relative to the largest of the row so far. `seen`: how many of the tile's positions the row sees,
// or more.
void weigh_scores(const uint seen) {
  const uint row = gl_LocalInvocationID.x % TILE_ROWS;
  const uint sharer = gl_LocalInvocationID.x / TILE_ROWS;
  vec4 own[SHARE];
  float most = own_maximum;
  [[unroll]] for (uint j = 0; j < SHARE; ++j) {
    const uint quad = j * SHARERS + sharer;
    own[j] = tile[row * SCORE_STRIDE + quad];
    if (seen < TILE_POSITIONS) {
      [[unroll]] for (uint i = 0; i < 4; ++i) own[j][i] = 4 * quad + i < seen ? own[j][i] : LOWEST;
    }
    most = max(most, max(max(own[j].x, own[j].y), max(own[j].z, own[j].w)));
  }
  of_sharers[gl_LocalInvocationID.x] = most;
  barrier();
  [[unroll]] for (uint s = 0; s < SHARERS; ++s) most = max(most, of_sharers[s * TILE_ROWS + row]);
  const float shrink = exp(own_maximum - most);
  own_maximum = most;
  own_sum *= shrink;
  if (sharer == 0) rescale[row] = shrink;
  [[unroll]] for (uint j = 0; j < SHARE; ++j) {
    own[j] = exp(own[j] - most);  // 0 of those that are masked
    own_sum += (own[j].x + own[j].y) + (own[j].z + own[j].w);
    tile[row * SCORE_STRIDE + j * SHARERS + sharer] = own[j];
  }
}

// Of the VALUES_AT_ONCE positions from `first_quad` quads into the tile.
void add_values(const uint first_quad) {
  const uint row_place = gl_LocalInvocationID.x / ELEMENT_PLACES;
  const uint place = gl_LocalInvocationID.x % ELEMENT_PLACES;
  [[dont_unroll]] for (uint quad = 0; quad < VALUES_AT_ONCE / 4; ++quad) {
    vec4 probability[VALUE_ROWS];
    [[unroll]] for (uint r = 0; r < VALUE_ROWS; ++r) {
      probability[r] = tile[(r * VALUE_PLACES + row_place) * SCORE_STRIDE + first_quad + quad];
    }
    [[unroll]] for (uint i = 0; i < 4; ++i) {
      [[unroll]] for (uint j = 0; j < VALUE_QUADS; ++j) {
        const uint element_quad = min(j * ELEMENT_PLACES + place, HEAD_QUADS - 1);
        const vec4 value = tile[VALUES_FROM + (4 * quad + i) * HEAD_QUADS + element_quad];
        [[unroll]] for (uint r = 0; r < VALUE_ROWS; ++r) total[r * VALUE_QUADS + j] += probability[r][i] * value;
      }
    }
  }
}

void attend_to_tile(const uint kv_head, const uint first, const uint end, const uint seen, const uint from[QUERY_TASKS]) {
  [[unroll]] for (uint r = 0; r < SCORE_ROWS; ++r) score[r] = vec4(0);
  for (uint first_quad = 0; first_quad < HEAD_QUADS; first_quad += STEP_QUADS) {
    barrier();  // what lies there has been used
    fill_queries(from, first_quad);
    fill_keys(kv_head, first, end, first_quad);
    barrier();
    multiply_keys(min(STEP_QUADS, HEAD_QUADS - first_quad));
  }
  barrier();
  lay_scores();
  fill_values(kv_head, first, end);
  barrier();
  weigh_scores(seen);
  barrier();
  const uint row_place = gl_LocalInvocationID.x / ELEMENT_PLACES;
  [[unroll]] for (uint r = 0; r < VALUE_ROWS; ++r) {
    const float shrink = rescale[r * VALUE_PLACES + row_place];
    [[unroll]] for (uint j = 0; j < VALUE_QUADS; ++j) total[r * VALUE_QUADS + j] *= shrink;
  }
  add_values(0);
  for (uint step = VALUES_AT_ONCE; step < min(TILE_POSITIONS, end - first); step += VALUES_AT_ONCE) {
    barrier();
    fill_values(kv_head, first + step, end);
    barrier();
    add_values(step / 4);
  }
}

void write_rows(const uint first_row, const uint kv_head) {
  of_sharers[gl_LocalInvocationID.x] = own_sum;
  barrier();
  const uint row_place = gl_LocalInvocationID.x / ELEMENT_PLACES;
  const uint place = gl_LocalInvocationID.x % ELEMENT_PLACES;
  [[unroll]] for (uint r = 0; r < VALUE_ROWS; ++r) {
    const uint row = r * VALUE_PLACES + row_place;
    float sum = 0.0;
    [[unroll]] for (uint s = 0; s < SHARERS; ++s) sum += of_sharers[s * TILE_ROWS + row];
    const uint token = (first_row + row) / p.group;
    const uint head = kv_head * p.group + (first_row + row) % p.group;
    if (token >= p.tokens) continue;
    const uint to = token * (p.y_stride / 4) + head * HEAD_QUADS;
    [[unroll]] for (uint j = 0; j < VALUE_QUADS; ++j) {
      const uint quad = j * ELEMENT_PLACES + place;
      if (quad < HEAD_QUADS) y[to + quad] = total[r * VALUE_QUADS + j] / sum;
    }
  }
}

void main() {
  const uint kv_head = gl_WorkGroupID.y;
  const uint head_of_rows = p.kv_head_first + kv_head;
  // The last rows see most, so they begin first: what ends last is short then.
  const uint first_row = (gl_NumWorkGroups.x - 1 - gl_WorkGroupID.x) * TILE_ROWS;
  const uint last_row = min(first_row + TILE_ROWS, p.tokens * p.group) - 1;
  const uint position = step_words[STEP_POSITION];
  const uint end = position + last_row / p.group + 1;
  const uint own_row = min(first_row + gl_LocalInvocationID.x % TILE_ROWS, last_row);
  const uint own_end = position + own_row / p.group + 1;
  uint from[QUERY_TASKS];
  [[unroll]] for (uint i = 0; i < QUERY_TASKS; ++i) {
    const uint row = min(first_row + (i * WORKGROUP + gl_LocalInvocationID.x) / STEP_QUADS, last_row);
    from[i] = row / p.group * (p.q_stride / 4) + (head_of_rows * p.group + row % p.group) * HEAD_QUADS;
  }
  [[unroll]] for (uint i = 0; i < VALUE_ROWS * VALUE_QUADS; ++i) total[i] = vec4(0);
  for (uint first = 0; first < end; first += TILE_POSITIONS) {
    attend_to_tile(kv_head, first, end, max(own_end, first) - first, from);
  }
  write_rows(first_row, head_of_rows);
}

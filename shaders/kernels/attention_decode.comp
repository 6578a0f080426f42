// Attention of a single token, with all that belongs to it: queries and the new key are rotated by their position, the new key
// and value stored in the cache, and the parts into which the positions may be divided are merged (attention_merge.glsl).
//
// A row is a query head. gl_WorkGroupID: x the ROWS rows, y their KV head, z the part of the positions. The newest position is
// not read from the cache, as other workgroups may be writing it: the sums of the workgroups whose part holds it begin with it.
//
// Flavours:
// ROWS=n  a workgroup handles so many rows, one by default.
// ROUND   writes the result rounded to 8 bits (common/round.glsl), an invocation a block of 32, and with EXACT as it is as well.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/attention_decode.h"
#include "params/step.h"
#include "common/cache.glsl"

#ifndef ROWS
#define ROWS 1
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEAD_SIZE = 64;
layout(constant_id = 2) const bool HALVES = false;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) readonly buffer Table { vec4 table[]; };  // [position][two pairs of rotation]: cos, sin, cos, sin
layout(binding = 2, std430) readonly buffer Q { vec2 q[]; };
layout(binding = 3, std430) readonly buffer K { vec2 k[]; };
layout(binding = 4, std430) readonly buffer V { vec2 v[]; };
layout(binding = 5, std430) buffer Keys { KEY_PAIR keys[]; };
layout(binding = 6, std430) buffer Values { VALUE_PAIR values[]; };
layout(binding = 7, std430) coherent buffer Parts { uvec2 parts[]; };
layout(binding = 8, std430) writeonly buffer Y { vec2 y[]; };
#ifdef ROUND
layout(constant_id = 3) const bool EXACT = false;
layout(binding = 9, std430) writeonly buffer Rounded { uvec4 rounded[]; };
#include "common/round.glsl"
#endif

const float LOWEST = -1e30;  // below every score; infinities are not relied on

shared vec2 query[ROWS * HEAD_SIZE / 2];
#define QUERY(r, pair) query[(r) * PAIRS + (pair)]
#include "common/rotate.glsl"
#include "kernels/attention_positions.glsl"

bool is_row(const uint r) { return gl_WorkGroupID.x * ROWS + r < p.group; }

// The query head of row r, the last one's for what is none.
uint head_of(const uint r) {
  return (p.kv_head_first + gl_WorkGroupID.y) * p.group + min(gl_WorkGroupID.x * ROWS + r, p.group - 1);
}

#include "kernels/attention_merge.glsl"

// Four elements of the key and the value of the newest position, as the cache gives them back.
struct Newest {
  vec2 key_a, key_b, value_a, value_b;
};

// Stores them as well. Of several workgroups that share a KV head one does.
Newest take_newest(const uvec2 place, const vec4 turns, const uint position) {
  const uint kv_head = gl_WorkGroupID.y;
  const uvec2 at = (p.kv_head_first + kv_head) * PAIRS + place;
  vec2 a = k[at.x];
  vec2 b = k[at.y];
  rotate(a, b, turns);
  const KEY_PAIR key_a = PACK_KEY(a);
  const KEY_PAIR key_b = PACK_KEY(b);
  const VALUE_PAIR value_a = PACK_VALUE(v[at.x]);
  const VALUE_PAIR value_b = PACK_VALUE(v[at.y]);
  if (gl_WorkGroupID.x == 0) {
    keys[key_index(kv_head, position, place.x, p.context, PAIRS)] = key_a;
    keys[key_index(kv_head, position, place.y, p.context, PAIRS)] = key_b;
    values[value_index(kv_head, position, place.x, p.context, PAIRS)] = value_a;
    values[value_index(kv_head, position, place.y, p.context, PAIRS)] = value_b;
  }
  return Newest(UNPACK_KEY(key_a), UNPACK_KEY(key_b), UNPACK_VALUE(value_a), UNPACK_VALUE(value_b));
}

// Lays the rotated queries into shared memory. Sums begin with the newest position or with nothing.
void begin_rows(const uint position, const bool with_newest) {
  const uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) sum[r] = 0.0;
  // Unrolled, the loops here and in attention_merge.glsl take lavapipe 26 half as long again to compile.
  [[dont_unroll]] for (uint i = lane; i < HEAD_SIZE / 4; i += LANES) {
    const uvec2 place = four_places(i) / 2;
    const vec4 turns = turns_of(i, position);
    Newest newest = Newest(vec2(0), vec2(0), vec2(0), vec2(0));
    if (with_newest) newest = take_newest(place, turns, position);
    [[unroll]] for (uint r = 0; r < ROWS; ++r) {
      const uvec2 at = head_of(r) * PAIRS + place;
      vec2 a = q[at.x];
      vec2 b = q[at.y];
      rotate(a, b, turns);
      query[r * PAIRS + place.x] = a;
      query[r * PAIRS + place.y] = b;
      weighted[r * PAIRS + place.x] = newest.value_a;
      weighted[r * PAIRS + place.y] = newest.value_b;
      sum[r] += dot(a, newest.key_a) + dot(b, newest.key_b);
    }
  }
  add_up_lanes();
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    maximum[r] = with_newest ? sum[r] * p.scale : LOWEST;
    sum[r] = with_newest && lane == 0 ? 1.0 : 0.0;
  }
  barrier();
}

void write_rows() {
  const uint lane = gl_LocalInvocationID.x;
#ifdef ROUND
  const uint blocks = HEAD_SIZE / 32;
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    if (lane == 0) probability[r] = 1.0 / sum[r];
  }
  barrier();
  for (uint i = lane; i < ROWS * blocks; i += LANES) {
    const uint r = i / blocks;
    if (!is_row(r)) return;
    vec4 block[8];
    [[unroll]] for (uint j = 0; j < 8; ++j) {
      block[j] = vec4(weighted[i * 16 + 2 * j], weighted[i * 16 + 2 * j + 1]) * probability[r];
    }
    const uint at = head_of(r) * blocks + i % blocks;
    if (EXACT) {
      [[unroll]] for (uint j = 0; j < 16; ++j) y[at * 16 + j] = j % 2 == 0 ? block[j / 2].xy : block[j / 2].zw;
    }
    write_rounded(block, at);
  }
#else
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    if (is_row(r)) {
      const float scale = 1.0 / sum[r];
      for (uint pair = lane; pair < PAIRS; pair += LANES) y[head_of(r) * PAIRS + pair] = weighted[r * PAIRS + pair] * scale;
    }
  }
#endif
}

void main() {
  const uint position = step_words[STEP_POSITION];
  const uint splits = step_words[STEP_SPLITS];
  // Parts as even as whole blocks allow, for the last to be ready is waited for.
  const uint part_length = (position / (splits * CACHE_BLOCK) + 1) * CACHE_BLOCK;
  const uint begin = gl_WorkGroupID.z * part_length;
  begin_rows(position, gl_WorkGroupID.z == splits - 1);
  const uint end = min(begin + part_length, position);
  uint limit[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; ++r) limit[r] = end;
  attend(gl_WorkGroupID.y, begin, end, limit);
  add_up_lanes();
  if (splits > 1) {
    leave_part(splits);
    if (!is_last(splits)) return;
    merge_parts(splits);
  }
  write_rows();
}

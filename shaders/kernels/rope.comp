// Rotates queries and keys by their position and stores keys and values in the cache. A single token's: attention_decode.comp.
//
// One invocation handles four elements of one head of one token (common/rotate.glsl). gl_WorkGroupID.y is the token, .z the head:
// queries first (rotated in place), then keys, then values.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "params/rope.h"
#include "params/step.h"
#include "common/cache.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool HALVES = false;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) readonly buffer Table { vec4 table[]; };  // [position][two pairs of rotation]: cos, sin, cos, sin
layout(binding = 2, std430) buffer Q { vec2 q[]; };
layout(binding = 3, std430) readonly buffer K { vec2 k[]; };
layout(binding = 4, std430) readonly buffer V { vec2 v[]; };
layout(binding = 5, std430) writeonly buffer Keys { KEY_PAIR keys[]; };
layout(binding = 6, std430) writeonly buffer Values { VALUE_PAIR values[]; };
#include "common/rotate.glsl"

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= p.head_size / 4) return;
  const uint token = gl_WorkGroupID.y;
  const uint position = step_words[STEP_POSITION] + token;
  const uint head = gl_WorkGroupID.z;
  const uint pairs = p.head_size / 2;
  const uvec2 place = four_places(i) / 2;

  if (head < p.heads) {
    const uvec2 at = token * (p.q_stride / 2) + head * pairs + place;
    vec2 a = q[at.x];
    vec2 b = q[at.y];
    rotate(a, b, turns_of(i, position));
    q[at.x] = a;
    q[at.y] = b;
    return;
  }
  const uint kv_head = (head - p.heads) % p.kv_head_count;
  const uvec2 at = token * (p.kv_stride / 2) + (p.kv_head_first + kv_head) * pairs + place;
  if (head < p.heads + p.kv_head_count) {
    vec2 a = k[at.x];
    vec2 b = k[at.y];
    rotate(a, b, turns_of(i, position));
    keys[key_index(kv_head, position, place.x, p.context, pairs)] = PACK_KEY(a);
    keys[key_index(kv_head, position, place.y, p.context, pairs)] = PACK_KEY(b);
  } else {
    values[value_index(kv_head, position, place.x, p.context, pairs)] = PACK_VALUE(v[at.x]);
    values[value_index(kv_head, position, place.y, p.context, pairs)] = PACK_VALUE(v[at.y]);
  }
}

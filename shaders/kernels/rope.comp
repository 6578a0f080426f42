// Rotates queries and keys by their position (Su et al. 2021) and stores keys and values in the cache.
//
// One invocation handles four elements of one head of one token: two whole pairs of the cache. gl_WorkGroupID.y is the token,
// .z the head: queries first (rotated in place), then keys, then values. HALVES pairs element i with i + rotated/2, the
// other style 2i with 2i + 1. The angles' cosines and sines come from a table made by the host in float64.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "params/rope.h"
#include "params/step.h"
#include "common/cache.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool HALVES = false;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) readonly buffer Table { vec2 table[]; };  // [position][pair of rotation]: cos, sin
layout(binding = 2, std430) buffer Q { float q[]; };
layout(binding = 3, std430) readonly buffer K { float k[]; };
layout(binding = 4, std430) readonly buffer V { float v[]; };
layout(binding = 5, std430) writeonly buffer Keys { KEY_PAIR keys[]; };
layout(binding = 6, std430) writeonly buffer Values { VALUE_PAIR values[]; };

vec2 rotate(const vec2 pair, const uint position, const uint rotation) {
  const vec2 turn = table[position * (p.rotated / 2) + rotation];
  return vec2(pair.x * turn.x - pair.y * turn.y, pair.x * turn.y + pair.y * turn.x);
}

// The four elements an invocation handles are first, first + 1, second, second + 1.
void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= p.head_size / 4) return;
  const uint token = gl_WorkGroupID.y;
  const uint position = step_words[STEP_POSITION] + token;
  const uint head = gl_WorkGroupID.z;
  const uint pairs = p.head_size / 2;

  uint first = 4 * i;
  uint second = first + 2;
  bool halves = false;
  // With halves, an invocation takes two neighbours of the first half and their partners, while both are whole pairs of the cache.
  if (HALVES && first < p.rotated) {
    halves = true;
    first = 2 * i;
    second = first + p.rotated / 2;
  }

  uint kind = 0;
  uint kv_head = 0;
  if (head >= p.heads) {
    kind = head < p.heads + p.kv_head_count ? 1 : 2;
    kv_head = kind == 1 ? head - p.heads : head - p.heads - p.kv_head_count;
  }
  const uint base = kind == 0 ? token * p.q_stride + head * p.head_size
                              : token * p.kv_stride + (p.kv_head_first + kv_head) * p.head_size;
  vec2 a;
  vec2 b;
  if (kind == 0) {
    a = vec2(q[base + first], q[base + first + 1]);
    b = vec2(q[base + second], q[base + second + 1]);
  } else if (kind == 1) {
    a = vec2(k[base + first], k[base + first + 1]);
    b = vec2(k[base + second], k[base + second + 1]);
  } else {
    a = vec2(v[base + first], v[base + first + 1]);
    b = vec2(v[base + second], v[base + second + 1]);
  }

  if (kind != 2) {
    if (halves) {
      const vec2 even = rotate(vec2(a.x, b.x), position, first);
      const vec2 odd = rotate(vec2(a.y, b.y), position, first + 1);
      a = vec2(even.x, odd.x);
      b = vec2(even.y, odd.y);
    } else {
      if (first < p.rotated) a = rotate(a, position, first / 2);
      if (second < p.rotated) b = rotate(b, position, second / 2);
    }
  }

  if (kind == 0) {
    q[base + first] = a.x;
    q[base + first + 1] = a.y;
    q[base + second] = b.x;
    q[base + second + 1] = b.y;
  } else if (kind == 1) {
    keys[key_index(kv_head, position, first / 2, p.context, pairs)] = PACK_KEY(a);
    keys[key_index(kv_head, position, second / 2, p.context, pairs)] = PACK_KEY(b);
  } else {
    values[value_index(kv_head, position, first / 2, p.context, pairs)] = PACK_VALUE(a);
    values[value_index(kv_head, position, second / 2, p.context, pairs)] = PACK_VALUE(b);
  }
}

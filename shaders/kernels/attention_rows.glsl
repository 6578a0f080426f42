// Attention of ROWS rows a workgroup, for short prompts, and for long ones where there are no tiles.
#ifndef ROWS
#define ROWS 1
#endif

layout(binding = 1, std430) readonly buffer Q { vec2 q[]; };
layout(binding = 2, std430) readonly buffer Keys { KEY_PAIR keys[]; };
layout(binding = 3, std430) readonly buffer Values { VALUE_PAIR values[]; };
layout(binding = 4, std430) writeonly buffer Y { float y[]; };

uint q_base[ROWS];
#define QUERY(r, pair) q[q_base[r] + (pair)]
#include "kernels/attention_positions.glsl"

void write_rows(const uint first_row, const uint kv_head, const uint lane) {
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint row = first_row + r;
    if (row < p.tokens * p.group) {
      const uint token = row / p.group;
      const uint head = kv_head * p.group + row % p.group;
      const uint to = token * p.y_stride + head * HEAD_SIZE;
      const float scale = 1.0 / sum[r];
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

  uint limit[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; ++r) {
    const uint row = min(first_row + r, last_row);
    const uint token = row / p.group;
    q_base[r] = (token * p.q_stride + ((p.kv_head_first + kv_head) * p.group + row % p.group) * HEAD_SIZE) / 2;
    limit[r] = position + token + 1;
    maximum[r] = LOWEST;
    sum[r] = 0.0;
  }
  for (uint i = lane; i < ROWS * PAIRS; i += LANES) weighted[i] = vec2(0);
  attend(kv_head, 0, limit[ROWS - 1], limit);
  add_up_lanes();
  write_rows(first_row, p.kv_head_first + kv_head, lane);
}

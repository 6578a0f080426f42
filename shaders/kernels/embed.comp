// x[token][...] = row ids[token] of the packed table. One invocation decodes one block of 32 elements; ids outside the bound
// part of the table are left to the dispatch that binds theirs.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/embed.h"
#include "params/step.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 8;

layout(binding = 0, std430) readonly buffer Weights { uvec4 weights[]; };
layout(binding = 1, std430) readonly buffer StepBuffer { uint step_words[]; };
layout(binding = 2, std430) writeonly buffer X { float x[]; };

uint unit_base;
#define WORD(j) weights[unit_base + (j) * LANES]
#include "common/decode.glsl"
#include "block.glsl"

#define STORE(i, value) \
  if (element + (i) < p.width) x[to + (i)] = (value)[part];

void main() {
  const uint token = gl_WorkGroupID.y;
  const uint block = gl_GlobalInvocationID.x;
  const uint id = step_words[STEP_TOKENS + token] - p.first_row;
  if (block >= p.units * UNIT_BLOCKS || id >= p.rows) return;

  const uint panel = id / (4 * LANES);
  const uint lane = id % (4 * LANES) / 4;
  const uint part = id % 4;
  const uint b = block % UNIT_BLOCKS;
  unit_base = (panel * p.units + block / UNIT_BLOCKS) * UNIT_WORDS * LANES + lane;
  begin_block(b);
  [[unroll]] for (uint r = 0; r < 4; ++r) {
    vec4 w0, w1, w2, w3, w4, w5, w6, w7;
    DECODE_RUN(b, r)
    uint element = block * 32 + 4 * RUN_FIRST(r);
    uint to = token * p.x_stride + element;
    STORE(0, w0) STORE(1, w1) STORE(2, w2) STORE(3, w3)
    element = block * 32 + 4 * RUN_SECOND(r);
    to = token * p.x_stride + element;
    STORE(0, w4) STORE(1, w5) STORE(2, w6) STORE(3, w7)
  }
}

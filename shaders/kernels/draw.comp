// Draws a token from what top_k.comp found and makes the step buffer say that it comes next, so that its step can follow at
// once, before the host knows of it. One workgroup. The host draws again, in double precision, and where rounding here led to
// another token the step that followed is not used.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/draw.h"
#include "params/found.h"
#include "params/step.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) buffer StepBuffer { uint step_words[]; };
layout(binding = 1, std430) buffer Found { uint found_words[]; };

const uint MOST_KEPT = 256;
const uint MOST_FOUND = 512;
const float LOWEST = -1e30;  // stands for -infinity, which is not relied on
const uint UNROLL = 8;       // as in top_k.comp

shared uint found_token[MOST_FOUND];
shared float found_logit[MOST_FOUND];
shared uint token[MOST_KEPT];  // likeliest first
shared float logit[MOST_KEPT];

void load(const uint lane, const uint found) {
  for (uint i = lane; i < MOST_FOUND; i += gl_WorkGroupSize.x) {
    const bool is_entry = i < found;
    found_token[i] = is_entry ? found_words[FOUND_ENTRIES + 2 * i] : 0xFFFFFFFFu;
    found_logit[i] = is_entry ? max(uintBitsToFloat(found_words[FOUND_ENTRIES + 2 * i + 1]), LOWEST) : 2 * LOWEST;
  }
  barrier();
}

// An entry's place is the number of likelier ones; of equals the lower id is likelier.
void sort(const uint lane, const uint found) {
  for (uint i = lane; i < found; i += gl_WorkGroupSize.x) {
    uint place = 0;
    for (uint first = 0; first < found; first += UNROLL) {
      [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
        const uint other = first + u;
        const bool is_likelier = found_logit[other] > found_logit[i] ||
                                 (found_logit[other] == found_logit[i] && found_token[other] < found_token[i]);
        place += is_likelier ? 1 : 0;
      }
    }
    if (place < MOST_KEPT) {
      token[place] = found_token[i];
      logit[place] = found_logit[i];
    }
  }
  barrier();
}

// How many of the `count` likeliest stay.
uint keep(const uint count) {
  uint kept = count;
  if (p.top_p < 1.0) {
    float sum = 0.0;
    for (uint i = 0; i < count; ++i) sum += exp(logit[i] - logit[0]);
    float mass = 0.0;
    kept = 0;
    do mass += exp(logit[kept++] - logit[0]);
    while (mass < p.top_p * sum && kept < count);
  }
  while (kept > 1 && exp(logit[kept - 1] - logit[0]) < p.min_p) --kept;
  return kept;
}

uint draw(const uint count) {
  if (p.temperature <= 0.0) return token[0];
  const uint kept = keep(count);
  float sum = 0.0;
  for (uint i = 0; i < kept; ++i) sum += exp((logit[i] - logit[0]) / p.temperature);
  const float target = uintBitsToFloat(step_words[STEP_CHANCES + p.turn]) * sum;
  float passed = 0.0;
  for (uint i = 0; i < kept; ++i) {
    passed += exp((logit[i] - logit[0]) / p.temperature);
    if (passed > target) return token[i];
  }
  return token[kept - 1];
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint found = min(found_words[FOUND_COUNT], p.capacity);
  if (lane == 0) token[0] = 0;  // where all are NaN
  load(lane, found);
  sort(lane, found);
  if (lane > 0) return;
  const uint drawn = found > 0 ? draw(min(found, p.k)) : token[0];
  found_words[FOUND_DRAWN] = drawn;

  const uint position = step_words[STEP_POSITION] + 1;
  const uint splits = position / p.split_length + 1;
  step_words[STEP_TOKENS] = drawn;
  step_words[STEP_POSITION] = position;
  step_words[STEP_SPLITS] = splits;
  for (uint i = 0; i < p.slices; ++i) step_words[STEP_ATTENTION_GROUPS + 3 * i + 2] = splits;
}

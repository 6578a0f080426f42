// The k largest logits, all that equal the k-th among them, in no order. One workgroup.
//
// A logit's key is a number without sign that orders as the logits do, NaN below all. The keys are dealt to slots; the k-th
// largest of the slots' largest keys is a bound that at least k keys reach, and rarely many more: then they are the answer.
// Else a radix select finds the k-th largest key, 8 bits at a time, from histograms in shared memory.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "params/found.h"
#include "params/top_k.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer Logits { uint logits[]; };  // floats, taken as bits
layout(binding = 1, std430) writeonly buffer Found { uint found_words[]; };

const uint LANES = gl_WorkGroupSize.x;
const uint SLOTS = 256;  // at least k
const uint DIGIT_BITS = 8;
const uint DIGITS = 1 << DIGIT_BITS;
const uint SIGN = 0x80000000u;
const uint INFINITY_BITS = 0x7F800000u;
const uint NO_KEY = 0;  // beyond the last logit
const uint NAN_KEY = 1;
const uint LOWEST_KEY = 2;  // below every key of a number

// Logits a turn of a loop looks at, so that their loads overlap, and because lavapipe ends every loop of an invocation, with no
// word of it, when all of them have had 65,535 turns together.
const uint UNROLL = 8;

shared uint slot_most[SLOTS];
shared uint histogram[DIGITS];
shared uint bound;
shared uint nans;
shared uint found;
shared uint selected;
shared uint remaining;

uint key_of(const uint bits) {
  const uint magnitude = bits & ~SIGN;
  if (magnitude > INFINITY_BITS) return NAN_KEY;
  if (magnitude == 0) return SIGN;  // -0 equals 0
  return bits == magnitude ? bits | SIGN : ~bits;
}

uint key_at(const uint i) { return i < p.count ? key_of(logits[i]) : NO_KEY; }

// A key that at least k keys reach, or all but NaN.
uint find_bound(const uint lane) {
  uint lane_nans = 0;
  for (uint slot = lane; slot < SLOTS; slot += LANES) {
    uint most = LOWEST_KEY;
    for (uint first = slot; first < p.count; first += UNROLL * SLOTS) {
      [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
        const uint key = key_at(first + u * SLOTS);
        most = max(most, key);
        lane_nans += key == NAN_KEY ? 1 : 0;
      }
    }
    slot_most[slot] = most;
  }
  if (lane == 0) nans = 0;
  barrier();
  if (lane_nans > 0) atomicAdd(nans, lane_nans);
  for (uint slot = lane; slot < SLOTS; slot += LANES) {
    const uint most = slot_most[slot];
    uint rank = 0;  // equal ones rank by slot, so that exactly one has rank k - 1
    for (uint first = 0; first < SLOTS; first += UNROLL) {
      [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
        const uint other = slot_most[first + u];
        rank += other > most || (other == most && first + u < slot) ? 1 : 0;
      }
    }
    if (rank == p.k - 1) bound = most;
  }
  barrier();
  return bound;
}

// The k-th largest key, given a bound that at least k keys reach.
uint select_key(const uint lane, const uint lowest) {
  uint prefix = 0;  // the upper digits of the key
  uint wanted = p.k;
  for (uint shift = 32; shift > 0;) {
    shift -= DIGIT_BITS;
    for (uint digit = lane; digit < DIGITS; digit += LANES) histogram[digit] = 0;
    barrier();
    for (uint first = lane; first < p.count; first += UNROLL * LANES) {
      [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
        const uint key = key_at(first + u * LANES);
        const uint digits = key >> shift;
        // The bound spares most keys the atomics, which are slow where many have the same upper digits.
        if (key >= lowest && digits >> DIGIT_BITS == prefix) atomicAdd(histogram[digits % DIGITS], 1);
      }
    }
    barrier();
    if (lane == 0) {
      uint digit = DIGITS - 1;
      uint left = wanted;
      while (digit > 0 && histogram[digit] < left) {
        left -= histogram[digit];
        --digit;
      }
      selected = prefix << DIGIT_BITS | digit;
      remaining = left;
    }
    barrier();
    prefix = selected;
    wanted = remaining;
  }
  return prefix;
}

// Writes the entries from `threshold` on, as many as the output holds; returns how many there are.
uint gather(const uint lane, const uint threshold) {
  if (lane == 0) found = 0;
  barrier();
  for (uint first = lane; first < p.count; first += UNROLL * LANES) {
    [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
      const uint i = first + u * LANES;
      if (key_at(i) >= threshold) {
        const uint at = atomicAdd(found, 1);
        if (at < p.capacity) {
          found_words[FOUND_ENTRIES + 2 * at] = i;
          found_words[FOUND_ENTRIES + 2 * at + 1] = logits[i];
        }
      }
    }
  }
  memoryBarrierBuffer();  // a second call writes the same words
  barrier();
  return found;
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint lowest = find_bound(lane);
  uint reached = gather(lane, lowest);
  if (reached > p.capacity) {
    const uint threshold = select_key(lane, lowest);
    reached = gather(lane, threshold);
  }
  if (lane == 0) {
    found_words[FOUND_COUNT] = reached;
    found_words[FOUND_NANS] = nans;
  }
}

// The k largest logits, all that equal the k-th among them, in no order. One workgroup.
//
// A logit's key is a number without sign that orders as the logits do, NaN below all. The k-th largest of the lanes' own
// largest keys is a bound that at least k keys reach, and with more lanes than k rarely many more do: then they are the
// answer. Else a radix select finds the k-th largest key, 8 bits at a time, from histograms in shared memory.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "params/top_k.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) readonly buffer Logits { uint logits[]; };  // floats, taken as bits
layout(binding = 1, std430) writeonly buffer Found { uint found_words[]; };

const uint LANES = gl_WorkGroupSize.x;
const uint DIGIT_BITS = 8;
const uint DIGITS = 1 << DIGIT_BITS;
const uint SIGN = 0x80000000u;
const uint INFINITY_BITS = 0x7F800000u;
const uint NAN_KEY = 0;
const uint LOWEST_KEY = 1;  // below every key but NAN_KEY

shared uint lane_most[LANES];
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

// A key that at least k keys reach, or all but NaN.
uint find_bound(const uint lane) {
  uint most = LOWEST_KEY;
  uint lane_nans = 0;
  for (uint i = lane; i < p.count; i += LANES) {
    const uint key = key_of(logits[i]);
    most = max(most, key);
    lane_nans += key == NAN_KEY ? 1 : 0;
  }
  lane_most[lane] = most;
  if (lane == 0) {
    bound = LOWEST_KEY;
    nans = 0;
  }
  barrier();
  if (lane_nans > 0) atomicAdd(nans, lane_nans);
  if (p.k <= LANES) {
    uint rank = 0;
    for (uint l = 0; l < LANES; ++l) {
      const uint other = lane_most[l];
      rank += other > most || (other == most && l < lane) ? 1 : 0;
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
    for (uint i = lane; i < p.count; i += LANES) {
      const uint key = key_of(logits[i]);
      const uint digits = key >> shift;
      // The bound spares most keys the atomics, which are slow where many have the same upper digits.
      if (key >= lowest && digits >> DIGIT_BITS == prefix) atomicAdd(histogram[digits % DIGITS], 1);
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
  for (uint i = lane; i < p.count; i += LANES) {
    const uint bits = logits[i];
    if (key_of(bits) >= threshold) {
      const uint at = atomicAdd(found, 1);
      if (at < p.capacity) {
        found_words[TOP_K_ENTRIES + 2 * at] = i;
        found_words[TOP_K_ENTRIES + 2 * at + 1] = bits;
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
    found_words[TOP_K_FOUND] = reached;
    found_words[TOP_K_NANS] = nans;
  }
}

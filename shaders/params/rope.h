// Parameters of rope.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(RopeParameters)
  uint heads;       // query heads
  uint head_size;   // elements of a head, a multiple of 4
  uint rotated;     // elements of a head that are rotated, a multiple of 4
  uint q_stride;    // elements from one token's queries to the next
  uint kv_stride;   // elements from one token's keys (values) to the next
  uint context;     // positions of the cache, a multiple of its block
  uint kv_head_first;  // first KV head in the bound parts of the cache
  uint kv_head_count;  // KV heads they hold
MOTLEY_PARAMETERS_END(RopeParameters)

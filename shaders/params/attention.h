// Parameters of attention.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(AttentionParameters)
  uint group;          // query heads that share a KV head
  uint tokens;         // query tokens of the step
  uint q_stride;       // elements from one token's queries to the next
  uint y_stride;       // elements from one token's outputs to the next
  uint context;        // positions of the cache
  uint kv_head_first;  // first KV head in the bound parts of the cache
  float scale;         // of the scores, 1/sqrt(head_size)
MOTLEY_PARAMETERS_END(AttentionParameters)

// Parameters of attention_decode.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(AttentionDecodeParameters)
  uint heads;          // query heads
  uint group;          // query heads that share a KV head
  uint rotated;        // elements of a head that are rotated, a multiple of 4
  uint context;        // positions of the cache
  uint kv_head_first;  // first KV head in the bound parts of the cache
  float scale;         // of the scores, 1/sqrt(head_size)
MOTLEY_PARAMETERS_END(AttentionDecodeParameters)

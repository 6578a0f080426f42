// Parameters of top_k.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(TopKParameters)
  uint count;     // logits
  uint k;         // how many are wanted, 1 to 256
  uint capacity;  // entries the output holds, at least k
MOTLEY_PARAMETERS_END(TopKParameters)

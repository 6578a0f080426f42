// Parameters of draw.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(DrawParameters)
  uint k;             // tokens that may be drawn, 1 to 256
  uint capacity;      // entries that top_k's output holds
  float top_p;        // keeps the likeliest until their probabilities sum up to this
  float min_p;        // keeps those at least this times as probable as the likeliest
  float temperature;  // not above 0: the likeliest is taken
  uint turn;          // which of the step's chances decides, 0 or 1
  uint split_length;  // positions that a workgroup of attention handles
  uint slices;        // of the cache
MOTLEY_PARAMETERS_END(DrawParameters)

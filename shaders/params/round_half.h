// Parameters of round_half.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(RoundHalfParameters)
  uint width;   // elements of a vector
  uint stride;  // elements from one vector to the next, a multiple of 8
  uint tokens;  // vectors
MOTLEY_PARAMETERS_END(RoundHalfParameters)

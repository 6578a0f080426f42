// Parameters of swiglu.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(SwigluParameters)
  uint width;   // elements of a vector
  uint stride;  // elements from one token's vector to the next
MOTLEY_PARAMETERS_END(SwigluParameters)

// Parameters of rms_norm.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(RmsNormParameters)
  uint width;         // elements of a vector
  uint x_stride;      // elements from one token's input to the next
  uint x_offset;      // first element of token 0's input
  uint y_stride;      // elements from one token's output to the next
  float epsilon;
MOTLEY_PARAMETERS_END(RmsNormParameters)

// Parameters of arithmetic.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(ArithmeticParameters)
  uint count;    // turns of the loop
  float factor;  // of a sum, below 1 so that it stays bounded; of matrices the elements of one
  float addend;  // to a sum; of matrices the elements of the other
MOTLEY_PARAMETERS_END(ArithmeticParameters)

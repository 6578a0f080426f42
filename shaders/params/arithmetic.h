// Parameters of arithmetic.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(ArithmeticParameters)
  uint count;    // turns of the loop
  float factor;  // below 1, so that sums stay bounded
  float addend;
MOTLEY_PARAMETERS_END(ArithmeticParameters)

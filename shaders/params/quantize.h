// Parameters of quantize.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(QuantizeParameters)
  uint blocks;  // of 32 elements of a vector, those between its end and its stride included
MOTLEY_PARAMETERS_END(QuantizeParameters)

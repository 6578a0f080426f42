// Parameters of bandwidth.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(BandwidthParameters)
  uint count;       // 16-byte elements an invocation reads, one every `step`
  uint step;        // elements
  uint group_step;  // elements from where a workgroup begins to where the next does
MOTLEY_PARAMETERS_END(BandwidthParameters)

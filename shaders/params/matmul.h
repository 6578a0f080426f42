// Parameters of matmul.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(MatmulParameters)
  uint units;         // packed units along a row
  uint rows;          // output rows of this dispatch
  uint columns;       // activation vectors (tokens)
  uint x_stride;      // elements from one activation vector to the next, a multiple of 4
  uint y_stride;      // elements from one output vector to the next
  uint y_offset;      // where row 0 lies in an output vector, in elements; also its place in the bias
  uint zero;          // 0, which no compiler knows
  device_address x_address;  // of the activation vectors, for the flavours that read by it
MOTLEY_PARAMETERS_END(MatmulParameters)

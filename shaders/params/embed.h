// Parameters of embed.comp.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(EmbedParameters)
  uint units;      // packed units along a row of the table
  uint width;      // elements of an embedding
  uint first_row;  // first token id of the bound part of the table
  uint rows;       // token ids it holds
  uint tokens;     // tokens to look up
  uint x_stride;   // elements from one output vector to the next
MOTLEY_PARAMETERS_END(EmbedParameters)

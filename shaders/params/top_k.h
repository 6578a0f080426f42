// Parameters of top_k.comp, and what it writes.
#ifdef __cplusplus
#pragma once
#endif
#include "params/parameters.h"

MOTLEY_PARAMETERS(TopKParameters)
  uint count;     // logits
  uint k;         // how many are wanted, 1 to 256
  uint capacity;  // entries the output holds, at least k
MOTLEY_PARAMETERS_END(TopKParameters)

#ifdef __cplusplus
#define MOTLEY_TOP_K_WORD(name, index) constexpr uint32_t name = index;
namespace motley::shaders {
#else
#define MOTLEY_TOP_K_WORD(name, index) const uint name = index;
#endif

// The output, as 32-bit words.
MOTLEY_TOP_K_WORD(TOP_K_FOUND, 0)    // logits found; entries are missing when this exceeds the capacity
MOTLEY_TOP_K_WORD(TOP_K_NANS, 1)     // logits that are NaN
MOTLEY_TOP_K_WORD(TOP_K_ENTRIES, 2)  // from here on entries of two words: id, logit

#ifdef __cplusplus
}
#endif

// The step buffer: what changes from one run of recorded commands to the next, as 32-bit words written by the host,
// and by draw.comp.
#ifdef __cplusplus
#pragma once
#include <cstdint>
#define MOTLEY_STEP_WORD(name, index) constexpr uint32_t name = index;
namespace motley::shaders {
#else
#define MOTLEY_STEP_WORD(name, index) const uint name = index;
#endif

MOTLEY_STEP_WORD(STEP_POSITION, 0)          // position of the step's first token
MOTLEY_STEP_WORD(STEP_SPLITS, 1)            // parts into which attention divides the positions
MOTLEY_STEP_WORD(STEP_CHANCES, 2)           // from 0 to 1, single precision: decide what is drawn in every other step (draw.comp)
MOTLEY_STEP_WORD(STEP_ATTENTION_GROUPS, 4)  // workgroup counts of attention (indirect dispatch), 3 words a slice of the cache
MOTLEY_STEP_WORD(STEP_TOKENS, 64)           // token ids from here on

#ifdef __cplusplus
}
#endif

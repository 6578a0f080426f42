// What top_k.comp found and draw.comp drew, as 32-bit words.
#ifdef __cplusplus
#pragma once
#include <cstdint>
#define MOTLEY_FOUND_WORD(name, index) constexpr uint32_t name = index;
namespace motley::shaders {
#else
#define MOTLEY_FOUND_WORD(name, index) const uint name = index;
#endif

MOTLEY_FOUND_WORD(FOUND_COUNT, 0)    // logits found; entries are missing when this exceeds the capacity
MOTLEY_FOUND_WORD(FOUND_NANS, 1)     // logits that are NaN
MOTLEY_FOUND_WORD(FOUND_DRAWN, 2)    // the token that draw.comp drew
MOTLEY_FOUND_WORD(FOUND_ENTRIES, 3)  // from here on entries of two words: id, logit

#ifdef __cplusplus
}
#endif

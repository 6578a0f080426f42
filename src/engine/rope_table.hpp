// Cosines and sines of every position's rotations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace motley::engine {

/// [position][pair] of (cos, sin), computed in float64: a GPU's own sin and cos lose digits for large angles.
std::vector<float> make_rope_table(std::span<const double> frequencies, uint32_t positions);

}  // namespace motley::engine

// The frequencies of the rotary position embedding.
#pragma once

#include <span>
#include <vector>

#include "model/config.hpp"

namespace motley::model {

/// Rotation per position of each of the rope_dimensions/2 pairs, radians: with n = rope_dimensions,
/// base^(-2i/n) [/ factors[i]] [* rope_scale], blended between scaled and unscaled where YaRN is enabled.
/// (Su et al. 2021, arXiv:2104.09864.) `factors` are the values of Tensors::rope_factors, or empty. Throws
/// Error{kMalformedModel} when their number is another or one is not finite and positive.
std::vector<double> rope_frequencies(const Config& config, std::span<const float> factors);

}  // namespace motley::model

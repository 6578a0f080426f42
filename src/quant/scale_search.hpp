// The search for the scale, or scale and minimum, with which few levels represent a run of weights best.
#pragma once

#include <cstddef>

namespace motley::quant {

constexpr size_t kAffineRun = 32;
constexpr size_t kSymmetricRun = 16;

/// weight ~ scale * q - minimum, with scale >= 0, minimum >= 0 and q in 0..largest_level.
struct AffineFit {
  float scale;
  float minimum;
};

/// The fit of the least squared error among a series of trial roundings, each refined by linear regression.
/// `weights` are kAffineRun finite numbers.
AffineFit fit_affine(const float* weights, int largest_level);

/// The same of kSymmetricRun numbers and without a minimum: weight ~ scale * q with q in -levels..levels-1;
/// the scale may be negative.
float fit_symmetric(const float* weights, int levels);

}  // namespace motley::quant

// One GPU that several drivers offer.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "placement/rank.hpp"

namespace motley::placement {

/// What shows that two candidates are one GPU ("PCI address 0000:01:00.0"); empty when they are two.
std::string same_gpu(const Candidate& a, const Candidate& b);

/// For each candidate the one to use instead: itself, or the same GPU through the preferred driver; where no
/// driver is preferred, the first.
std::vector<size_t> preferred_twins(std::span<const Candidate> candidates);

}  // namespace motley::placement

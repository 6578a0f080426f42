// A plan as a picture.
#pragma once

#include <string>

#include <motley/motley.hpp>

namespace motley::tools {

/// An SVG image 900 pixels wide that needs nothing beside itself: which layers lie where, for each device its
/// memory and its share of a token's time with the reason, and the plans not taken.
std::string plan_as_svg(const Plan& plan);

}  // namespace motley::tools

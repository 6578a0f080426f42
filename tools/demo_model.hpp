// The small story-telling model that comes with Motley.
#pragma once

#include <filesystem>
#include <string_view>

namespace motley::tools {

/// What its stories begin with when nobody says otherwise.
constexpr std::string_view kDemoPrompt = "Once upon a time";

/// Where it is: in the installation, or in the source tree that this command was built from. Throws
/// Error{kIo} that names the places where it was sought.
std::filesystem::path find_demo_model();

}  // namespace motley::tools

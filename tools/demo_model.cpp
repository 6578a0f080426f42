#include "demo_model.hpp"

#include <array>
#include <string>

#include <fmt/format.h>
#include <motley/error.hpp>

namespace motley::tools {

std::filesystem::path find_demo_model() {
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", none).parent_path();
  const std::array places{
      folder.parent_path() / "share/motley/stories.gguf",  // installed: PREFIX/bin/motley
      folder.parent_path() / "tools/demo/stories.gguf",    // built: SOURCE/build/motley
      std::filesystem::path(MOTLEY_DEMO_MODEL),            // built elsewhere
  };
  std::string sought;
  for (const std::filesystem::path& place : places) {
    if (std::filesystem::exists(place, none)) return place;
    sought += fmt::format("{}'{}'", sought.empty() ? "" : ", ", place.string());
  }
  throw Error(ErrorCode::kIo, fmt::format("no model was named, and the demo model is at none of {}", sought));
}

}  // namespace motley::tools

#include "base/cache_directory.hpp"

#include <cstdlib>

namespace motley {

std::optional<std::filesystem::path> cache_directory() {
  std::filesystem::path base;
  const char* given = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (given != nullptr && std::filesystem::path(given).is_absolute()) {
    base = given;
  } else if (home != nullptr && *home != '\0') {
    base = std::filesystem::path(home) / ".cache";
  } else {
    return std::nullopt;
  }
  const std::filesystem::path directory = base / "motley";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return std::nullopt;
  return directory;
}

}  // namespace motley

// Where Motley keeps what it can make again.
#pragma once

#include <filesystem>
#include <optional>

namespace motley {

/// $XDG_CACHE_HOME/motley or ~/.cache/motley (XDG Base Directory Specification), made when missing. Nothing
/// when there is no home or it cannot be made: caches are then simply not kept.
std::optional<std::filesystem::path> cache_directory();

}  // namespace motley

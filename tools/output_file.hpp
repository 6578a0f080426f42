// Results written to a file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace motley::tools {

/// Writes the file so that it holds the old or the new content, never half of it: a temporary beside it, then
/// a rename. What exists and is no regular file (a device, a pipe) is written to as it is. Throws Error{kIo}
/// with the reason, and leaves no temporary behind.
void write_output_file(const std::filesystem::path& path, std::span<const std::byte> content);

}  // namespace motley::tools

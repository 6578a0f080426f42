// Text from files and from standard input.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace motley::tools {

/// The whole file, which may be a pipe. Throws Error{kIo}: missing, unreadable, a directory, above 1 GiB.
std::string read_text_file(const std::filesystem::path& path);

/// The same without one line end at its end, which editors put there and no writer of a prompt means.
std::string read_prompt_file(const std::filesystem::path& path);

/// All of standard input. Throws Error{kIo}.
std::string read_standard_input();

/// Whether standard input has something to say, be it only its end, within `patience`.
bool standard_input_speaks(std::chrono::milliseconds patience);

/// Drops one "\n" or "\r\n" from the end.
std::string without_last_line_end(std::string text);

}  // namespace motley::tools

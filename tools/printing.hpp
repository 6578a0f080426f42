// Figures and foreign text in a form for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace motley::tools {

/// "812 B", "1.8 MiB", "24.0 GiB".
std::string human_size(std::uint64_t size_bytes);

/// `text` with control characters, which could steer the terminal, as "?".
std::string printable(std::string_view text);

/// `text` as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

/// `value` with 9 significant digits, enough to tell any two floats apart; "null" where it is not finite.
std::string json_number(float value);

/// Writes to standard error; what cannot be written there is lost.
void write_error(std::string_view text) noexcept;

/// One line on standard error that says who speaks: "motley: ...".
void say(std::string_view text);

/// Whether standard error is a terminal, so that a progress bar makes sense.
bool stderr_is_terminal();

}  // namespace motley::tools

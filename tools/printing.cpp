#include "printing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace motley::tools {

std::string human_size(std::uint64_t size_bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (size_bytes < 1024) return fmt::format("{} B", size_bytes);
  double size = static_cast<double>(size_bytes) / 1024;
  size_t unit = 0;
  // 1023.95 and above would be printed as 1024.0.
  for (; size >= 1023.95 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string printable(std::string_view text) {
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; },
      '?');
  return shown;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_number(float value) {
  return std::isfinite(value) ? fmt::format("{:.9g}", value) : std::string("null");
}

void write_error(std::string_view text) noexcept {
  // Unlike fmt::print, which throws, as on a terminal that was closed meanwhile.
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

void say(std::string_view text) { write_error(fmt::format("motley: {}\n", text)); }

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace motley::tools

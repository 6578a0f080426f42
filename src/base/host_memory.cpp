#include "base/host_memory.hpp"

#include <fstream>
#include <string>

#include "base/math.hpp"

namespace motley {

std::optional<uint64_t> host_available_bytes(const std::filesystem::path& meminfo) {
  std::ifstream file(meminfo);
  for (std::string name; file >> name;) {
    uint64_t kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return checked_multiply(kibibytes, 1024);
    file.clear();  // a line without a number
    file.ignore(1 << 16, '\n');
  }
  return std::nullopt;
}

}  // namespace motley

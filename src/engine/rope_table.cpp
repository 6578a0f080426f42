#include "engine/rope_table.hpp"

#include <cmath>

namespace motley::engine {

std::vector<float> make_rope_table(std::span<const double> frequencies, uint32_t positions) {
  std::vector<float> table;
  table.reserve(size_t{positions} * frequencies.size() * 2);
  for (uint32_t position = 0; position < positions; ++position) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(position) * frequency;
      table.push_back(static_cast<float>(std::cos(angle)));
      table.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return table;
}

}  // namespace motley::engine

#include "placement/same_gpu.hpp"

#include <fmt/format.h>

#include "placement/quirks.hpp"

namespace motley::placement {
namespace {

/// Zeros stand for an identity that the driver does not know.
bool known(const std::string& identity) { return identity.find_first_not_of("0-:.") != std::string::npos; }

int preference(const Candidate& candidate) { return find_quirks(candidate.driver_name, {}).preference; }

}  // namespace

std::string same_gpu(const Candidate& a, const Candidate& b) {
  const bool pci = known(a.pci_address) && known(b.pci_address);
  const bool luid = known(a.luid) && known(b.luid);
  if (pci) return a.pci_address == b.pci_address ? fmt::format("PCI address {}", a.pci_address) : "";
  if (luid) return a.luid == b.luid ? fmt::format("LUID {}", a.luid) : "";
  return known(a.uuid) && a.uuid == b.uuid ? fmt::format("UUID {}", a.uuid) : "";
}

std::vector<size_t> preferred_twins(std::span<const Candidate> candidates) {
  std::vector<size_t> preferred(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    preferred[i] = i;
    for (size_t other = 0; other < candidates.size(); ++other) {
      if (other == i || same_gpu(candidates[i], candidates[other]).empty()) continue;
      const int gain = preference(candidates[other]) - preference(candidates[preferred[i]]);
      if (gain > 0 || (gain == 0 && other < preferred[i])) preferred[i] = other;
    }
  }
  return preferred;
}

}  // namespace motley::placement

#include "model/architecture.hpp"

#include <array>

namespace motley::model {
namespace {

constexpr std::array kArchitectures = {
    Architecture{.name = "llama", .rope = RopeStyle::kInterleaved, .qkv_bias = false, .qk_norm = false},
    Architecture{.name = "qwen2", .rope = RopeStyle::kHalves, .qkv_bias = true, .qk_norm = false},
    Architecture{.name = "qwen3", .rope = RopeStyle::kHalves, .qkv_bias = false, .qk_norm = true},
};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

std::string supported_architectures() {
  std::string names;
  for (const Architecture& architecture : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += architecture.name;
  }
  return names;
}

}  // namespace motley::model

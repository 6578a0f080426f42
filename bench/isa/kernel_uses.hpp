// Every kernel as the engine uses it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/profile.hpp"
#include "vk/recorder.hpp"

namespace motley::isa {

/// One call of a function of src/kernels, which chooses variants and specialization constants for the device.
struct KernelUse {
  std::string name;  ///< e.g. "matmul q4_0, 1 token"
  std::function<void(kernels::Context& context, vk::CommandList& commands)> record;
};

/// Uses with the sizes of an 8B Llama, and of other heads. `memory`, which must outlive them, is bound
/// wherever they want memory; kUseMemoryBytes are enough.
std::vector<KernelUse> kernel_uses(const vk::Buffer& memory);

constexpr uint64_t kUseMemoryBytes = uint64_t{1} << 30;

}  // namespace motley::isa

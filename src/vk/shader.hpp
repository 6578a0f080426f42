// SPIR-V and what it says of itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace motley::vk {

/// A compiled shader as the build made it. The words live as long as the program.
struct ShaderCode {
  const char* name = "";  ///< e.g. "matmul.q4_0"
  std::span<const uint32_t> words;
};

/// What the host must agree with, read from the SPIR-V.
struct ShaderInterface {
  struct Binding {
    uint32_t index = 0;
    bool reads = true;
    bool writes = true;
    /// Seen as texels of four 32-bit words (`utextureBuffer`), which the shader only reads, instead of as a
    /// storage buffer.
    bool texels = false;
    /// Not bound: the shader reads it by its address, which it finds among the parameters.
    bool by_address = false;
  };
  std::vector<Binding> bindings;  ///< buffers of set 0, by index
  uint32_t push_constant_bytes = 0;
  uint32_t specialization_constants = 0;  ///< their ids are 0 … n−1
};

/// A gap among the bindings of a shader that reads by addresses is a buffer read so. Throws Error{kInternal}
/// when the words are no SPIR-V, or leave gaps in the bindings of another.
ShaderInterface reflect(const ShaderCode& shader);

}  // namespace motley::vk

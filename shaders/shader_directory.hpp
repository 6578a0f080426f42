// For those who write kernels: compiles them at run time from a folder of sources. Not part of release
// builds.
#pragma once

#include <deque>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vk/shader.hpp"

namespace motley::shaders {

/// How a variant of the table is compiled, as cmake/shaders.cmake calls glslc.
struct VariantSource {
  const char* name;    ///< "matmul.q4_0.n8"
  const char* kernel;  ///< "matmul", of kernels/matmul.comp
  /// glslc's options, separated by spaces; include paths are relative to the folder of sources.
  const char* flags;
};

/// One for each row of table().
std::span<const VariantSource> sources();

/// A folder laid out as `shaders`. Thread-safe.
class ShaderDirectory {
 public:
  explicit ShaderDirectory(std::filesystem::path root) : root_(std::move(root)) {}

  /// The folder that $MOTLEY_SHADER_DIR names; null where it names none.
  static ShaderDirectory* of_environment();

  /// The variant compiled from what the folder holds when it is first asked for; null when there is no such
  /// variant. The code lives as long as this object. Throws Error{kIo} when the kernel's source cannot be
  /// read, Error{kInvalidArgument} with the compiler's words, FILE:LINE first, when it does not compile.
  const vk::ShaderCode* find(std::string_view name);

 private:
  struct Compiled {
    vk::ShaderCode code;
    std::vector<uint32_t> words;
  };

  std::filesystem::path root_;
  std::mutex mutex_;
  std::deque<Compiled> compiled_;  // never moves its elements
};

}  // namespace motley::shaders

#include "shader_table.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"

#ifdef MOTLEY_SHADER_COMPILER
#include "shader_directory.hpp"
#endif

namespace motley::shaders {

const vk::ShaderCode* find(std::string_view name) {
#ifdef MOTLEY_SHADER_COMPILER
  if (ShaderDirectory* directory = ShaderDirectory::of_environment()) return directory->find(name);
#endif
  const auto found =
      std::ranges::find_if(table(), [&](const vk::ShaderCode& code) { return name == code.name; });
  return found == table().end() ? nullptr : &*found;
}

const vk::ShaderCode& get(std::string_view name) {
  const vk::ShaderCode* code = find(name);
  if (code == nullptr) fail(ErrorCode::kInternal, "there is no kernel '{}' in this build", name);
  return *code;
}

uint64_t fingerprint() {
  static const uint64_t hash = [] {
    uint64_t value = hash_bytes({});
    for (const vk::ShaderCode& code : table()) {
      value = hash_bytes(std::as_bytes(std::span(std::string_view(code.name))), value);
      value = hash_words(code.words, value);
    }
    return value;
  }();
  return hash;
}

}  // namespace motley::shaders

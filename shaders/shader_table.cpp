#include "shader_table.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace motley::shaders {

const vk::ShaderCode* find(std::string_view name) {
  const auto found =
      std::ranges::find_if(table(), [&](const vk::ShaderCode& code) { return name == code.name; });
  return found == table().end() ? nullptr : &*found;
}

const vk::ShaderCode& get(std::string_view name) {
  const vk::ShaderCode* code = find(name);
  if (code == nullptr) fail(ErrorCode::kInternal, "there is no kernel '{}' in this build", name);
  return *code;
}

}  // namespace motley::shaders

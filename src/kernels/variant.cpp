#include "kernels/variant.hpp"

#include "base/error.hpp"

namespace motley::kernels {

const vk::ShaderCode* usable_shader(const Context& context, std::string_view stem, const Variant& variant,
                                    std::string& reasons) {
  const std::string name = std::string(stem) + variant.flavour;
  const Verdict* verdict = context.choices.find(name);
  if (verdict == nullptr || verdict->passed) return context.find_shader(name);
  reasons += fmt::format("; {}: {}", name, verdict->reason);
  return nullptr;
}

void fail_without_variant(const Context& context, std::string_view stem, const std::string& reasons) {
  const vk::DeviceFacts& facts = context.device.facts();
  fail(ErrorCode::kDeviceLost,
       "'{}' (driver {} {}) has no variant of kernel '{}' that works{}. Update its driver, or take another "
       "device",
       facts.name, facts.driver_name, facts.driver_info, stem, reasons);
}

}  // namespace motley::kernels

#include "kernels/variant.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace motley::kernels {

const vk::ShaderCode* usable_shader(const Profile& profile, std::string_view stem, const Variant& variant,
                                    std::string& reasons) {
  const std::string name = std::string(stem) + variant.flavour;
  const Verdict* verdict = profile.choices.find(name);
  if (verdict == nullptr || verdict->passed) return profile.find_shader(name);
  reasons += fmt::format("; {}: {}", name, verdict->reason);
  return nullptr;
}

void fail_without_variant(const Profile& profile, std::string_view stem, const std::string& reasons) {
  fail(ErrorCode::kDeviceLost,
       "{} has no variant of kernel '{}' that works{}. Update its driver, try again with 'motley devices "
       "--measure', or take another device",
       profile.device, stem, reasons);
}

double nmse_limit(Arithmetic arithmetic, double float32_limit) {
  switch (arithmetic) {
    case Arithmetic::kFloat32:
      break;
    case Arithmetic::kInt8Activations:
      return std::max(1e-4, float32_limit);
    case Arithmetic::kFloat16Activations:
      return std::max(2e-7, float32_limit);
    case Arithmetic::kFloat16Sums:
      return std::max(5e-4, float32_limit);
  }
  return float32_limit;
}

Choice<Variant> choose_only(const Profile& profile, std::string_view name) {
  static constexpr Variant kOnly[] = {{"", &kAnyDevice}};
  return choose<Variant>(profile, name, kOnly, [](const Variant&) { return true; });
}

}  // namespace motley::kernels

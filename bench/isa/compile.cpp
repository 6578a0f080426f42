#include "isa/compile.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "isa/kernel_uses.hpp"
#include "vk/buffer.hpp"
#include "vk/pipeline_statistics.hpp"

namespace motley::isa {
namespace {

constexpr const char* kFamilies[] = {"polaris10", "vega10", "navi10", "navi21", "gfx1100"};

constexpr FigureInfo kFigures[] = {
    {"vgprs", "VGPRs", "VGPRs", &Figures::vgprs},
    {"sgprs", "SGPRs", "SGPRs", &Figures::sgprs},
    {"spilled_vgprs", "spill V", "Spilled VGPRs", &Figures::spilled_vgprs},
    {"spilled_sgprs", "spill S", "Spilled SGPRs", &Figures::spilled_sgprs},
    {"scratch_bytes", "scratch", "Scratch size", &Figures::scratch_bytes},
    {"shared_bytes", "shared", "LDS size", &Figures::shared_bytes},
    {"subgroups_per_simd", "occup.", "Subgroups per SIMD", &Figures::subgroups_per_simd},
    {"instructions", "instr.", "Instructions", &Figures::instructions},
    {"latency", "latency", "Latency", &Figures::latency},
    {"inverse_throughput", "inv. thr.", "Inverse Throughput", &Figures::inverse_throughput},
};

/// The description of RADV as VK_ICD_FILENAMES wants it; empty when the driver is not installed.
std::string radv_description() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/vulkan/icd.d", error)) {
    if (entry.path().filename().string().starts_with("radeon_icd")) return entry.path().string();
  }
  return {};
}

/// The null hardware of a family; nothing where the driver offers none. A later RADV ignores the variable,
/// and shows the cards that are there.
std::shared_ptr<vk::Instance> open_null_hardware(const std::string& family) {
  const std::string description = radv_description();
  if (description.empty()) return nullptr;
  ::setenv("VK_ICD_FILENAMES", description.c_str(), 1);
  ::setenv("RADV_FORCE_FAMILY", family.c_str(), 1);
  try {
    auto instance = vk::Instance::create();
    const auto& devices = instance->devices();
    if (devices.size() == 1 && devices[0].facts.name.starts_with("Null hardware")) return instance;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNoDevice) throw;
  }
  return nullptr;
}

Figures figures_of(const vk::Device& device, const vk::Pipeline& pipeline) {
  const std::vector<vk::PipelineStatistic> statistics = vk::pipeline_statistics(device, pipeline);
  Figures figures;
  for (const FigureInfo& figure : kFigures) {
    const auto found = std::ranges::find(statistics, figure.statistic, &vk::PipelineStatistic::name);
    if (found == statistics.end()) {
      fail(ErrorCode::kUnsupported, "'{}' does not tell the '{}' of '{}'", device.facts().name,
           figure.statistic, pipeline.name());
    }
    figures.*figure.member = found->value;
  }
  return figures;
}

/// False where every variant of a kernel that the use needs is switched off.
bool record(kernels::Context& context, const KernelUse& use) {
  try {
    vk::CommandList commands(context.device);
    use.record(context, commands);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDeviceLost) throw;
    return false;
  }
}

/// The pipelines that a use makes beside those `seen`: with the variants that the device prefers, then, those
/// switched off, with what comes next, until nothing is left.
std::vector<const vk::Pipeline*> new_pipelines(vk::Device& device, const KernelUse& use,
                                               std::set<const vk::Pipeline*>& seen) {
  kernels::Context context(device);
  std::vector<const vk::Pipeline*> found;
  for (bool again = true; again;) {
    const size_t before = found.size();
    again = record(context, use);
    for (const vk::Pipeline* pipeline : device.pipelines()) {
      if (!seen.insert(pipeline).second) continue;
      found.push_back(pipeline);
      context.profile.choices.verdicts[pipeline->name()] = {.reason = "compiled before"};
    }
    again = again && found.size() > before;
  }
  return found;
}

}  // namespace

std::span<const FigureInfo> all_figures() { return kFigures; }

std::span<const char* const> all_families() { return kFamilies; }

std::optional<Compiled> compile(const std::string& family, uint32_t subgroup_size) {
  const std::shared_ptr<vk::Instance> instance = open_null_hardware(family);
  if (instance == nullptr) return std::nullopt;
  const vk::PhysicalDevice& physical = instance->devices()[0];
  const vk::DeviceFacts& facts = physical.facts;
  Compiled compiled{facts.driver_info,
                    facts.min_subgroup_size,
                    facts.max_subgroup_size,
                    facts.packed_dot_product_accelerated,
                    {}};
  if (subgroup_size != 0 &&
      (subgroup_size < facts.min_subgroup_size || subgroup_size > facts.max_subgroup_size))
    return compiled;

  const auto device =
      vk::Device::create(instance, physical, {.compile_only = true, .subgroup_size = subgroup_size});
  const vk::Buffer memory(*device, kUseMemoryBytes, vk::MemoryUse::kDevice, "kernels' uses");
  std::set<const vk::Pipeline*> seen;
  for (const KernelUse& use : kernel_uses(memory)) {
    for (const vk::Pipeline* pipeline : new_pipelines(*device, use, seen)) {
      compiled.rows.push_back(
          {family, use.name, pipeline->name(), pipeline->constants(), figures_of(*device, *pipeline)});
    }
  }
  return compiled;
}

}  // namespace motley::isa

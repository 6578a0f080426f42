#include "vk/pipeline.hpp"

#include "base/error.hpp"
#include "vk/result.hpp"

namespace motley::vk {

namespace {

/// Whether a pipeline must ask for this subgroup size; not where the device has no other.
bool asks_for_subgroups_of(uint32_t size, const ShaderCode& shader, const DeviceFacts& facts) {
  if (size == 0) return false;
  if (!facts.subgroup_size_control && size == facts.subgroup_size) return false;
  if (!facts.subgroup_size_control || size < facts.min_subgroup_size || size > facts.max_subgroup_size) {
    fail(ErrorCode::kUnsupported, "shader '{}' wants subgroups of {}; '{}' has those of {} to {}",
         shader.name, size, facts.name, facts.min_subgroup_size, facts.max_subgroup_size);
  }
  return true;
}

}  // namespace

VkDescriptorType descriptor_type(const ShaderInterface::Binding& binding) {
  return binding.texels ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

Pipeline::Pipeline(Device& device, const ShaderCode& shader, std::span<const uint32_t> constants,
                   uint32_t subgroup_size, VkPipelineCache cache)
    : name_(shader.name), constants_(constants.begin(), constants.end()), interface_(reflect(shader)) {
  if (constants.size() < interface_.specialization_constants) {
    fail(ErrorCode::kInternal, "shader '{}' has {} specialization constants, {} are given", shader.name,
         interface_.specialization_constants, constants.size());
  }
  if (!constants.empty() && constants[0] > device.facts().max_workgroup_invocations) {
    fail(ErrorCode::kUnsupported, "shader '{}' wants a workgroup of {}; '{}' allows {}", shader.name,
         constants[0], device.facts().name, device.facts().max_workgroup_invocations);
  }
  create_layouts(device);
  create_pipeline(device, shader, subgroup_size, cache);
}

void Pipeline::create_layouts(Device& device) {
  const VolkDeviceTable& table = device.table();
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (const ShaderInterface::Binding& binding : interface_.bindings) {
    if (binding.by_address) continue;
    bindings.push_back({binding.index, descriptor_type(binding), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
  }
  VkDescriptorSetLayoutCreateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  set_info.bindingCount = static_cast<uint32_t>(bindings.size());
  set_info.pBindings = bindings.data();
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  check(table.vkCreateDescriptorSetLayout(device.handle(), &set_info, nullptr, &set_layout),
        "vkCreateDescriptorSetLayout");
  set_layout_ = {device.handle(), set_layout, table.vkDestroyDescriptorSetLayout};

  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, interface_.push_constant_bytes};
  VkPipelineLayoutCreateInfo layout_info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout_info.setLayoutCount = 1;
  layout_info.pSetLayouts = &set_layout;
  layout_info.pushConstantRangeCount = interface_.push_constant_bytes > 0 ? 1 : 0;
  layout_info.pPushConstantRanges = &range;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  check(table.vkCreatePipelineLayout(device.handle(), &layout_info, nullptr, &layout),
        "vkCreatePipelineLayout");
  layout_ = {device.handle(), layout, table.vkDestroyPipelineLayout};
}

void Pipeline::create_pipeline(Device& device, const ShaderCode& shader, uint32_t subgroup_size,
                               VkPipelineCache cache) {
  const VolkDeviceTable& table = device.table();
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = shader.words.size_bytes();
  module_info.pCode = shader.words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  check(table.vkCreateShaderModule(device.handle(), &module_info, nullptr, &module), "vkCreateShaderModule");
  const DeviceHandle<VkShaderModule> module_owner(device.handle(), module, table.vkDestroyShaderModule);

  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < interface_.specialization_constants; ++i) {
    entries.push_back({i, i * static_cast<uint32_t>(sizeof(uint32_t)), sizeof(uint32_t)});
  }
  const VkSpecializationInfo specialization{static_cast<uint32_t>(entries.size()), entries.data(),
                                            constants_.size() * sizeof(uint32_t), constants_.data()};
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT subgroups{
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT};
  subgroups.requiredSubgroupSize = subgroup_size;
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  if (device.options().compile_only) info.flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  if (asks_for_subgroups_of(subgroup_size, shader, device.facts())) {
    info.stage.pNext = &subgroups;
    if (device.facts().full_subgroups && !constants_.empty() && constants_[0] % subgroup_size == 0)
      info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
  }
  info.layout = layout_.get();
  VkPipeline pipeline = VK_NULL_HANDLE;
  check(table.vkCreateComputePipelines(device.handle(), cache, 1, &info, nullptr, &pipeline),
        fmt::format("vkCreateComputePipelines for '{}' on '{}'", shader.name, device.facts().name));
  pipeline_ = {device.handle(), pipeline, table.vkDestroyPipeline};
}

}  // namespace motley::vk

// A compute pipeline with the interface its shader declares.
#pragma once

#include <span>
#include <vector>

#include "vk/device.hpp"
#include "vk/handle.hpp"
#include "vk/shader.hpp"

namespace motley::vk {

VkDescriptorType descriptor_type(const ShaderInterface::Binding& binding);

/// Made by Device::pipeline, which keeps it.
class Pipeline {
 public:
  /// `subgroup_size` 0: the driver's choice.
  Pipeline(Device& device, const ShaderCode& shader, std::span<const uint32_t> constants,
           uint32_t subgroup_size, VkPipelineCache cache);

  const char* name() const { return name_; }
  /// The values of its specialization constants.
  const std::vector<uint32_t>& constants() const { return constants_; }
  const ShaderInterface& interface() const { return interface_; }
  VkPipeline handle() const { return pipeline_.get(); }
  VkPipelineLayout layout() const { return layout_.get(); }
  VkDescriptorSetLayout set_layout() const { return set_layout_.get(); }

 private:
  void create_layouts(Device& device);
  void create_pipeline(Device& device, const ShaderCode& shader, uint32_t subgroup_size,
                       VkPipelineCache cache);

  const char* name_;
  std::vector<uint32_t> constants_;
  ShaderInterface interface_;
  DeviceHandle<VkDescriptorSetLayout> set_layout_;
  DeviceHandle<VkPipelineLayout> layout_;
  DeviceHandle<VkPipeline> pipeline_;
};

}  // namespace motley::vk

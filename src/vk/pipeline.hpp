// A compute pipeline with the interface its shader declares.
#pragma once

#include <span>
#include <string>

#include "vk/device.hpp"
#include "vk/handle.hpp"
#include "vk/shader.hpp"

namespace motley::vk {

VkDescriptorType descriptor_type(const ShaderInterface::Binding& binding);

/// Made by Device::pipeline, which keeps it.
class Pipeline {
 public:
  Pipeline(Device& device, const ShaderCode& shader, std::span<const uint32_t> constants,
           VkPipelineCache cache);

  const char* name() const { return name_; }
  const ShaderInterface& interface() const { return interface_; }
  VkPipeline handle() const { return pipeline_.get(); }
  VkPipelineLayout layout() const { return layout_.get(); }
  VkDescriptorSetLayout set_layout() const { return set_layout_.get(); }

 private:
  void create_layouts(Device& device);
  void create_pipeline(Device& device, const ShaderCode& shader, std::span<const uint32_t> constants,
                       VkPipelineCache cache);

  const char* name_;
  ShaderInterface interface_;
  DeviceHandle<VkDescriptorSetLayout> set_layout_;
  DeviceHandle<VkPipelineLayout> layout_;
  DeviceHandle<VkPipeline> pipeline_;
};

}  // namespace motley::vk

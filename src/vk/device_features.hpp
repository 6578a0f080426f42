// What a device is asked for when it is created.
#pragma once

#include <vector>

#include <volk.h>

#include "vk/device.hpp"

namespace motley::vk {

/// The extensions and the chain of features that a device's facts name. Its parts point to each other.
class DeviceFeatures {
 public:
  /// Throws Error{kUnsupported} when `options` ask for what the device has not.
  DeviceFeatures(const DeviceFacts& facts, const DeviceOptions& options);
  DeviceFeatures(const DeviceFeatures&) = delete;
  DeviceFeatures& operator=(const DeviceFeatures&) = delete;

  const VkPhysicalDeviceFeatures2* features() const { return &features_; }
  const std::vector<const char*>& extensions() const { return extensions_; }

 private:
  /// Puts a structure of features that an extension has into the chain.
  template <typename Features>
  void add(Features& features, const char* extension) {
    add(features);
    extensions_.push_back(extension);
  }
  /// The same of Vulkan itself.
  template <typename Features>
  void add(Features& features) {
    features.pNext = features_.pNext;
    features_.pNext = &features;
  }

  VkPhysicalDeviceVulkan12Features v12_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features v11_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &v12_};
  VkPhysicalDeviceFeatures2 features_{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v11_};
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT subgroups_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_product_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
#ifdef VK_KHR_cooperative_matrix
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
#endif
#ifdef VK_NV_cooperative_matrix2
  VkPhysicalDeviceCooperativeMatrix2FeaturesNV large_matrices_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
  /// Shaders of SPIR-V 1.6 take a workgroup's size from specialization constants by what came with it.
  VkPhysicalDeviceMaintenance4Features maintenance4_{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES};
#endif
  std::vector<const char*> extensions_;
};

}  // namespace motley::vk

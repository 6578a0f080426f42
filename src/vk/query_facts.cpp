#include "vk/query_facts.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "vk/result.hpp"

namespace motley::vk {
namespace {

DeviceType type_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return DeviceType::kDiscrete;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return DeviceType::kIntegrated;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return DeviceType::kVirtual;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return DeviceType::kCpu;
    default:
      return DeviceType::kOther;
  }
}

void query_properties(VkPhysicalDevice device, DeviceFacts& facts) {
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES, &v12};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v11};
  vkGetPhysicalDeviceProperties2(device, &properties);

  const VkPhysicalDeviceProperties& core = properties.properties;
  facts.name = core.deviceName;
  facts.type = type_of(core.deviceType);
  facts.vendor_id = core.vendorID;
  facts.device_id = core.deviceID;
  facts.api_version = core.apiVersion;
  facts.driver_version = core.driverVersion;
  facts.driver_name = v12.driverName;
  facts.driver_info = v12.driverInfo;
  facts.driver_id = static_cast<uint32_t>(v12.driverID);
  std::copy_n(v11.deviceUUID, VK_UUID_SIZE, facts.uuid.begin());
  if (v11.deviceLUIDValid) std::copy_n(v11.deviceLUID, VK_LUID_SIZE, facts.luid.emplace().begin());
  std::copy_n(core.pipelineCacheUUID, VK_UUID_SIZE, facts.pipeline_cache_uuid.begin());

  const VkPhysicalDeviceLimits& limits = core.limits;
  facts.max_storage_buffer_range_bytes = limits.maxStorageBufferRange;
  facts.max_texel_buffer_bytes = uint64_t{limits.maxTexelBufferElements} * kTexelBytes;
  facts.max_allocation_bytes = v11.maxMemoryAllocationSize;
  facts.storage_buffer_alignment_bytes = limits.minStorageBufferOffsetAlignment;
  facts.texel_buffer_alignment_bytes = limits.minTexelBufferOffsetAlignment;
  facts.non_coherent_atom_bytes = limits.nonCoherentAtomSize;
  facts.max_workgroup_invocations =
      std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  facts.max_shared_memory_bytes = limits.maxComputeSharedMemorySize;
  std::copy_n(limits.maxComputeWorkGroupCount, 3, facts.max_workgroup_count.begin());
  facts.timestamp_period_ns = static_cast<double>(limits.timestampPeriod);
  facts.subgroup_size = v11.subgroupSize;
  facts.subgroup_ballot = (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_BALLOT_BIT) != 0 &&
                          (v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
}

std::string query_pci_address(VkPhysicalDevice device) {
  VkPhysicalDevicePCIBusInfoPropertiesEXT pci{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &pci};
  vkGetPhysicalDeviceProperties2(device, &properties);
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", pci.pciDomain, pci.pciBus, pci.pciDevice, pci.pciFunction);
}

void query_memory(VkPhysicalDevice device, DeviceFacts& facts) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device, &memory);
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    facts.heaps.push_back(
        {memory.memoryHeaps[i].size, (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0});
  }
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    facts.memory_types.push_back({memory.memoryTypes[i].heapIndex,
                                  (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0,
                                  (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0,
                                  (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0,
                                  (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0});
  }
}

void query_integer_dot_product(VkPhysicalDevice device, DeviceFacts& facts) {
  if (!has_device_extension(device, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) return;
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &dot};
  vkGetPhysicalDeviceFeatures2(device, &features);
  VkPhysicalDeviceShaderIntegerDotProductProperties accelerated{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &accelerated};
  vkGetPhysicalDeviceProperties2(device, &properties);
  facts.integer_dot_product = dot.shaderIntegerDotProduct;
  facts.packed_dot_product_accelerated =
      facts.integer_dot_product && accelerated.integerDotProduct4x8BitPackedSignedAccelerated;
}

void query_features(VkPhysicalDevice device, DeviceFacts& facts) {
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &v12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v11};
  vkGetPhysicalDeviceFeatures2(device, &features);
  facts.storage_16bit = v11.storageBuffer16BitAccess;
  facts.float16 = v12.shaderFloat16;
  facts.int8 = v12.shaderInt8 && v12.storageBuffer8BitAccess;
  facts.buffer_device_address = v12.bufferDeviceAddress && features.features.shaderInt64;
}

void query_subgroup_size_control(VkPhysicalDevice device, DeviceFacts& facts) {
  facts.min_subgroup_size = facts.max_subgroup_size = facts.subgroup_size;
  if (!has_device_extension(device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) return;
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &control};
  vkGetPhysicalDeviceFeatures2(device, &features);
  VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &sizes};
  vkGetPhysicalDeviceProperties2(device, &properties);
  if (!control.subgroupSizeControl || (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0)
    return;
  facts.subgroup_size_control = true;
  facts.full_subgroups = control.computeFullSubgroups;
  facts.min_subgroup_size = sizes.minSubgroupSize;
  facts.max_subgroup_size = sizes.maxSubgroupSize;
}

#ifdef VK_KHR_cooperative_matrix
/// Shaders with cooperative matrices declare half-precision arithmetic and Vulkan's memory model.
bool has_cooperative_matrices(VkPhysicalDevice device) {
  if (!has_device_extension(device, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) return false;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &matrices};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v12};
  vkGetPhysicalDeviceFeatures2(device, &features);
  return matrices.cooperativeMatrix && v12.shaderFloat16 && v12.vulkanMemoryModel;
}

/// With sums in single precision; of matrices of fixed or any size.
template <typename Properties>
bool multiplies_halves(const Properties& matrix) {
  return matrix.AType == VK_COMPONENT_TYPE_FLOAT16_KHR && matrix.BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
         matrix.CType == VK_COMPONENT_TYPE_FLOAT32_KHR && matrix.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR;
}

std::vector<MatrixShape> query_half_matrices(VkPhysicalDevice device) {
  if (!has_cooperative_matrices(device)) return {};
  uint32_t count = 0;
  check(vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, nullptr),
        "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  std::vector<VkCooperativeMatrixPropertiesKHR> all(
      count, VkCooperativeMatrixPropertiesKHR{VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR});
  check(vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, all.data()),
        "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  std::vector<MatrixShape> shapes;
  for (const VkCooperativeMatrixPropertiesKHR& matrix : all)
    if (matrix.scope == VK_SCOPE_SUBGROUP_KHR && multiplies_halves(matrix))
      shapes.push_back({matrix.MSize, matrix.NSize, matrix.KSize});
  return shapes;
}
#else
/// Vulkan's headers before 1.3.255 know of none.
std::vector<MatrixShape> query_half_matrices(VkPhysicalDevice) { return {}; }
#endif

#ifdef VK_NV_cooperative_matrix2
VkPhysicalDeviceCooperativeMatrix2FeaturesNV query_matrix_features(VkPhysicalDevice device) {
  VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrices{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &matrices};
  vkGetPhysicalDeviceFeatures2(device, &features);
  return matrices;
}

/// Sets what facts tell of matrices of any size. Shaders with them are SPIR-V 1.6, which is of Vulkan 1.3.
void query_matrix_teams(VkPhysicalDevice device, DeviceFacts& facts) {
  if (facts.half_matrices.empty() || facts.api_version < VK_API_VERSION_1_3 ||
      !has_device_extension(device, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME)) {
    return;
  }
  const VkPhysicalDeviceCooperativeMatrix2FeaturesNV features = query_matrix_features(device);
  if (!features.cooperativeMatrixFlexibleDimensions || !features.cooperativeMatrixPerElementOperations)
    return;
  VkPhysicalDeviceCooperativeMatrix2PropertiesNV limits{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &limits};
  vkGetPhysicalDeviceProperties2(device, &properties);
  facts.max_matrix_dimension = limits.cooperativeMatrixFlexibleDimensionsMaxDimension;
  facts.matrix_team_shared_bytes = limits.cooperativeMatrixWorkgroupScopeReservedSharedMemory;

  const char* const call = "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV";
  uint32_t count = 0;
  check(vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(device, &count, nullptr), call);
  std::vector<VkCooperativeMatrixFlexibleDimensionsPropertiesNV> all(
      count, VkCooperativeMatrixFlexibleDimensionsPropertiesNV{
                 VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV});
  check(vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(device, &count, all.data()), call);
  for (const VkCooperativeMatrixFlexibleDimensionsPropertiesNV& matrix : all) {
    const bool subgroup = matrix.scope == VK_SCOPE_SUBGROUP_KHR;
    const bool workgroup =
        matrix.scope == VK_SCOPE_WORKGROUP_KHR && features.cooperativeMatrixWorkgroupScope &&
        matrix.workgroupInvocations <= limits.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize;
    if (!multiplies_halves(matrix) || matrix.saturatingAccumulation || !(subgroup || workgroup)) continue;
    facts.half_matrix_teams.push_back({{matrix.MGranularity, matrix.NGranularity, matrix.KGranularity},
                                       subgroup ? 0 : matrix.workgroupInvocations});
  }
}
#else
/// Nor do those before 2025 of larger ones.
void query_matrix_teams(VkPhysicalDevice, DeviceFacts&) {}
#endif

bool query_pipeline_statistics(VkPhysicalDevice device) {
  if (!has_device_extension(device, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME)) return false;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &statistics};
  vkGetPhysicalDeviceFeatures2(device, &features);
  return statistics.pipelineExecutableInfo;
}

uint64_t query_host_import_alignment(VkPhysicalDevice device) {
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &host};
  vkGetPhysicalDeviceProperties2(device, &properties);
  return host.minImportedHostPointerAlignment;
}

std::vector<VkQueueFamilyProperties> queue_families(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  return families;
}

}  // namespace

bool has_device_extension(VkPhysicalDevice device, std::string_view name) {
  uint32_t count = 0;
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<VkExtensionProperties> extensions(count);
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data()),
        "vkEnumerateDeviceExtensionProperties");
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const VkExtensionProperties& extension) { return name == extension.extensionName; });
}

int find_compute_family(VkPhysicalDevice device) {
  const std::vector<VkQueueFamilyProperties> families = queue_families(device);
  int found = -1;
  for (uint32_t i = 0; i < families.size(); ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    const bool graphics = (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0;
    if (found < 0 || !graphics) found = static_cast<int>(i);
    if (!graphics) break;
  }
  return found;
}

DeviceFacts query_facts(VkPhysicalDevice device) {
  DeviceFacts facts;
  query_properties(device, facts);
  query_features(device, facts);
  query_integer_dot_product(device, facts);
  if (const int family = find_compute_family(device); family >= 0)
    facts.timestamp_bits = queue_families(device)[static_cast<size_t>(family)].timestampValidBits;
  query_subgroup_size_control(device, facts);
  facts.half_matrices = query_half_matrices(device);
  query_matrix_teams(device, facts);
  facts.pipeline_statistics = query_pipeline_statistics(device);
  if (has_device_extension(device, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
    facts.host_import_alignment_bytes = query_host_import_alignment(device);
  facts.memory_budget = has_device_extension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  if (has_device_extension(device, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME))
    facts.pci_address = query_pci_address(device);
  query_memory(device, facts);
  return facts;
}

}  // namespace motley::vk

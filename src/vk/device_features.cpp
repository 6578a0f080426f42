#include "vk/device_features.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace motley::vk {

DeviceFeatures::DeviceFeatures(const DeviceFacts& facts, const DeviceOptions& options) {
  v12_.timelineSemaphore = VK_TRUE;
  v12_.shaderFloat16 = facts.float16;
  v12_.bufferDeviceAddress = facts.buffer_device_address;
  features_.features.shaderInt64 = facts.buffer_device_address;
  v11_.storageBuffer16BitAccess = facts.storage_16bit;
  if (facts.subgroup_size_control) {
    subgroups_.subgroupSizeControl = VK_TRUE;
    subgroups_.computeFullSubgroups = facts.full_subgroups;
    add(subgroups_, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  }
  if (facts.integer_dot_product) {
    dot_product_.shaderIntegerDotProduct = VK_TRUE;
    add(dot_product_, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  }
#ifdef VK_KHR_cooperative_matrix
  if (!facts.half_matrices.empty()) {
    v12_.vulkanMemoryModel = VK_TRUE;
    matrices_.cooperativeMatrix = VK_TRUE;
    add(matrices_, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  }
#endif
#ifdef VK_NV_cooperative_matrix2
  if (!facts.half_matrix_teams.empty()) {
    maintenance4_.maintenance4 = VK_TRUE;
    add(maintenance4_);
    large_matrices_.cooperativeMatrixFlexibleDimensions = VK_TRUE;
    large_matrices_.cooperativeMatrixPerElementOperations = VK_TRUE;
    large_matrices_.cooperativeMatrixWorkgroupScope = std::ranges::any_of(
        facts.half_matrix_teams, [](const MatrixTeam& team) { return team.workgroup > 0; });
    add(large_matrices_, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME);
  }
#endif
  if (options.compile_only) {
    if (!facts.pipeline_statistics)
      fail(ErrorCode::kUnsupported, "the driver of '{}' tells nothing of its pipelines", facts.name);
    statistics_.pipelineExecutableInfo = VK_TRUE;
    add(statistics_, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
  }
  if (facts.host_import_alignment_bytes > 0)
    extensions_.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  if (facts.memory_budget) extensions_.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
}

}  // namespace motley::vk

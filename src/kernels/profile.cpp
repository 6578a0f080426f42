#include "kernels/profile.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "placement/quirks.hpp"

namespace motley::kernels {

Profile make_profile(const vk::DeviceFacts& facts) {
  Profile profile;
  profile.device = fmt::format("'{}' (driver {} {})", facts.name, facts.driver_name, facts.driver_info);
  if (facts.type == vk::DeviceType::kCpu) {
    profile.lanes = std::clamp(std::bit_floor(facts.subgroup_size), 4U, 16U);
    profile.workgroup = profile.lanes;
    profile.max_split = 1;
    profile.attention_workgroup = profile.lanes;
    profile.head_workgroup = profile.lanes;
    profile.attention_split = 2048;
    profile.reads_in_stretches = true;
    profile.bandwidth_buffer_bytes = uint64_t{64} << 20;
    profile.bandwidth_groups = 512;
    profile.measured_columns = 2048;
    profile.matvec_buffers = 3;
    profile.matvec_buffer_bytes = uint64_t{16} << 20;
    profile.matmat_rows = 1024;
    profile.measured_heads = 8;
    profile.measured_head_size = 64;
    profile.measured_positions = 512;
    profile.measured_chunk = 64;
    // The compiled flavours are for subgroups of 4 (SwiftShader), 8 and 16 (lavapipe with vectors of 256 and
    // 512 bits).
    const bool whole_subgroup = profile.lanes == facts.subgroup_size;
    profile.broadcast = facts.subgroup_ballot && whole_subgroup ? profile.lanes : 0;
    const placement::Quirks quirks = placement::find_quirks(facts.driver_name, facts.driver_info);
    profile.texel_loads = quirks.slow_storage_loads;
    profile.int8_activations = quirks.fast_integer_products;
  } else {
    profile.workgroup = std::min(256U, std::bit_floor(facts.max_workgroup_invocations));
    profile.max_split = profile.workgroup / profile.lanes;
    profile.head_workgroup = std::clamp(std::bit_floor(facts.subgroup_size), 32U, 64U);
  }
  return profile;
}

}  // namespace motley::kernels

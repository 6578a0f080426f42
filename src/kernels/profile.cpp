#include "kernels/profile.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "placement/quirks.hpp"

namespace motley::kernels {

namespace {

Profile named_profile(const vk::DeviceFacts& facts) {
  Profile profile;
  profile.device = fmt::format("'{}' (driver {} {})", facts.name, facts.driver_name, facts.driver_info);
  return profile;
}

/// The largest product of matrices that tiles of 64 rows and 32 tokens a subgroup, in blocks of 32 weights,
/// can be made of; none where subgroups may be of any size or have idle lanes.
vk::MatrixShape best_matrices(const vk::DeviceFacts& facts) {
  vk::MatrixShape best;
  if (!facts.subgroup_size_control || !facts.full_subgroups) return best;
  for (const vk::MatrixShape& shape : facts.half_matrices) {
    const bool fits = shape.m > 0 && shape.n > 0 && shape.k > 0 && 64 % shape.m == 0 && 32 % shape.n == 0 &&
                      32 % shape.k == 0;
    if (fits && shape.m * shape.n * shape.k > best.m * best.n * best.k) best = shape;
  }
  return best;
}

/// Who can compute tiles of 128 rows and 64 tokens in blocks of 32 weights: workgroups as a whole, or where
/// none can, subgroups of one size.
std::vector<vk::MatrixTeam> fitting_teams(const vk::DeviceFacts& facts) {
  std::vector<vk::MatrixTeam> teams;
  for (const vk::MatrixTeam& team : facts.half_matrix_teams) {
    const auto& [m, n, k] = team.granularity;
    const bool fits = m > 0 && n > 0 && k > 0 && 128 % m == 0 && 64 % n == 0 && 32 % k == 0;
    const bool has_members = team.workgroup > 0 ? team.workgroup <= facts.max_workgroup_invocations
                                                : facts.subgroup_size_control && facts.full_subgroups;
    if (fits && has_members) teams.push_back(team);
  }
  std::ranges::sort(teams, {}, &vk::MatrixTeam::workgroup);
  if (!teams.empty() && teams.back().workgroup > 0)
    std::erase_if(teams, [](const vk::MatrixTeam& team) { return team.workgroup == 0; });
  return teams;
}

Profile make_cpu_profile(const vk::DeviceFacts& facts) {
  Profile profile = named_profile(facts);
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
  profile.address_loads = quirks.fast_address_loads && facts.buffer_device_address;
  profile.int8_activations = quirks.fast_integer_products;
  profile.dot_products = facts.integer_dot_product && quirks.fast_packed_dot_products;
  return profile;
}

}  // namespace

Profile make_gpu_profile(const vk::DeviceFacts& facts) {
  Profile profile = named_profile(facts);
  profile.workgroup = std::min(256U, std::bit_floor(facts.max_workgroup_invocations));
  profile.max_split = profile.workgroup / profile.lanes;
  profile.head_workgroup = std::clamp(std::bit_floor(facts.subgroup_size), 32U, 64U);
  profile.tiles = true;
  profile.shared_memory_bytes = facts.max_shared_memory_bytes;
  profile.dot_products = facts.packed_dot_product_accelerated;
  profile.matrices = best_matrices(facts);
  profile.matrix_subgroup = facts.subgroup_size;
  profile.matrix_teams = fitting_teams(facts);
  profile.max_matrix_dimension = facts.max_matrix_dimension;
  profile.matrix_shared_bytes =
      facts.max_shared_memory_bytes - std::min(facts.max_shared_memory_bytes, facts.matrix_team_shared_bytes);
  return profile;
}

Profile make_profile(const vk::DeviceFacts& facts) {
  return facts.type == vk::DeviceType::kCpu ? make_cpu_profile(facts) : make_gpu_profile(facts);
}

}  // namespace motley::kernels

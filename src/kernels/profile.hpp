// Choices that every kernel makes alike for a device.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/choices.hpp"
#include "shader_table.hpp"
#include "vk/device.hpp"

namespace motley::kernels {

struct Profile {
  /// Lanes of a weight panel: a lane holds four rows. Eight lanes of 16 bytes are a GPU's cache line; on a
  /// CPU driver they are the whole subgroup, one vector register.
  uint32_t lanes = 8;
  /// Invocations of workgroups that share work through shared memory; a power of two. CPU drivers run a
  /// workgroup on one core and pay for every subgroup and barrier, so there it is one subgroup.
  uint32_t workgroup = 64;
  /// Most groups of lanes that share a panel's columns.
  uint32_t max_split = 32;
  /// Invocations of a workgroup of attention, which has a head or a few to itself; a power of two.
  uint32_t attention_workgroup = 64;
  /// Invocations of workgroups that have a head or a few blocks of weights to themselves, one subgroup; a
  /// power of two.
  uint32_t head_workgroup = 32;
  /// Positions a workgroup of attention handles when one token is decoded; more are split among workgroups.
  uint32_t attention_split = 256;
  /// Lanes among which activations are handed round in registers (0: not at all).
  uint32_t broadcast = 0;
  /// Loads from storage buffers are slow there (a quirk of the driver), those from texel buffers are not.
  bool texel_loads = false;
  /// So are those by address.
  bool address_loads = false;
  /// Products of 32-bit integers with activations rounded to 8 bits are faster than those in single
  /// precision.
  bool int8_activations = false;
  /// So are dot products of four bytes with four such activations.
  bool dot_products = false;
  /// Products for many tokens are computed by tiles in shared memory, which CPU drivers do not have.
  bool tiles = false;
  /// Fewer tiles than that leave cores of a large GPU idle: then smaller ones are taken.
  uint32_t enough_tiles = 96;
  uint32_t shared_memory_bytes = uint32_t{32} << 10;
  /// The product of cooperative matrices that tiles are made of, and the subgroups that compute it; m 0:
  /// none.
  vk::MatrixShape matrices;
  uint32_t matrix_subgroup = 0;
  /// Who multiplies matrices as large as a tile (workgroups alone or a subgroup, the smallest first; empty:
  /// nobody), and how large those and what a tile has of shared memory may be.
  std::vector<vk::MatrixTeam> matrix_teams;
  uint32_t max_matrix_dimension = 0;
  uint32_t matrix_shared_bytes = 0;
  /// What a measurement of bandwidth reads, and by how many workgroups: well beyond the caches, and enough to
  /// keep every core busy.
  bool reads_in_stretches = false;  ///< each workgroup its own; otherwise all side by side
  uint64_t bandwidth_buffer_bytes = uint64_t{512} << 20;
  uint32_t bandwidth_groups = 2048;
  /// What a measurement of matmul multiplies (kernels/measurement.hpp): matrices as large as a model's,
  /// several of them, so that together they are well beyond the caches; fewer rows and tokens on the slow CPU
  /// drivers.
  uint32_t measured_columns = 4096;
  uint32_t matvec_buffers = 8;
  uint64_t matvec_buffer_bytes = uint64_t{32} << 20;
  uint32_t matmat_rows = 4096;
  /// And one of attention: heads that share keys by fours, of so many positions.
  uint32_t measured_heads = 32;
  uint32_t measured_head_size = 128;
  uint32_t measured_positions = 2048;
  uint32_t measured_chunk = 512;  ///< tokens whose attention or vectors are computed at once
  /// Name and driver, for messages.
  std::string device;
  /// What is known of the variants there.
  Choices choices;
  /// Where the variants' code comes from; null for one that this build left out.
  const vk::ShaderCode* (*find_shader)(std::string_view name) = &shaders::find;

  /// Whether there may be products with activations rounded to 8 bits.
  bool rounds_to_bytes() const { return int8_activations || dot_products; }
};

Profile make_profile(const vk::DeviceFacts& facts);

/// That of a GPU with these facts, also where they are those of a CPU driver: for trying a GPU's variants
/// there.
Profile make_gpu_profile(const vk::DeviceFacts& facts);

/// A device with its profile: what recording a kernel needs.
struct Context {
  vk::Device& device;
  Profile profile;

  explicit Context(vk::Device& of) : device(of), profile(make_profile(of.facts())) {}
};

}  // namespace motley::kernels

// Machines written down: the file of devices that `motley plan --devices-from` reads.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "placement/machine.hpp"

namespace motley::placement {

/// Bytes beyond which no file of devices is read.
inline constexpr uint64_t kMaxMachineFileBytes = uint64_t{1} << 20;

/// Reads a machine from JSON (RFC 8259):
///
///   {"devices": [{"name": "RTX 4090", "type": "discrete", "memory_bytes": 25757220864, "bandwidth_gbs":
///   1008,
///                 "matrix_tflops": 165, "link_gbs": 25, "dispatch_us": 4, "handoff_us": 60, "power_w": 450,
///                 "rates": {"q4_0": {"matvec_gbs": 900, "matmat_gflops": 70000}}}],
///    "host": {"memory_bytes": 68719476736, "bandwidth_gbs": 60}}
///
/// Only `devices` and of each device `name` and `memory_bytes` must be there; figures are as in PlanDevice
/// and Host, and those left out stay 0. `type` is discrete (so without one), integrated, virtual, cpu or
/// other. `source` may stand in every object, for the reader, and is ignored. `formats`: those that `rates`
/// may name; empty: any. Devices of one name are told apart by " #2", " #3" and so on.
///
/// Throws Error{kInvalidArgument} that says where in which file, what was found and what is wanted. `file`
/// names the text in messages.
Machine parse_machine(std::string_view text, const std::string& file,
                      std::span<const std::string_view> formats = {});

/// The same from a file; throws Error{kIo} too: unreadable, or larger than kMaxMachineFileBytes.
Machine read_machine_file(const std::filesystem::path& path, std::span<const std::string_view> formats = {});

/// Gives devices whose name another before them has a number: "RTX 3090", "RTX 3090 #2".
void number_namesakes(Machine& machine);

}  // namespace motley::placement

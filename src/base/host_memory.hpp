// How much memory the machine has left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace motley {

/// Bytes that programs may still take without swapping, as Linux estimates them (MemAvailable in proc(5));
/// nothing where the system does not tell. `meminfo` is another file for tests.
std::optional<uint64_t> host_available_bytes(const std::filesystem::path& meminfo = "/proc/meminfo");

}  // namespace motley

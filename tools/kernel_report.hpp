// What kernels took, as a table for people and as a timeline for trace viewers.
#pragma once

#include <string>
#include <vector>

#include <motley/motley.hpp>

namespace motley::tools {

/// Time by kernel, longest first, of prompts and of decoding: runs, time and share, achieved GB/s and
/// GFLOP/s, and the rest of the stage's time, when no kernel ran.
std::string kernel_table(const std::vector<KernelStatistics>& kernels,
                         const std::vector<StageStatistics>& stages);

/// The Chrome trace event format (a JSON object; Perfetto and chrome://tracing open it): a process a device,
/// a thread a stage. Times are microseconds since the first run.
std::string trace_json(const std::vector<KernelRun>& runs, const std::vector<StageStatistics>& stages);

}  // namespace motley::tools

// What each device did, beside what was predicted.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <motley/motley.hpp>

namespace motley::tools {

/// A table for people: a row a stage, and a line for each prediction that was off by more than 15 %, with the
/// likely reason.
std::string stage_table(const std::vector<StageStatistics>& stages);

/// The same as one JSON object.
std::string stage_json(const std::vector<StageStatistics>& stages);

double milliseconds(std::chrono::nanoseconds time);

/// 0 … 1; 0 of nothing.
double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole);

}  // namespace motley::tools

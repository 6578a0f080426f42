// One line on a terminal that tells how far something is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace motley::tools {

/// Draws on standard error when that is a terminal, else nothing; leaves no trace when it is destroyed.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  /// `done` of `total`, of whatever unit, and what else is worth saying. Draws ten times a second at most.
  void update(std::uint64_t done, std::uint64_t total, std::string_view note = {});

 private:
  std::string title_;
  bool visible_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace motley::tools

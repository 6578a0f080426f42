// What devices draw while something runs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <motley/motley.hpp>

namespace motley::tools {

/// Reads the power of devices every 50 ms, from its making on, where each of them tells its.
class PowerLog {
 public:
  explicit PowerLog(std::vector<Device> devices);
  PowerLog(const PowerLog&) = delete;
  PowerLog& operator=(const PowerLog&) = delete;
  ~PowerLog();

  bool tells() const { return thread_.joinable(); }
  /// Watts of all devices together, the mean of the readings so far; nothing where one does not tell.
  std::optional<double> mean_watts() const;

 private:
  std::optional<double> read() const;
  void keep_reading();

  std::vector<Device> devices_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  double sum_ = 0;
  int readings_ = 0;
  std::thread thread_;
};

}  // namespace motley::tools

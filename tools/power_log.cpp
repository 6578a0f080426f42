#include "power_log.hpp"

#include <chrono>
#include <utility>

namespace motley::tools {
namespace {

constexpr std::chrono::milliseconds kPause{50};

}  // namespace

PowerLog::PowerLog(std::vector<Device> devices) : devices_(std::move(devices)) {
  if (read().has_value()) thread_ = std::thread([this] { keep_reading(); });
}

PowerLog::~PowerLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<double> PowerLog::mean_watts() const {
  const std::lock_guard lock(mutex_);
  if (readings_ == 0) return std::nullopt;
  return sum_ / readings_;
}

std::optional<double> PowerLog::read() const {
  double watts = 0;
  for (const Device& device : devices_) {
    const std::optional<double> one = device.watts();
    if (!one.has_value()) return std::nullopt;
    watts += *one;
  }
  return watts;
}

void PowerLog::keep_reading() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const std::optional<double> watts = read();
    lock.lock();
    if (watts.has_value()) {
      sum_ += *watts;
      ++readings_;
    }
    changed_.wait_for(lock, kPause, [this] { return stop_; });
  }
}

}  // namespace motley::tools

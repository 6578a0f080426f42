#include "base/log.hpp"

#include <atomic>
#include <cstdio>
#include <mutex>

namespace motley {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kWarning};
std::mutex g_mutex;
LogSink g_sink;

const char* prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
    default:
      return "";
  }
}

}  // namespace

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(g_mutex);
  g_sink = std::move(sink);
}

void set_log_level(LogLevel level) { g_level = level; }

bool log_enabled(LogLevel level) { return level >= g_level.load(std::memory_order_relaxed); }

void log_message(LogLevel level, std::string_view message) {
  const std::lock_guard lock(g_mutex);
  if (g_sink) {
    g_sink(level, message);
  } else {
    fmt::print(stderr, "{}{}\n", prefix(level), message);
  }
}

}  // namespace motley

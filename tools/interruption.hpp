// Ctrl-C.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace motley::tools {

/// While it lives, an interrupt (SIGINT) does what the current scope says. Without a scope, and at the second
/// interrupt in one scope, the process ends at once with exit code 130.
///
/// The signal is blocked in all threads and awaited by one, so that what it starts is ordinary code. Make it
/// before anything else starts threads: they inherit the blocked signal. Where the caller had the process
/// ignore interrupts, as a shell does for what it starts in the background, it goes on to ignore them.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  /// Names what the first interrupt does, from another thread, until the end of the scope. Scopes do not
  /// nest.
  class Scope {
   public:
    Scope(Interruption& interruption, std::function<void()> action);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();
    /// Whether an interrupt came.
    bool interrupted() const;

   private:
    Interruption& interruption_;
  };

 private:
  void wait();

  bool ignored_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::function<void()> action_;
  bool interrupted_ = false;
  std::chrono::steady_clock::time_point first_{};  // interrupt in this scope
  bool ending_ = false;

  std::thread waiter_;
};

}  // namespace motley::tools

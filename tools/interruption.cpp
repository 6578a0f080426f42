#include "interruption.hpp"

#include <csignal>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include "exit_code.hpp"

namespace motley::tools {
namespace {

/// Signals closer together than this are one wish: timeout(1), for one, signals its child and then the group
/// that the child is in.
constexpr auto kOnePress = std::chrono::milliseconds(200);

sigset_t interrupt_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Interruption::Interruption() {
  struct sigaction present {};
  ::sigaction(SIGINT, nullptr, &present);
  ignored_ = present.sa_handler == SIG_IGN;
  const sigset_t set = interrupt_signal();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::thread([this] { wait(); });
}

Interruption::~Interruption() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  // Wakes the waiter. The signal stays blocked here: one that comes now ends nothing that is not ending
  // anyway.
  ::pthread_kill(waiter_.native_handle(), SIGINT);
  waiter_.join();
}

void Interruption::wait() {
  const sigset_t set = interrupt_signal();
  for (;;) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (ignored_) continue;
    const auto now = std::chrono::steady_clock::now();
    if (interrupted_ && now - first_ < kOnePress) continue;
    if (!action_ || interrupted_) ::_exit(kInterrupted);
    interrupted_ = true;
    first_ = now;
    action_();
  }
}

Interruption::Scope::Scope(Interruption& interruption, std::function<void()> action)
    : interruption_(interruption) {
  const std::lock_guard lock(interruption_.mutex_);
  interruption_.action_ = std::move(action);
  interruption_.interrupted_ = false;
}

Interruption::Scope::~Scope() {
  const std::lock_guard lock(interruption_.mutex_);
  interruption_.action_ = nullptr;
}

bool Interruption::Scope::interrupted() const {
  const std::lock_guard lock(interruption_.mutex_);
  return interruption_.interrupted_;
}

}  // namespace motley::tools

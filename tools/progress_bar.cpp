#include "progress_bar.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "printing.hpp"

namespace motley::tools {
namespace {

constexpr size_t kWidth = 30;
constexpr auto kPause = std::chrono::milliseconds(100);

}  // namespace

ProgressBar::ProgressBar(std::string title) : title_(std::move(title)), visible_(stderr_is_terminal()) {}

ProgressBar::~ProgressBar() {
  if (drawn_) write_error("\r\033[K");
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total, std::string_view note) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || total == 0 || (drawn_ && now - last_ < kPause)) return;
  last_ = now;
  drawn_ = true;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<size_t>(share * static_cast<double>(kWidth));
  write_error(fmt::format("\r{} [{:<{}}] {:3.0f} % {}\033[K", title_, std::string(filled, '#'), kWidth,
                          share * 100, note));
}

}  // namespace motley::tools

// What is known of the kernel variants on one device with its driver.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace motley::kernels {

/// How a variant did when its results were compared with a double-precision computation.
struct Verdict {
  bool passed = false;
  double nmse = 0;     ///< its largest error, as a share of the results' power
  std::string reason;  ///< why it is switched off; empty where it passed
};

/// Kernel variants by the names of their shaders. One that was not tried is taken to be right.
struct Choices {
  std::map<std::string, Verdict, std::less<>> verdicts;

  /// Nothing where it was not tried.
  const Verdict* find(std::string_view variant) const {
    const auto found = verdicts.find(variant);
    return found == verdicts.end() ? nullptr : &found->second;
  }
};

}  // namespace motley::kernels

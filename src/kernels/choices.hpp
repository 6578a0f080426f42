// What is known of the kernel variants on one device with its driver.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace motley::kernels {

/// How a variant did when its results were compared with a double-precision computation.
struct Verdict {
  bool passed = false;
  double nmse = 0;     ///< its largest error, as a share of the results' power
  std::string reason;  ///< why it is switched off; empty where it passed
};

/// What tuning found for something that a kernel is used for.
struct Tuned {
  struct Figure {
    std::string variant;
    double rate = 0;  ///< 1e9 bytes of weights or operations a second; 0: it was not timed
  };

  std::string variant;          ///< the one to take; empty: the first of the kernel's table that suits
  std::vector<Figure> figures;  ///< of all variants that there were to choose from, best first by the table

  /// Nothing where it is none of them.
  const Figure* find(std::string_view name) const {
    const auto found = std::ranges::find(figures, name, &Figure::variant);
    return found == figures.end() ? nullptr : &*found;
  }
};

/// Kernel variants by the names of their shaders. One that was not tried is taken to be right.
struct Choices {
  std::map<std::string, Verdict, std::less<>> verdicts;
  std::map<std::string, Tuned, std::less<>> tuned;  ///< by Use::key()
  double tuning_seconds = 0;                        ///< that it took in this process, where it did

  /// Nothing where it was not tried.
  const Verdict* find(std::string_view variant) const {
    const auto found = verdicts.find(variant);
    return found == verdicts.end() ? nullptr : &found->second;
  }
  /// Nothing where it was not tuned.
  const Tuned* find_tuned(std::string_view use) const {
    const auto found = tuned.find(use);
    return found == tuned.end() ? nullptr : &found->second;
  }
};

}  // namespace motley::kernels

// How fast it went.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <motley/motley.hpp>

namespace motley::tools {

struct Statistics {
  std::chrono::nanoseconds load_time{};
  std::uint64_t prompt_tokens = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t decoded_tokens = 0;  ///< drawn, less the first of each text: it follows from the prompt's run
  std::chrono::nanoseconds prompt_time{};
  std::chrono::nanoseconds decode_time{};

  void add(const Generation& generation);
};

/// Tokens a second; 0 where nothing was measured.
double tokens_per_second(std::uint64_t tokens, std::chrono::nanoseconds time);

/// Says the figures on standard error, three lines. Measures the device's bandwidth, which takes up to a
/// second, to tell which share of it decoding reached: each token reads all the weights, so that the
/// bandwidth limits it.
void say_statistics(const Statistics& statistics, const Engine& engine);

}  // namespace motley::tools

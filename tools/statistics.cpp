#include "statistics.hpp"

#include <fmt/format.h>

#include "printing.hpp"

namespace motley::tools {
namespace {

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string rate(double per_second) {
  return per_second > 0 ? fmt::format(", {:.1f} t/s", per_second) : std::string();
}

std::string memory_limit_share(double decode_rate, const Engine& engine) {
  const double bandwidth = engine.device().bandwidth_gbs();
  if (!(bandwidth > 0)) return {};
  const double read = decode_rate * static_cast<double>(engine.bytes_per_token()) / 1e9;
  return fmt::format(", {:.1f} % of the memory limit ({:.1f} of {:.1f} GB/s)", 100 * read / bandwidth, read,
                     bandwidth);
}

}  // namespace

void Statistics::add(const Generation& generation) {
  prompt_tokens += generation.prompt_tokens;
  generated_tokens += generation.generated_tokens;
  // The end-of-text token was computed as well, though it is not part of the text.
  const std::uint32_t drawn = generation.generated_tokens + (generation.reason == StopReason::kEnd ? 1 : 0);
  decoded_tokens += drawn > 0 ? drawn - 1 : 0;
  prompt_time += generation.prompt_time;
  decode_time += generation.decode_time;
}

double tokens_per_second(std::uint64_t tokens, std::chrono::nanoseconds time) {
  return time.count() > 0 ? static_cast<double>(tokens) / seconds(time) : 0;
}

void say_statistics(const Statistics& statistics, const Engine& engine) {
  const double prompt_rate = tokens_per_second(statistics.prompt_tokens, statistics.prompt_time);
  const double decode_rate = tokens_per_second(statistics.decoded_tokens, statistics.decode_time);
  say(fmt::format("load    {:8.2f} s", seconds(statistics.load_time)));
  say(fmt::format("prompt  {:8} tokens{}", statistics.prompt_tokens, rate(prompt_rate)));
  say(fmt::format("decode  {:8} tokens{}{}", statistics.generated_tokens, rate(decode_rate),
                  decode_rate > 0 ? memory_limit_share(decode_rate, engine) : std::string()));
}

}  // namespace motley::tools

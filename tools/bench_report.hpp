// What a benchmark measured, in the forms that people and programs read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <motley/motley.hpp>

namespace motley::tools {

/// One kind of run: `prompt_tokens` in batches, then `decode_tokens` one by one, with `depth_tokens` in the
/// context before; decoding for so many sequences at once, each with as much before.
struct BenchTest {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t decode_tokens = 0;
  std::uint32_t depth_tokens = 0;
  std::uint32_t sequences = 1;

  /// "pp512", "tg128", "pp512+tg128", "tg128 @ d4096": the names that llama-bench gives them; "tg128 x 4".
  std::string name() const;
  /// Of all sequences.
  std::uint64_t tokens() const { return prompt_tokens + std::uint64_t{decode_tokens} * sequences; }
};

/// What all rows of a report have in common.
struct BenchSubject {
  std::string model;
  std::uint64_t model_bytes = 0;
  std::uint64_t parameters = 0;
  std::vector<DeviceInfo> devices;  ///< in the order of the layers
  double bandwidth_gbs = 0;         ///< of the first, measured
  double gflops = 0;                ///< of all, measured
  bool tells_power = false;         ///< what the devices draw is known
  std::uint32_t batch_tokens = 0;
  std::string cache_k, cache_v;
};

struct BenchRow {
  BenchTest test;
  std::vector<double> seconds;          ///< one for each repetition
  double limit_seconds = 0;             ///< what it takes at the devices' limits
  std::vector<StageStatistics> stages;  ///< what each did in this test
  std::optional<double> watts;          ///< of all devices together, on average

  double mean_rate() const;       ///< tokens a second
  double rate_deviation() const;  ///< of the repetitions, as of a sample; 0 for one
  double limit_share() const;     ///< 0 … 1 of what the devices' limits allow
};

/// Writes rows as they come. `format` is "md", "csv", "json" or "jsonl".
class BenchReport {
 public:
  BenchReport(const std::string& format, BenchSubject subject);

  void add(const BenchRow& row);
  void finish();

 private:
  std::string as_json(const BenchRow& row) const;
  std::string as_csv(const BenchRow& row) const;
  std::string as_markdown(const BenchRow& row) const;
  std::string csv_head() const;
  std::string markdown_head() const;
  std::string markdown_line(const std::array<std::string, 6>& cells) const;

  std::string format_;
  BenchSubject subject_;
  bool any_ = false;
};

}  // namespace motley::tools

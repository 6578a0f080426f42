#include "bench_report.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

std::vector<double> rates(const BenchRow& row) {
  std::vector<double> result;
  for (const double seconds : row.seconds) result.push_back(row.test.tokens() / seconds);
  return result;
}

/// A row as names and JSON values in their order: JSON and CSV are two ways of writing it.
std::array<std::pair<const char*, std::string>, 19> fields(const BenchSubject& subject, const BenchRow& row) {
  return {{{"motley_version", json_string(version())},
           {"model", json_string(subject.model)},
           {"model_size_bytes", fmt::to_string(subject.model_bytes)},
           {"model_parameters", fmt::to_string(subject.parameters)},
           {"device", json_string(subject.device.name)},
           {"driver", json_string(subject.device.driver)},
           {"ubatch_size", fmt::to_string(subject.batch_tokens)},
           {"cache_type_k", json_string(subject.cache_k)},
           {"cache_type_v", json_string(subject.cache_v)},
           {"test", json_string(row.test.name())},
           {"n_prompt", fmt::to_string(row.test.prompt_tokens)},
           {"n_gen", fmt::to_string(row.test.decode_tokens)},
           {"n_depth", fmt::to_string(row.test.depth_tokens)},
           {"repetitions", fmt::to_string(row.seconds.size())},
           {"avg_ts", fmt::format("{:.6g}", row.mean_rate())},
           {"stddev_ts", fmt::format("{:.6g}", row.rate_deviation())},
           {"bandwidth_gbs", fmt::format("{:.6g}", subject.bandwidth_gbs)},
           {"bandwidth_share", fmt::format("{:.4f}", row.bandwidth_share(subject.bandwidth_gbs))},
           {"device_memory_bytes", fmt::to_string(row.memory_bytes)}}};
}

std::string human_count(std::uint64_t count) {
  const auto value = static_cast<double>(count);
  return count < 1'000'000'000 ? fmt::format("{:.2f} M", value / 1e6) : fmt::format("{:.2f} B", value / 1e9);
}

/// A CSV field for a JSON value.
std::string csv_field(const std::string& value) {
  if (!value.starts_with('"')) return value;
  std::string field;
  for (const char c : nlohmann::json::parse(value).get<std::string>()) {
    if (c == '"') field += '"';
    field += c;
  }
  return fmt::format("\"{}\"", field);
}

}  // namespace

std::string BenchTest::name() const {
  std::string text;
  if (prompt_tokens > 0) text += fmt::format("pp{}", prompt_tokens);
  if (decode_tokens > 0) text += fmt::format("{}tg{}", text.empty() ? "" : "+", decode_tokens);
  if (depth_tokens > 0) text += fmt::format(" @ d{}", depth_tokens);
  return text;
}

double BenchRow::mean_rate() const {
  const std::vector<double> all = rates(*this);
  return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

double BenchRow::rate_deviation() const {
  if (seconds.size() < 2) return 0;
  const double mean = mean_rate();
  double squares = 0;
  for (const double rate : rates(*this)) squares += (rate - mean) * (rate - mean);
  return std::sqrt(squares / static_cast<double>(seconds.size() - 1));
}

double BenchRow::bandwidth_share(double bandwidth_gbs) const {
  if (test.prompt_tokens > 0 || !(bandwidth_gbs > 0)) return 0;
  return mean_rate() * bytes_per_token / 1e9 / bandwidth_gbs;
}

BenchReport::BenchReport(const std::string& format, BenchSubject subject)
    : format_(format), subject_(std::move(subject)) {
  if (format_ == "md") write_output(markdown_head());
  if (format_ == "csv") write_output(csv_head());
}

void BenchReport::add(const BenchRow& row) {
  if (format_ == "json") write_output(fmt::format("{}{}", any_ ? ",\n" : "[\n", as_json(row)));
  if (format_ == "jsonl") write_output(as_json(row) + "\n");
  if (format_ == "csv") write_output(as_csv(row));
  if (format_ == "md") write_output(as_markdown(row));
  any_ = true;
}

void BenchReport::finish() {
  if (format_ == "json") write_output(any_ ? "\n]\n" : "[]\n");
}

std::string BenchReport::as_json(const BenchRow& row) const {
  std::vector<std::string> members;
  for (const auto& [name, value] : fields(subject_, row))
    members.push_back(fmt::format("\"{}\": {}", name, value));
  return fmt::format("{{{}}}", fmt::join(members, ", "));
}

std::string BenchReport::csv_head() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields(subject_, BenchRow{{}, {1.0}, 0, 0})) names.emplace_back(name);
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string BenchReport::as_csv(const BenchRow& row) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : fields(subject_, row)) values.push_back(csv_field(value));
  return fmt::format("{}\n", fmt::join(values, ","));
}

std::string BenchReport::markdown_head() const {
  return fmt::format(
      "{} ({}, {} parameters) on {}, {}; memory {:.1f} GB/s, measured\n\n"
      "| {:18} | {:>22} | {:>12} | {:>10} |\n| {:-<18} | {:->21}: | {:->11}: | {:->9}: |\n",
      printable(subject_.model), human_size(subject_.model_bytes), human_count(subject_.parameters),
      printable(subject_.device.name), printable(subject_.device.driver), subject_.bandwidth_gbs, "test",
      "t/s", "memory limit", "memory", "", "", "", "");
}

std::string BenchReport::as_markdown(const BenchRow& row) const {
  const double share = row.bandwidth_share(subject_.bandwidth_gbs);
  return fmt::format("| {:18} | {:>22} | {:>12} | {:>10} |\n", row.test.name(),
                     fmt::format("{:.2f} ± {:.2f}", row.mean_rate(), row.rate_deviation()),
                     share > 0 ? fmt::format("{:.1f} %", 100 * share) : "", human_size(row.memory_bytes));
}

}  // namespace motley::tools

#include "bench_report.hpp"

#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "output.hpp"
#include "printing.hpp"
#include "stage_report.hpp"

namespace motley::tools {
namespace {

std::vector<double> rates(const BenchRow& row) {
  std::vector<double> result;
  for (const double seconds : row.seconds) result.push_back(static_cast<double>(row.test.tokens()) / seconds);
  return result;
}

/// The device's share of the time that the test took.
double busy_share(const StageStatistics& stage) {
  return share(stage.decode_busy + stage.prompt_busy, stage.decode_wall + stage.prompt_wall);
}

/// The stages, as a JSON array.
std::string stages_json(const BenchRow& row) {
  auto list = nlohmann::ordered_json::array();
  for (const StageStatistics& stage : row.stages) {
    nlohmann::ordered_json entry;
    entry["device"] = stage.plan.device;
    entry["first_layer"] = stage.plan.first_layer;
    entry["last_layer"] = stage.plan.last_layer;
    entry["busy_share"] = busy_share(stage);
    entry["idle_ms"] =
        milliseconds(stage.decode_wall + stage.prompt_wall - stage.decode_busy - stage.prompt_busy);
    entry["handed_over_bytes"] = stage.handed_over_bytes;
    entry["memory_bytes"] = stage.memory_bytes;
    list.push_back(std::move(entry));
  }
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string joined_names(const BenchSubject& subject, std::string DeviceInfo::*name) {
  std::vector<std::string> names;
  for (const DeviceInfo& device : subject.devices) names.push_back(device.*name);
  return fmt::format("{}", fmt::join(names, " + "));
}

std::uint64_t memory_bytes(const BenchRow& row) {
  std::map<std::uint32_t, std::uint64_t> bytes;  // by device, which may have several stages
  for (const StageStatistics& stage : row.stages) bytes[stage.plan.device_index] = stage.memory_bytes;
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

/// A row as names and JSON values in their order: JSON and CSV are two ways of writing it.
std::array<std::pair<const char*, std::string>, 24> fields(const BenchSubject& subject, const BenchRow& row) {
  const auto or_null = [](std::optional<double> value) {
    return value.has_value() ? fmt::format("{:.6g}", *value) : "null";
  };
  const auto per_joule = row.watts.has_value() ? std::optional(row.mean_rate() / *row.watts) : std::nullopt;
  return {{{"motley_version", json_string(version())},
           {"model", json_string(subject.model)},
           {"model_size_bytes", fmt::to_string(subject.model_bytes)},
           {"model_parameters", fmt::to_string(subject.parameters)},
           {"device", json_string(joined_names(subject, &DeviceInfo::name))},
           {"driver", json_string(joined_names(subject, &DeviceInfo::driver))},
           {"ubatch_size", fmt::to_string(subject.batch_tokens)},
           {"cache_type_k", json_string(subject.cache_k)},
           {"cache_type_v", json_string(subject.cache_v)},
           {"test", json_string(row.test.name())},
           {"n_prompt", fmt::to_string(row.test.prompt_tokens)},
           {"n_gen", fmt::to_string(row.test.decode_tokens)},
           {"n_depth", fmt::to_string(row.test.depth_tokens)},
           {"n_parallel", fmt::to_string(row.test.sequences)},
           {"repetitions", fmt::to_string(row.seconds.size())},
           {"avg_ts", fmt::format("{:.6g}", row.mean_rate())},
           {"stddev_ts", fmt::format("{:.6g}", row.rate_deviation())},
           {"bandwidth_gbs", fmt::format("{:.6g}", subject.bandwidth_gbs)},
           {"gflops", fmt::format("{:.6g}", subject.gflops)},
           {"limit_share", fmt::format("{:.4f}", row.limit_share())},
           {"device_memory_bytes", fmt::to_string(memory_bytes(row))},
           {"watts", or_null(row.watts)},
           {"tokens_per_joule", or_null(per_joule)},
           {"stages", stages_json(row)}}};
}

std::string human_count(std::uint64_t count) {
  const auto value = static_cast<double>(count);
  return count < 1'000'000'000 ? fmt::format("{:.2f} M", value / 1e6) : fmt::format("{:.2f} B", value / 1e9);
}

/// A CSV field for a JSON value.
std::string csv_field(const std::string& value) {
  if (value == "null") return "";
  const bool is_text = value.starts_with('"');
  if (!is_text && !value.starts_with('[')) return value;
  std::string field;
  for (const char c : is_text ? nlohmann::json::parse(value).get<std::string>() : value) {
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
  if (sequences > 1) text += fmt::format(" x {}", sequences);
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

double BenchRow::limit_share() const {
  return mean_rate() * limit_seconds / static_cast<double>(test.tokens());
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
  for (const auto& [name, value] : fields(subject_, BenchRow{{1, 0, 0}, {1.0}})) names.emplace_back(name);
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string BenchReport::as_csv(const BenchRow& row) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : fields(subject_, row)) values.push_back(csv_field(value));
  return fmt::format("{}\n", fmt::join(values, ","));
}

std::string BenchReport::markdown_head() const {
  const std::string title = fmt::format(
      "{} ({}, {} parameters) on {}, {}; memory {:.1f} GB/s, arithmetic {:.0f} GFLOP/s, measured",
      printable(subject_.model), human_size(subject_.model_bytes), human_count(subject_.parameters),
      printable(joined_names(subject_, &DeviceInfo::name)),
      printable(joined_names(subject_, &DeviceInfo::driver)), subject_.bandwidth_gbs, subject_.gflops);
  return title + "\n\n" + markdown_line({"test", "t/s", "of the limit", "busy", "memory", "power"}) +
         fmt::format("| {:-<18} | {:->21}: | {:->11}: | {:->13}: | {:->9}: |{}\n", "", "", "", "", "",
                     subject_.tells_power ? fmt::format(" {:->15}: |", "") : "");
}

std::string BenchReport::as_markdown(const BenchRow& row) const {
  std::vector<std::string> busy;
  for (const StageStatistics& stage : row.stages)
    busy.push_back(fmt::format("{:.0f}", 100 * busy_share(stage)));
  const std::string power =
      row.watts ? fmt::format("{:.0f} W, {:.2f} t/J", *row.watts, row.mean_rate() / *row.watts) : "";
  return markdown_line({row.test.name(),
                        fmt::format("{:.2f} ± {:.2f}", row.mean_rate(), row.rate_deviation()),
                        fmt::format("{:.1f} %", 100 * row.limit_share()),
                        fmt::format("{} %", fmt::join(busy, ", ")), human_size(memory_bytes(row)), power});
}

std::string BenchReport::markdown_line(const std::array<std::string, 6>& cells) const {
  const auto& [test, rate, share, busy, memory, power] = cells;
  return fmt::format("| {:18} | {:>22} | {:>12} | {:>14} | {:>10} |{}\n", test, rate, share, busy, memory,
                     subject_.tells_power ? fmt::format(" {:>16} |", power) : "");
}

}  // namespace motley::tools

#include "engine/measurement_cache.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace motley::engine {
namespace {

using Json = DeviceFiles::Json;
using kernels::Measurements;

constexpr double kMostFigure = 1e9;  // far beyond any device; what is larger is damage

/// The figures of a device as a whole, by their names in the file.
constexpr std::pair<const char*, double Measurements::*> kFigures[] = {
    {"bandwidth_gbs", &Measurements::bandwidth_gbs},
    {"host_read_gbs", &Measurements::host_read_gbs},
    {"upload_gbs", &Measurements::upload_gbs},
    {"download_gbs", &Measurements::download_gbs},
    {"dispatch_us", &Measurements::dispatch_us},
    {"handoff_us", &Measurements::handoff_us},
    {"decode_attention_gflops", &Measurements::decode_attention_gflops},
    {"prefill_attention_gflops", &Measurements::prefill_attention_gflops},
    {"activation_gbs", &Measurements::activation_gbs}};

using kernels::FormatMeasurement;

/// Those of a format.
constexpr std::pair<const char*, double FormatMeasurement::*> kFormatFigures[] = {
    {"matvec_gbs", &FormatMeasurement::matvec_gbs},
    {"matmat_gflops", &FormatMeasurement::matmat_gflops},
    {"few_gflops", &FormatMeasurement::few_gflops},
    {"product_us", &FormatMeasurement::product_us}};

/// The number of that name; throws where there is none or it is no measured figure.
double figure(const Json& object, const char* name) {
  const double value = object.at(name).get<double>();
  if (!(value > 0 && value < kMostFigure)) throw std::out_of_range(name);
  return value;
}

/// Throws an exception of any kind where the file is not as it was written.
Measurements parse(const Json& file) {
  Measurements measured;
  for (const auto& [name, member] : kFigures) measured.*member = figure(file, name);
  for (const Json& entry : file.at("formats")) {
    const auto& formats = quant::all_formats();
    const auto name = entry.at("format").get<std::string>();
    const auto found = std::ranges::find(formats, name, [](const auto& info) { return info.stem; });
    if (found == formats.end()) throw std::out_of_range(name);
    FormatMeasurement& format = measured.formats.emplace_back(FormatMeasurement{.format = found->format});
    for (const auto& [figure_name, member] : kFormatFigures) format.*member = figure(entry, figure_name);
  }
  return measured;
}

Json to_json(const Measurements& measured) {
  Json file;
  for (const auto& [name, member] : kFigures) file[name] = measured.*member;
  file["formats"] = Json::array();
  for (const FormatMeasurement& format : measured.formats) {
    Json entry{{"format", quant::info(format.format).stem}};
    for (const auto& [name, member] : kFormatFigures) entry[name] = format.*member;
    file["formats"].push_back(std::move(entry));
  }
  return file;
}

}  // namespace

MeasurementCache::MeasurementCache(std::optional<std::filesystem::path> directory, std::string build)
    : files_("measured", std::move(directory), std::move(build)) {}

std::optional<Measurements> MeasurementCache::load(const vk::DeviceFacts& facts) const {
  Measurements measured;
  if (!files_.load(facts, [&](const Json& file) { measured = parse(file); })) return std::nullopt;
  return measured;
}

void MeasurementCache::save(const vk::DeviceFacts& facts, const Measurements& measured) const {
  files_.save(facts, to_json(measured));
}

void MeasurementCache::forget(const vk::DeviceFacts& facts) const {
  std::error_code ignored;
  std::filesystem::remove(files_.path(facts), ignored);
}

}  // namespace motley::engine

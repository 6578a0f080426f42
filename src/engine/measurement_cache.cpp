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
    {"bandwidth_gbs", &Measurements::bandwidth_gbs}, {"host_read_gbs", &Measurements::host_read_gbs},
    {"upload_gbs", &Measurements::upload_gbs},       {"download_gbs", &Measurements::download_gbs},
    {"dispatch_us", &Measurements::dispatch_us},     {"handoff_us", &Measurements::handoff_us}};

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
    measured.formats.push_back({found->format, figure(entry, "matvec_gbs"), figure(entry, "matmat_gflops")});
  }
  return measured;
}

Json to_json(const Measurements& measured) {
  Json file;
  for (const auto& [name, member] : kFigures) file[name] = measured.*member;
  file["formats"] = Json::array();
  for (const kernels::FormatMeasurement& format : measured.formats) {
    file["formats"].push_back({{"format", quant::info(format.format).stem},
                               {"matvec_gbs", format.matvec_gbs},
                               {"matmat_gflops", format.matmat_gflops}});
  }
  return file;
}

}  // namespace

MeasurementCache::MeasurementCache(std::optional<std::filesystem::path> directory, std::string version)
    : files_("measured", std::move(directory), std::move(version)) {}

std::optional<Measurements> MeasurementCache::load(const vk::DeviceFacts& facts) const {
  Measurements measured;
  if (!files_.load(facts, [&](const Json& file) { measured = parse(file); })) return std::nullopt;
  return measured;
}

void MeasurementCache::save(const vk::DeviceFacts& facts, const Measurements& measured) const {
  files_.save(facts, to_json(measured));
}

}  // namespace motley::engine

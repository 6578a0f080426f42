#include "engine/measurement_cache.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "placement/quirks.hpp"

namespace motley::engine {
namespace {

using Json = nlohmann::ordered_json;
using kernels::Measurements;

constexpr uint64_t kFileLimitBytes = uint64_t{1} << 20;
constexpr double kMostFigure = 1e9;  // far beyond any device; what is larger is damage
constexpr std::chrono::seconds kTurnLimit{30};
constexpr std::chrono::milliseconds kTurnPause{20};

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

/// What a software driver computes with: the processor, how many threads of it this process may use, and what
/// the driver was told.
std::string processor(const vk::DeviceFacts& facts) {
  std::ifstream file("/proc/cpuinfo");
  std::string model;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 1);
      break;
    }
  }
  const std::string variable(placement::find_quirks(facts.driver_name, facts.driver_info).threads_variable);
  const char* told = variable.empty() ? nullptr : std::getenv(variable.c_str());
  return fmt::format("{}, {} threads, {}={}", model, std::thread::hardware_concurrency(), variable,
                     told == nullptr ? "" : told);
}

/// What the figures hold for.
Json key_of(const vk::DeviceFacts& facts, const std::string& version) {
  Json key{{"motley", version},
           {"device", facts.name},
           {"uuid", facts.uuid_string()},
           {"driver", facts.driver_name},
           {"driver_info", facts.driver_info},
           {"driver_version", facts.driver_version}};
  if (facts.type == vk::DeviceType::kCpu) key["processor"] = processor(facts);
  return key;
}

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

std::string to_text(const Json& key, const Measurements& measured) {
  Json file{{"key", key}};
  for (const auto& [name, member] : kFigures) file[name] = measured.*member;
  file["formats"] = Json::array();
  for (const FormatMeasurement& format : measured.formats) {
    Json entry{{"format", quant::info(format.format).stem}};
    for (const auto& [name, member] : kFormatFigures) entry[name] = format.*member;
    file["formats"].push_back(std::move(entry));
  }
  return file.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

MeasurementCache::MeasurementCache(std::optional<std::filesystem::path> directory, std::string version)
    : directory_(std::move(directory)), version_(std::move(version)) {}

std::filesystem::path MeasurementCache::path(const vk::DeviceFacts& facts) const {
  if (!directory_) return {};
  // One file for each way to reach a device; a newer driver or Motley writes over the older one's.
  const std::string identity = facts.name + '\n' + facts.driver_name + '\n' + facts.uuid_string();
  return *directory_ / fmt::format("measured-{:016x}.json", hash_bytes(std::as_bytes(std::span(identity))));
}

std::optional<Measurements> MeasurementCache::load(const vk::DeviceFacts& facts) const {
  const std::filesystem::path from = path(facts);
  std::error_code ignored;
  if (from.empty() || !std::filesystem::exists(from, ignored)) return std::nullopt;
  try {
    const Json file = Json::parse(read_whole_file(from, kFileLimitBytes));
    // Compared as text, since that is how invalid UTF-8 in a driver's texts was replaced.
    const auto text = [](const Json& key) {
      return key.dump(-1, ' ', false, Json::error_handler_t::replace);
    };
    if (text(file.at("key")) != text(key_of(facts, version_))) return std::nullopt;
    return parse(file);
  } catch (const std::exception& error) {
    log(LogLevel::kInfo, "the measured figures in '{}' are ignored: {}", from.string(), error.what());
    return std::nullopt;
  }
}

void MeasurementCache::save(const vk::DeviceFacts& facts, const Measurements& measured) const {
  if (!directory_) return;
  try {
    const std::string text = to_text(key_of(facts, version_), measured);
    write_file_atomically(path(facts), std::as_bytes(std::span(text)));
  } catch (const std::exception& error) {
    log(LogLevel::kInfo, "the measured figures are not kept: {}", error.what());
  }
}

MeasurementCache::Turn::Turn(const MeasurementCache& cache) {
  if (!cache.directory_) return;
  const std::filesystem::path lock = *cache.directory_ / "measuring.lock";
  descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return;
  const auto limit = std::chrono::steady_clock::now() + kTurnLimit;
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(kTurnPause);
}

MeasurementCache::Turn::~Turn() {
  if (descriptor_ >= 0) ::close(descriptor_);  // which gives the lock back
}

}  // namespace motley::engine

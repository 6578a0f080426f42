#include "engine/device_files.hpp"

#include <chrono>
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
#include "base/version.hpp"
#include "placement/quirks.hpp"
#include "shader_table.hpp"

namespace motley::engine {
namespace {

using Json = DeviceFiles::Json;

constexpr uint64_t kFileLimitBytes = uint64_t{1} << 20;
constexpr std::chrono::seconds kTurnLimit{30};
constexpr std::chrono::milliseconds kTurnPause{20};

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

/// What a file holds for.
Json key_of(const vk::DeviceFacts& facts, const std::string& build) {
  Json key{{"motley", build},
           {"device", facts.name},
           {"uuid", facts.uuid_string()},
           {"driver", facts.driver_name},
           {"driver_info", facts.driver_info},
           {"driver_version", facts.driver_version}};
  if (facts.type == vk::DeviceType::kCpu) key["processor"] = processor(facts);
  return key;
}

/// Invalid UTF-8 in a driver's texts is replaced.
std::string to_text(const Json& json, int indentation) {
  return json.dump(indentation, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

DeviceFiles::DeviceFiles(std::string kind, std::optional<std::filesystem::path> directory, std::string build)
    : kind_(std::move(kind)), directory_(std::move(directory)), build_(std::move(build)) {}

std::string this_build() {
  return fmt::format("{}, kernels {:016x}", version_string(), shaders::fingerprint());
}

std::filesystem::path DeviceFiles::path(const vk::DeviceFacts& facts) const {
  if (!directory_) return {};
  // One file for each way to reach a device; a newer driver or Motley writes over the older one's.
  const std::string identity = facts.name + '\n' + facts.driver_name + '\n' + facts.uuid_string();
  return *directory_ / fmt::format("{}-{:016x}.json", kind_, hash_bytes(std::as_bytes(std::span(identity))));
}

bool DeviceFiles::load(const vk::DeviceFacts& facts, const std::function<void(const Json&)>& parse) const {
  const std::filesystem::path from = path(facts);
  std::error_code ignored;
  if (from.empty() || !std::filesystem::exists(from, ignored)) return false;
  try {
    const Json file = Json::parse(read_whole_file(from, kFileLimitBytes));
    if (to_text(file.at("key"), -1) != to_text(key_of(facts, build_), -1)) return false;
    parse(file);
    return true;
  } catch (const std::exception& error) {
    log(LogLevel::kInfo, "'{}' is ignored: {}", from.string(), error.what());
    return false;
  }
}

void DeviceFiles::save(const vk::DeviceFacts& facts, const Json& content) const {
  if (!directory_) return;
  try {
    Json file{{"key", key_of(facts, build_)}};
    file.update(content);
    const std::string text = to_text(file, 2) + "\n";
    write_file_atomically(path(facts), std::as_bytes(std::span(text)));
  } catch (const std::exception& error) {
    log(LogLevel::kInfo, "what was found out about '{}' is not kept: {}", facts.name, error.what());
  }
}

DeviceFiles::Turn::Turn(const DeviceFiles& files) {
  if (!files.directory_) return;
  const std::filesystem::path lock = *files.directory_ / "measuring.lock";
  descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return;
  const auto limit = std::chrono::steady_clock::now() + kTurnLimit;
  do {
    held_ = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    if (!held_) std::this_thread::sleep_for(kTurnPause);
  } while (!held_ && std::chrono::steady_clock::now() < limit);
}

DeviceFiles::Turn::~Turn() {
  if (descriptor_ >= 0) ::close(descriptor_);  // which gives the lock back
}

}  // namespace motley::engine

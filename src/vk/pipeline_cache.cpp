#include "vk/pipeline_cache.hpp"

#include <cstring>
#include <string>

#include "base/cache_directory.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

constexpr uint64_t kFileLimitBytes = uint64_t{256} << 20;

/// Precedes the driver's data. Drivers check their own header but not the rest, and some crash on damage.
struct FileHeader {
  char magic[8] = {'m', 'o', 't', 'l', 'e', 'y', 'p', '1'};
  uint64_t data_hash = 0;
  uint64_t data_bytes = 0;
};

std::string cache_key(const DeviceFacts& facts) {
  std::string identity = facts.name + facts.driver_name + facts.driver_info + facts.uuid_string();
  identity.append(reinterpret_cast<const char*>(facts.pipeline_cache_uuid.data()),
                  facts.pipeline_cache_uuid.size());
  return fmt::format("{:016x}-{:x}", hash_bytes(std::as_bytes(std::span(identity))), facts.driver_version);
}

/// The driver's data in a cache file, empty when the file is missing or not as it was written.
std::string load(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return {};
  try {
    const std::string content = read_whole_file(path, kFileLimitBytes);
    FileHeader header;
    const FileHeader expected;
    if (content.size() < sizeof header) return {};
    std::memcpy(&header, content.data(), sizeof header);
    std::string data = content.substr(sizeof header);
    if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 ||
        header.data_bytes != data.size() || header.data_hash != hash_bytes(std::as_bytes(std::span(data)))) {
      log(LogLevel::kInfo, "the pipeline cache '{}' is damaged and ignored", path.string());
      return {};
    }
    return data;
  } catch (const Error& error) {
    log(LogLevel::kInfo, "the pipeline cache is ignored: {}", error.what());
    return {};
  }
}

}  // namespace

PipelineCache::PipelineCache(Device& device) : device_(device) {
  if (const auto directory = cache_directory())
    path_ = *directory / ("pipelines-" + cache_key(device.facts()) + ".bin");
  const std::string data = load(path_);
  loaded_hash_ = hash_bytes(std::as_bytes(std::span(data)));
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  VkPipelineCache cache = VK_NULL_HANDLE;
  check(device.table().vkCreatePipelineCache(device.handle(), &info, nullptr, &cache),
        "vkCreatePipelineCache");
  cache_ = {device.handle(), cache, device.table().vkDestroyPipelineCache};
}

PipelineCache::~PipelineCache() {
  try {
    save();
  } catch (const std::exception& error) {
    log(LogLevel::kInfo, "the pipeline cache is not kept: {}", error.what());
  }
}

void PipelineCache::save() const {
  if (path_.empty()) return;
  size_t size = 0;
  check(device_.table().vkGetPipelineCacheData(device_.handle(), cache_.get(), &size, nullptr),
        "vkGetPipelineCacheData");
  std::string content(sizeof(FileHeader) + size, '\0');
  check(device_.table().vkGetPipelineCacheData(device_.handle(), cache_.get(), &size,
                                               content.data() + sizeof(FileHeader)),
        "vkGetPipelineCacheData");
  content.resize(sizeof(FileHeader) + size);
  FileHeader header;
  header.data_bytes = size;
  header.data_hash = hash_bytes(std::as_bytes(std::span(content)).subspan(sizeof header));
  if (header.data_hash == loaded_hash_) return;
  std::memcpy(content.data(), &header, sizeof header);
  write_file_atomically(path_, std::as_bytes(std::span(content)));
}

}  // namespace motley::vk

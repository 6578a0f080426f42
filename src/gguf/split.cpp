#include "gguf/split.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "gguf/rules.hpp"

namespace motley::gguf {
namespace {

std::optional<uint64_t> figure(const Metadata& metadata, const std::filesystem::path& path,
                               std::string_view key) {
  const auto found = std::ranges::find(metadata, key, &Metadata::value_type::first);
  if (found == metadata.end()) return std::nullopt;
  const auto value = found->second.as_uint();
  if (!value) {
    fail(ErrorCode::kMalformedModel, "'{}', key '{}': {} of type {}; an integer from 0 on is allowed",
         path.string(), key, to_string(found->second, 4), describe_type(found->second));
  }
  return value;
}

std::string shard_suffix(uint64_t number, uint64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

}  // namespace

Split split_of(const Metadata& metadata, const std::filesystem::path& path) {
  Split split;
  split.count = std::max<uint64_t>(figure(metadata, path, "split.count").value_or(1), 1);
  if (split.count == 1) return split;
  split.tensor_count = figure(metadata, path, "split.tensors.count");
  if (split.count > kMaximumShards) {
    fail(ErrorCode::kUnsupported, "'{}', key 'split.count': {} shards; at most {} are read", path.string(),
         split.count, kMaximumShards);
  }
  const auto number = figure(metadata, path, "split.no");
  if (!number || *number >= split.count) {
    fail(ErrorCode::kMalformedModel, "'{}', key 'split.no': {}; 0 to {} is allowed, as 'split.count' is {}",
         path.string(), number ? std::to_string(*number) : "missing", split.count - 1, split.count);
  }
  split.number = *number;
  return split;
}

std::filesystem::path shard_path(const std::filesystem::path& path, const Split& split, uint64_t number) {
  const std::string name = path.filename().string();
  const std::string suffix = shard_suffix(split.number, split.count);
  if (!name.ends_with(suffix) || name.size() == suffix.size()) {
    fail(ErrorCode::kMalformedModel,
         "'{}' says it is shard {} of {}, so its name should end in '{}': give the file its name back, and "
         "keep all "
         "shards in one folder",
         path.string(), split.number + 1, split.count, suffix);
  }
  const std::string stem = name.substr(0, name.size() - suffix.size());
  return path.parent_path() / (stem + shard_suffix(number, split.count));
}

}  // namespace motley::gguf

#include "gguf/file.hpp"

#include <optional>

#include "base/error.hpp"
#include "gguf/rules.hpp"
#include "gguf/shard.hpp"
#include "gguf/split.hpp"

namespace motley::gguf {
namespace {

struct OpenShard {
  std::unique_ptr<const ByteSource> source;
  Shard shard;
};

OpenShard open_shard(const std::filesystem::path& path) {
  OpenShard result;
  result.source = std::make_unique<FileSource>(path);
  result.shard = read_shard(*result.source);
  return result;
}

/// Opens shard `number` of the model that `given` is a part of.
OpenShard open_sibling(const std::filesystem::path& given, const Split& split, uint64_t number) {
  const std::filesystem::path path = shard_path(given, split, number);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    fail(ErrorCode::kIo, "'{}' is missing: '{}' is one of {} shards, which must all lie in the same folder",
         path.string(), given.string(), split.count);
  }
  OpenShard result = open_shard(path);
  const Split found = split_of(result.shard.metadata, path);
  if (found.number != number || found.count != split.count) {
    fail(ErrorCode::kMalformedModel,
         "'{}' says it is shard {} of {} (keys 'split.no' and 'split.count'), not {} of {}", path.string(),
         found.number + 1, found.count, number + 1, split.count);
  }
  return result;
}

}  // namespace

File File::open(const std::filesystem::path& path) {
  OpenShard given = open_shard(path);
  const Split split = split_of(given.shard.metadata, path);
  std::vector<OpenShard> shards(split.count);
  shards[split.number] = std::move(given);
  for (uint64_t number = 0; number < split.count; ++number) {
    if (number != split.number) shards[number] = open_sibling(path, split, number);
  }
  File file;
  file.path_ = path;
  for (OpenShard& shard : shards) file.add_shard(std::move(shard.source), std::move(shard.shard));
  if (split.tensor_count.value_or(file.tensors_.size()) != file.tensors_.size()) {
    fail(ErrorCode::kMalformedModel, "'{}', key 'split.tensors.count': {}, but the {} shards have {} tensors",
         path.string(), *split.tensor_count, split.count, file.tensors_.size());
  }
  file.index_names();
  return file;
}

File File::from_source(std::unique_ptr<const ByteSource> source) {
  File file;
  file.path_ = source->path();
  Shard shard = read_shard(*source);
  const Split split = split_of(shard.metadata, file.path_);
  if (split.count > 1) {
    fail(ErrorCode::kUnsupported,
         "'{}' is shard {} of {}, and the others cannot be found from here: open it by its path",
         file.path_.string(), split.number + 1, split.count);
  }
  file.add_shard(std::move(source), std::move(shard));
  file.index_names();
  return file;
}

void File::add_shard(std::unique_ptr<const ByteSource> source, Shard&& shard) {
  const auto number = static_cast<uint32_t>(sources_.size());
  if (number == 0) {
    version_ = shard.version;
    metadata_ = std::move(shard.metadata);
  }
  if (tensors_.size() + shard.tensors.size() > kMaximumTensors) {
    fail(ErrorCode::kUnsupported,
         "'{}' and the shards before it have more than {} tensors, the most that are read",
         source->path().string(), kMaximumTensors);
  }
  for (TensorInfo& tensor : shard.tensors) {
    tensor.shard = number;
    tensors_.push_back(std::move(tensor));
  }
  sources_.push_back(std::move(source));
}

void File::index_names() {
  const auto key_of = [this](size_t i) { return std::string_view(metadata_[i].first); };
  const auto name_of = [this](size_t i) { return std::string_view(tensors_[i].name); };
  metadata_index_ = NameIndex(metadata_.size(), key_of);
  tensor_index_ = NameIndex(tensors_.size(), name_of);
  if (const auto twice = tensor_index_.duplicate(name_of)) {
    const auto shard_path_of = [this](size_t i) { return sources_[tensors_[i].shard]->path().string(); };
    fail(ErrorCode::kMalformedModel, "tensor '{}' is both in '{}' and in '{}'",
         escaped(name_of(twice->first)), shard_path_of(twice->first), shard_path_of(twice->second));
  }
}

const Value* File::find(std::string_view key) const {
  const auto key_of = [this](size_t i) { return std::string_view(metadata_[i].first); };
  const auto row = metadata_index_.find(key, key_of);
  return row ? &metadata_[*row].second : nullptr;
}

const TensorInfo* File::find_tensor(std::string_view name) const {
  const auto name_of = [this](size_t i) { return std::string_view(tensors_[i].name); };
  const auto row = tensor_index_.find(name, name_of);
  return row ? &tensors_[*row] : nullptr;
}

void File::read(const TensorInfo& tensor, uint64_t offset_bytes_in_tensor, std::span<std::byte> out) const {
  if (tensor.shard >= sources_.size()) {
    fail(ErrorCode::kInvalidArgument, "tensor '{}' says shard {}, but '{}' has {}", escaped(tensor.name),
         tensor.shard, path_.string(), sources_.size());
  }
  if (offset_bytes_in_tensor > tensor.size_bytes || out.size() > tensor.size_bytes - offset_bytes_in_tensor) {
    fail(ErrorCode::kInvalidArgument, "{} bytes at offset {} do not lie within the {} bytes of tensor '{}'",
         out.size(), offset_bytes_in_tensor, tensor.size_bytes, escaped(tensor.name));
  }
  const uint64_t offset_bytes = tensor.offset_bytes + offset_bytes_in_tensor;
  try {
    sources_[tensor.shard]->read_at(offset_bytes, out);
  } catch (const Error& error) {
    fail(error.code(), "tensor '{}' could not be loaded ({} bytes at offset {}): {}", escaped(tensor.name),
         out.size(), offset_bytes, error.what());
  }
}

uint64_t File::size_bytes() const {
  uint64_t total = 0;
  for (const auto& source : sources_) total += source->size_bytes();
  return total;
}

}  // namespace motley::gguf

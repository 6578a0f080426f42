#include "gguf/shard.hpp"

#include "gguf/metadata.hpp"
#include "gguf/reader.hpp"
#include "gguf/rules.hpp"
#include "gguf/tensor_table.hpp"

namespace motley::gguf {
namespace {

// The shortest entries there can be: a key of one byte with a value of one, a tensor of one dimension.
constexpr uint64_t kSmallestKeyValueBytes = 8 + 1 + 4 + 1;
constexpr uint64_t kSmallestTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

void check_magic(Reader& reader) {
  const auto magic = reader.number<uint32_t>("the magic number");
  if (magic == kMagic) return;
  if (magic == 0x47475546) {
    reader.refuse_as(ErrorCode::kUnsupported, 0, "the file is byte-swapped; only little-endian GGUF is read");
  }
  reader.refuse(0,
                "the file starts with the bytes {:02x} {:02x} {:02x} {:02x} and not with \"GGUF\" "
                "(47 47 55 46): it is no GGUF file",
                magic & 0xFFU, magic >> 8 & 0xFFU, magic >> 16 & 0xFFU, magic >> 24);
}

uint32_t read_version(Reader& reader) {
  const uint64_t offset = reader.position();
  const auto version = reader.number<uint32_t>("the version");
  if (version >= kOldestVersion && version <= kNewestVersion) return version;
  // A big-endian file keeps the magic bytes but has its version, a small number, in the upper half.
  if (version != 0 && (version & 0xFFFFU) == 0) {
    reader.refuse_as(
        ErrorCode::kUnsupported, offset,
        fmt::format("version 0x{:08x} is byte-swapped: the file is big-endian; only little-endian "
                    "GGUF is read",
                    version));
  }
  const auto message = fmt::format("GGUF version {}; {} to {} can be read{}", version, kOldestVersion,
                                   kNewestVersion, version == 1 ? ": convert the model again" : "");
  reader.refuse_as(version == 0 ? ErrorCode::kMalformedModel : ErrorCode::kUnsupported, offset, message);
}

/// Refuses counts that the rest of the file cannot hold, before anything is allocated for them.
void check_count(const Reader& reader, uint64_t offset, const char* what, uint64_t count,
                 uint64_t smallest_bytes, uint64_t maximum) {
  const uint64_t room = reader.remaining() / smallest_bytes;
  if (count > room) {
    reader.refuse(offset, "{} is {}, but the {} bytes left hold {} at most", what, count, reader.remaining(),
                  room);
  }
  if (count > maximum) {
    reader.refuse_as(ErrorCode::kUnsupported, offset,
                     fmt::format("{} is {}; at most {} are read", what, count, maximum));
  }
}

}  // namespace

Shard read_shard(const ByteSource& source) {
  Reader reader(source);
  Shard shard;
  check_magic(reader);
  shard.version = read_version(reader);
  const uint64_t counts_offset = reader.position();
  const uint64_t tensor_count = reader.number<uint64_t>("the tensor count");
  const uint64_t key_value_count = reader.number<uint64_t>("the key-value count");
  check_count(reader, counts_offset, "the tensor count", tensor_count, kSmallestTensorBytes, kMaximumTensors);
  check_count(reader, counts_offset + 8, "the key-value count", key_value_count, kSmallestKeyValueBytes,
              kMaximumKeyValues);
  shard.metadata = read_metadata(reader, key_value_count);
  const uint64_t alignment_bytes = alignment_of(shard.metadata);
  shard.tensors = read_tensor_table(reader, tensor_count, alignment_bytes);
  return shard;
}

}  // namespace motley::gguf

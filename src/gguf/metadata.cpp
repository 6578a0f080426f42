#include "gguf/metadata.hpp"

#include <algorithm>

#include "gguf/name_index.hpp"
#include "gguf/rules.hpp"

namespace motley::gguf {
namespace {

// The shortest nested array there can be: element type and a count of 0.
constexpr uint64_t kEmptyArrayBytes = 4 + 8;
constexpr uint64_t kEmptyStringBytes = 8;

/// Reads the values of one file; counts nested arrays, whose tables take more memory than their bytes in the
/// file.
class ValueReader {
 public:
  explicit ValueReader(Reader& reader) : reader_(reader) {}

  Value value(ValueType type, uint64_t type_offset);

 private:
  Array array(uint32_t depth);
  Array scalars(ValueType type, uint64_t count);
  Array strings(uint64_t count);
  Array arrays(uint64_t count, uint64_t count_offset, uint32_t depth);
  std::string string();
  bool boolean();
  /// Refuses a value that would end beyond the limit of all metadata, before it is allocated.
  void check_end(uint64_t offset, uint64_t end) const;

  Reader& reader_;
  uint64_t nested_arrays_ = 0;
};

Value ValueReader::value(ValueType type, uint64_t type_offset) {
  constexpr const char* kWhat = "the value";
  switch (type) {
    case ValueType::kUint8:
      return Value(reader_.number<uint8_t>(kWhat));
    case ValueType::kInt8:
      return Value(reader_.number<int8_t>(kWhat));
    case ValueType::kUint16:
      return Value(reader_.number<uint16_t>(kWhat));
    case ValueType::kInt16:
      return Value(reader_.number<int16_t>(kWhat));
    case ValueType::kUint32:
      return Value(reader_.number<uint32_t>(kWhat));
    case ValueType::kInt32:
      return Value(reader_.number<int32_t>(kWhat));
    case ValueType::kFloat32:
      return Value(reader_.number<float>(kWhat));
    case ValueType::kBool:
      return Value(boolean());
    case ValueType::kString:
      return Value(string());
    case ValueType::kArray:
      return Value(array(1));
    case ValueType::kUint64:
      return Value(reader_.number<uint64_t>(kWhat));
    case ValueType::kInt64:
      return Value(reader_.number<int64_t>(kWhat));
    case ValueType::kFloat64:
      return Value(reader_.number<double>(kWhat));
  }
  reader_.refuse(type_offset, "value type {}; 0 to 12 are known", static_cast<uint32_t>(type));
}

void ValueReader::check_end(uint64_t offset, uint64_t end) const {
  if (end <= kMaximumMetadataBytes) return;
  reader_.refuse_as(ErrorCode::kUnsupported, offset,
                    fmt::format("the value goes on to byte {}; metadata are read up to byte {}", end,
                                kMaximumMetadataBytes));
}

std::string ValueReader::string() {
  constexpr const char* kWhat = "the string";
  const uint64_t offset = reader_.position();
  const uint64_t length = reader_.string_length(kWhat);
  check_end(offset, reader_.position() + length);
  std::string text(length, '\0');
  reader_.bytes(std::as_writable_bytes(std::span(text)), kWhat);
  return text;
}

bool ValueReader::boolean() {
  const uint64_t offset = reader_.position();
  const auto stored = reader_.number<uint8_t>("the value");
  if (stored > 1) reader_.refuse(offset, "a boolean is {}; 0 and 1 are allowed", stored);
  return stored != 0;
}

Array ValueReader::array(uint32_t depth) {
  const uint64_t type_offset = reader_.position();
  if (depth > kMaximumArrayDepth) {
    reader_.refuse(type_offset, "arrays lie {} deep in each other; at most {} are allowed", depth,
                   kMaximumArrayDepth);
  }
  const auto type = static_cast<ValueType>(reader_.number<uint32_t>("the array's element type"));
  const uint64_t count_offset = reader_.position();
  const auto count = reader_.number<uint64_t>("the array's length");
  uint64_t element_bytes = scalar_bytes(type);
  if (type == ValueType::kString) element_bytes = kEmptyStringBytes;
  if (type == ValueType::kArray) element_bytes = kEmptyArrayBytes;
  if (element_bytes == 0) {
    reader_.refuse(type_offset, "array element type {}; 0 to 12 are known", static_cast<uint32_t>(type));
  }
  // By division, since count * element_bytes may wrap.
  const uint64_t room = reader_.remaining() / element_bytes;
  if (count > room) {
    reader_.refuse(count_offset, "an array of {} elements of type {}, but the {} bytes left hold {} at most",
                   count, to_string(type), reader_.remaining(), room);
  }
  check_end(count_offset, reader_.position() + count * element_bytes);
  if (type == ValueType::kString) return strings(count);
  if (type == ValueType::kArray) return arrays(count, count_offset, depth);
  return scalars(type, count);
}

Array ValueReader::scalars(ValueType type, uint64_t count) {
  const uint64_t offset = reader_.position();
  std::vector<std::byte> bytes(count * scalar_bytes(type));
  reader_.bytes(bytes, "the array's elements");
  if (type == ValueType::kBool) {
    const auto bad = std::ranges::find_if(bytes, [](std::byte b) { return std::to_integer<int>(b) > 1; });
    if (bad != bytes.end()) {
      const auto i = static_cast<uint64_t>(bad - bytes.begin());
      reader_.refuse(offset + i, "boolean {} of the array is {}; 0 and 1 are allowed", i,
                     std::to_integer<int>(*bad));
    }
  }
  return Array(type, std::move(bytes));
}

Array ValueReader::strings(uint64_t count) {
  constexpr const char* kWhat = "a string of the array";
  // The lengths first, so that the text is allocated once and never takes more than its bytes in the file.
  const uint64_t begin = reader_.position();
  uint64_t text_bytes = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t length = reader_.string_length(kWhat);
    reader_.skip(length, kWhat);
    check_end(begin, reader_.position());
    text_bytes += length;
  }
  reader_.seek(begin);
  std::string text(text_bytes, '\0');
  std::vector<uint64_t> ends(count);
  uint64_t end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t offset = reader_.position();
    const uint64_t length = reader_.string_length(kWhat);
    if (length > text_bytes - end) reader_.refuse(offset, "the file changed while it was being read");
    reader_.bytes(std::as_writable_bytes(std::span(text).subspan(end, length)), kWhat);
    end += length;
    ends[i] = end;
  }
  return Array(std::move(text), std::move(ends));
}

Array ValueReader::arrays(uint64_t count, uint64_t count_offset, uint32_t depth) {
  nested_arrays_ += count;
  if (nested_arrays_ > kMaximumNestedArrays) {
    reader_.refuse(count_offset, "{} arrays lie within arrays; at most {} are allowed in a file",
                   nested_arrays_, kMaximumNestedArrays);
  }
  std::vector<Array> arrays;
  arrays.reserve(count);
  for (uint64_t i = 0; i < count; ++i) arrays.push_back(array(depth + 1));
  return Array::of_arrays(std::move(arrays));
}

std::string read_key(Reader& reader) {
  const uint64_t offset = reader.position();
  const auto length = reader.number<uint64_t>("the key's length");
  if (length > kMaximumKeyBytes) {
    reader.refuse(offset, "the key has {} bytes; 1 to {} are allowed", length, kMaximumKeyBytes);
  }
  std::string key(length, '\0');
  reader.bytes(std::as_writable_bytes(std::span(key)), "the key");
  reader.refuse_if(key_fault(key), offset);
  return key;
}

void check_alignment(const Reader& reader, const Value& value, uint64_t type_offset) {
  if (value.type() != ValueType::kUint32) {
    reader.refuse(type_offset, "the alignment is of type {}; uint32 is allowed", describe_type(value));
  }
  reader.refuse_if(alignment_fault(value.as_uint().value_or(0)), type_offset + 4);
}

}  // namespace

Metadata read_metadata(Reader& reader, uint64_t count) {
  Metadata metadata;
  metadata.reserve(count);
  std::vector<uint64_t> offsets;
  offsets.reserve(count);
  ValueReader values(reader);
  for (uint64_t i = 0; i < count; ++i) {
    reader.set_subject(fmt::format("key-value {} of {}", i + 1, count));
    offsets.push_back(reader.position());
    std::string key = read_key(reader);
    reader.set_subject(fmt::format("key '{}'", escaped(key)));
    const uint64_t type_offset = reader.position();
    const auto type = static_cast<ValueType>(reader.number<uint32_t>("the value's type"));
    Value value = values.value(type, type_offset);
    if (key == kAlignmentKey) check_alignment(reader, value, type_offset);
    metadata.emplace_back(std::move(key), std::move(value));
  }
  const auto key_of = [&](size_t i) { return std::string_view(metadata[i].first); };
  if (const auto twice = NameIndex(count, key_of).duplicate(key_of)) {
    reader.set_subject(fmt::format("key '{}'", escaped(key_of(twice->first))));
    reader.refuse(offsets[twice->second], "the key appears twice, the first time at byte {}",
                  offsets[twice->first]);
  }
  return metadata;
}

uint64_t alignment_of(const Metadata& metadata) {
  const auto found = std::ranges::find(metadata, kAlignmentKey, &Metadata::value_type::first);
  if (found == metadata.end()) return kDefaultAlignmentBytes;
  return found->second.as_uint().value_or(kDefaultAlignmentBytes);
}

}  // namespace motley::gguf

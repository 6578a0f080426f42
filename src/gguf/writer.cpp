#include "gguf/writer.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/math.hpp"
#include "gguf/output_file.hpp"
#include "gguf/rules.hpp"

namespace motley::gguf {
namespace {

using Bytes = std::vector<std::byte>;

// Far beyond any disk; it keeps sums of sizes from wrapping.
constexpr uint64_t kMaximumDataBytes = uint64_t{1} << 60;

template <typename T>
void append(Bytes& out, T number) {
  const auto bytes = std::as_bytes(std::span(&number, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_string(Bytes& out, std::string_view text) {
  append(out, uint64_t{text.size()});
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_array(Bytes& out, const Array& array) {
  append(out, static_cast<uint32_t>(array.element_type()));
  append(out, uint64_t{array.size()});
  out.insert(out.end(), array.bytes().begin(), array.bytes().end());
  for (const std::string_view string : array.strings()) append_string(out, string);
  if (array.element_type() != ValueType::kArray) return;
  for (size_t i = 0; i < array.size(); ++i) append_array(out, array.array_at(i));
}

/// The low bytes of the number as read, which hold it whatever its width: two's complement, little-endian.
void append_integer(Bytes& out, const Value& value) {
  const uint64_t bits = value.as_uint().value_or(static_cast<uint64_t>(value.as_int().value_or(0)));
  const auto bytes = std::as_bytes(std::span(&bits, 1)).first(scalar_bytes(value.type()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_value(Bytes& out, const Value& value) {
  append(out, static_cast<uint32_t>(value.type()));
  if (const Array* array = value.as_array()) {
    append_array(out, *array);
  } else if (const std::string* string = value.as_string()) {
    append_string(out, *string);
  } else if (const auto boolean = value.as_bool()) {
    append(out, static_cast<uint8_t>(*boolean));
  } else if (value.type() == ValueType::kFloat32) {
    append(out, static_cast<float>(value.as_float().value_or(0)));
  } else if (value.type() == ValueType::kFloat64) {
    append(out, value.as_float().value_or(0));
  } else {
    append_integer(out, value);
  }
}

void append_tensor(Bytes& out, const TensorInfo& tensor) {
  append_string(out, tensor.name);
  append(out, tensor.dimensions);
  for (uint32_t i = 0; i < tensor.dimensions; ++i) append(out, tensor.shape[i]);
  append(out, static_cast<uint32_t>(tensor.type));
  append(out, tensor.offset_bytes);
}

uint64_t nested_arrays(const Array& array) {
  if (array.element_type() != ValueType::kArray) return 0;
  uint64_t count = array.size();
  for (size_t i = 0; i < array.size(); ++i) count += nested_arrays(array.array_at(i));
  return count;
}

void put_padding(const Sink& out, uint64_t written_bytes, uint64_t alignment_bytes) {
  const Bytes zeros(round_up(written_bytes, alignment_bytes) - written_bytes);
  if (!zeros.empty()) out(zeros);
}

/// Passes the tensor's data on, and makes sure that they are as many bytes as its shape takes.
void put_tensor(const Sink& out, const TensorInfo& tensor, const TensorData& data) {
  uint64_t given_bytes = 0;
  data([&](std::span<const std::byte> bytes) {
    given_bytes += bytes.size();
    if (given_bytes <= tensor.size_bytes) out(bytes);
  });
  if (given_bytes != tensor.size_bytes) {
    fail(ErrorCode::kInvalidArgument, "tensor '{}' takes {} bytes of data, {} were given",
         escaped(tensor.name), tensor.size_bytes, given_bytes);
  }
}

}  // namespace

Writer::Writer(uint32_t alignment_bytes) : alignment_bytes_(alignment_bytes) {
  if (const Fault fault = alignment_fault(alignment_bytes)) fail(ErrorCode::kInvalidArgument, "{}", *fault);
  if (alignment_bytes != kDefaultAlignmentBytes)
    metadata_.emplace_back(kAlignmentKey, Value(alignment_bytes));
}

void Writer::add(std::string_view key, Value value) {
  const auto refuse = [&](std::string_view why) {
    fail(ErrorCode::kInvalidArgument, "cannot add key '{}': {}", escaped(key), why);
  };
  if (const Fault fault = key_fault(key)) refuse(*fault);
  if (key == kAlignmentKey) refuse("the alignment is given when the writer is made");
  if (std::ranges::find(metadata_, key, &Metadata::value_type::first) != metadata_.end())
    refuse("it is there");
  if (metadata_.size() == kMaximumKeyValues)
    refuse(fmt::format("a file holds {} at most", kMaximumKeyValues));
  const Array* array = value.as_array();
  const uint64_t nested = nested_arrays_ + (array == nullptr ? 0 : nested_arrays(*array));
  const uint32_t depth = array == nullptr ? 0 : array->depth();
  if (depth > kMaximumArrayDepth) {
    refuse(
        fmt::format("arrays lie {} deep in each other; at most {} are allowed", depth, kMaximumArrayDepth));
  }
  if (nested > kMaximumNestedArrays) {
    refuse(fmt::format("{} arrays lie within arrays; at most {} are allowed in a file", nested,
                       kMaximumNestedArrays));
  }
  nested_arrays_ = nested;
  metadata_.emplace_back(key, std::move(value));
}

void Writer::add_tensor(std::string_view name, TensorType type, const std::vector<uint64_t>& shape,
                        TensorData data) {
  const auto refuse_if = [&](const Fault& fault) {
    if (fault) fail(ErrorCode::kInvalidArgument, "cannot add tensor '{}': {}", escaped(name), *fault);
  };
  refuse_if(tensor_name_fault(name));
  refuse_if(dimension_count_fault(shape.size()));
  if (names_.contains(name)) refuse_if("it is there");
  if (tensors_.size() == kMaximumTensors) refuse_if(fmt::format("a file holds {} at most", kMaximumTensors));
  TensorInfo tensor;
  tensor.name = name;
  tensor.dimensions = static_cast<uint32_t>(shape.size());
  std::ranges::copy(shape, tensor.shape.begin());
  refuse_if(shape_fault(tensor));
  refuse_if(set_layout(tensor, static_cast<uint32_t>(type)));
  tensor.offset_bytes = round_up(data_bytes_, uint64_t{alignment_bytes_});
  const auto end = checked_add(tensor.offset_bytes, tensor.size_bytes);
  if (!end || *end > kMaximumDataBytes) {
    refuse_if(fmt::format("with it the file would have more than {} bytes of data", kMaximumDataBytes));
  }
  data_bytes_ = *end;
  names_.insert(tensor.name);
  tensors_.push_back(std::move(tensor));
  data_.push_back(std::move(data));
}

void Writer::add_tensor(std::string_view name, TensorType type, const std::vector<uint64_t>& shape,
                        std::span<const std::byte> data) {
  auto copy = std::make_shared<const Bytes>(data.begin(), data.end());
  add_tensor(name, type, shape, [copy](const Sink& put) { put(*copy); });
}

std::vector<std::byte> Writer::header() const {
  Bytes header;
  append(header, kMagic);
  append(header, kNewestVersion);
  append(header, uint64_t{tensors_.size()});
  append(header, uint64_t{metadata_.size()});
  for (const auto& [key, value] : metadata_) {
    append_string(header, key);
    append_value(header, value);
  }
  if (header.size() > kMaximumMetadataBytes) {
    fail(ErrorCode::kInvalidArgument, "the metadata take {} bytes; at most {} are read again", header.size(),
         kMaximumMetadataBytes);
  }
  for (const TensorInfo& tensor : tensors_) append_tensor(header, tensor);
  header.resize(round_up(header.size(), size_t{alignment_bytes_}));
  return header;
}

void Writer::write(const Sink& out) const {
  out(header());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    put_tensor(out, tensors_[i], data_[i]);
    put_padding(out, tensors_[i].size_bytes, alignment_bytes_);
  }
}

void Writer::write(const std::filesystem::path& path) const {
  OutputFile file(path);
  write(Sink([&file](std::span<const std::byte> bytes) { file.write(bytes); }));
  file.commit();
}

std::vector<std::byte> Writer::bytes() const {
  Bytes result;
  write(Sink([&result](std::span<const std::byte> bytes) {
    result.insert(result.end(), bytes.begin(), bytes.end());
  }));
  return result;
}

}  // namespace motley::gguf

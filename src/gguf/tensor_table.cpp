#include "gguf/tensor_table.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/math.hpp"
#include "gguf/name_index.hpp"
#include "gguf/rules.hpp"

namespace motley::gguf {
namespace {

/// A row while the table is being read: where it stands, for errors, and where its data are said to be.
struct Row {
  uint64_t offset_bytes = 0;        // Of the row itself, in the file.
  uint64_t field_offset_bytes = 0;  // Of its data-offset field, in the file.
};

std::string subject_of(const TensorInfo& tensor) { return fmt::format("tensor '{}'", escaped(tensor.name)); }

std::string read_name(Reader& reader) {
  const uint64_t offset = reader.position();
  const auto length = reader.number<uint64_t>("the tensor name's length");
  if (length > kMaximumTensorNameBytes) {
    reader.refuse(offset, "its name has {} bytes; 1 to {} are allowed", length, kMaximumTensorNameBytes);
  }
  std::string name(length, '\0');
  reader.bytes(std::as_writable_bytes(std::span(name)), "the tensor's name");
  reader.refuse_if(tensor_name_fault(name), offset);
  return name;
}

void check_not_retired(const Reader& reader, uint32_t number, uint64_t offset) {
  if (const char* retired = retired_tensor_type(number)) {
    reader.refuse_as(ErrorCode::kUnsupported, offset,
                     fmt::format("its type is number {}, {}, which was retired: quantize the model again",
                                 number, retired));
  }
}

/// Leaves the offset as the file has it, relative to the start of the tensor data.
TensorInfo read_row(Reader& reader, Row& row) {
  TensorInfo tensor;
  row.offset_bytes = reader.position();
  tensor.name = read_name(reader);
  reader.set_subject(subject_of(tensor));
  const uint64_t dimensions_offset = reader.position();
  tensor.dimensions = reader.number<uint32_t>("the dimension count");
  reader.refuse_if(dimension_count_fault(tensor.dimensions), dimensions_offset);
  for (uint32_t i = 0; i < tensor.dimensions; ++i) tensor.shape[i] = reader.number<uint64_t>("a dimension");
  reader.refuse_if(shape_fault(tensor), dimensions_offset + 4);
  const uint64_t type_offset = reader.position();
  const auto type_number = reader.number<uint32_t>("the tensor's type");
  check_not_retired(reader, type_number, type_offset);
  reader.refuse_if(set_layout(tensor, type_number), type_offset);
  row.field_offset_bytes = reader.position();
  tensor.offset_bytes = reader.number<uint64_t>("the tensor's offset");
  return tensor;
}

/// Makes the tensor's offset absolute, once it is known to lie within the file.
void place(Reader& reader, TensorInfo& tensor, const Row& row, uint64_t data_begin, uint64_t file_bytes,
           uint64_t alignment_bytes) {
  reader.set_subject(subject_of(tensor));
  const uint64_t relative = tensor.offset_bytes;
  if (relative % alignment_bytes != 0) {
    reader.refuse(row.field_offset_bytes,
                  "its data start at offset {}, no multiple of the alignment of {} bytes", relative,
                  alignment_bytes);
  }
  const auto begin = checked_add(data_begin, relative);
  const auto end = begin ? checked_add(*begin, tensor.size_bytes) : std::nullopt;
  if (!end || *end > file_bytes) {
    reader.refuse(
        row.field_offset_bytes,
        "its {} bytes at offset {} from byte {} on go past the end of the file at byte {}; the file is "
        "damaged or incomplete, fetch it again",
        tensor.size_bytes, relative, data_begin, file_bytes);
  }
  tensor.offset_bytes = *begin;
}

void check_overlaps(Reader& reader, const std::vector<TensorInfo>& tensors, const std::vector<Row>& rows) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), uint32_t{0});
  std::ranges::sort(order, {}, [&](uint32_t i) { return tensors[i].offset_bytes; });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorInfo& before = tensors[order[i - 1]];
    const TensorInfo& after = tensors[order[i]];
    if (before.offset_bytes + before.size_bytes <= after.offset_bytes) continue;
    reader.set_subject(subject_of(after));
    reader.refuse(rows[order[i]].field_offset_bytes,
                  "its data start at byte {}, within tensor '{}' (bytes {} to {})", after.offset_bytes,
                  escaped(before.name), before.offset_bytes, before.offset_bytes + before.size_bytes);
  }
}

void check_names(Reader& reader, const std::vector<TensorInfo>& tensors, const std::vector<Row>& rows) {
  const auto name_of = [&](size_t i) { return std::string_view(tensors[i].name); };
  const auto twice = NameIndex(tensors.size(), name_of).duplicate(name_of);
  if (!twice) return;
  reader.set_subject(subject_of(tensors[twice->first]));
  reader.refuse(rows[twice->second].offset_bytes, "the name appears twice, the first time at byte {}",
                rows[twice->first].offset_bytes);
}

}  // namespace

std::vector<TensorInfo> read_tensor_table(Reader& reader, uint64_t count, uint64_t alignment_bytes) {
  std::vector<TensorInfo> tensors;
  tensors.reserve(count);
  std::vector<Row> rows(count);
  for (uint64_t i = 0; i < count; ++i) {
    reader.set_subject(fmt::format("tensor {} of {}", i + 1, count));
    tensors.push_back(read_row(reader, rows[i]));
  }
  check_names(reader, tensors, rows);
  const uint64_t file_bytes = reader.position() + reader.remaining();
  const uint64_t data_begin = round_up(reader.position(), alignment_bytes);
  for (uint64_t i = 0; i < count; ++i) {
    place(reader, tensors[i], rows[i], data_begin, file_bytes, alignment_bytes);
  }
  check_overlaps(reader, tensors, rows);
  return tensors;
}

}  // namespace motley::gguf

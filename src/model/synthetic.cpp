#include "model/synthetic.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/math.hpp"
#include "gguf/output_file.hpp"
#include "gguf/rules.hpp"
#include "gguf/source.hpp"
#include "model/synthetic_header.hpp"
#include "model/synthetic_weights.hpp"

namespace motley::model {
namespace {

/// Where a tensor's data lie in the file.
struct Region {
  uint64_t begin;
  uint64_t end;
  SyntheticWeights weights;
};

/// The file that never was: its header lies in memory, its tensors are made.
class SyntheticSource final : public gguf::ByteSource {
 public:
  SyntheticSource(const ShapeSpec& spec, uint64_t seed, const gguf::File* vocabulary) : path_(spec.text()) {
    const gguf::Writer writer = synthetic_header(spec, vocabulary);
    header_ = writer.header();
    uint64_t end = header_.size();
    for (const gguf::TensorInfo& tensor : writer.tensors()) {
      const auto format = quant::from_ggml_type(static_cast<uint32_t>(tensor.type));
      if (!format)
        fail(ErrorCode::kUnsupported, "random weights in {} cannot be made", to_string(tensor.type));
      const float mean = tensor.name.ends_with("norm.weight") ? 1.0F : 0.0F;
      const uint64_t begin = header_.size() + tensor.offset_bytes;
      end = begin + tensor.size_bytes;
      regions_.push_back({begin, end, {*format, synthetic_key(seed, tensor.name), mean}});
    }
    size_bytes_ = round_up(end, uint64_t{gguf::kDefaultAlignmentBytes});
  }

  uint64_t size_bytes() const override { return size_bytes_; }
  const std::filesystem::path& path() const override { return path_; }

  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes > size_bytes_ || out.size() > size_bytes_ - offset_bytes) {
      fail(ErrorCode::kIo, "'{}' has {} bytes; {} at offset {} are not there", path_.string(), size_bytes_,
           out.size(), offset_bytes);
    }
    while (!out.empty()) {
      const size_t done = read_piece(offset_bytes, out);
      offset_bytes += done;
      out = out.subspan(done);
    }
  }

 private:
  /// Reads up to the end of what lies at the offset: the header, a tensor, or the padding after one.
  size_t read_piece(uint64_t offset, std::span<std::byte> out) const {
    const auto within = [&](uint64_t end) { return out.first(std::min<uint64_t>(out.size(), end - offset)); };
    if (offset < header_.size()) {
      const auto piece = within(header_.size());
      std::memcpy(piece.data(), header_.data() + offset, piece.size());
      return piece.size();
    }
    const auto region = std::ranges::upper_bound(regions_, offset, {}, &Region::end);
    const uint64_t begin = region == regions_.end() ? size_bytes_ : region->begin;
    if (offset < begin) {
      const auto piece = within(begin);
      std::ranges::fill(piece, std::byte{0});
      return piece.size();
    }
    const auto piece = within(region->end);
    region->weights.read_at(offset - begin, piece);
    return piece.size();
  }

  std::filesystem::path path_;
  std::vector<std::byte> header_;
  std::vector<Region> regions_;  // In file order.
  uint64_t size_bytes_ = 0;
};

/// A disk that is too small is better told before an hour of writing. Where the system does not say how much
/// is free, writing finds out.
void check_space(const std::filesystem::path& path, uint64_t size_bytes) {
  std::error_code unknown;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const std::filesystem::space_info space = std::filesystem::space(folder, unknown);
  if (unknown || space.available >= size_bytes) return;
  fail(ErrorCode::kIo, "cannot write '{}': it takes {} bytes, and {} are free in '{}'", path.string(),
       size_bytes, space.available, folder.string());
}

}  // namespace

std::shared_ptr<const gguf::File> make_synthetic(const ShapeSpec& spec, uint64_t seed,
                                                 const gguf::File* vocabulary) {
  return std::make_shared<const gguf::File>(
      gguf::File::from_source(std::make_unique<const SyntheticSource>(spec, seed, vocabulary)));
}

void write_synthetic(const ShapeSpec& spec, uint64_t seed, const std::filesystem::path& path,
                     const gguf::File* vocabulary, const WriteProgress& progress) {
  constexpr size_t kChunkBytes = size_t{4} << 20;
  const SyntheticSource source(spec, seed, vocabulary);
  const uint64_t size_bytes = source.size_bytes();
  check_space(path, size_bytes);
  gguf::OutputFile file(path);
  std::vector<std::byte> chunk(kChunkBytes);
  for (uint64_t done = 0; done < size_bytes;) {
    const auto piece = std::span(chunk).first(std::min<uint64_t>(kChunkBytes, size_bytes - done));
    source.read_at(done, piece);
    file.write(piece);
    done += piece.size();
    if (progress && !progress(done, size_bytes)) {
      fail(ErrorCode::kCancelled, "writing '{}' was cancelled after {} of {} bytes", path.string(), done,
           size_bytes);
    }
  }
  file.commit();
}

}  // namespace motley::model

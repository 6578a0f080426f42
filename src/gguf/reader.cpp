#include "gguf/reader.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

// Numbers are read as they lie in the file, which is little-endian.
static_assert(std::endian::native == std::endian::little);

namespace motley::gguf {
namespace {

constexpr size_t kBufferBytes = size_t{64} * 1024;

}  // namespace

Reader::Reader(const ByteSource& source) : source_(source), size_bytes_(source.size_bytes()) {}

void Reader::bytes(std::span<std::byte> out, const char* what) {
  check_left(out.size(), what);
  size_t done = 0;
  while (done < out.size()) {
    const bool buffered = position_ >= buffer_begin_ && position_ - buffer_begin_ < buffer_.size();
    if (!buffered && out.size() - done >= kBufferBytes) {
      source_.read_at(position_, out.subspan(done));
      position_ += out.size() - done;
      return;
    }
    if (!buffered) fill();
    const size_t begin = position_ - buffer_begin_;
    const size_t count = std::min(out.size() - done, buffer_.size() - begin);
    std::memcpy(out.data() + done, buffer_.data() + begin, count);
    done += count;
    position_ += count;
  }
}

void Reader::fill() {
  buffer_.resize(std::min<uint64_t>(kBufferBytes, remaining()));
  buffer_begin_ = position_;
  source_.read_at(position_, buffer_);
}

uint64_t Reader::string_length(const char* what) {
  const uint64_t offset = position_;
  const auto length = number<uint64_t>(what);
  if (length > remaining()) {
    refuse(offset, "{} is {} bytes long, but only {} are left in the file", what, length, remaining());
  }
  return length;
}

void Reader::skip(uint64_t count, const char* what) {
  check_left(count, what);
  position_ += count;
}

void Reader::check_left(uint64_t count, const char* what) const {
  if (count <= remaining()) return;
  refuse(position_,
         "the file ends at byte {} within {}, which takes {} bytes; it is damaged or incomplete, "
         "fetch it again",
         size_bytes_, what, count);
}

void Reader::refuse_as(ErrorCode code, uint64_t offset_bytes, std::string_view message) const {
  fail(code, "'{}', {}, at byte {}: {}", source_.path().string(), subject_, offset_bytes, message);
}

}  // namespace motley::gguf

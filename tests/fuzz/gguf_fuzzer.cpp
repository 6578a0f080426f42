// Reads any bytes as GGUF. They are either refused with motley::Error or everything they hold can be used.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "gguf/file.hpp"

namespace motley::test {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void use_everything(const gguf::File& file) {
  for (const auto& [key, value] : file.metadata()) {
    require(file.find(key) == &value);
    require(!gguf::to_string(value, 3).empty());
    require(!gguf::describe_type(value).empty());
  }
  uint64_t total_bytes = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    require(file.find_tensor(tensor.name) == &tensor);
    require(tensor.rows() * tensor.row_bytes() == tensor.size_bytes);
    std::vector<std::byte> data(tensor.size_bytes);
    file.read(tensor, 0, data);
    total_bytes += tensor.size_bytes;
  }
  // Tensors do not overlap.
  require(total_bytes <= file.size_bytes());
}

}  // namespace
}  // namespace motley::test

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    motley::test::use_everything(
        motley::gguf::File::from_source(std::make_unique<motley::gguf::MemorySource>(bytes)));
  } catch (const motley::Error&) {
    return -1;  // Not worth keeping in the corpus.
  }
  return 0;
}

// gguf_seeds FOLDER: writes the first corpus for gguf_fuzzer.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "base/file.hpp"
#include "support/gguf_samples.hpp"

int main(int count, char** arguments) try {
  if (count != 2) {
    std::fputs("usage: gguf_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  std::filesystem::create_directories(folder);
  motley::test::sample_model().write(folder / "model.gguf");
  motley::write_file_atomically(folder / "vocabulary.gguf", motley::test::sample_vocabulary());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}

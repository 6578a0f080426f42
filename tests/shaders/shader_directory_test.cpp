// Kernels compiled at run time are those of the build, follow their sources, and say where they are wrong.
#include "shader_directory.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "shader_table.hpp"
#include "support/temporary_directory.hpp"

namespace motley::shaders {
namespace {

const std::filesystem::path kRoot = std::filesystem::path(MOTLEY_SOURCE_DIR) / "shaders";

/// A copy of the sources that a test may edit.
class ShaderDirectoryTest : public ::testing::Test {
 protected:
  ShaderDirectoryTest() {
    std::filesystem::copy(kRoot, folder_.path(), std::filesystem::copy_options::recursive);
  }

  const std::filesystem::path& root() const { return folder_.path(); }

  /// Puts a text in place of another in a source.
  void edit(const char* file, const std::string& from, const std::string& to) const {
    std::string text = read_whole_file(root() / file, 1 << 20);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << file << " has no '" << from << "'";
    text.replace(at, from.size(), to);
    std::ofstream(root() / file) << text;
  }

  static std::vector<uint32_t> words_of(const vk::ShaderCode* code) {
    return code == nullptr ? std::vector<uint32_t>()
                           : std::vector<uint32_t>(code->words.begin(), code->words.end());
  }

  /// Null for a kernel whose GLSL extension the library does not know: it may be older than the compiler that
  /// the build took.
  static const vk::ShaderCode* find_where_known(ShaderDirectory& directory, std::string_view name) {
    try {
      const vk::ShaderCode* found = directory.find(name);
      EXPECT_NE(found, nullptr) << name;
      return found;
    } catch (const Error& error) {
      EXPECT_NE(std::string_view(error.what()).find("extension not supported"), std::string_view::npos)
          << error.what();
      return nullptr;
    }
  }

  std::string message_of(std::string_view name) const {
    try {
      ShaderDirectory(root()).find(name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "nothing thrown";
  }

 private:
  test::TemporaryDirectory folder_;
};

TEST_F(ShaderDirectoryTest, VariantsHaveTheInterfaceOfTheBuild) {
  ASSERT_EQ(sources().size(), table().size());
  ShaderDirectory directory(root());
  for (const vk::ShaderCode& built : table()) {
    // With sanitizers the compiler takes half a second, so of the formats one must do.
    const VariantSource& source = sources()[static_cast<size_t>(&built - table().data())];
    ASSERT_STREQ(source.name, built.name);
    const std::string_view flags = source.flags;
    if (flags.find("-Iformats/") != flags.npos && flags.find("-Iformats/f32 ") == flags.npos) continue;
    const vk::ShaderCode* fresh = find_where_known(directory, built.name);
    if (fresh == nullptr) continue;
    const vk::ShaderInterface wanted = vk::reflect(built);
    const vk::ShaderInterface got = vk::reflect(*fresh);
    EXPECT_EQ(got.push_constant_bytes, wanted.push_constant_bytes) << built.name;
    EXPECT_EQ(got.specialization_constants, wanted.specialization_constants) << built.name;
    ASSERT_EQ(got.bindings.size(), wanted.bindings.size()) << built.name;
    for (size_t i = 0; i < got.bindings.size(); ++i)
      EXPECT_EQ(got.bindings[i].writes, wanted.bindings[i].writes) << built.name << " binding " << i;
  }
}

TEST_F(ShaderDirectoryTest, FlavoursAndFormatsDiffer) {
  ShaderDirectory directory(root());
  const auto plain = words_of(directory.find("matmul.q4_0"));
  EXPECT_NE(plain, words_of(directory.find("matmul.q4_0.n8")));
  EXPECT_NE(plain, words_of(directory.find("matmul.q8_0")));
  EXPECT_EQ(directory.find("matmul.q4_0"), directory.find("matmul.q4_0"));
  EXPECT_EQ(directory.find("matmul.q9_9"), nullptr);
}

TEST_F(ShaderDirectoryTest, EditsOfKernelsAndOfWhatTheyIncludeCount) {
  const auto before = words_of(ShaderDirectory(root()).find("rms_norm"));
  edit("kernels/rms_norm.comp", "1.0 / sqrt(", "2.0 / sqrt(");
  EXPECT_NE(before, words_of(ShaderDirectory(root()).find("rms_norm")));

  const auto format_before = words_of(ShaderDirectory(root()).find("embed.f32"));
  edit("formats/f32/block.glsl", "uintBitsToFloat(", "-uintBitsToFloat(");
  EXPECT_NE(format_before, words_of(ShaderDirectory(root()).find("embed.f32")));
}

TEST_F(ShaderDirectoryTest, MistakesAreNamedByFileAndLine) {
  edit("kernels/rms_norm.comp", "void main() {", "void main() { int x = nowhere;");
  const std::string message = message_of("rms_norm");
  EXPECT_NE(message.find("rms_norm.comp:"), std::string::npos) << message;
  EXPECT_NE(message.find("nowhere"), std::string::npos) << message;

  edit("formats/q4_0/block.glsl", "#", "nonsense\n#");
  EXPECT_NE(message_of("matmul.q4_0").find("formats/q4_0/block.glsl:"), std::string::npos)
      << message_of("matmul.q4_0");

  std::filesystem::remove(root() / "common/decode.glsl");
  EXPECT_NE(message_of("embed.q8_0").find("common/decode.glsl"), std::string::npos)
      << message_of("embed.q8_0");
}

TEST_F(ShaderDirectoryTest, AMissingKernelNamesTheFile) {
  std::filesystem::remove(root() / "kernels/top_k.comp");
  try {
    ShaderDirectory(root()).find("top_k");
    FAIL() << "there is no source";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("top_k.comp"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace motley::shaders

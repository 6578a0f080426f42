#include "shader_directory.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>

#include <shaderc/shaderc.hpp>

#include "base/error.hpp"
#include "base/file.hpp"

#ifdef NDEBUG
#error "a release build has no shader compiler: set MOTLEY_SHADER_COMPILER=OFF"
#endif

namespace motley::shaders {
namespace {

constexpr uint64_t kSourceLimitBytes = uint64_t{16} << 20;

/// Finds included files as glslc does: beside the one that includes, then in each -I folder.
class Includer : public shaderc::CompileOptions::IncluderInterface {
 public:
  explicit Includer(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}

  shaderc_include_result* GetInclude(const char* requested, shaderc_include_type, const char* requesting,
                                     size_t) override {
    auto found = std::make_unique<Found>();
    std::vector<std::filesystem::path> candidates{std::filesystem::path(requesting).parent_path() /
                                                  requested};
    for (const std::filesystem::path& folder : folders_) candidates.push_back(folder / requested);
    const auto path = std::ranges::find_if(
        candidates, [](const auto& candidate) { return std::filesystem::is_regular_file(candidate); });
    if (path == candidates.end()) {
      found->content = "cannot find the file";  // an empty name says that this is a message
    } else {
      found->name = path->string();
      found->content = read_whole_file(*path, kSourceLimitBytes);
    }
    found->result = {found->name.data(), found->name.size(), found->content.data(), found->content.size(),
                     found.get()};
    return &found.release()->result;
  }

  void ReleaseInclude(shaderc_include_result* result) override {
    const std::unique_ptr<Found> found(static_cast<Found*>(result->user_data));
  }

 private:
  struct Found {
    std::string name;
    std::string content;
    shaderc_include_result result{};
  };

  std::vector<std::filesystem::path> folders_;
};

/// The same as glslc makes of these words.
shaderc::CompileOptions parse_flags(const std::string& flags, const std::filesystem::path& root) {
  shaderc::CompileOptions options;
  std::vector<std::filesystem::path> folders;
  std::istringstream words(flags);
  for (std::string word; words >> word;) {
    const std::string value = word.substr(std::min<size_t>(2, word.size()));
    if (word.starts_with("-I")) {
      folders.push_back(root / value);
    } else if (word.starts_with("-D")) {
      const size_t equals = value.find('=');
      options.AddMacroDefinition(value.substr(0, equals),
                                 equals == std::string::npos ? "" : value.substr(equals + 1));
    } else if (word == "-O") {
      options.SetOptimizationLevel(shaderc_optimization_level_performance);
    } else if (word == "-Werror") {
      options.SetWarningsAsErrors();
    } else if (word == "--target-env=vulkan1.2") {
      options.SetTargetEnvironment(shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_2);
    } else if (word == "--target-env=vulkan1.3") {
      options.SetTargetEnvironment(shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_3);
    } else if (word != "-fshader-stage=compute" && word != "-mfmt=num") {  // said below; of the output file
      fail(ErrorCode::kInternal, "kernels are built with '{}', which compiling at run time does not know",
           word);
    }
  }
  options.SetIncluder(std::make_unique<Includer>(std::move(folders)));
  return options;
}

std::vector<uint32_t> compile(const VariantSource& source, const std::filesystem::path& root) {
  const std::string path = (root / "kernels" / (std::string(source.kernel) + ".comp")).string();
  const std::string text = read_whole_file(path, kSourceLimitBytes);
  const shaderc::CompileOptions options = parse_flags(source.flags, root);
  const shaderc::SpvCompilationResult result =
      shaderc::Compiler().CompileGlslToSpv(text, shaderc_compute_shader, path.c_str(), options);
  if (result.GetCompilationStatus() != shaderc_compilation_status_success) {
    fail(ErrorCode::kInvalidArgument, "kernel '{}' does not compile:\n{}", source.name,
         result.GetErrorMessage());
  }
  return {result.begin(), result.end()};
}

}  // namespace

ShaderDirectory* ShaderDirectory::of_environment() {
  static const std::unique_ptr<ShaderDirectory> made = []() -> std::unique_ptr<ShaderDirectory> {
    const char* path = std::getenv("MOTLEY_SHADER_DIR");
    return path == nullptr || *path == '\0' ? nullptr : std::make_unique<ShaderDirectory>(path);
  }();
  return made.get();
}

const vk::ShaderCode* ShaderDirectory::find(std::string_view name) {
  const auto source =
      std::ranges::find_if(sources(), [&](const VariantSource& row) { return name == row.name; });
  if (source == sources().end()) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find_if(
      compiled_, [&](const Compiled& compiled) { return compiled.code.name == source->name; });
  if (known != compiled_.end()) return &known->code;
  std::vector<uint32_t> words = compile(*source, root_);
  Compiled& fresh = compiled_.emplace_back();
  fresh.words = std::move(words);
  fresh.code = {source->name, fresh.words};
  return &fresh.code;
}

}  // namespace motley::shaders

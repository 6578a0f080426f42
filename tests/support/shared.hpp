// Finds the test material that lies beside the checkout (models, logits, vocabularies); users do not have it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

namespace motley::test {

/// The path of `relative` under $MOTLEY_SHARED, or under `shared` beside the source tree; nothing where it is
/// absent.
inline std::optional<std::filesystem::path> shared_path(std::string_view relative) {
  std::filesystem::path root = std::filesystem::path(MOTLEY_SOURCE_DIR).parent_path() / "shared";
  if (const char* given = std::getenv("MOTLEY_SHARED")) root = given;
  const std::filesystem::path path = root / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace motley::test

/// Declares `name` as the path of shared test material, or skips the test with a message.
#define MOTLEY_SHARED_OR_SKIP(name, relative)                                                  \
  const auto name##_found = ::motley::test::shared_path(relative);                             \
  if (!name##_found) GTEST_SKIP() << "needs the test material '" << (relative) << "', absent"; \
  const std::filesystem::path& name = *name##_found

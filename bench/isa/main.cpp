// isa: what AMD's compiler makes of every kernel, on a machine without such a card.
#include <cstdio>
#include <fstream>
#include <iterator>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "isa/report.hpp"

namespace motley::isa {
namespace {

constexpr uint64_t kSavedLimitBytes = uint64_t{64} << 20;
constexpr int kNoCompiler = 77;  // as CTest's skipped tests end

struct Options {
  std::vector<std::string> families{all_families().begin(), all_families().end()};
  uint32_t wave = 0;
  std::string kernels;
  std::string save;
  std::string compare;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--family", options.families, "Generations, as RADV_FORCE_FAMILY names them; all by default")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(all_families().begin(), all_families().end())));
  app.add_option("--wave", options.wave, "Subgroups of 32 or 64 lanes; the driver's choice by default")
      ->check(CLI::IsMember({32, 64}));
  app.add_option("--kernels", options.kernels, "Print those whose kernel or use has this text in it");
  app.add_option("--save", options.save, "Write the figures to this file (JSON)");
  app.add_option("--compare", options.compare, "Print the difference to what --save wrote there");
}

void save(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) fail(ErrorCode::kIo, "cannot write '{}'", path);
}

int run(const Options& options) {
  std::vector<Row> rows;
  std::string driver;
  for (const std::string& family : options.families) {
    std::optional<Compiled> compiled = compile(family, options.wave);
    if (!compiled) {
      fmt::print(stderr,
                 "isa: RADV's null hardware is not here; Mesa has it up to 22.3 (Debian 12: apt install "
                 "mesa-vulkan-drivers)\n");
      return kNoCompiler;
    }
    driver = compiled->driver;
    std::ranges::copy_if(compiled->rows, std::back_inserter(rows), [&](const Row& row) {
      return (row.kernel + ' ' + row.use).find(options.kernels) != std::string::npos;
    });
  }
  if (options.compare.empty()) {
    fmt::print("{}", to_table(rows));
  } else {
    fmt::print("{}", difference(from_json(read_whole_file(options.compare, kSavedLimitBytes)), rows));
  }
  if (!options.save.empty()) save(options.save, to_json(rows, driver));
  const std::vector<Row> bad = spilling(rows);
  fmt::print("{} kernels on {} generations ({}), {} of them spill vector registers\n", rows.size(),
             options.families.size(), driver, bad.size());
  return bad.empty() ? 0 : 1;
}

int execute(int argc, char** argv) {
  CLI::App app(
      "Compiles every kernel as the engine uses it with RADV's compiler, for AMD GPUs that need not be "
      "there, and\n"
      "prints registers, spills, occupancy, instructions and the compiler's estimates of latency and "
      "throughput.\n"
      "Exit status: 0; 1 when a kernel spills vector registers or does not compile, 2 usage, 77 when this "
      "machine's\n"
      "RADV has no null hardware.");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}

}  // namespace
}  // namespace motley::isa

int main(int argc, char** argv) {
  try {
    return motley::isa::execute(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "isa: %s\n", error.what());
    return 1;
  }
}

// motley inspect: what is in a model file.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "output.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

struct InspectOptions {
  std::string model;
  bool json = false;
};

/// What all tensors of one weight format make together.
struct FormatTotal {
  std::string format;
  std::uint64_t tensors = 0;
  std::uint64_t weights = 0;
  std::uint64_t size_bytes = 0;
};

std::uint64_t weight_count(const TensorEntry& tensor) {
  std::uint64_t count = 1;
  for (const std::uint64_t length : tensor.shape) count *= length;
  return count;
}

/// In the order in which the formats first appear.
std::vector<FormatTotal> totals_by_format(const std::vector<TensorEntry>& tensors) {
  std::vector<FormatTotal> totals;
  for (const TensorEntry& tensor : tensors) {
    auto total = std::find_if(totals.begin(), totals.end(),
                              [&](const FormatTotal& other) { return other.format == tensor.format; });
    if (total == totals.end()) total = totals.insert(totals.end(), {.format = tensor.format});
    ++total->tensors;
    total->weights += weight_count(tensor);
    total->size_bytes += tensor.size_bytes;
  }
  return totals;
}

std::string as_text(const Model& model) {
  const std::vector<MetadataEntry> metadata = model.metadata();
  const std::vector<TensorEntry> tensors = model.tensors();
  std::string text = fmt::format("{}: GGUF version {}, {} ({} bytes)\n", printable(model.path().string()),
                                 model.gguf_version(), human_size(model.size_bytes()), model.size_bytes());

  text += fmt::format("\n{} metadata entries\n", metadata.size());
  size_t key_width = 0;
  for (const MetadataEntry& entry : metadata) key_width = std::max(key_width, printable(entry.key).size());
  for (const MetadataEntry& entry : metadata) {
    text += fmt::format("  {:{}}  {:16}  {}\n", printable(entry.key), key_width, entry.type,
                        printable(entry.summary));
  }

  text += fmt::format("\n{} tensors\n", tensors.size());
  size_t name_width = 0;
  for (const TensorEntry& tensor : tensors) name_width = std::max(name_width, printable(tensor.name).size());
  for (const TensorEntry& tensor : tensors) {
    text += fmt::format("  {:{}}  {:7}  {:>10}  {}\n", printable(tensor.name), name_width, tensor.format,
                        human_size(tensor.size_bytes), fmt::join(tensor.shape, " x "));
  }
  for (const FormatTotal& total : totals_by_format(tensors)) {
    text += fmt::format("in all {:7} {:4} tensors, {} weights, {} ({} bytes)\n", total.format, total.tensors,
                        total.weights, human_size(total.size_bytes), total.size_bytes);
  }
  return text;
}

/// Appends the rendering of each element of `list`, one a line.
template <typename List, typename Render>
void append_elements(std::string& json, const List& list, Render render) {
  const char* separator = "\n    ";
  for (const auto& element : list) {
    json += separator + render(element);
    separator = ",\n    ";
  }
}

/// Written by hand, since the metadata's values are JSON already and may be large.
std::string as_json(const Model& model) {
  std::string json =
      fmt::format("{{\n  \"path\": {},\n  \"gguf_version\": {},\n  \"size_bytes\": {},\n  \"metadata\": {{",
                  json_string(model.path().string()), model.gguf_version(), model.size_bytes());
  append_elements(json, model.metadata(), [](const MetadataEntry& entry) {
    return fmt::format("{}: {{\"type\": {}, \"value\": {}}}", json_string(entry.key), json_string(entry.type),
                       entry.json);
  });
  json += "\n  },\n  \"tensors\": [";
  const std::vector<TensorEntry> tensors = model.tensors();
  append_elements(json, tensors, [](const TensorEntry& tensor) {
    return fmt::format("{{\"name\": {}, \"format\": {}, \"shape\": [{}], \"size_bytes\": {}}}",
                       json_string(tensor.name), json_string(tensor.format), fmt::join(tensor.shape, ", "),
                       tensor.size_bytes);
  });
  json += "\n  ],\n  \"formats\": [";
  append_elements(json, totals_by_format(tensors), [](const FormatTotal& total) {
    return fmt::format("{{\"format\": {}, \"tensors\": {}, \"weights\": {}, \"size_bytes\": {}}}",
                       json_string(total.format), total.tensors, total.weights, total.size_bytes);
  });
  return json + "\n  ]\n}\n";
}

int inspect(const InspectOptions& options) {
  require_model(options.model);
  const Model model = Model::open(options.model);
  write_output(options.json ? as_json(model) : as_text(model));
  return kSuccess;
}

}  // namespace

Command add_inspect_command(CLI::App& parent) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* app = parent.add_subcommand("inspect", "Print a model's metadata, tensors and sizes");
  add_model_argument(*app, options->model);
  app->add_flag("--json", options->json, "Print JSON");
  return {app, [options] { return inspect(*options); }};
}

}  // namespace motley::tools

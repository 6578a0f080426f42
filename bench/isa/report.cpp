#include "isa/report.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace motley::isa {
namespace {

/// Of a family and a use the kernels in their order, each by the stem of its name. Flavours and constants may
/// change; what that does to the figures is what a comparison is about.
using Key = std::tuple<std::string, std::string, std::string, int>;

std::map<Key, const Row*> by_use(std::span<const Row> rows) {
  std::map<Key, const Row*> found;
  for (const Row& row : rows) {
    Key key{row.family, row.use, row.kernel.substr(0, row.kernel.find('.')), 0};
    while (found.contains(key)) ++std::get<int>(key);
    found[key] = &row;
  }
  return found;
}

std::string name_of(const Row& row) { return fmt::format("{}  {} ({})", row.family, row.use, row.kernel); }

/// "VGPRs 84 -> 64 (-24 %), ..."; empty when nothing changed.
std::string changes(const Figures& before, const Figures& after) {
  std::string text;
  for (const FigureInfo& figure : all_figures()) {
    const double old_value = before.*figure.member;
    const double new_value = after.*figure.member;
    if (old_value == new_value) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {} -> {}", figure.heading, old_value, new_value);
    if (old_value > 0) text += fmt::format(" ({:+.0f} %)", (new_value / old_value - 1) * 100);
  }
  return text;
}

Row row_of(const nlohmann::json& json) {
  Row row;
  json.at("family").get_to(row.family);
  json.at("use").get_to(row.use);
  json.at("kernel").get_to(row.kernel);
  json.at("constants").get_to(row.constants);
  for (const FigureInfo& figure : all_figures()) json.at(figure.key).get_to(row.figures.*figure.member);
  return row;
}

}  // namespace

std::string to_table(std::span<const Row> rows) {
  size_t use_width = 0;
  size_t kernel_width = 0;
  for (const Row& row : rows) {
    use_width = std::max(use_width, row.use.size());
    kernel_width = std::max(kernel_width, row.kernel.size());
  }
  std::string text = fmt::format("{:9}  {:{}}  {:{}}", "family", "use", use_width, "kernel", kernel_width);
  for (const FigureInfo& figure : all_figures()) text += fmt::format("  {:>9}", figure.heading);
  text += "  constants\n";
  for (const Row& row : rows) {
    text += fmt::format("{:9}  {:{}}  {:{}}", row.family, row.use, use_width, row.kernel, kernel_width);
    for (const FigureInfo& figure : all_figures()) text += fmt::format("  {:>9}", row.figures.*figure.member);
    text += fmt::format("  {}\n", fmt::join(row.constants, ","));
  }
  return text;
}

std::string to_json(std::span<const Row> rows, const std::string& driver) {
  nlohmann::ordered_json json{{"driver", driver}, {"rows", nlohmann::ordered_json::array()}};
  for (const Row& row : rows) {
    nlohmann::ordered_json entry{
        {"family", row.family}, {"use", row.use}, {"kernel", row.kernel}, {"constants", row.constants}};
    for (const FigureInfo& figure : all_figures()) entry[figure.key] = row.figures.*figure.member;
    json["rows"].push_back(std::move(entry));
  }
  return json.dump(1) + "\n";
}

std::vector<Row> from_json(const std::string& text) {
  try {
    std::vector<Row> rows;
    const nlohmann::json json = nlohmann::json::parse(text);
    for (const nlohmann::json& entry : json.at("rows")) rows.push_back(row_of(entry));
    return rows;
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kInvalidArgument, "this is not what --save wrote: {}", error.what());
  }
}

std::string difference(std::span<const Row> before, std::span<const Row> after) {
  const std::map<Key, const Row*> old_rows = by_use(before);
  const std::map<Key, const Row*> new_rows = by_use(after);
  std::string text;
  size_t same = 0;
  for (const auto& [key, row] : new_rows) {
    const auto found = old_rows.find(key);
    if (found == old_rows.end()) {
      text += fmt::format("{}: new\n", name_of(*row));
      continue;
    }
    const std::string what = changes(found->second->figures, row->figures);
    if (what.empty()) ++same;
    if (!what.empty()) text += fmt::format("{}: {}\n", name_of(*row), what);
  }
  for (const auto& [key, row] : old_rows) {
    if (!new_rows.contains(key)) text += fmt::format("{}: gone\n", name_of(*row));
  }
  return text + fmt::format("{} of {} kernels have the same figures\n", same, new_rows.size());
}

std::vector<Row> spilling(std::span<const Row> rows) {
  std::vector<Row> found;
  std::ranges::copy_if(rows, std::back_inserter(found),
                       [](const Row& row) { return row.figures.spilled_vgprs > 0; });
  return found;
}

}  // namespace motley::isa

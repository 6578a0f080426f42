#include "plan_svg.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "plan_text.hpp"
#include "printing.hpp"

namespace motley::tools {
namespace {

constexpr double kWidth = 900;
constexpr double kMargin = 28;
constexpr double kInner = kWidth - 2 * kMargin;
constexpr double kIndent = 44;  // of what belongs to a device, right of its number
constexpr size_t kLineBytes = 128;

// Distinct also for those who do not tell red from green (after Okabe and Ito 2008).
constexpr const char* kWeights = "#0072b2";
constexpr const char* kCache = "#56b4e9";
constexpr const char* kScratch = "#e69f00";
constexpr const char* kFree = "#e8eaed";
constexpr const char* kTime = "#5f6368";
constexpr const char* kThisPlan = "#0072b2";
constexpr const char* kOtherPlan = "#9aa0a6";
constexpr std::array kStages{"#0072b2", "#009e73", "#cc79a7", "#d55e00", "#5b4b9a", "#7a6a00"};

constexpr const char* kStyle =
    "text{font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:13px;fill:#202124}"
    ".title{font-size:20px;font-weight:600}.name{font-size:15px;font-weight:600}.big{font-size:18px;"
    "font-weight:600}.small{font-size:12px;fill:#5f6368}.badge{font-size:12px;font-weight:600;fill:#fff}"
    ".bad{fill:#b3261e;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}";

/// Text that XML may hold between tags: UTF-8 without control characters, markup escaped.
std::string xml_text(std::string_view text) {
  const std::string valid = nlohmann::json::parse(json_string(text)).get<std::string>();
  std::string result;
  for (const char c : printable(valid)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      default:
        result += c;
    }
  }
  // U+FFFE and U+FFFF are UTF-8 and no XML.
  for (size_t at = 0; (at = result.find("\xEF\xBF", at)) != std::string::npos; ++at) {
    const char last = result[at + 2];
    if (last == '\xBE' || last == '\xBF') result[at + 2] = '\xBD';  // U+FFFD, which stands for what cannot
  }
  return result;
}

/// Cut at spaces; a longer word stays whole.
std::vector<std::string> wrapped(std::string_view text) {
  std::vector<std::string> lines;
  while (text.size() > kLineBytes) {
    size_t space = text.rfind(' ', kLineBytes);
    if (space == std::string_view::npos || space == 0) space = text.find(' ', 1);
    if (space == std::string_view::npos) break;
    lines.emplace_back(text.substr(0, space));
    text.remove_prefix(space + 1);
  }
  lines.emplace_back(text);
  return lines;
}

class Picture {
 public:
  explicit Picture(const Plan& plan) : plan_(plan) {}

  std::string draw() {
    draw_head();
    for (const std::string& warning : plan_.warnings) draw_warning(warning);
    if (!plan_.stages.empty()) draw_layers();
    double start_ms = 0;
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
      draw_stage(i, start_ms);
      start_ms += plan_.stages[i].decode_ms + plan_.stages[i].handoff_ms;
    }
    if (!plan_.stages.empty()) draw_legend();
    for (const Plan::Unused& unused : plan_.unused) draw_unused(unused);
    draw_alternatives();
    const double height = y_ + kMargin - 8;
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
        "height=\"{1:.0f}\" "
        "role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
        "<rect width=\"{0}\" height=\"{1:.0f}\" fill=\"#fff\"/>\n{4}</svg>\n",
        kWidth, height, xml_text("Where " + plan_.model + " lies"), kStyle, body_);
  }

 private:
  void text(double x, double y, std::string_view classes, std::string_view content) {
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, classes,
                         xml_text(content));
  }

  void rectangle(double x, double y, double width, double height, std::string_view fill, double radius = 0) {
    if (!(width > 0)) return;
    body_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:.1f}\" fill=\"{}\"/>\n", x,
        y, width, height, radius, fill);
  }

  /// Wrapped lines below one another from y_ on, which they move.
  void paragraph(double x, std::string_view classes, std::string_view content) {
    for (const std::string& line : wrapped(content)) {
      text(x, y_, classes, line);
      y_ += 16;
    }
  }

  void draw_head() {
    text(kMargin, y_, "title", plan_.model);
    y_ += 22;
    text(kMargin, y_, "small",
         fmt::format("{} layers, context of {} tokens, planned for {}", plan_.layers, plan_.context_tokens,
                     to_string(plan_.objective)));
    y_ += 30;
    if (!plan_.feasible) {
      text(kMargin, y_, "big bad", "It does not fit.");
      y_ += 26;
      return;
    }
    std::vector<std::pair<std::string, std::string>> figures{
        {describe_rate(plan_.decode_tokens_per_second) + " tokens/s", "decoding"},
        {describe_rate(plan_.prefill_tokens_per_second) + " tokens/s", "of prompt"},
        {fmt::format("{:.1f} s", plan_.load_s), "to load"}};
    if (plan_.joules_per_token > 0) {
      figures.emplace_back(fmt::format("{:.3g} J", plan_.joules_per_token), "a token");
    }
    for (size_t i = 0; i < figures.size(); ++i) {
      const double x = kMargin + static_cast<double>(i) * 170;
      text(x, y_, "big", figures[i].first);
      text(x, y_ + 17, "small", figures[i].second);
    }
    y_ += 46;
  }

  void draw_warning(const std::string& warning) {
    const std::vector<std::string> lines = wrapped(warning);
    const double height = 10 + 16 * static_cast<double>(lines.size());
    rectangle(kMargin, y_ - 16, kInner, height, "#fef3d6", 4);
    rectangle(kMargin, y_ - 16, 4, height, kScratch);
    for (const std::string& line : lines) {
      text(kMargin + 14, y_, "", line);
      y_ += 16;
    }
    y_ += 14;
  }

  /// All layers in a row, coloured and numbered by stage.
  void draw_layers() {
    const double a_layer = kInner / plan_.layers;
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
      const PlanStage& stage = plan_.stages[i];
      const double x = kMargin + a_layer * stage.first_layer;
      const double width = a_layer * (stage.last_layer - stage.first_layer + 1);
      rectangle(x, y_ - 10, width - 1.5, 24, color_of(i), 3);
      text(x + width / 2, y_ + 6, "badge middle", fmt::to_string(i + 1));
    }
    text(kMargin, y_ + 29, "small", "layer 0");
    text(kMargin + kInner, y_ + 29, "small end", fmt::format("layer {}", plan_.layers - 1));
    y_ += 66;
  }

  void draw_stage(size_t index, double start_ms) {
    const PlanStage& stage = plan_.stages[index];
    rectangle(kMargin, y_ - 15, 26, 20, color_of(index), 3);
    text(kMargin + 13, y_, "badge middle", fmt::to_string(index + 1));
    const double x = kMargin + kIndent;
    text(x, y_, "name", stage.device);
    text(kMargin + kInner, y_, "end", describe_layers(stage));
    y_ += 12;

    const double width = memory_width(stage.usable_bytes);
    rectangle(x, y_, width, 18, kFree, 2);
    double left = x;
    for (const auto& [bytes, fill] : {std::pair(stage.weights_bytes, kWeights),
                                      {stage.kv_bytes, kCache},
                                      {stage.scratch_bytes, kScratch}}) {
      const double room = x + width - left;
      const double part = std::min(room, width * static_cast<double>(bytes) /
                                             static_cast<double>(std::max<uint64_t>(stage.usable_bytes, 1)));
      rectangle(left, y_, part, 18, fill);
      left += part;
    }
    y_ += 23;
    const double whole_ms = token_ms(plan_);
    const double scale = whole_ms > 0 ? (kInner - kIndent) / whole_ms : 0;
    rectangle(x, y_, kInner - kIndent, 5, kFree, 2);
    rectangle(x + start_ms * scale, y_, std::max(1.0, stage.decode_ms * scale), 5, kTime, 2);
    y_ += 22;
    const std::string memory = describe_memory(stage);
    text(x, y_, "small", memory);
    if (memory.size() > kLineBytes * 2 / 3) y_ += 16;  // no room for both in one line
    text(kMargin + kInner, y_, "small end",
         fmt::format("{:.0f} % of a token: {:.4g} of {:.4g} ms",
                     whole_ms > 0 ? 100 * stage.decode_ms / whole_ms : 0, stage.decode_ms, whole_ms));
    y_ += 17;
    paragraph(x, "small", stage.reason);
    y_ += 22;
  }

  void draw_legend() {
    double x = kMargin + kIndent;
    for (const auto& [fill, name] : {std::pair(kWeights, "weights"),
                                     {kCache, "KV cache"},
                                     {kScratch, "scratch"},
                                     {kFree, "free"},
                                     {kTime, "time of a token"}}) {
      rectangle(x, y_ - 10, 12, 12, fill, 2);
      text(x + 18, y_, "small", name);
      x += 110;
    }
    y_ += 36;
  }

  void draw_unused(const Plan::Unused& unused) {
    rectangle(kMargin, y_ - 15, 26, 20, kOtherPlan, 3);
    text(kMargin + 13, y_, "badge middle", "\xE2\x80\x93");  // a dash
    const double x = kMargin + kIndent;
    text(x, y_, "name", unused.device);
    text(kMargin + kInner, y_, "small end", human_size(unused.usable_bytes) + ", not used");
    y_ += 12;
    rectangle(x, y_, memory_width(unused.usable_bytes), 8, kFree, 2);
    y_ += 25;
    paragraph(x, "small", unused.reason);
    y_ += 20;
  }

  void draw_alternatives() {
    double most = plan_.decode_tokens_per_second;
    for (const Plan::Alternative& other : plan_.alternatives) {
      most = std::max(most, other.decode_tokens_per_second);
    }
    text(kMargin, y_, "name", "Against the plans not taken");
    text(kMargin + kInner, y_, "small end", "tokens/s decoding, and of prompt");
    y_ += 24;
    if (plan_.feasible) {
      draw_rate("this plan", plan_.decode_tokens_per_second, plan_.prefill_tokens_per_second, true, kThisPlan,
                most);
    }
    for (const Plan::Alternative& other : plan_.alternatives) {
      draw_rate(other.plan, other.decode_tokens_per_second, other.prefill_tokens_per_second, other.feasible,
                kOtherPlan, most);
    }
  }

  void draw_rate(const std::string& name, double decode, double prefill, bool feasible, const char* fill,
                 double most) {
    constexpr double kLeft = 190;
    constexpr double kRight = 240;  // for the figures
    text(kMargin, y_, "", name);
    const double width = most > 0 ? (kInner - kLeft - kRight) * decode / most : 0;
    rectangle(kMargin + kLeft, y_ - 11, width, 14, feasible ? fill : kFree, 2);
    const std::string figures = fmt::format("{}, {}", describe_rate(decode), describe_rate(prefill));
    text(kMargin + kInner, y_, feasible ? "end" : "end small",
         feasible ? figures : "does not fit; else " + figures);
    y_ += 22;
  }

  const char* color_of(size_t stage) const { return kStages[stage % kStages.size()]; }

  /// All memory bars have one scale.
  double memory_width(uint64_t bytes) const {
    uint64_t most = 1;
    for (const PlanStage& stage : plan_.stages) most = std::max(most, stage.usable_bytes);
    for (const Plan::Unused& unused : plan_.unused) most = std::max(most, unused.usable_bytes);
    return std::max(2.0, (kInner - kIndent) * static_cast<double>(bytes) / static_cast<double>(most));
  }

  const Plan& plan_;
  std::string body_;
  double y_ = 44;
};

}  // namespace

std::string plan_as_svg(const Plan& plan) { return Picture(plan).draw(); }

}  // namespace motley::tools

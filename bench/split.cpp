// split: every cut of a model over two devices, predicted and measured.
//
//   split MODEL --device A,B [-p 512] [-n 16] [-r 3] [--every K] [-o md|json]
//
// All cuts are loaded at once and measured in turn, so that what disturbs the machine disturbs all alike;
// medians are told. A prediction is for prompts of 512 tokens and for decoding at half the context, so the
// context is made such that decoding after the prompt is there. With -o json it prints a record for
// bench/records.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <motley/motley.hpp>
#include <nlohmann/json.hpp>

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<std::string> devices;
  std::uint32_t prompt_tokens = 512;
  std::uint32_t decode_tokens = 16;
  std::uint32_t repetitions = 3;
  std::uint32_t every = 1;
  std::uint32_t batch_tokens = 0;
  std::string format = "md";
  std::string command;

  motley::SessionOptions session() const {
    return {.context_tokens = 2 * prompt_tokens + decode_tokens, .batch_tokens = batch_tokens};
  }
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// What was done by one stage or by all of them: ms a token decoded, ms a prompt.
struct Times {
  std::vector<double> decode_ms;
  std::vector<double> prompt_ms;
};

/// A cut, loaded and ready to run.
class Cut {
 public:
  Cut(const motley::Model& model, const Options& options, std::string layers, std::string name)
      : name_(std::move(name)),
        engine_(model, {.devices = options.devices, .layers = std::move(layers)}, options.session()),
        session_(engine_, options.session()),
        plan_(engine_.plan()),
        stages_(plan_.stages.size()) {}

  const std::string& name() const { return name_; }
  const motley::Plan& plan() const { return plan_; }
  std::uint32_t batch_tokens() const { return session_.batch_tokens(); }

  double predicted_decode() const { return plan_.decode_tokens_per_second; }
  double predicted_prompt() const { return plan_.prefill_tokens_per_second; }
  double decode() const { return 1000 / median(all_.decode_ms); }
  double prompt(const Options& options) const {
    return options.prompt_tokens * 1000 / median(all_.prompt_ms);
  }
  /// Medians of a stage's own times.
  double stage_decode_ms(std::size_t stage) const { return median(stages_[stage].decode_ms); }
  double stage_prompt_ms(std::size_t stage) const { return median(stages_[stage].prompt_ms); }
  /// What a decoded token took beyond the stages' times, ms.
  double decode_between_ms() const {
    double sum = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) sum += stage_decode_ms(i);
    return median(all_.decode_ms) - sum;
  }

  /// Runs the prompt and decodes once; the first time everything is compiled and does not count.
  void run(const Options& options, bool count) {
    constexpr std::uint32_t kWarmingTokens = 64;
    session_.reset();
    const std::vector<motley::StageStatistics> before = session_.stage_statistics();
    const auto start = Clock::now();
    session_.evaluate(draw(count ? options.prompt_tokens : std::min(options.prompt_tokens, kWarmingTokens)));
    const auto middle = Clock::now();
    for (std::uint32_t i = 0; i < options.decode_tokens; ++i) session_.evaluate(draw(1));
    const auto end = Clock::now();
    if (!count) return;
    all_.prompt_ms.push_back(milliseconds(middle - start));
    all_.decode_ms.push_back(milliseconds(end - middle) / options.decode_tokens);
    const std::vector<motley::StageStatistics> after = session_.stage_statistics();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      stages_[i].prompt_ms.push_back(milliseconds(after[i].prompt_busy - before[i].prompt_busy));
      stages_[i].decode_ms.push_back(milliseconds(after[i].decode_busy - before[i].decode_busy) /
                                     options.decode_tokens);
    }
  }

 private:
  std::vector<motley::Token> draw(std::uint32_t count) {
    std::uniform_int_distribution<motley::Token> ids(
        0, static_cast<motley::Token>(engine_.vocabulary_size() - 1));
    std::vector<motley::Token> tokens(count);
    std::ranges::generate(tokens, [&] { return ids(random_); });
    return tokens;
  }

  std::string name_;
  motley::Engine engine_;
  motley::Session session_;
  motley::Plan plan_;
  std::mt19937 random_{1};  // NOLINT(cert-msc51-cpp): every run sees the same tokens
  Times all_;
  std::vector<Times> stages_;
};

/// What the planner makes of the two devices.
struct Planned {
  const char* objective;
  std::string layers;
};

std::string layers_text(const Options& options, const motley::Plan& plan,
                        const std::vector<std::uint32_t>& indices) {
  std::string text;
  for (const motley::PlanStage& stage : plan.stages) {
    const std::size_t which = stage.device_index == indices[0] ? 0 : 1;
    text += fmt::format("{}{}:{}-{}", text.empty() ? "" : ",", options.devices[which], stage.first_layer,
                        stage.last_layer);
  }
  return text;
}

std::string cut_text(const Options& options, std::uint32_t layers, std::uint32_t first) {
  const std::string& a = options.devices[0];
  const std::string& b = options.devices[1];
  if (first == 0) return fmt::format("{}:0-{}", b, layers - 1);
  if (first == layers) return fmt::format("{}:0-{}", a, layers - 1);
  return fmt::format("{}:0-{},{}:{}-{}", a, first - 1, b, first, layers - 1);
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), model_(motley::Model::open(options.model)) {
    for (const std::string& device : options.devices) devices_.push_back(motley::Device::open(device).info());
    plan(motley::Objective::kLatency);
    plan(motley::Objective::kThroughput);
    for (std::uint32_t first = 0; first <= layers_; first += options.every)
      add(cut_text(options, layers_, first));
    add(cut_text(options, layers_, layers_));
    for (const Planned& planned : planned_) add(planned.layers);
  }

  void run() {
    for (std::uint32_t round = 0; round <= options_.repetitions; ++round) {
      for (Cut& cut : cuts_) cut.run(options_, round > 0);
      std::fprintf(stderr, "round %u of %u done\n", round, options_.repetitions);
    }
  }

  void print_markdown() const {
    fmt::print("{}: {} and {}; prompts of {}, {} tokens decoded after each, {} repetitions\n\n",
               options_.model, describe(0), describe(1), options_.prompt_tokens, options_.decode_tokens,
               options_.repetitions);
    fmt::print(
        "| layers | chunk | decode tok/s predicted | measured | error | prompt t/s predicted | measured | "
        "error |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const Cut& cut : cuts_) {
      fmt::print("| {} | {} | {:.2f} | {:.2f} | {:+.1f} % | {:.2f} | {:.2f} | {:+.1f} % |\n", cut.name(),
                 cut.batch_tokens(), cut.predicted_decode(), cut.decode(), 100 * decode_error(cut),
                 cut.predicted_prompt(), cut.prompt(options_), 100 * prompt_error(cut));
    }
    fmt::print("\n");
    for (const std::string& line : summary()) fmt::print("- {}\n", line);
  }

  void print_json() const {
    Json list = Json::array();
    for (const Cut& cut : cuts_) {
      Json stages = Json::array();
      for (std::size_t i = 0; i < cut.plan().stages.size(); ++i) {
        const motley::PlanStage& stage = cut.plan().stages[i];
        stages.push_back({{"device", stage.device},
                          {"first_layer", stage.first_layer},
                          {"last_layer", stage.last_layer},
                          {"predicted_decode_ms", stage.decode_ms},
                          {"decode_ms", cut.stage_decode_ms(i)},
                          {"predicted_prefill_ms", stage.prefill_ms_per_512},
                          {"prefill_ms", cut.stage_prompt_ms(i)}});
      }
      list.push_back({{"layers", cut.name()},
                      {"chunk_tokens", cut.batch_tokens()},
                      {"predicted_decode_tokens_per_second", cut.predicted_decode()},
                      {"decode_tokens_per_second", cut.decode()},
                      {"predicted_prefill_tokens_per_second", cut.predicted_prompt()},
                      {"prefill_tokens_per_second", cut.prompt(options_)},
                      {"decode_between_stages_ms", cut.decode_between_ms()},
                      {"stages", std::move(stages)}});
    }
    const Json report{{"kind", "split"},
                      {"date", fmt::format("{:%F}", fmt::gmtime(std::time(nullptr)))},
                      {"title", "two devices, every cut predicted and measured"},
                      {"command", options_.command},
                      {"model", options_.model},
                      {"devices", {describe(0), describe(1)}},
                      {"cuts", std::move(list)},
                      {"summary", summary()}};
    fmt::print("{}\n", report.dump(2, ' ', false, Json::error_handler_t::replace));
  }

 private:
  void plan(motley::Objective objective) {
    const motley::Plan plan =
        motley::make_plan(model_, {.objective = objective, .devices = options_.devices}, options_.session());
    if (!plan.feasible) throw motley::Error(motley::ErrorCode::kOutOfMemory, "the model does not fit");
    layers_ = plan.layers;
    planned_.push_back(
        {to_string(objective), layers_text(options_, plan, {devices_[0].index, devices_[1].index})});
  }

  void add(const std::string& layers) {
    if (std::ranges::find(cuts_, layers, &Cut::name) != cuts_.end()) return;
    std::fprintf(stderr, "loading %s\n", layers.c_str());
    cuts_.emplace_back(model_, options_, layers, layers);
  }

  std::string describe(std::size_t device) const {
    return fmt::format("{}: {}, {}", options_.devices[device], devices_[device].name,
                       devices_[device].driver);
  }

  double decode_error(const Cut& cut) const { return cut.predicted_decode() / cut.decode() - 1; }
  double prompt_error(const Cut& cut) const { return cut.predicted_prompt() / cut.prompt(options_) - 1; }

  template <typename Error>
  std::string errors(const char* what, Error error) const {
    std::vector<double> sizes;
    for (const Cut& cut : cuts_) sizes.push_back(std::abs(error(cut)));
    return fmt::format("{}: predictions are off by {:.1f} % (median) and {:.1f} % (worst)", what,
                       100 * median(sizes), 100 * std::ranges::max(sizes));
  }

  /// How far the cut planned for an objective is from the best one measured.
  template <typename Rate>
  std::string choice(const Planned& planned, const char* what, Rate rate) const {
    const Cut& chosen = *std::ranges::find(cuts_, planned.layers, &Cut::name);
    const Cut& best = *std::ranges::max_element(cuts_, {}, rate);
    return fmt::format("planned for {}: {}; {} at {:.2f} t/s, {:.1f} % below the best measured ({}: {:.2f})",
                       planned.objective, planned.layers, what, rate(chosen),
                       100 * (1 - rate(chosen) / rate(best)), best.name(), rate(best));
  }

  std::vector<std::string> summary() const {
    const auto decode = [](const Cut& cut) { return cut.decode(); };
    const auto prompt = [this](const Cut& cut) { return cut.prompt(options_); };
    double single = 0;
    double worst_between = 0;
    double between_us = 0;
    for (const Cut& cut : cuts_) {
      if (cut.plan().stages.size() == 1) {
        single = std::max(single, prompt(cut));
        continue;
      }
      const double token_ms = 1000 / cut.decode();
      worst_between = std::max(worst_between, cut.decode_between_ms() / (token_ms - cut.decode_between_ms()));
      between_us = std::max(between_us, 1000 * cut.decode_between_ms());
    }
    const Cut& best = *std::ranges::max_element(cuts_, {}, prompt);
    return {errors("decode", [this](const Cut& cut) { return decode_error(cut); }),
            errors("prompt", [this](const Cut& cut) { return prompt_error(cut); }),
            choice(planned_[0], "decodes", decode),
            choice(planned_[1], "runs prompts", prompt),
            fmt::format("the best cut runs prompts {:.2f} times as fast as the better device alone",
                        prompt(best) / single),
            fmt::format("a decoded token takes at most {:.1f} % ({:.0f} us) longer than its stages",
                        100 * worst_between, between_us)};
  }

  Options options_;
  motley::Model model_;
  std::vector<motley::DeviceInfo> devices_;
  std::uint32_t layers_ = 0;
  std::vector<Planned> planned_;
  std::vector<Cut> cuts_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Every cut of a model over two devices, predicted and measured");
  app.add_option("model", options.model, "A GGUF file or shape:NAME@FORMAT")->required();
  app.add_option("--device", options.devices, "The two devices: index, name, UUID or PCI address")
      ->delimiter(',')
      ->expected(2)
      ->required();
  app.add_option("-p", options.prompt_tokens, "Tokens of a prompt; predictions are for 512")
      ->check(CLI::Range(2, 2048));
  app.add_option("-n", options.decode_tokens, "Tokens decoded after each prompt")->check(CLI::Range(1, 1024));
  app.add_option("-r", options.repetitions, "How often each cut is measured")->check(CLI::Range(1, 100));
  app.add_option("--every", options.every, "Only every so-manieth cut")->check(CLI::Range(1, 512));
  app.add_option("-b", options.batch_tokens, "Tokens of a chunk; default: what is predicted to be fastest")
      ->check(CLI::Range(1, 4096));
  app.add_option("-o", options.format, "md or json")->check(CLI::IsMember({"md", "json"}));
  CLI11_PARSE(app, argc, argv);
  options.command = "split";
  for (int i = 1; i < argc; ++i) options.command += fmt::format(" {}", argv[i]);
  try {
    motley::set_log(motley::LogSeverity::kWarning);
    Bench bench(options);
    bench.run();
    options.format == "md" ? bench.print_markdown() : bench.print_json();
    return 0;
  } catch (const motley::Error& error) {
    std::fprintf(stderr, "split: %s\n", error.what());
    return 1;
  }
}

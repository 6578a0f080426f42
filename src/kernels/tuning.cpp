#include "kernels/tuning.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "kernels/timing.hpp"

namespace motley::kernels {
namespace {

constexpr int kRounds = 5;
/// More where the table's first seems beaten. On two cores that others used as well, five rounds were not
/// enough: three of sixteen uses on lavapipe fell to a variant that was slower when asked again.
constexpr int kMoreRounds = 10;
constexpr double kHopeless = 2;  // times the best of the others

/// A variant that is being timed.
struct Contender {
  std::unique_ptr<vk::CommandList> commands;
  int passes = 1;
  double best_seconds = std::numeric_limits<double>::infinity();  // of a pass

  void read(vk::Device& device) {
    best_seconds = std::min(best_seconds, seconds_of(device, *commands) / passes);
  }
};

Contender make_contender(Context& context, const KernelUse& use, const Workload& work,
                         const std::string& variant) {
  Context preferring = context;
  prefer(preferring.profile, use, variant);
  const Pass pass = [&](vk::CommandList& commands) { work.record(preferring, commands); };
  run_once(context.device, pass);  // compiles
  Contender contender;
  contender.passes = passes_of_reading(run_once(context.device, pass));
  contender.commands = record_passes(context.device, pass, contender.passes);
  return contender;
}

}  // namespace

std::vector<std::string> contenders(const Profile& profile, const KernelUse& use) {
  std::vector<std::string> names;
  if (!use.comparison) return names;
  const std::vector<Choice<Variant>> all = use.comparison->variants(profile);
  for (const Choice<Variant>& choice : all) {
    const double coarsest = nmse_limit(all.front().row.arithmetic, 0);
    if (nmse_limit(choice.row.arithmetic, 0) <= coarsest) names.emplace_back(choice.shader.name);
  }
  return names;
}

bool is_tuned(const Profile& profile, const KernelUse& use) {
  const Tuned* tuned = use.comparison ? profile.choices.find_tuned(use.comparison->key(profile)) : nullptr;
  return tuned != nullptr && std::ranges::all_of(contenders(profile, use), [&](const std::string& name) {
           return tuned->find(name) != nullptr;
         });
}

void prefer(Profile& profile, const KernelUse& use, const std::string& variant) {
  profile.choices.tuned[use.comparison->key(profile)].variant = variant;
}

std::string winner(std::span<const Tuned::Figure> figures) {
  if (figures.empty() || !(figures.front().rate > 0)) return {};
  const Tuned::Figure& fastest = *std::ranges::max_element(figures, {}, &Tuned::Figure::rate);
  return fastest.rate > kWinMargin * figures.front().rate ? fastest.variant : figures.front().variant;
}

std::vector<Tuned::Figure> measure_rates(Context& context, const KernelUse& use) {
  const Workload work = use.comparison->workload(context);
  const std::vector<std::string> names = contenders(context.profile, use);
  std::vector<Contender> entered;
  for (const std::string& name : names) entered.push_back(make_contender(context, use, work, name));
  double best_seconds = std::numeric_limits<double>::infinity();
  std::vector<Tuned::Figure> figures;
  const auto read_all = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (Contender& contender : entered)
        if (!(contender.best_seconds > kHopeless * best_seconds)) contender.read(context.device);
      for (const Contender& contender : entered)
        best_seconds = std::min(best_seconds, contender.best_seconds);
    }
    figures.clear();
    for (size_t i = 0; i < names.size(); ++i)
      figures.push_back({names[i], work.giga / entered[i].best_seconds});
  };
  read_all(kRounds);
  if (winner(figures) == names.front()) return figures;
  best_seconds = std::numeric_limits<double>::infinity();  // the first is read again, however slow it seemed
  read_all(kMoreRounds);
  return figures;
}

}  // namespace motley::kernels

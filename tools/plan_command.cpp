// motley plan: which device would hold which layers, and what that would give.
#include <memory>
#include <span>
#include <string>

#include <CLI/CLI.hpp>
#include <motley/motley.hpp>
#include <unistd.h>

#include "command.hpp"
#include "exit_code.hpp"
#include "loading.hpp"
#include "options.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "placement_options.hpp"
#include "plan_svg.hpp"
#include "plan_text.hpp"

namespace motley::tools {
namespace {

struct PlanCommandOptions {
  ComputeOptions compute;
  PlacementOptions placement;
  std::string devices_from;
  bool json = false;
  std::string svg;
};

int plan(const PlanCommandOptions& options) {
  set_up_log(false);
  require_model(options.compute.model);
  const PlanOptions placement = options.placement.resolve();
  const Plan made = make_plan(Model::open(options.compute.model), placement, options.compute.session(),
                              options.devices_from);
  if (!options.svg.empty()) {
    const std::string picture = plan_as_svg(made);
    write_output_file(options.svg, std::as_bytes(std::span(picture)));
  }
  if (options.json) {
    write_output(to_json(made) + "\n");
  } else if (options.svg.empty()) {
    write_output(plan_as_text(made, ::isatty(STDOUT_FILENO) == 1));
  }
  if (made.feasible) return kSuccess;
  throw Error(ErrorCode::kOutOfMemory,
              made.warnings.empty() ? "the model does not fit" : "it does not fit: " + made.warnings.front());
}

}  // namespace

Command add_plan_command(CLI::App& parent) {
  auto options = std::make_shared<PlanCommandOptions>();
  CLI::App* app = parent.add_subcommand("plan", "Tell which device would hold which layers, and why");
  add_model_option(*app, options->compute.model);
  app->add_option("--devices-from", options->devices_from,
                  "Plan for the devices of this file, not for those here")
      ->type_name("FILE");
  auto* const json = app->add_flag("--json", options->json, "Print JSON");
  app->add_option("--svg", options->svg, "Write a picture")->type_name("FILE")->excludes(json);
  add_placement_options(*app, options->placement);
  add_session_options(*app, options->compute);
  return {app, [options] { return plan(*options); }};
}

}  // namespace motley::tools

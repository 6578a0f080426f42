// A plan for a terminal.
#pragma once

#include <string>

#include <motley/motley.hpp>

namespace motley::tools {

/// A bar for each device, the reasons, what is predicted, and what the plans not taken would have given.
/// `emphasis`: names and warnings in bold, for a terminal.
std::string plan_as_text(const Plan& plan, bool emphasis);

/// "layers 0-19, embedding", "layer 31, output".
std::string describe_layers(const PlanStage& stage);

/// "5.2 GiB of 24.0 GiB (4.6 GiB weights, 512.0 MiB KV cache, 0 B scratch)", and what lies in host memory.
std::string describe_memory(const PlanStage& stage);

/// Tokens per second: "66.6", "1995".
std::string describe_rate(double tokens_per_second);

/// What one token takes on all stages, hand-offs included, in ms.
double token_ms(const Plan& plan);

}  // namespace motley::tools

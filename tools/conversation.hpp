// `motley run` on a terminal without a prompt: the user types, the model answers.
#pragma once

#include <motley/motley.hpp>

#include "interruption.hpp"
#include "statistics.hpp"

namespace motley::tools {

/// What becomes of a text that came to its end when the user goes on: a chat remembers it, single stories do
/// not follow from another.
enum class AfterEnd { kRemember, kForget };

/// Reads lines from the terminal until its end (Ctrl-D) and has the model continue each, all in one context.
/// Where that is full it starts afresh and says so. An interrupt ends the current answer. Throws ClosedOutput
/// and the library's errors other than those of one line.
void converse(Session& session, const GenerateOptions& options, AfterEnd after_end,
              Interruption& interruption, Statistics& statistics);

}  // namespace motley::tools

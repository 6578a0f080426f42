// From the options to a model that is ready to run.
#pragma once

#include <motley/motley.hpp>

#include "interruption.hpp"
#include "options.hpp"

namespace motley::tools {

/// Sends the library's diagnostics to standard error: warnings, and with `verbose` what it is doing.
void set_up_log(bool verbose);

/// Loads the weights of `model` onto the devices that the plan chooses, with a progress bar on a terminal. An
/// interrupt cancels (Error{kCancelled}). Where there are several devices it tells the plan, and with
/// --verbose the memory that weights and a session will take, before.
Engine load_engine(const Model& model, const ComputeOptions& options, const SessionOptions& session,
                   Interruption& interruption);

/// A session on `engine`. With --verbose it tells what is allocated on the devices then.
Session make_session(const Engine& engine, const ComputeOptions& options, const SessionOptions& session);

/// With --validate tells how many messages there were. Throws Error{kInternal} where there were any.
void check_validation(const Engine& engine, const ComputeOptions& options);

}  // namespace motley::tools

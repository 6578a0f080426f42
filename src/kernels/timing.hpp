// How long recorded work takes.
#pragma once

#include <functional>
#include <memory>

#include "vk/device.hpp"
#include "vk/recorder.hpp"

namespace motley::kernels {

/// Records one pass of what is timed.
using Pass = std::function<void(vk::CommandList& commands)>;

/// Records so many passes, one after another.
std::unique_ptr<vk::CommandList> record_passes(vk::Device& device, const Pass& pass, int passes);

/// As many passes of so many seconds as a reading should last, 5 ms, so that submission and waiting are under
/// 2 % of it; at most 128.
int passes_of_reading(double pass_seconds);

/// Records the pass, runs it and waits; the seconds from submission on.
double run_once(vk::Device& device, const Pass& pass);

/// Seconds from submitting the commands until they are done, as the host's steady clock tells them. The clock
/// serves every driver alike and sees what the engine will see. Timestamps on the device would leave out
/// submission and waiting; best_pass_seconds() repeats short work until those no longer matter.
double seconds_of(vk::Device& device, const vk::CommandList& commands);

/// Seconds of one pass: the best of several readings, each of so many passes that it lasts some milliseconds.
/// The least time is the one without disturbance, so it comes out the same when asked again. Drivers compile
/// at the first run; that one does not count.
double best_pass_seconds(vk::Device& device, const Pass& pass);

}  // namespace motley::kernels

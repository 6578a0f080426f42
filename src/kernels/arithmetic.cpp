#include "kernels/arithmetic.hpp"

#include "kernels/timing.hpp"
#include "params/arithmetic.h"
#include "shader_table.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {
namespace {

constexpr uint32_t kTurns = 256;
constexpr double kFlopsATurn = 2 * 4 * 8 * 4;  // a turn of arithmetic.comp: 4 times 8 vectors of 4

}  // namespace

double measure_arithmetic_gflops(Context& context) {
  vk::Device& device = context.device;
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t groups = context.profile.bandwidth_groups;
  const uint32_t invocations = workgroup * groups;
  const vk::Buffer sums(device, uint64_t{invocations} * sizeof(float), vk::MemoryUse::kDevice,
                        "measurement of arithmetic");
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline = device.pipeline(shaders::get("arithmetic"), constants);
  const shaders::ArithmeticParameters parameters{kTurns, 0.5F, 1.0F};
  const double seconds = best_pass_seconds(device, [&](vk::CommandList& commands) {
    commands.dispatch(pipeline, {sums}, parameters, {groups, 1, 1});
  });
  return kFlopsATurn * kTurns * invocations / seconds / 1e9;
}

}  // namespace motley::kernels

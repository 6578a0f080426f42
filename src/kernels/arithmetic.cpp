#include "kernels/arithmetic.hpp"

#include "kernels/timing.hpp"
#include "params/arithmetic.h"
#include "shader_table.hpp"
#include "vk/buffer.hpp"

namespace motley::kernels {
namespace {

constexpr uint32_t kTurns = 256;
constexpr uint32_t kStepsATurn = 4 * 8;  // of arithmetic.comp: each of eight sums four times

/// Steps a second of `walkers`, each with a sum of so many floats.
double steps_per_second(Context& context, const vk::Pipeline& pipeline, uint64_t walkers,
                        uint64_t floats_of_each) {
  const vk::Buffer sums(context.device, walkers * floats_of_each * sizeof(float), vk::MemoryUse::kDevice,
                        "measurement of arithmetic");
  const shaders::ArithmeticParameters parameters{kTurns, 0.5F, 1.0F};
  const double seconds = best_pass_seconds(context.device, [&](vk::CommandList& commands) {
    commands.dispatch(pipeline, {sums}, parameters, {context.profile.bandwidth_groups, 1, 1});
  });
  return static_cast<double>(walkers) * kTurns * kStepsATurn / seconds;
}

}  // namespace

double measure_arithmetic_gflops(Context& context) {
  constexpr double kFlopsAStep = 2 * 4;  // a vector of four
  const uint32_t workgroup = context.profile.workgroup;
  const uint32_t constants[] = {workgroup};
  const vk::Pipeline& pipeline = context.device.pipeline(shaders::get("arithmetic"), constants);
  const uint64_t invocations = uint64_t{workgroup} * context.profile.bandwidth_groups;
  return kFlopsAStep * steps_per_second(context, pipeline, invocations, 1) / 1e9;
}

double measure_matrix_gflops(Context& context) {
  constexpr uint32_t kSubgroups = 4;
  const vk::MatrixShape& shape = context.profile.matrices;
  const vk::ShaderCode* const shader = shaders::find("arithmetic.coop");
  if (shape.m == 0 || shader == nullptr) return 0;
  const uint32_t subgroup = context.profile.matrix_subgroup;
  const uint32_t constants[] = {kSubgroups * subgroup, shape.m, shape.n, shape.k};
  const vk::Pipeline& pipeline = context.device.pipeline(*shader, constants, subgroup);
  const double flops_a_step = 2.0 * shape.m * shape.n * shape.k;
  const uint64_t walkers = uint64_t{kSubgroups} * context.profile.bandwidth_groups;
  return flops_a_step * steps_per_second(context, pipeline, walkers, uint64_t{shape.m} * shape.n) / 1e9;
}

}  // namespace motley::kernels

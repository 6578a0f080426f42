// Multiplies and adds in registers: what a device can do at most, in single precision without matrix units, or with MATRIX by
// cooperative matrices of halves with sums in single precision. Eight sums that wait for none of the others keep its pipelines
// full. They are written so that nothing can be left out.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef MATRIX
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#endif
#include "params/arithmetic.h"

layout(local_size_x_id = 0) in;

layout(binding = 0, std430) writeonly buffer Sums { float sums[]; };

#ifdef MATRIX
layout(constant_id = 1) const uint M = 16;
layout(constant_id = 2) const uint N = 16;
layout(constant_id = 3) const uint K = 16;

#define SUM coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>

void main() {
  const uint subgroup = gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID;
  const coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a =
      coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA>(float16_t(p.factor));
  const coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b =
      coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB>(float16_t(p.addend));
  SUM sum[8];
  [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = SUM(float(subgroup + i));
  for (uint turn = 0; turn < p.count; ++turn) {
    [[unroll]] for (uint again = 0; again < 4; ++again) {
      [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = coopMatMulAdd(a, b, sum[i]);
    }
  }
  SUM total = sum[0];
  [[unroll]] for (uint i = 1; i < 8; ++i) total += sum[i];
  coopMatStore(total, sums, subgroup * M * N, N, gl_CooperativeMatrixLayoutRowMajor);
}
#else
void main() {
  const vec4 factor = vec4(p.factor);
  const vec4 addend = vec4(p.addend);
  vec4 sum[8];
  [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = vec4(gl_LocalInvocationID.x + i);
  for (uint turn = 0; turn < p.count; ++turn) {
    [[unroll]] for (uint again = 0; again < 4; ++again) {
      [[unroll]] for (uint i = 0; i < 8; ++i) sum[i] = sum[i] * factor + addend;
    }
  }
  vec4 total = vec4(0);
  [[unroll]] for (uint i = 0; i < 8; ++i) total += sum[i];
  sums[gl_GlobalInvocationID.x] = total.x + total.y + total.z + total.w;
}
#endif

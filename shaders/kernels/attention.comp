// Causal attention over the KV cache, softmax(q k^T * scale) v, in one pass over the positions with a running maximum
// (Milakov & Gimelshein 2018; Dao et al. 2022).
//
// A row is a query head of a token; those that share a KV head are numbered token-major, head-minor within the group.
// gl_WorkGroupID: x the tile of rows, y the KV head.
//
// Flavours:
// ROWS=n  a workgroup handles so many rows, one by default: attention_rows.glsl.
// For real GPUs and prompts:
// TILE    a workgroup handles a tile of many rows through shared memory: attention_tile.glsl.
// MATRIX  the same with cooperative matrices of half precision: attention_coop.glsl.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef MATRIX
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#endif
#include "params/attention.h"
#include "params/step.h"
#include "common/cache.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEAD_SIZE = 64;

layout(binding = 0, std430) readonly buffer StepBuffer { uint step_words[]; };

const float LOWEST = -1e30;  // below every score; infinities are not relied on

#if defined(TILE)
#include "kernels/attention_tile.glsl"
#elif defined(MATRIX)
#include "kernels/attention_coop.glsl"
#else
#include "kernels/attention_rows.glsl"
#endif

#include "vk/shader.hpp"

#include <algorithm>
#include <map>
#include <spirv/unified1/spirv.hpp11>

#include "base/error.hpp"

namespace motley::vk {
namespace {

/// The parts of a module that reflection needs, by result id. Layout: SPIR-V specification, section 2.3.
struct Module {
  struct Struct {
    std::vector<uint32_t> member_types;
    std::map<uint32_t, uint32_t> member_offsets;
    size_t non_writable_members = 0;
    size_t non_readable_members = 0;
  };
  struct Variable {
    uint32_t pointer_type = 0;
    spv::StorageClass storage{};
  };
  std::map<uint32_t, uint32_t> binding;
  std::map<uint32_t, bool> non_writable;
  std::map<uint32_t, bool> non_readable;
  std::map<uint32_t, Struct> structs;
  std::map<uint32_t, uint32_t> pointee;
  std::map<uint32_t, uint32_t> size_bytes;  // of scalars and vectors
  std::map<uint32_t, Variable> variables;
  std::map<uint32_t, bool> texel_buffers;  // image types
  std::vector<uint32_t> constant_ids;
  bool reads_by_address = false;
};

void read_decoration(Module& module, std::span<const uint32_t> op) {
  switch (static_cast<spv::Decoration>(op[2])) {
    case spv::Decoration::Binding:
      module.binding[op[1]] = op[3];
      break;
    case spv::Decoration::NonWritable:
      module.non_writable[op[1]] = true;
      break;
    case spv::Decoration::NonReadable:
      module.non_readable[op[1]] = true;
      break;
    case spv::Decoration::SpecId:
      module.constant_ids.push_back(op[3]);
      break;
    default:
      break;
  }
}

void read_member_decoration(Module& module, std::span<const uint32_t> op) {
  Module::Struct& type = module.structs[op[1]];
  switch (static_cast<spv::Decoration>(op[3])) {
    case spv::Decoration::Offset:
      type.member_offsets[op[2]] = op[4];
      break;
    case spv::Decoration::NonWritable:
      ++type.non_writable_members;
      break;
    case spv::Decoration::NonReadable:
      ++type.non_readable_members;
      break;
    default:
      break;
  }
}

void read_instruction(Module& module, spv::Op code, std::span<const uint32_t> op) {
  switch (code) {
    case spv::Op::OpCapability:
      if (static_cast<spv::Capability>(op[1]) == spv::Capability::PhysicalStorageBufferAddresses)
        module.reads_by_address = true;
      break;
    case spv::Op::OpDecorate:
      read_decoration(module, op);
      break;
    case spv::Op::OpMemberDecorate:
      read_member_decoration(module, op);
      break;
    case spv::Op::OpTypeInt:
    case spv::Op::OpTypeFloat:
      module.size_bytes[op[1]] = op[2] / 8;
      break;
    case spv::Op::OpTypeVector:
      module.size_bytes[op[1]] = module.size_bytes[op[2]] * op[3];
      break;
    case spv::Op::OpTypeStruct:
      module.structs[op[1]].member_types.assign(op.begin() + 2, op.end());
      break;
    case spv::Op::OpTypeImage:
      module.texel_buffers[op[1]] = static_cast<spv::Dim>(op[3]) == spv::Dim::Buffer;
      break;
    case spv::Op::OpTypePointer:
      module.pointee[op[1]] = op[3];
      break;
    case spv::Op::OpVariable:
      module.variables[op[2]] = {op[1], static_cast<spv::StorageClass>(op[3])};
      break;
    default:
      break;
  }
}

Module read_module(const ShaderCode& shader) {
  constexpr size_t kHeaderWords = 5;
  const std::span<const uint32_t> words = shader.words;
  if (words.size() < kHeaderWords || words[0] != spv::MagicNumber) {
    fail(ErrorCode::kInternal, "shader '{}' is no SPIR-V", shader.name);
  }
  Module module;
  for (size_t at = kHeaderWords; at < words.size();) {
    const uint32_t length = words[at] >> spv::WordCountShift;
    if (length == 0 || at + length > words.size()) {
      fail(ErrorCode::kInternal, "shader '{}' has a broken instruction at word {}", shader.name, at);
    }
    read_instruction(module, static_cast<spv::Op>(words[at] & spv::OpCodeMask), words.subspan(at, length));
    at += length;
  }
  return module;
}

uint32_t block_size(const Module& module, const Module::Struct& type) {
  uint32_t size = 0;
  for (const auto& [member, offset] : type.member_offsets) {
    const auto member_size = module.size_bytes.find(type.member_types.at(member));
    size = std::max(size, offset + (member_size == module.size_bytes.end() ? 0 : member_size->second));
  }
  return size;
}

}  // namespace

ShaderInterface reflect(const ShaderCode& shader) {
  const Module module = read_module(shader);
  ShaderInterface result;
  for (const auto& [id, variable] : module.variables) {
    const Module::Struct* type = nullptr;
    if (const auto found = module.structs.find(module.pointee.at(variable.pointer_type));
        found != module.structs.end()) {
      type = &found->second;
    }
    if (variable.storage == spv::StorageClass::PushConstant && type != nullptr) {
      result.push_constant_bytes = block_size(module, *type);
    } else if (variable.storage == spv::StorageClass::StorageBuffer && type != nullptr) {
      const size_t members = type->member_types.size();
      result.bindings.push_back(
          {module.binding.at(id), !module.non_readable.contains(id) && type->non_readable_members < members,
           !module.non_writable.contains(id) && type->non_writable_members < members, false});
    } else if (const auto image = module.texel_buffers.find(module.pointee.at(variable.pointer_type));
               image != module.texel_buffers.end() && image->second) {
      result.bindings.push_back({module.binding.at(id), true, false, true});
    }
  }
  std::sort(result.bindings.begin(), result.bindings.end(),
            [](auto& a, auto& b) { return a.index < b.index; });
  for (uint32_t i = 0; i < result.bindings.size(); ++i) {
    if (result.bindings[i].index == i) continue;
    if (!module.reads_by_address) fail(ErrorCode::kInternal, "shader '{}' has no binding {}", shader.name, i);
    ShaderInterface::Binding unbound{i, true, false};
    unbound.by_address = true;
    result.bindings.insert(result.bindings.begin() + i, unbound);
  }
  // The compiler may drop an unused constant's instruction but never renumbers the others: the largest id
  // counts.
  for (const uint32_t id : module.constant_ids) {
    result.specialization_constants = std::max(result.specialization_constants, id + 1);
  }
  return result;
}

}  // namespace motley::vk

#include "vk/buffer.hpp"

#include <utility>

#include "base/error.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

constexpr VkBufferUsageFlags kUsage =
    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

Buffer::Buffer(Device& device, uint64_t size_bytes, MemoryUse use, const char* purpose)
    : device_(&device), size_bytes_(size_bytes) {
  const DeviceFacts& facts = device.facts();
  if (size_bytes > facts.max_allocation_bytes) {
    fail(ErrorCode::kOutOfMemory,
         "{} needs {:.1f} MiB in one piece, and '{}' allocates at most {:.1f} MiB at once", purpose,
         mebibytes(size_bytes), facts.name, mebibytes(facts.max_allocation_bytes));
  }
  create(nullptr, kUsage | (facts.buffer_device_address ? VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : 0));
  if (!device.options().compile_only) allocate(use, purpose);
}

Buffer::Buffer(Device& device, std::span<std::byte> host_memory)
    : device_(&device), size_bytes_(host_memory.size()) {
  VkExternalMemoryBufferCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  external.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  create(&external, kUsage);
  import(host_memory);
}

void Buffer::create(const void* next, VkBufferUsageFlags usage) {
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, next};
  info.size = size_bytes_;
  info.usage = usage;
  VkBuffer handle = VK_NULL_HANDLE;
  check(device_->table().vkCreateBuffer(device_->handle(), &info, nullptr, &handle), "vkCreateBuffer");
  buffer_ = {device_->handle(), handle, device_->table().vkDestroyBuffer};
}

void Buffer::import(std::span<std::byte> host_memory) {
  constexpr VkExternalMemoryHandleTypeFlagBits kType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  const VolkDeviceTable& table = device_->table();
  VkMemoryHostPointerPropertiesEXT pointer{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  check(table.vkGetMemoryHostPointerPropertiesEXT(device_->handle(), kType, host_memory.data(), &pointer),
        "vkGetMemoryHostPointerPropertiesEXT");
  VkMemoryRequirements requirements;
  table.vkGetBufferMemoryRequirements(device_->handle(), buffer_.get(), &requirements);
  const uint32_t allowed = pointer.memoryTypeBits & requirements.memoryTypeBits;
  if (allowed == 0 || requirements.size > host_memory.size()) {
    fail(ErrorCode::kUnsupported, "'{}' cannot work on {} bytes of host memory in place",
         device_->facts().name, host_memory.size());
  }
  VkImportMemoryHostPointerInfoEXT source{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  source.handleType = kType;
  source.pHostPointer = host_memory.data();
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &source};
  info.allocationSize = host_memory.size();
  info.memoryTypeIndex = device_->memory_type(allowed, MemoryUse::kUpload);
  VkDeviceMemory memory = VK_NULL_HANDLE;
  check(table.vkAllocateMemory(device_->handle(), &info, nullptr, &memory),
        "vkAllocateMemory of host memory");
  memory_ = {device_->handle(), memory, table.vkFreeMemory};
  check(table.vkBindBufferMemory(device_->handle(), buffer_.get(), memory, 0), "vkBindBufferMemory");
  mapped_ = host_memory.data();
}

void Buffer::allocate(MemoryUse use, const char* purpose) {
  const VolkDeviceTable& table = device_->table();
  VkMemoryRequirements requirements;
  table.vkGetBufferMemoryRequirements(device_->handle(), buffer_.get(), &requirements);
  VkMemoryAllocateFlagsInfo addresses{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  if (device_->facts().buffer_device_address) addresses.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &addresses};
  info.allocationSize = requirements.size;
  info.memoryTypeIndex = device_->memory_type(requirements.memoryTypeBits, use);
  VkDeviceMemory memory = VK_NULL_HANDLE;
  const VkResult result = table.vkAllocateMemory(device_->handle(), &info, nullptr, &memory);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) {
    fail_for_memory(requirements.size, purpose);
  }
  check(result, "vkAllocateMemory");
  memory_ = {device_->handle(), memory, table.vkFreeMemory};
  check(table.vkBindBufferMemory(device_->handle(), buffer_.get(), memory, 0), "vkBindBufferMemory");

  const VkMemoryPropertyFlags flags =
      device_->memory_properties_.memoryTypes[info.memoryTypeIndex].propertyFlags;
  constexpr VkMemoryPropertyFlags kMappable =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  if ((flags & kMappable) == kMappable) {
    void* address = nullptr;
    check(table.vkMapMemory(device_->handle(), memory, 0, VK_WHOLE_SIZE, 0, &address), "vkMapMemory");
    mapped_ = static_cast<std::byte*>(address);
  }
  // Last, as a constructor that throws has no destructor to take it back.
  allocated_bytes_ = requirements.size;
  device_->count_memory(static_cast<int64_t>(allocated_bytes_));
}

uint64_t Buffer::device_address() const {
  VkBufferDeviceAddressInfo info{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
  info.buffer = buffer_.get();
  return device_->table().vkGetBufferDeviceAddress(device_->handle(), &info);
}

void Buffer::fail_for_memory(uint64_t needed_bytes, const char* purpose) const {
  const MemoryBudget budget = device_->memory_budget();
  std::string others;
  if (budget.others_bytes)
    others = fmt::format(", the system and other programs hold {:.1f} MiB", mebibytes(*budget.others_bytes));
  fail(
      ErrorCode::kOutOfMemory,
      "'{}' has not enough memory for the {}: {:.1f} MiB are needed, {:.1f} MiB are free; this process holds "
      "{:.1f} MiB{}",
      device_->facts().name, purpose, mebibytes(needed_bytes), mebibytes(budget.available_bytes),
      mebibytes(device_->memory_usage().now_bytes), others);
}

Buffer::Buffer(Buffer&& other) noexcept
    : device_(other.device_),
      size_bytes_(other.size_bytes_),
      allocated_bytes_(std::exchange(other.allocated_bytes_, 0)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      memory_(std::move(other.memory_)),
      buffer_(std::move(other.buffer_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(allocated_bytes_, other.allocated_bytes_);
  std::swap(mapped_, other.mapped_);
  std::swap(memory_, other.memory_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

Buffer::~Buffer() {
  if (memory_ && device_->hangs()) {
    device_->keep(Buffer(std::move(*this)));
    return;
  }
  if (allocated_bytes_ > 0) device_->count_memory(-static_cast<int64_t>(allocated_bytes_));
}

}  // namespace motley::vk

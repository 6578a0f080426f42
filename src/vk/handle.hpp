// A move-only owner of one Vulkan handle.
#pragma once

#include <utility>

#include <volk.h>

namespace motley::vk {

/// Owns `T` made from `Parent` (a VkDevice or VkInstance) and destroys it with the function it was given,
/// which lives in the parent's dispatch table. Empty after a move.
template <typename Parent, typename T>
class Handle {
 public:
  using Destroy = void(VKAPI_PTR*)(Parent, T, const VkAllocationCallbacks*);

  Handle() = default;
  Handle(Parent parent, T handle, Destroy destroy) : parent_(parent), handle_(handle), destroy_(destroy) {}
  Handle(Handle&& other) noexcept
      : parent_(other.parent_),
        handle_(std::exchange(other.handle_, VK_NULL_HANDLE)),
        destroy_(other.destroy_) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      parent_ = other.parent_;
      handle_ = std::exchange(other.handle_, VK_NULL_HANDLE);
      destroy_ = other.destroy_;
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }

  T get() const { return handle_; }
  explicit operator bool() const { return handle_ != VK_NULL_HANDLE; }

 private:
  void reset() {
    if (handle_ != VK_NULL_HANDLE) destroy_(parent_, std::exchange(handle_, VK_NULL_HANDLE), nullptr);
  }

  Parent parent_ = VK_NULL_HANDLE;
  T handle_ = VK_NULL_HANDLE;
  Destroy destroy_ = nullptr;
};

template <typename T>
using DeviceHandle = Handle<VkDevice, T>;

}  // namespace motley::vk

// The Vulkan loader, its instance and the devices it offers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <volk.h>

#include "vk/device_facts.hpp"

namespace motley::vk {

struct InstanceOptions {
  /// Loads the Khronos validation layer with core and synchronization checks, within and between submissions.
  bool validate = false;
};

/// A device that the instance offers; valid as long as the instance.
struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  DeviceFacts facts;
};

/// One VkInstance. Not copied and not moved: devices refer to it through a shared_ptr.
class Instance {
 public:
  /// Throws Error{kNoDevice}, saying what to install, when there is no Vulkan loader or no driver, or which
  /// call failed; Error{kUnsupported} when validation is asked for and the layer is not installed.
  static std::shared_ptr<Instance> create(const InstanceOptions& options = {});

  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  VkInstance handle() const { return handle_; }
  bool validating() const { return validating_; }

  /// Every device with Vulkan 1.2 and a compute queue, in the loader's order.
  const std::vector<PhysicalDevice>& devices() const { return devices_; }

  /// Warnings and errors that the validation layer reported so far.
  uint32_t validation_message_count() const { return validation_messages_; }

 private:
  Instance() = default;
  void create_instance(bool validate);
  void create_messenger();
  void enumerate();
  static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                   VkDebugUtilsMessageTypeFlagsEXT types,
                                                   const VkDebugUtilsMessengerCallbackDataEXT* data,
                                                   void* user);

  VkInstance handle_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  // Extension functions belong to their instance; volk's global pointers are the last made instance's.
  PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr;
  bool validating_ = false;
  std::vector<PhysicalDevice> devices_;
  std::atomic<uint32_t> validation_messages_{0};
};

}  // namespace motley::vk

#include "vk/instance.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>

#include "base/error.hpp"
#include "base/log.hpp"
#include "vk/fault.hpp"
#include "vk/query_facts.hpp"
#include "vk/result.hpp"

namespace motley::vk {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";
constexpr uint32_t kApiVersion = VK_API_VERSION_1_3;  // of what is used where a device has it
constexpr uint32_t kLeastApiVersion = VK_API_VERSION_1_2;

/// volk's function pointers are global.
std::mutex& volk_mutex() {
  static std::mutex mutex;
  return mutex;
}

void load_loader() {
  static std::once_flag armed;
  std::call_once(armed, arm_fault_of_environment);
  const std::lock_guard lock(volk_mutex());
  if (volkInitialize() != VK_SUCCESS) {
    fail(ErrorCode::kNoDevice,
         "no Vulkan loader (libvulkan.so.1) was found. Install it and a driver for your GPU; on Debian and "
         "Ubuntu: "
         "apt install libvulkan1 mesa-vulkan-drivers (AMD, Intel, software), or NVIDIA's own driver");
  }
  watch_loader_functions();
}

/// For what is asked before there is a device.
void check_loader(VkResult result, const char* call) {
  if (result >= VK_SUCCESS) return;
  fail(ErrorCode::kNoDevice, "Vulkan failed to initialise: {} failed with {} ({})", call, result_name(result),
       static_cast<int>(result));
}

bool has_layer(const char* name) {
  uint32_t count = 0;
  check_loader(vkEnumerateInstanceLayerProperties(&count, nullptr), "vkEnumerateInstanceLayerProperties");
  std::vector<VkLayerProperties> layers(count);
  check_loader(vkEnumerateInstanceLayerProperties(&count, layers.data()),
               "vkEnumerateInstanceLayerProperties");
  return std::any_of(layers.begin(), layers.end(),
                     [&](const VkLayerProperties& layer) { return std::strcmp(layer.layerName, name) == 0; });
}

}  // namespace

std::shared_ptr<Instance> Instance::create(const InstanceOptions& options) {
  load_loader();
  std::shared_ptr<Instance> instance(new Instance());
  instance->create_instance(options.validate);
  if (options.validate) instance->create_messenger();
  instance->enumerate();
  return instance;
}

Instance::~Instance() {
  if (messenger_ != VK_NULL_HANDLE) destroy_messenger_(handle_, messenger_, nullptr);
  if (handle_ != VK_NULL_HANDLE) vkDestroyInstance(handle_, nullptr);
}

void Instance::create_instance(bool validate) {
  validating_ = validate;
  std::vector<const char*> layers;
  std::vector<const char*> extensions;
  if (validate) {
    if (!has_layer(kValidationLayer)) {
      fail(ErrorCode::kUnsupported,
           "validation was asked for, but the layer {} is not installed; on Debian and Ubuntu: "
           "apt install vulkan-validationlayers",
           kValidationLayer);
    }
    // The layer of 2023 takes this check from the environment only; later layers have it on by default.
    ::setenv("VK_LAYER_ENABLES", "VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT", 0);
    layers.push_back(kValidationLayer);
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
  }
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "motley";
  application.pEngineName = "motley";
  application.apiVersion = kApiVersion;

  const VkValidationFeatureEnableEXT enable = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = &enable;

  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pNext = validate ? &features : nullptr;
  info.pApplicationInfo = &application;
  info.enabledLayerCount = static_cast<uint32_t>(layers.size());
  info.ppEnabledLayerNames = layers.data();
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  const VkResult result = vkCreateInstance(&info, nullptr, &handle_);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
    fail(ErrorCode::kNoDevice,
         "the Vulkan loader found no driver. Install one for your GPU; on Debian and Ubuntu: apt install "
         "mesa-vulkan-drivers (AMD, Intel, software), or NVIDIA's own driver. VK_ICD_FILENAMES, if set, must "
         "name "
         "existing driver files");
  }
  check_loader(result, "vkCreateInstance");
  const std::lock_guard lock(volk_mutex());
  volkLoadInstanceOnly(handle_);
  watch_instance_functions();
}

void Instance::create_messenger() {
  VkDebugUtilsMessengerCreateInfoEXT info{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  info.pfnUserCallback = &Instance::on_message;
  info.pUserData = this;
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(handle_, "vkCreateDebugUtilsMessengerEXT"));
  destroy_messenger_ = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(handle_, "vkDestroyDebugUtilsMessengerEXT"));
  check_loader(create(handle_, &info, nullptr, &messenger_), "vkCreateDebugUtilsMessengerEXT");
}

VKAPI_ATTR VkBool32 VKAPI_CALL Instance::on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                    VkDebugUtilsMessageTypeFlagsEXT,
                                                    const VkDebugUtilsMessengerCallbackDataEXT* data,
                                                    void* user) {
  ++static_cast<Instance*>(user)->validation_messages_;
  log(severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? LogLevel::kError : LogLevel::kWarning,
      "Vulkan validation: {}", data->pMessage);
  return VK_FALSE;
}

void Instance::enumerate() {
  uint32_t count = 0;
  check_loader(vkEnumeratePhysicalDevices(handle_, &count, nullptr), "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> handles(count);
  check_loader(vkEnumeratePhysicalDevices(handle_, &count, handles.data()), "vkEnumeratePhysicalDevices");
  handles.resize(count);
  for (const VkPhysicalDevice handle : handles) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(handle, &properties);
    if (properties.apiVersion < kLeastApiVersion) {
      log(LogLevel::kInfo, "'{}' is left out: it offers Vulkan {}.{}, and 1.2 is needed",
          properties.deviceName, VK_API_VERSION_MAJOR(properties.apiVersion),
          VK_API_VERSION_MINOR(properties.apiVersion));
      continue;
    }
    try {
      devices_.push_back({handle, query_facts(handle)});
    } catch (const Error& error) {
      log(LogLevel::kWarning, "'{}' is left out: {}", properties.deviceName, error.what());
    }
  }
}

}  // namespace motley::vk

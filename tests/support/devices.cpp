#include "support/devices.hpp"

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "vk/fault.hpp"

#ifdef __SANITIZE_ADDRESS__
/// The validation layer of 2023 does not free what it keeps of submissions.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libVkLayer_khronos_validation.so\n";
}
#endif

namespace motley::test {
namespace {

/// The driver descriptions of both software drivers, as VK_ICD_FILENAMES wants them; empty when there is
/// none.
std::string software_drivers() {
  std::string found;
  const auto add = [&](const std::filesystem::path& path) {
    if (!found.empty()) found += ':';
    found += path.string();
  };
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/vulkan/icd.d", error)) {
    if (entry.path().filename().string().starts_with("lvp_icd")) add(entry.path());
  }
  const std::filesystem::path swiftshader = "/usr/lib/chromium/vk_swiftshader_icd.json";
  if (std::filesystem::exists(swiftshader)) add(swiftshader);
  return found;
}

std::shared_ptr<vk::Instance> make_instance(bool validate) {
  ::setenv("VK_ICD_FILENAMES", software_drivers().c_str(), 0);
  // What tests find out, with faults made on purpose, is none of the user's.
  ::setenv("XDG_CACHE_HOME", MOTLEY_TEST_CACHE, 0);
  return vk::Instance::create({.validate = validate});
}

struct Opened {
  std::shared_ptr<vk::Instance> instance = make_instance(true);
  std::vector<std::shared_ptr<vk::Device>> devices;

  Opened() {
    for (const vk::PhysicalDevice& physical : instance->devices()) {
      devices.push_back(vk::Device::create(instance, physical));
    }
  }
};

std::unique_ptr<Opened>& opened() {
  static std::unique_ptr<Opened> made = std::make_unique<Opened>();
  return made;
}

/// Closes the devices before the program ends: drivers and layers have static objects of their own, and must
/// not be called once those are gone.
class CloseDevices : public ::testing::Environment {
 public:
  void TearDown() override { opened().reset(); }
};

[[maybe_unused]] const auto* const g_close_devices = ::testing::AddGlobalTestEnvironment(new CloseDevices);

}  // namespace

const std::vector<std::shared_ptr<vk::Device>>& devices() { return opened()->devices; }

std::vector<std::shared_ptr<vk::Device>> open_watched_devices(bool validate) {
  vk::watch_for_faults();
  std::vector<std::shared_ptr<vk::Device>> devices;
  for (size_t i = 0, count = 1; i < count; ++i) {
    auto instance = make_instance(validate);
    count = instance->devices().size();
    if (i < count) devices.push_back(vk::Device::create(instance, instance->devices()[i]));
  }
  return devices;
}

std::shared_ptr<vk::Device> open_changed_device(size_t index, void (*change)(vk::DeviceFacts& facts)) {
  vk::PhysicalDevice physical = opened()->instance->devices().at(index);
  change(physical.facts);
  return vk::Device::create(opened()->instance, physical);
}

uint32_t new_validation_messages() {
  static uint32_t seen = 0;
  const uint32_t now = opened()->instance->validation_message_count();
  const uint32_t fresh = now - seen;
  seen = now;
  return fresh;
}

std::string device_label(const ::testing::TestParamInfo<size_t>& info) {
  std::string label = std::to_string(info.param);
  for (const char c : devices()[info.param]->facts().driver_name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) label += c;
  }
  return label;
}

}  // namespace motley::test

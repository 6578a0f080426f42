// A device that did not do what it should.
#pragma once

#include "base/error.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// An error for which one of several devices is answerable, so that the others may go on without it. Its code
/// is kDeviceLost (lost, hung, or giving values that are no numbers) or kOutOfMemory.
class DeviceFailure : public Error {
 public:
  DeviceFailure(const vk::Device& device, const Error& error)
      : Error(error.code(), error.what()), device_(&device) {}

  const vk::Device& device() const noexcept { return *device_; }

 private:
  const vk::Device* device_;
};

/// Runs `work`; an error of the kinds above becomes this device's failure.
template <typename Work>
auto blaming(const vk::Device& device, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const DeviceFailure&) {
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDeviceLost || error.code() == ErrorCode::kOutOfMemory)
      throw DeviceFailure(device, error);
    throw;
  }
}

}  // namespace motley::engine

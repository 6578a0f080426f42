// A device that did not do what it should.
#pragma once

#include <span>

#include "base/error.hpp"
#include "vk/device.hpp"

namespace motley::engine {

/// An error for which one of several devices is answerable, so that the others may go on without it. Its code
/// is kDeviceLost (lost, hung, or giving values that are no numbers) or kOutOfMemory.
class DeviceFailure : public Error {
 public:
  DeviceFailure(const vk::Device& device, const Error& error, bool gave_no_numbers = false)
      : Error(error.code(), error.what()), device_(&device), gave_no_numbers_(gave_no_numbers) {}

  const vk::Device& device() const noexcept { return *device_; }
  /// Whether it worked and gave values that are no numbers, for which the model may be to blame as well.
  bool gave_no_numbers() const noexcept { return gave_no_numbers_; }

 private:
  const vk::Device* device_;
  bool gave_no_numbers_;
};

/// A device that gives values that are no numbers is broken, unless the model is: then others do the same.
void refuse_nan(const vk::Device& device, std::span<const float> values);

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

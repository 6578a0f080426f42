// Buffers and one-off recordings for kernel tests.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/timing.hpp"
#include "kernels/workbench.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"

namespace motley::test {

class KernelTest : public DeviceTest {
 protected:
  kernels::Context& context() {
    if (context_ == nullptr) context_ = std::make_unique<kernels::Context>(device());
    return *context_;
  }

  template <typename T>
  vk::Buffer upload(std::span<const T> values) {
    return kernels::upload(device(), values);
  }
  template <typename T>
  vk::Buffer upload(const std::vector<T>& values) {
    return upload(std::span<const T>(values));
  }
  vk::Buffer zeros(size_t floats) { return upload(std::vector<float>(floats, 0.0F)); }
  /// Vectors of `width` values, padded with zeros to the stride that kernels read by.
  vk::Buffer upload_vectors(std::span<const float> values, uint32_t width) {
    return kernels::upload_vectors(device(), values, width);
  }
  static uint32_t stride(uint32_t width) { return kernels::padded_stride(width); }

  void run(const kernels::Pass& record) { kernels::run_once(device(), record); }

 private:
  std::unique_ptr<kernels::Context> context_;
};

}  // namespace motley::test

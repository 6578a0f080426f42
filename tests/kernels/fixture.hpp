// Buffers and one-off recordings for kernel tests.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "kernels/profile.hpp"
#include "kernels/weight.hpp"
#include "support/devices.hpp"
#include "support/oracle.hpp"
#include "vk/buffer.hpp"
#include "vk/recorder.hpp"

namespace motley::test {

class KernelTest : public DeviceTest {
 protected:
  kernels::Context& context() {
    if (context_ == nullptr) context_ = std::make_unique<kernels::Context>(device());
    return *context_;
  }

  template <typename T>
  vk::Buffer upload(std::span<const T> values) {
    vk::Buffer buffer(device(), values.size_bytes(), vk::MemoryUse::kShared, "test data");
    std::memcpy(buffer.mapped().data(), values.data(), values.size_bytes());
    return buffer;
  }
  template <typename T>
  vk::Buffer upload(const std::vector<T>& values) {
    return upload(std::span<const T>(values));
  }
  vk::Buffer zeros(size_t floats) { return upload(std::vector<float>(floats, 0.0F)); }

  /// Vectors of `width` values, padded with zeros to the stride that kernels read by.
  vk::Buffer upload_vectors(std::span<const float> values, uint32_t width) {
    const size_t count = values.size() / width;
    std::vector<float> padded(count * stride(width), 0.0F);
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(&padded[i * stride(width)], &values[i * width], width * sizeof(float));
    }
    return upload(padded);
  }
  static uint32_t stride(uint32_t width) {
    return (width + kernels::kActivationPadding - 1) / kernels::kActivationPadding *
           kernels::kActivationPadding;
  }

  /// Packs a matrix given in GGUF blocks, in parts of `panels_a_part` panels.
  kernels::Weight pack(quant::Format format, uint32_t rows, uint32_t columns,
                       std::span<const std::byte> blocks, vk::Buffer& storage,
                       uint32_t panels_a_part = 1U << 20) {
    kernels::Weight weight;
    weight.shape = {format, rows, columns, context().profile.lanes};
    const kernels::PackedShape& shape = weight.shape;
    // Parts begin where every device can bind them.
    constexpr uint64_t kAlignment = 256;
    const uint64_t part_bytes = panels_a_part * shape.panel_bytes();
    const uint64_t part_step = (part_bytes + kAlignment - 1) / kAlignment * kAlignment;
    storage = vk::Buffer(device(), shape.packed_bytes() + shape.panels() * kAlignment, vk::MemoryUse::kShared,
                         "test weights");
    const size_t row_bytes = blocks.size() / rows;
    for (uint32_t panel = 0; panel < shape.panels(); ++panel) {
      const uint32_t first = panel * shape.panel_rows();
      const uint32_t count = std::min(shape.panel_rows(), rows - first);
      const uint64_t offset = panel / panels_a_part * part_step + panel % panels_a_part * shape.panel_bytes();
      kernels::pack_panel(shape, count, blocks.subspan(first * row_bytes, count * row_bytes),
                          storage.mapped_as<uint32_t>().subspan(offset / 4, shape.panel_bytes() / 4));
      if (panel % panels_a_part == 0) weight.parts.push_back({{storage, offset, 0}, first, 0});
      weight.parts.back().range.size_bytes += shape.panel_bytes();
      weight.parts.back().rows += count;
    }
    return weight;
  }

  void run(const std::function<void(vk::CommandList&)>& record) {
    vk::CommandList commands(device());
    record(commands);
    commands.finish();
    device().wait(device().submit(commands));
  }

 private:
  std::unique_ptr<kernels::Context> context_;
};

}  // namespace motley::test

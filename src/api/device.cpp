#include <algorithm>

#include "api/impl.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/version.hpp"
#include "engine/device_measurements.hpp"
#include "engine/tested_kernels.hpp"
#include "engine/tuned_kernels.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/bandwidth.hpp"
#include "placement/rank.hpp"

namespace motley {
namespace {

std::vector<placement::Candidate> candidates(const vk::Instance& instance) {
  const engine::MeasurementCache cache;
  std::vector<placement::Candidate> result;
  for (const vk::PhysicalDevice& device : instance.devices())
    result.push_back(engine::to_candidate(device.facts, cache));
  return result;
}

DeviceMeasurements to_public(const kernels::Measurements& measured) {
  DeviceMeasurements result{measured.bandwidth_gbs,
                            measured.host_read_gbs,
                            measured.upload_gbs,
                            measured.download_gbs,
                            measured.dispatch_us,
                            measured.handoff_us,
                            measured.decode_attention_gflops,
                            measured.prefill_attention_gflops,
                            measured.activation_gbs,
                            {}};
  for (const kernels::FormatMeasurement& format : measured.formats) {
    result.rates.push_back({quant::info(format.format).stem, format.matvec_gbs, format.matmat_gflops,
                            format.few_gflops, format.product_us});
  }
  return result;
}

std::optional<double> rate_of(const kernels::Tuned& tuned, std::string_view variant) {
  const kernels::Tuned::Figure* figure = tuned.find(variant);
  return figure == nullptr || figure->rate == 0 ? std::nullopt : std::optional(figure->rate);
}

/// Formats by their names; all of them where there are none. Throws Error{kInvalidArgument}.
std::vector<quant::Format> formats_named(const std::vector<std::string>& names) {
  const auto& all = quant::all_formats();
  std::vector<quant::Format> formats;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name, [](const quant::FormatInfo& info) { return info.stem; });
    if (found == all.end()) {
      fail(ErrorCode::kInvalidArgument, "'{}' is no weight format; there are {}, in small letters", name,
           quant::supported_list());
    }
    formats.push_back(found->format);
  }
  if (names.empty())
    for (const quant::FormatInfo& info : all) formats.push_back(info.format);
  return formats;
}

void describe_kernels(const vk::DeviceFacts& facts, DeviceInfo& info) {
  kernels::Profile profile = kernels::make_profile(facts);
  profile.choices = engine::VariantCache().load(facts).choices;
  for (const auto& [name, verdict] : profile.choices.verdicts)
    if (!verdict.passed) info.switched_off.push_back({name, verdict.reason});
  for (const kernels::KernelUse& use : kernels::kernel_uses(kernels::all_kernel_needs())) {
    KernelChoice& choice =
        info.kernels.emplace_back(KernelChoice{use.kernel, use.format, use.purpose, "", "", {}, {}, ""});
    try {
      const auto [variant, shader] = use.choose(profile);
      choice.variant = shader.name;
      choice.suits = variant.requirement->text;
      if (const kernels::Verdict* verdict = profile.choices.find(shader.name)) choice.nmse = verdict->nmse;
      if (!use.comparison) continue;
      choice.unit = use.comparison->unit;
      if (const kernels::Tuned* tuned = profile.choices.find_tuned(use.comparison->key(profile)))
        choice.rate = rate_of(*tuned, shader.name);
    } catch (const Error&) {  // none is left
    }
  }
}

DeviceInfo describe(const vk::DeviceFacts& facts, placement::Place place) {
  DeviceInfo info;
  info.index = static_cast<uint32_t>(place.index);
  info.name = facts.name;
  info.type = vk::to_string(facts.type);
  info.uuid = facts.uuid_string();
  info.driver = facts.driver_name + (facts.driver_info.empty() ? "" : " " + facts.driver_info);
  info.vulkan_version =
      fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(facts.api_version),
                  VK_API_VERSION_MINOR(facts.api_version), VK_API_VERSION_PATCH(facts.api_version));
  info.memory_bytes = facts.device_local_bytes();
  info.subgroup_size = facts.subgroup_size;
  info.float16 = facts.float16;
  info.integer_dot_product = facts.integer_dot_product;
  info.reason = std::move(place.reason);
  info.pci_address = facts.pci_address;
  for (const vk::HeapFacts& heap : facts.heaps) info.heaps.push_back({heap.size_bytes, heap.device_local});
  if (place.same_as) info.same_as = static_cast<uint32_t>(*place.same_as);
  if (const auto known = engine::MeasurementCache().load(facts)) info.measurements = to_public(*known);
  describe_kernels(facts, info);
  return info;
}

std::vector<DeviceInfo> list(const vk::Instance& instance) {
  std::vector<DeviceInfo> result;
  for (placement::Place& place : placement::rank(candidates(instance))) {
    const vk::DeviceFacts& facts = instance.devices()[place.index].facts;
    result.push_back(describe(facts, std::move(place)));
  }
  return result;
}

}  // namespace

const char* version() noexcept { return version_string(); }

void set_log(LogSeverity least, std::function<void(LogSeverity, std::string_view)> sink) {
  set_log_level(static_cast<LogLevel>(least));
  if (!sink) return set_log_sink({});
  set_log_sink([sink = std::move(sink)](LogLevel level, std::string_view message) {
    sink(static_cast<LogSeverity>(level), message);
  });
}

std::vector<DeviceInfo> list_devices(const DeviceOptions& options) {
  return list(*vk::Instance::create({options.validate}));
}

Device Device::open(std::string_view selector, const DeviceOptions& options) {
  Device device;
  device.impl_ = std::make_shared<Impl>();
  device.impl_->instance = vk::Instance::create({options.validate});
  const vk::Instance& instance = *device.impl_->instance;
  const std::vector<DeviceInfo> devices = list(instance);
  if (devices.empty()) {
    fail(ErrorCode::kNoDevice,
         "the Vulkan drivers offer no device with Vulkan 1.2; a software driver always works: apt install "
         "mesa-vulkan-drivers");
  }
  uint32_t index = devices.front().index;
  if (!selector.empty()) index = static_cast<uint32_t>(placement::select(candidates(instance), selector));
  device.impl_->info = *std::ranges::find(devices, index, &DeviceInfo::index);
  device.impl_->device = vk::Device::create(device.impl_->instance, instance.devices()[index]);
  return device;
}

const DeviceInfo& Device::info() const { return impl_->info; }

double Device::bandwidth_gbs() const {
  return impl_->measured_once(impl_->bandwidth_gbs, [](kernels::Context& context) {
    return kernels::measure_bandwidth_gbs(context);
  });
}

double Device::arithmetic_gflops() const {
  return impl_->measured_once(impl_->arithmetic_gflops, kernels::measure_arithmetic_gflops);
}

double Device::matrix_gflops() const {
  return impl_->measured_once(impl_->matrix_gflops, kernels::measure_matrix_gflops);
}

std::optional<double> Device::watts() const {
  std::call_once(impl_->power_once, [&] { impl_->power.emplace(impl_->device->facts().pci_address); });
  return impl_->power->watts();
}

DeviceMeasurements Device::measure(bool again) const {
  const std::lock_guard lock(impl_->measuring);
  kernels::Context context(*impl_->device);
  const kernels::KernelNeeds needs = kernels::all_kernel_needs();
  engine::test_kernels(context, needs, engine::VariantCache(), again);
  return to_public(engine::device_measurements(context, engine::MeasurementCache(), needs.products, again));
}

std::vector<KernelTuning> Device::tune(const TuneOptions& options) const {
  const std::lock_guard lock(impl_->measuring);
  kernels::Context context(*impl_->device);
  kernels::KernelNeeds needs;
  needs.products = needs.exact_products = formats_named(options.formats);
  if (options.formats.empty()) needs.caches = kernels::all_kernel_needs().caches;
  engine::test_kernels(context, needs);
  engine::TuningOptions tuning{.again = true};
  if (options.progress) {
    tuning.progress = [&](const kernels::KernelUse& use, size_t variants) {
      options.progress(use.kernel, use.format, use.purpose, variants);
    };
  }
  if (engine::tune_kernels(context, needs, engine::VariantCache(), tuning))
    engine::MeasurementCache().forget(impl_->device->facts());
  std::vector<KernelTuning> result;
  for (const kernels::KernelUse& use : kernels::kernel_uses(needs)) {
    if (!use.comparison) continue;
    const kernels::Tuned* tuned = context.profile.choices.find_tuned(use.comparison->key(context.profile));
    if (tuned == nullptr) continue;
    KernelTuning& found = result.emplace_back(KernelTuning{use.kernel,
                                                           use.format,
                                                           use.purpose,
                                                           use.comparison->unit,
                                                           use.choose(context.profile).shader.name,
                                                           {}});
    for (const kernels::Tuned::Figure& figure : tuned->figures)
      found.figures.push_back({figure.variant, rate_of(*tuned, figure.variant)});
  }
  return result;
}

uint64_t Device::allocated_bytes() const { return impl_->device->memory_usage().now_bytes; }
uint64_t Device::peak_allocated_bytes() const { return impl_->device->memory_usage().peak_bytes; }
uint32_t Device::validation_messages() const { return impl_->instance->validation_message_count(); }

}  // namespace motley

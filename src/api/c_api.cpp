// The C interface: errors, diagnostics, devices, models. Engines and sessions are in c_api_session.cpp.
#include <iterator>
#include <memory>
#include <type_traits>

#include "api/c_api_support.hpp"

namespace motley::c_api {
namespace {

template <ErrorCode Code, int Number>
constexpr bool kSame = static_cast<int>(Code) == Number;

static_assert(kSame<ErrorCode::kInternal, MOTLEY_INTERNAL> &&
              kSame<ErrorCode::kInvalidArgument, MOTLEY_INVALID_ARGUMENT> &&
              kSame<ErrorCode::kIo, MOTLEY_IO> && kSame<ErrorCode::kMalformedModel, MOTLEY_MALFORMED_MODEL> &&
              kSame<ErrorCode::kUnsupported, MOTLEY_UNSUPPORTED> &&
              kSame<ErrorCode::kNoDevice, MOTLEY_NO_DEVICE> &&
              kSame<ErrorCode::kOutOfMemory, MOTLEY_OUT_OF_MEMORY> &&
              kSame<ErrorCode::kDeviceLost, MOTLEY_DEVICE_LOST> &&
              kSame<ErrorCode::kContextFull, MOTLEY_CONTEXT_FULL> &&
              kSame<ErrorCode::kCancelled, MOTLEY_CANCELLED>);
static_assert(static_cast<int>(LogSeverity::kDebug) == MOTLEY_DEBUG &&
              static_cast<int>(LogSeverity::kError) == MOTLEY_ERROR);
static_assert(std::is_same_v<motley_token, Token>);

/// Stands in where there is no memory for an error; never freed, never changed.
motley_error& out_of_memory() noexcept {
  static motley_error error{MOTLEY_OUT_OF_MEMORY, "no memory"};  // short enough to need none of its own
  return error;
}

int store(motley_error** error, int code, const char* message) noexcept {
  if (error == nullptr) return code;
  try {
    *error = new motley_error{code, message};
    return code;
  } catch (...) {
    *error = &out_of_memory();
    return MOTLEY_OUT_OF_MEMORY;
  }
}

motley_device_info view_of(const DeviceInfo& info) {
  return {.size = sizeof(motley_device_info),
          .index = info.index,
          .name = info.name.c_str(),
          .type = info.type.c_str(),
          .uuid = info.uuid.c_str(),
          .driver = info.driver.c_str(),
          .vulkan_version = info.vulkan_version.c_str(),
          .memory_bytes = info.memory_bytes,
          .subgroup_size = info.subgroup_size,
          .float16 = info.float16,
          .integer_dot_product = info.integer_dot_product,
          .reason = info.reason.c_str(),
          .pci_address = info.pci_address.c_str(),
          .switched_off = static_cast<uint32_t>(info.switched_off.size())};
}

motley_tensor_info view_of(const TensorEntry& tensor) {
  motley_tensor_info view{.size = sizeof(motley_tensor_info),
                          .name = tensor.name.c_str(),
                          .format = tensor.format.c_str(),
                          .dimensions = static_cast<uint32_t>(tensor.shape.size()),
                          .shape = {1, 1, 1, 1},
                          .size_bytes = tensor.size_bytes};
  if (tensor.shape.size() > std::size(view.shape)) {
    fail(ErrorCode::kUnsupported, "tensor '{}' has {} dimensions; the C interface has room for {}",
         tensor.name, tensor.shape.size(), std::size(view.shape));
  }
  std::copy(tensor.shape.begin(), tensor.shape.end(), std::begin(view.shape));
  return view;
}

DeviceOptions device_options(const motley_device_options* given) {
  return {.validate = read_options(given, motley_device_options_default()).validate != 0};
}

}  // namespace

int store_exception(motley_error** error) noexcept {
  try {
    throw;
  } catch (const Error& caught) {
    return store(error, static_cast<int>(caught.code()), caught.what());
  } catch (const std::bad_alloc&) {
    return store(error, MOTLEY_OUT_OF_MEMORY, "there is not enough memory on the host");
  } catch (const std::exception& caught) {
    return store(error, MOTLEY_INTERNAL, caught.what());
  } catch (...) {
    return store(error, MOTLEY_INTERNAL, "an unknown exception");
  }
}

}  // namespace motley::c_api

using namespace motley::c_api;  // NOLINT(google-build-using-namespace): what follows is outside of all
                                // namespaces

const char* motley_version(void) { return motley::version(); }

void motley_free(void* memory) { std::free(memory); }

int motley_error_code(const motley_error* error) { return error == nullptr ? MOTLEY_OK : error->code; }

const char* motley_error_message(const motley_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

void motley_error_free(motley_error* error) {
  if (error != &out_of_memory()) delete error;
}

int motley_set_log(int least, motley_log_function sink, void* user, motley_error** error) {
  return guarded(error, [&] {
    if (least < MOTLEY_DEBUG || least > MOTLEY_ERROR) {
      motley::fail(motley::ErrorCode::kInvalidArgument, "there is no severity {}; there are {} to {}", least,
                   static_cast<int>(MOTLEY_DEBUG), static_cast<int>(MOTLEY_ERROR));
    }
    const auto severity = static_cast<motley::LogSeverity>(least);
    if (sink == nullptr) return motley::set_log(severity);
    motley::set_log(severity, [sink, user](motley::LogSeverity of, std::string_view message) {
      sink(static_cast<int>(of), std::string(message).c_str(), user);
    });
  });
}

motley_device_list* motley_device_list_create(const motley_device_options* options, motley_error** error) {
  return guarded_new(error, [&] {
    auto list = std::make_unique<motley_device_list>();
    list->infos = motley::list_devices(device_options(options));
    for (const motley::DeviceInfo& info : list->infos) list->views.push_back(view_of(info));
    return list.release();
  });
}

size_t motley_device_list_size(const motley_device_list* list) {
  return list == nullptr ? 0 : list->views.size();
}

const motley_device_info* motley_device_list_at(const motley_device_list* list, size_t position) {
  return position < motley_device_list_size(list) ? &list->views[position] : nullptr;
}

void motley_device_list_free(motley_device_list* list) { delete list; }

motley_device* motley_device_open(const char* selector, const motley_device_options* options,
                                  motley_error** error) {
  return guarded_new(error, [&] {
    const motley::Device device =
        motley::Device::open(selector == nullptr ? std::string_view() : selector, device_options(options));
    return new motley_device{device, view_of(device.info())};
  });
}

const motley_device_info* motley_device_get_info(const motley_device* device) {
  return device == nullptr ? nullptr : &device->view;
}

int motley_device_bandwidth_gbs(const motley_device* device, double* bandwidth_gbs, motley_error** error) {
  return guarded(error, [&] {
    require(device, "device");
    require(bandwidth_gbs, "bandwidth_gbs");
    *bandwidth_gbs = device->device.bandwidth_gbs();
  });
}

int motley_device_gflops(const motley_device* device, double* arithmetic_gflops, double* matrix_gflops,
                         motley_error** error) {
  return guarded(error, [&] {
    require(device, "device");
    if (arithmetic_gflops != nullptr) *arithmetic_gflops = device->device.arithmetic_gflops();
    if (matrix_gflops != nullptr) *matrix_gflops = device->device.matrix_gflops();
  });
}

double motley_device_watts(const motley_device* device) {
  return device == nullptr ? 0 : device->device.watts().value_or(0);
}

int motley_device_measure(const motley_device* device, int32_t again, motley_device_measurements* measured,
                          motley_error** error) {
  return guarded(error, [&] {
    require(device, "device");
    require(measured, "measured");
    check_size<motley_device_measurements>(measured->size);
    const motley::DeviceMeasurements found = device->device.measure(again != 0);
    write_result(measured, {sizeof(motley_device_measurements), found.bandwidth_gbs, found.host_read_gbs,
                            found.upload_gbs, found.download_gbs, found.dispatch_us, found.handoff_us});
  });
}

uint64_t motley_device_allocated_bytes(const motley_device* device) {
  return device == nullptr ? 0 : device->device.allocated_bytes();
}

uint64_t motley_device_peak_allocated_bytes(const motley_device* device) {
  return device == nullptr ? 0 : device->device.peak_allocated_bytes();
}

uint32_t motley_device_validation_messages(const motley_device* device) {
  return device == nullptr ? 0 : device->device.validation_messages();
}

void motley_device_free(motley_device* device) { delete device; }

motley_model* motley_model_open(const char* path, motley_error** error) {
  return guarded_new(error, [&] {
    require(path, "path");
    const motley::Model opened = motley::Model::open(path);
    auto model = std::make_unique<motley_model>(motley_model{opened, opened.tensors(), {}});
    for (const motley::TensorEntry& tensor : model->tensors) model->views.push_back(view_of(tensor));
    return model.release();
  });
}

uint64_t motley_model_size_bytes(const motley_model* model) {
  return model == nullptr ? 0 : model->model.size_bytes();
}

int motley_model_metadata(const motley_model* model, const char* key, char** json, motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(key, "key");
    require(json, "json");
    *json = nullptr;
    for (const motley::MetadataEntry& entry : model->model.metadata()) {
      if (entry.key != key) continue;
      *json = copy_out(entry.json);
      return;
    }
  });
}

size_t motley_model_tensor_count(const motley_model* model) {
  return model == nullptr ? 0 : model->views.size();
}

const motley_tensor_info* motley_model_tensor(const motley_model* model, size_t position) {
  return position < motley_model_tensor_count(model) ? &model->views[position] : nullptr;
}

int motley_model_tokenize(const motley_model* model, const char* text, size_t text_bytes,
                          const motley_tokenize_options* options, motley_token** tokens, size_t* count,
                          motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(tokens, "tokens");
    require(count, "count");
    const motley_tokenize_options read = read_options(options, motley_tokenize_options_default());
    const std::vector<motley::Token> ids = model->model.tokenize(
        text_of(text, text_bytes, "text"),
        {.add_special = read.add_special != 0, .parse_special = read.parse_special != 0});
    *tokens = copy_out(std::span(ids));
    *count = ids.size();
  });
}

int motley_model_detokenize(const motley_model* model, const motley_token* tokens, size_t count,
                            int render_special, char** text, size_t* text_bytes, motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(text, "text");
    const std::string decoded =
        model->model.detokenize(array_of(tokens, count, "tokens"), render_special != 0);
    *text = copy_out(decoded);
    if (text_bytes != nullptr) *text_bytes = decoded.size();
  });
}

int motley_model_vocabulary_size(const motley_model* model, size_t* size, motley_error** error) {
  return guarded(error, [&] {
    require(model, "model");
    require(size, "size");
    *size = model->model.vocabulary_size();
  });
}

void motley_model_free(motley_model* model) { delete model; }

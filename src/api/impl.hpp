// What stands behind the handles of motley.hpp.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include <motley/motley.hpp>

#include "engine/generation.hpp"
#include "engine/model_host.hpp"
#include "engine/power.hpp"
#include "engine/session.hpp"
#include "gguf/file.hpp"
#include "placement/rank.hpp"
#include "tokenizer/tokenizer.hpp"
#include "vk/device.hpp"

namespace motley {

struct Device::Impl {
  std::shared_ptr<vk::Instance> instance;
  std::shared_ptr<vk::Device> device;
  DeviceInfo info;
  std::mutex measuring;  ///< one measurement at a time
  std::optional<double> bandwidth_gbs;
  std::optional<double> arithmetic_gflops;
  std::optional<double> matrix_gflops;
  std::once_flag power_once;
  std::optional<engine::PowerMeter> power;

  /// What `measure` gave at its first call, kept in `figure`.
  double measured_once(std::optional<double>& figure, double (*measure)(kernels::Context&)) {
    const std::lock_guard lock(measuring);
    if (!figure.has_value()) {
      kernels::Context context(*device);
      figure = measure(context);
    }
    return *figure;
  }
};

struct Model::Impl {
  std::shared_ptr<const gguf::File> file;
  std::once_flag tokenizer_once;
  std::optional<tokenizer::Tokenizer> tokenizer;

  /// The tokenizer, made at the first call.
  const tokenizer::Tokenizer& get_tokenizer() {
    std::call_once(tokenizer_once, [&] { tokenizer.emplace(tokenizer::Tokenizer::load(*file)); });
    return *tokenizer;
  }
};

/// The devices that a plan may use, and the user's word in terms of them.
struct OpenedDevices {
  std::vector<Device> devices;     ///< best first
  std::vector<std::string> names;  ///< by which plans tell of them and users name them; empty: the drivers'
  std::vector<Plan::Unused> left_out;  ///< the machine's other devices, and why
  placement::Request request;

  engine::ModelHost::Options host_options(const SessionOptions& session) const;
  std::vector<std::shared_ptr<vk::Device>> vulkan_devices() const;
  /// A plan in the user's terms.
  Plan describe(const placement::Plan& plan, const placement::Machine& machine,
                const placement::Request& request) const;
};

/// Opens them, each with a Vulkan instance of its own: software drivers share threads among the devices of
/// one. Throws as Device::open and to_request(PlanOptions) do.
OpenedDevices open_devices(const PlanOptions& plan, const DeviceOptions& options);

struct Engine::Impl {
  Model model;
  OpenedDevices opened;
  std::shared_ptr<engine::ModelHost> host;

  static std::shared_ptr<Impl> load(Model model, OpenedDevices opened, const SessionOptions& session,
                                    const EngineOptions& options);
};

struct Session::Impl {
  Engine engine;
  engine::Session session;
  std::optional<Token> pending;  ///< drawn last, not evaluated yet

  /// A prompt's special tokens belong at the start of a context only.
  std::vector<Token> tokenize_prompt(std::string_view prompt, TokenizeOptions options) const;
};

/// Reaches behind the handles.
struct Access {
  static Device::Impl& of(const Device& device) { return *device.impl_; }
  static Model::Impl& of(const Model& model) { return *model.impl_; }
  static Engine::Impl& of(const Engine& engine) { return *engine.impl_; }
  static Session::Impl& of(const Session& session) { return *session.impl_; }
};

engine::SessionRequest to_request(const SessionOptions& options);

}  // namespace motley

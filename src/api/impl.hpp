// What stands behind the handles of motley.hpp.
#pragma once

#include <memory>
#include <mutex>

#include <motley/motley.hpp>

#include "engine/generation.hpp"
#include "engine/model_host.hpp"
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
  double bandwidth_gbs = 0;
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

struct Engine::Impl {
  Model model;
  std::vector<Device> devices;  ///< those of `host`, in its order
  std::shared_ptr<engine::ModelHost> host;

  static std::shared_ptr<Impl> load(Model model, std::vector<Device> devices, placement::Request request,
                                    const SessionOptions& session, const EngineOptions& options);
};

/// What the user may name, in the loader's order, by the names that plans tell.
std::vector<placement::Candidate> candidates_of(const vk::Instance& instance);

/// The devices that a plan may use, best first, and the user's word in terms of them.
struct OpenedDevices {
  std::vector<Device> devices;
  placement::Request request;
};

/// Opens them, each with a Vulkan instance of its own: software drivers share threads among the devices of
/// one. Throws as Device::open and to_request(PlanOptions) do.
OpenedDevices open_devices(const PlanOptions& plan, const DeviceOptions& options);

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

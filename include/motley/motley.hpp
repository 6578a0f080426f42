// Motley: language models (GGUF) on whatever GPUs a machine has, through Vulkan.
//
//   motley::Engine engine(motley::Model::open("model.gguf"), motley::Device::open());
//   motley::Session session(engine);
//   session.generate("Once upon a time", {}, [](std::string_view text) { std::cout << text << std::flush;
//   return true; });
//
// Every function throws motley::Error (see error.hpp) when it cannot do what it says. Includes only
// the standard library.
#pragma once

#include <motley/common.hpp>
#include <motley/device.hpp>
#include <motley/engine.hpp>
#include <motley/error.hpp>
#include <motley/model.hpp>
#include <motley/perplexity.hpp>
#include <motley/plan.hpp>
#include <motley/session.hpp>
#include <motley/session_options.hpp>

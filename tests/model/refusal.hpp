// What a refused model is told, checked alike in all tests.
#pragma once

#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/config.hpp"
#include "model/tensors.hpp"
#include "support/tiny_model.hpp"

namespace motley::test {

/// Reading the model throws Error{code} whose message names the file and contains each of `figures`.
inline void expect_refused(const TinyModel& model, ErrorCode code,
                           std::initializer_list<const char*> figures) {
  const gguf::File file = model.open();
  try {
    model::find_tensors(file, model::read_config(file));
    ADD_FAILURE() << "the model was accepted";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), code) << message;
    EXPECT_NE(message.find("'tiny.gguf'"), std::string::npos) << message;
    for (const char* figure : figures)
      EXPECT_NE(message.find(figure), std::string::npos) << figure << " in: " << message;
  }
}

inline void expect_malformed(const TinyModel& model, std::initializer_list<const char*> figures) {
  expect_refused(model, ErrorCode::kMalformedModel, figures);
}

inline void expect_unsupported(const TinyModel& model, std::initializer_list<const char*> figures) {
  expect_refused(model, ErrorCode::kUnsupported, figures);
}

/// A tiny model with one key added or replaced.
template <typename T>
TinyModel with_key(const std::string& key, T value) {
  TinyModel model;
  model.keys.emplace(key, gguf::Value(std::move(value)));
  return model;
}

inline TinyModel without(const std::string& key_or_tensor) {
  TinyModel model;
  model.without.insert(key_or_tensor);
  return model;
}

}  // namespace motley::test

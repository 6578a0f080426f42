// Owners of the C interface's handles, and the demo model that its tests run.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <motley/motley.h>

namespace motley::test {

/// An error that an expression of a test may fill: `call(..., error)`.
class CError {
 public:
  CError() = default;
  CError(const CError&) = delete;
  CError& operator=(const CError&) = delete;
  ~CError() { motley_error_free(error_); }

  operator motley_error**() {  // NOLINT(google-explicit-constructor): stands for the out argument
    motley_error_free(error_);
    error_ = nullptr;
    return &error_;
  }
  int code() const { return motley_error_code(error_); }
  std::string message() const { return motley_error_message(error_); }

 private:
  motley_error* error_ = nullptr;
};

template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using CDevices = std::unique_ptr<motley_device_list, Freeing<motley_device_list_free>>;
using CDevice = std::unique_ptr<motley_device, Freeing<motley_device_free>>;
using CModel = std::unique_ptr<motley_model, Freeing<motley_model_free>>;
using CEngine = std::unique_ptr<motley_engine, Freeing<motley_engine_free>>;
using CSession = std::unique_ptr<motley_session, Freeing<motley_session_free>>;
template <typename T>
using CArray = std::unique_ptr<T, Freeing<motley_free>>;

inline CModel demo_model() {
  CError error;
  CModel model(motley_model_open(MOTLEY_SOURCE_DIR "/tools/demo/stories.gguf", error));
  EXPECT_TRUE(model) << error.message();
  return model;
}

}  // namespace motley::test

// What the two halves of the C interface share: the handles, errors in place of exceptions, structures of any
// age.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <motley/motley.h>
#include <motley/motley.hpp>

#include "base/error.hpp"

// NOLINTBEGIN(readability-identifier-naming): named as in C
struct motley_error {
  int code = MOTLEY_OK;
  std::string message;
};

struct motley_device_list {
  std::vector<motley::DeviceInfo> infos;  // own the texts
  std::vector<motley_device_info> views;
};

struct motley_device {
  motley::Device device;
  motley_device_info view;
};

struct motley_model {
  motley::Model model;
  std::vector<motley::TensorEntry> tensors;  // own the texts
  std::vector<motley_tensor_info> views;
};

struct motley_engine {
  motley::Engine engine;
};

struct motley_session {
  motley::Session session;
};
// NOLINTEND(readability-identifier-naming)

namespace motley::c_api {

/// Stores the exception being handled in *error, which may be null, and returns its code. Where there is no
/// memory for an error, a fixed one stands in.
int store_exception(motley_error** error) noexcept;

/// Runs `body`; an exception becomes an error.
template <typename Body>
int guarded(motley_error** error, Body body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    body();
    return MOTLEY_OK;
  } catch (...) {
    return store_exception(error);
  }
}

/// The same for a function that returns a new object: null on failure.
template <typename Body>
auto guarded_new(motley_error** error, Body body) noexcept -> decltype(body()) {
  decltype(body()) result = nullptr;
  guarded(error, [&] { result = body(); });
  return result;
}

inline void require(const void* pointer, const char* name) {
  if (pointer == nullptr) fail(ErrorCode::kInvalidArgument, "the argument '{}' is NULL", name);
}

/// `count` elements at `data`, which may be null when there are none.
template <typename T>
std::span<const T> array_of(const T* data, size_t count, const char* name) {
  if (count > 0) require(data, name);
  return {data, count};
}

inline std::string_view text_of(const char* text, size_t text_bytes, const char* name) {
  if (text_bytes > 0) require(text, name);
  return {text, text_bytes};
}

/// Throws unless a structure of `size_bytes`, as its caller knows it, is one that this library knows in full.
template <typename Structure>
void check_size(size_t size_bytes) {
  if (size_bytes >= sizeof(size_t) && size_bytes <= sizeof(Structure)) return;
  fail(ErrorCode::kInvalidArgument,
       "a structure says that it has {} bytes, where this library knows {} to {}: begin it with its "
       "_default() function, "
       "and use a library at least as new as the header",
       size_bytes, sizeof(size_t), sizeof(Structure));
}

/// The caller's options over `defaults`, from which the fields come that an older caller does not know.
template <typename Structure>
Structure read_options(const Structure* given, Structure defaults) {
  if (given == nullptr) return defaults;
  check_size<Structure>(given->size);
  std::memcpy(&defaults, given, given->size);
  return defaults;
}

/// Fills as much of *out, unless it is null, as its caller knows.
template <typename Structure>
void write_result(Structure* out, Structure value) {
  if (out == nullptr) return;
  value.size = out->size;
  std::memcpy(out, &value, out->size);
}

/// A copy for the caller to free with motley_free(); of no elements it is a valid pointer as well.
template <typename T>
T* copy_out(std::span<const T> values, size_t spare = 0) {
  auto* copy = static_cast<T*>(std::calloc(std::max<size_t>(values.size() + spare, 1), sizeof(T)));
  if (copy == nullptr) throw std::bad_alloc();
  if (!values.empty()) std::memcpy(copy, values.data(), values.size_bytes());
  return copy;
}

/// The same of a text, with a NUL behind it.
inline char* copy_out(std::string_view text) { return copy_out(std::span<const char>(text), 1); }

/// The options of the C++ interface for those of C; throws Error{kInvalidArgument} for an unknown cache type.
SessionOptions session_options(const motley_session_options* given);

}  // namespace motley::c_api

// The promise about malformed files, checked as one: a typed error with its figures, quickly and in little
// memory.
#pragma once

#include <cstddef>
#include <ctime>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "gguf/allocation_meter.hpp"
#include "gguf/file.hpp"
#include "support/gguf_bytes.hpp"

namespace motley::test {

inline gguf::File open_bytes(std::span<const std::byte> bytes) {
  return gguf::File::from_source(std::make_unique<gguf::MemorySource>(bytes, "case.gguf"));
}

/// Opening `bytes` throws Error{code} whose message names the file and contains each of `figures`.
inline void expect_refused(const GgufBytes& file, ErrorCode code,
                           std::initializer_list<const char*> figures) {
  const std::clock_t start = std::clock();  // Of this process, whatever else the machine does.
  const AllocationMeter meter;
  try {
    open_bytes(file.bytes());
    ADD_FAILURE() << "the file was accepted";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), code) << message;
    EXPECT_NE(message.find("case.gguf"), std::string::npos) << message;
    for (const char* figure : figures)
      EXPECT_NE(message.find(figure), std::string::npos) << figure << " in: " << message;
  }
  EXPECT_LE(meter.peak_bytes(), file.size() + (uint64_t{64} << 20));
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC);
}

inline void expect_malformed(const GgufBytes& file, std::initializer_list<const char*> figures) {
  expect_refused(file, ErrorCode::kMalformedModel, figures);
}

}  // namespace motley::test

#include "gguf/allocation_meter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

std::atomic<int64_t> g_held_bytes{0};
std::atomic<int64_t> g_peak_bytes{0};

void* try_allocate(std::size_t size) noexcept {
  void* pointer = std::malloc(size == 0 ? 1 : size);
  if (pointer == nullptr) return nullptr;
  const int64_t held = g_held_bytes += static_cast<int64_t>(::malloc_usable_size(pointer));
  int64_t peak = g_peak_bytes;
  while (held > peak && !g_peak_bytes.compare_exchange_weak(peak, held)) {
  }
  return pointer;
}

void* allocate(std::size_t size) {
  void* pointer = try_allocate(size);
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

void release(void* pointer) noexcept {
  if (pointer != nullptr) g_held_bytes -= static_cast<int64_t>(::malloc_usable_size(pointer));
  std::free(pointer);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return try_allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return try_allocate(size); }
void operator delete(void* pointer) noexcept { release(pointer); }
void operator delete[](void* pointer) noexcept { release(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { release(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { release(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { release(pointer); }
void operator delete[](void* pointer, const std::nothrow_t&) noexcept { release(pointer); }

namespace motley::test {

AllocationMeter::AllocationMeter() : start_bytes_(g_held_bytes) { g_peak_bytes = start_bytes_; }

uint64_t AllocationMeter::peak_bytes() const { return static_cast<uint64_t>(g_peak_bytes - start_bytes_); }

}  // namespace motley::test

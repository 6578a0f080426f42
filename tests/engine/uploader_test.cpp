// Bytes from the host reach device memory, straight and through staging memory, from several threads at once.
#include "engine/uploader.hpp"

#include <atomic>
#include <vector>

#include "base/parallel.hpp"
#include "support/devices.hpp"

namespace motley::engine {
namespace {

class UploaderTest : public test::DeviceTest {};

TEST_P(UploaderTest, EveryPieceArrives) {
  constexpr size_t kPiece = 4096;
  constexpr size_t kPieces = 50;
  constexpr size_t kThreads = 4;
  const auto byte_at = [](size_t i) { return static_cast<std::byte>(i * 7 + i / kPiece); };
  for (const bool staged : {false, true}) {
    const uint64_t before = device().memory_usage().now_bytes;
    {
      const vk::Buffer to(device(), kPieces * kPiece, vk::MemoryUse::kDevice, "test data");
      std::atomic<size_t> next = 0;
      run_on_threads(kThreads, [&](size_t) {
        Uploader uploader(device(), staged);
        for (size_t i = next++; i < kPieces; i = next++) {
          const std::span<std::byte> room = uploader.acquire({to, i * kPiece, kPiece});
          ASSERT_EQ(room.size(), kPiece);
          for (size_t at = 0; at < kPiece; ++at) room[at] = byte_at(i * kPiece + at);
          uploader.commit();
        }
        uploader.finish();
      });
      const std::span<const std::byte> got = to.mapped();
      ASSERT_EQ(got.size(), kPieces * kPiece);
      size_t wrong = 0;
      for (size_t i = 0; i < got.size(); ++i) wrong += got[i] == byte_at(i) ? 0U : 1U;
      EXPECT_EQ(wrong, 0U) << (staged ? "through staging memory" : "straight");
    }
    EXPECT_EQ(device().memory_usage().now_bytes, before);
  }
}

/// A panel of long rows may be larger than the usual piece.
TEST_P(UploaderTest, ALargePieceHasItsRoom) {
  constexpr size_t kBytes = Uploader::kPieceBytes + 4096;
  const vk::Buffer to(device(), kBytes, vk::MemoryUse::kDevice, "test data");
  const std::vector<std::byte> small(16, std::byte{1});
  std::vector<std::byte> large(kBytes, std::byte{2});
  large.back() = std::byte{3};
  Uploader uploader(device(), true);
  for (int i = 0; i < 2; ++i) {
    uploader.write({to, 0, small.size()}, small);
    uploader.write({to, 0, large.size()}, large);
  }
  uploader.finish();
  EXPECT_TRUE(std::ranges::equal(to.mapped().first(kBytes), large));
}

MOTLEY_ON_EVERY_DEVICE(UploaderTest);

}  // namespace
}  // namespace motley::engine

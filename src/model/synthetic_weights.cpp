#include "model/synthetic_weights.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "quant/half.hpp"

namespace motley::model {
namespace {

using quant::Format;

constexpr float kDeviation = 0.02F;

/// The finalizer of SplitMix64.
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(mix(seed)) {}
  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }

 private:
  uint64_t state_;
};

// A tensor is made in cells: one block of a quantized format, or some numbers of a floating-point one.
constexpr size_t kFloatCellElements = 32;

void put_words(Random& random, size_t words, std::byte* out) {
  for (size_t i = 0; i < words; ++i) {
    const uint64_t word = random.next();
    std::memcpy(out + i * sizeof word, &word, sizeof word);
  }
}

void put_half(uint16_t half, std::byte* out) { std::memcpy(out, &half, sizeof half); }

// The bits of positive halves count up with their values, and 1024 of them double the value: `smallest` plus
// 10 random bits lies between it and its double, 1.5 of it in the root mean square.
constexpr float kSpread = 1.5F;
uint16_t scale_above(uint16_t smallest, uint64_t bits) {
  return static_cast<uint16_t>(smallest + (bits & 1023U));
}
constexpr uint16_t kSmallestNormalHalf = 0x0400;  // 2^-14
constexpr uint16_t kSignBit = 0x8000;

// Rounded towards 0, which weights made up can bear: several times as fast as quant::encode().
template <typename Number>
Number narrowed(float value, Format format) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (format == Format::kF32) return static_cast<Number>(bits);
  if (format == Format::kBF16) return static_cast<Number>(bits >> 16);
  // 2^-112 moves the exponent from a float's bias to a half's, subnormal ones included.
  const auto magnitude = std::bit_cast<uint32_t>(std::bit_cast<float>(bits & 0x7fffffffU) * 0x1p-112F);
  return static_cast<Number>((bits >> 16 & 0x8000U) | magnitude >> 13);
}

/// The sum of two uniform numbers: a triangle around the mean.
template <Format format, typename Number>
void make_float_cell(Random& random, float mean, std::byte* out) {
  constexpr float kStep = kDeviation / 26754.7F;  // The deviation of the sum of two numbers 0 to 65535.
  const auto number = [mean](uint64_t word) {
    const int sum = static_cast<int>(word & 0xffffU) + static_cast<int>(word >> 16 & 0xffffU) - 65535;
    return narrowed<Number>(mean + kStep * static_cast<float>(sum), format);
  };
  std::array<Number, kFloatCellElements> numbers;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    const uint64_t word = random.next();
    numbers[i] = number(word);
    numbers[i + 1] = number(word >> 32);
  }
  std::memcpy(out, numbers.data(), sizeof numbers);
}

/// Q8_0 and Q4_0: a scale and `words` of levels. The levels' mean is -1/2; scales of either sign make up for
/// it.
template <size_t words>
void make_legacy_cell(Random& random, uint16_t smallest_scale, std::byte* out) {
  const uint64_t bits = random.next();
  const uint16_t sign = (bits >> 63) != 0 ? kSignBit : uint16_t{0};
  put_half(scale_above(smallest_scale, bits) | sign, out);
  put_words(random, words, out + sizeof(uint16_t));
}

void make_q8_0_cell(Random& random, float, std::byte* out) {
  static const uint16_t smallest = quant::float_to_half(kDeviation / (73.9F * kSpread));  // 256 levels
  make_legacy_cell<4>(random, smallest, out);
}

void make_q4_0_cell(Random& random, float, std::byte* out) {
  static const uint16_t smallest = quant::float_to_half(kDeviation / (4.61F * kSpread));  // 16 levels
  make_legacy_cell<2>(random, smallest, out);
}

/// Q4_K and Q5_K, weight = scale * s * q - minimum * m: with m = s and a minimum of half the levels times the
/// scale, a power of two and three bits so that the product is exact, the mean is 0. Scales s have the
/// highest of `scale_bits` set and the others random.
template <int levels, uint32_t scale_bits, size_t words>
void make_affine_cell(Random& random, float, std::byte* out) {
  const uint64_t bits = random.next();
  const auto scale = static_cast<uint16_t>(kSmallestNormalHalf | (bits >> 61) << 7);
  constexpr float kMiddle = static_cast<float>(levels - 1) / 2.0F;
  put_half(scale, out);
  put_half(quant::float_to_half(quant::half_to_float(scale) * kMiddle), out + 2);
  // Four scales a word; how they are packed: unpack_scales() in quant/k_quants.cpp.
  constexpr uint32_t kEachByte = 0x01010101U;
  constexpr uint32_t kHighest = kEachByte << (scale_bits - 1);
  constexpr uint32_t kOthers = kHighest - kEachByte;
  const uint64_t more_bits = random.next();
  const uint32_t first = (static_cast<uint32_t>(more_bits) & kOthers) | kHighest;
  const uint32_t last = (static_cast<uint32_t>(more_bits >> 32) & kOthers) | kHighest;
  const uint32_t with_tops = first | (last >> 4 & 3 * kEachByte) << 6;
  const uint32_t low_nibbles = (last & 15 * kEachByte) * 17;
  const std::array<uint32_t, 3> packed = {with_tops, with_tops, low_nibbles};
  std::memcpy(out + 4, packed.data(), sizeof packed);
  put_words(random, words, out + 4 + sizeof packed);
}

/// Weight = scale * s * (q - 32) with s from 8 to 15 or -16 to -9, the other sign making up for the levels'
/// mean of -1/2.
void make_q6_k_cell(Random& random, float, std::byte* out) {
  constexpr uint64_t kEachByte = 0x0101010101010101ULL;
  put_words(random, 24, out);
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t bits = random.next();
    const uint64_t scales = ((bits & 7 * kEachByte) | 8 * kEachByte) ^ (bits >> 7 & kEachByte) * 0xffU;
    std::memcpy(out + 192 + i * sizeof scales, &scales, sizeof scales);
  }
  put_half(scale_above(kSmallestNormalHalf, random.next()), out + 208);
}

/// Cells one after another.
using MakeCells = void (*)(uint64_t key, uint64_t first, size_t count, float mean, std::byte* out);

template <void (*make_cell)(Random&, float, std::byte*), size_t cell_bytes>
void make_cells(uint64_t key, uint64_t first, size_t count, float mean, std::byte* out) {
  for (size_t i = 0; i < count; ++i) {
    Random random(key + first + i);
    make_cell(random, mean, out + i * cell_bytes);
  }
}

struct Generator {
  Format format;
  size_t cell_bytes;
  MakeCells make;
};

template <Format format, size_t cell_bytes, void (*make_cell)(Random&, float, std::byte*)>
constexpr Generator kGenerator = {format, cell_bytes, make_cells<make_cell, cell_bytes>};

constexpr std::array kGenerators = {
    kGenerator<Format::kF32, kFloatCellElements * 4, make_float_cell<Format::kF32, uint32_t>>,
    kGenerator<Format::kF16, kFloatCellElements * 2, make_float_cell<Format::kF16, uint16_t>>,
    kGenerator<Format::kBF16, kFloatCellElements * 2, make_float_cell<Format::kBF16, uint16_t>>,
    kGenerator<Format::kQ8_0, 34, make_q8_0_cell>,
    kGenerator<Format::kQ4_0, 18, make_q4_0_cell>,
    kGenerator<Format::kQ4_K, 144, make_affine_cell<16, 6, 16>>,
    kGenerator<Format::kQ5_K, 176, make_affine_cell<32, 5, 20>>,
    kGenerator<Format::kQ6_K, 210, make_q6_k_cell>,
};
constexpr size_t kLargestCellBytes = 210;

const Generator& generator_of(Format format) {
  const auto found = std::ranges::find(kGenerators, format, &Generator::format);
  if (found != kGenerators.end()) return *found;
  fail(ErrorCode::kUnsupported, "random weights in {} cannot be made", quant::info(format).name);
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "random words are bytes of a little-endian file");

void SyntheticWeights::read_at(uint64_t offset_bytes, std::span<std::byte> out) const {
  const Generator& generator = generator_of(format);
  const size_t cell_bytes = generator.cell_bytes;
  uint64_t cell = offset_bytes / cell_bytes;
  size_t skip = offset_bytes % cell_bytes;
  while (!out.empty()) {
    size_t done = 0;
    if (skip == 0 && out.size() >= cell_bytes) {
      const size_t count = out.size() / cell_bytes;
      generator.make(key, cell, count, mean, out.data());
      done = count * cell_bytes;
      cell += count;
    } else {
      std::array<std::byte, kLargestCellBytes> whole;
      generator.make(key, cell++, 1, mean, whole.data());
      done = std::min(out.size(), cell_bytes - skip);
      std::memcpy(out.data(), whole.data() + skip, done);
      skip = 0;
    }
    out = out.subspan(done);
  }
}

uint64_t synthetic_key(uint64_t seed, std::string_view tensor_name) {
  return mix(hash_bytes(std::as_bytes(std::span(tensor_name)), mix(seed)));
}

}  // namespace motley::model

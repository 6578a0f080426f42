#include "quant/half.hpp"

#include <bit>

namespace motley::quant {
namespace {

constexpr uint32_t kSignBit = 0x80000000u;
constexpr uint32_t kInfinity = 0x7f800000u;
constexpr uint32_t kMantissaBits = 13;                      // a float's mantissa has so many more
constexpr uint32_t kExponentShift = (127 - 15) << 23;       // between the two formats' biases
constexpr uint32_t kSmallestNormalHalf = (127 - 14) << 23;  // 2^-14
constexpr uint32_t kRoundsToInfinity =
    ((127 + 15) << 23) | 0x7ff000;  // 65520, half-way past the largest half

}  // namespace

float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | kInfinity | mantissa << kMantissaBits);
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  const uint32_t magnitude = ((exponent << 10 | mantissa) << kMantissaBits) + kExponentShift;
  return std::bit_cast<float>(sign | magnitude);
}

uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits & kSignBit) >> 16);
  const uint32_t magnitude = bits & ~kSignBit;
  uint32_t half = 0;
  if (magnitude > kInfinity) {
    half = 0x7e00u | ((magnitude >> kMantissaBits) & 0x3ffu);
  } else if (magnitude >= kRoundsToInfinity) {
    half = 0x7c00u;
  } else if (magnitude < kSmallestNormalHalf) {
    // One unit in the last place of 0.5f is 2^-24, the step of the subnormal halves: the addition rounds as
    // wanted.
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  } else {
    const uint32_t odd = (magnitude >> kMantissaBits) & 1u;
    half = (magnitude - kExponentShift + 0xfffu + odd) >> kMantissaBits;
  }
  return static_cast<uint16_t>(sign | half);
}

float bfloat16_to_float(uint16_t bfloat16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bfloat16) << 16);
}

uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & ~kSignBit) > kInfinity) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace motley::quant

// The bodies of the coding kernels, compiled once per level. The including file defines CVK_CODING_TABLE (the
// name of the table to define) and, by `#pragma clang attribute`, the instruction set. Nothing here may depend on that set.

#include "CodingTable.h"

#include <stdint.h>
#include <string.h>

// A product that is fused with the following sum on one level and not on another would change the bits.
#pragma STDC FP_CONTRACT OFF

#define LITTLE_ENDIAN_BYTES (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#define CVK_INLINE static inline __attribute__((always_inline))

// The bits of a float, folded so that signed integers are ordered like the floats, infinities and NaN outermost.
CVK_INLINE int32_t ordered(int32_t bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

static void range(const float *x, size_t count, float *minimum, float *maximum) {
  int32_t least = INT32_MAX, most = INT32_MIN;
  for (size_t i = 0; i < count; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const int32_t key = ordered(bits);
    least = key < least ? key : least;
    most = key > most ? key : most;
  }
  const int32_t infinity = 0x7f800000;
  if (most >= infinity || least <= ordered((int32_t)0xff800000)) {
    *minimum = *maximum = __builtin_nanf("");
    return;
  }
  least = ordered(least);
  most = ordered(most);
  memcpy(minimum, &least, sizeof least);
  memcpy(maximum, &most, sizeof most);
}

CVK_INLINE double clamped(float x, double minimum, double scale, double top) {
  double y = ((double)x - minimum) * scale;
  y = y > 0 ? y : 0;  // NaN becomes 0
  return y < top ? y : top;
}

static void quantize(const float *restrict x, size_t count, double minimum, double scale, double top,
                     int32_t fraction_bits, const uint32_t *restrict random, uint16_t *restrict codes) {
  const double unit = (double)((int32_t)1 << fraction_bits);
  const int32_t unused = 32 - fraction_bits;
  for (size_t i = 0; i < count; i++) {
    const uint32_t fixed = (uint32_t)(int32_t)(clamped(x[i], minimum, scale, top) * unit + 0.5);
    codes[i] = (uint16_t)((fixed + (random[i] >> unused)) >> fraction_bits);
  }
}

static void quantize_nearest(const float *restrict x, size_t count, double minimum, double scale, double top,
                             uint16_t *restrict codes) {
  for (size_t i = 0; i < count; i++) codes[i] = (uint16_t)(int32_t)(clamped(x[i], minimum, scale, top) + 0.5);
}

static void dequantize(const uint16_t *restrict codes, size_t count, double minimum, double step,
                       float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = (float)(minimum + (double)codes[i] * step);
}

static void pack(const uint16_t *restrict codes, size_t count, int32_t bits, uint8_t *restrict out) {
  if (bits == 8) {
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)codes[i];
    return;
  }
  const uint32_t mask = ((uint32_t)1 << bits) - 1;
  size_t i = 0;
  // Eight codes fill whole bytes; sixteen bytes are written while the next codes still overwrite what is beyond.
  for (; LITTLE_ENDIAN_BYTES && (count - i) * (size_t)bits >= 128 && count - i >= 8; i += 8, out += bits) {
    uint64_t low = 0, high = 0;
    for (int k = 3; k >= 0; k--) {
      low = low << bits | (codes[i + k] & mask);
      high = high << bits | (codes[i + k + 4] & mask);
    }
    const unsigned __int128 word = (unsigned __int128)high << (4 * bits) | low;
    memcpy(out, &word, sizeof word);
  }
  uint64_t pending = 0;
  int32_t used = 0;
  for (; i < count; i++) {
    pending |= (uint64_t)(codes[i] & mask) << used;
    used += bits;
    for (; used >= 8; used -= 8, pending >>= 8) *out++ = (uint8_t)pending;
  }
  if (used > 0) *out = (uint8_t)pending;
}

static void unpack(const uint8_t *restrict packed, size_t count, int32_t bits, uint16_t *restrict codes) {
  if (bits == 8) {
    for (size_t i = 0; i < count; i++) codes[i] = packed[i];
    return;
  }
  const uint32_t mask = ((uint32_t)1 << bits) - 1;
  size_t i = 0;
  for (; LITTLE_ENDIAN_BYTES && (count - i) * (size_t)bits >= 128 && count - i >= 8; i += 8, packed += bits) {
    unsigned __int128 word;
    memcpy(&word, packed, sizeof word);
    uint64_t low = (uint64_t)word, high = (uint64_t)(word >> (4 * bits));
    for (int k = 0; k < 4; k++, low >>= bits, high >>= bits) {
      codes[i + k] = (uint16_t)(low & mask);
      codes[i + k + 4] = (uint16_t)(high & mask);
    }
  }
  uint64_t pending = 0;
  int32_t available = 0;
  for (; i < count; i++) {
    for (; available < bits; available += 8) pending |= (uint64_t)*packed++ << available;
    codes[i] = (uint16_t)(pending & mask);
    pending >>= bits;
    available -= bits;
  }
}

static void signed_scale(const float *x, size_t count, float scale, const uint8_t *signs, float *out) {
  size_t i = 0;
  for (; count - i >= 16; i += 16) {
    const uint32_t bits = (uint32_t)signs[i / 8] | (uint32_t)signs[i / 8 + 1] << 8;
    uint32_t block[16];
    for (int lane = 0; lane < 16; lane++) {
      const float product = scale * x[i + lane];
      uint32_t word;
      memcpy(&word, &product, sizeof word);
      block[lane] = word ^ (bits >> lane) << 31;
    }
    memcpy(out + i, block, sizeof block);
  }
  for (; i < count; i++) {
    const float product = scale * x[i];
    out[i] = (signs[i / 8] >> (i % 8)) & 1 ? -product : product;
  }
}

#include "HadamardBodies.h"

const struct coding_table CVK_CODING_TABLE = {
    .range = range,
    .quantize = quantize,
    .quantize_nearest = quantize_nearest,
    .dequantize = dequantize,
    .pack = pack,
    .unpack = unpack,
    .signed_scale = signed_scale,
    .walsh_hadamard = walsh_hadamard,
};

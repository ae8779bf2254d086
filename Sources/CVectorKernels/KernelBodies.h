// The bodies of all kernels, compiled once per level. The including file defines CVK_TABLE (the name of the table
// to define) and, by `#pragma clang attribute`, the instruction set. Nothing here may depend on that set.

#include "KernelTable.h"

#include <stdint.h>
#include <string.h>

// A product that is fused with the following sum on one level and not on another would change the bits.
#pragma STDC FP_CONTRACT OFF

#define CVK_INLINE static inline __attribute__((always_inline))

enum { LANES = 32 };

typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

// 32 running sums. Passed by pointer only: a vector passed by value has another calling convention on each level.
struct lanes {
  f64x8 part[4];
};

CVK_INLINE void load_f32(const float *x, struct lanes *out) {
  for (int part = 0; part < 4; part++) {
    f32x8 narrow;
    memcpy(&narrow, x + 8 * part, sizeof narrow);
    out->part[part] = __builtin_convertvector(narrow, f64x8);
  }
}

CVK_INLINE void load_f64(const double *x, struct lanes *out) { memcpy(out, x, sizeof *out); }

CVK_INLINE void add_squares(const struct lanes *x, struct lanes *sum) {
  for (int part = 0; part < 4; part++) sum->part[part] += x->part[part] * x->part[part];
}

typedef int64_t i64x8 __attribute__((vector_size(64)));

CVK_INLINE void add_magnitudes(const struct lanes *x, struct lanes *sum) {
  for (int part = 0; part < 4; part++) {
    const i64x8 magnitude = (i64x8)x->part[part] & INT64_MAX;
    sum->part[part] += (f64x8)magnitude;
  }
}

// The one order in which 32 sums become one.
CVK_INLINE double combine(const struct lanes *sum) {
  const f64x8 s = (sum->part[0] + sum->part[1]) + (sum->part[2] + sum->part[3]);
  const double total = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  // Which operand's NaN survives depends on the instruction chosen; give all levels the same one.
  return total != total ? (double)__builtin_nan("") : total;
}

static double sum_of_squares(const float *x, size_t count) {
  struct lanes sum = {0}, block;
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    load_f32(x + i, &block);
    add_squares(&block, &sum);
  }
  if (i < count) {
    float tail[LANES] = {0};
    memcpy(tail, x + i, (count - i) * sizeof *x);
    load_f32(tail, &block);
    add_squares(&block, &sum);
  }
  return combine(&sum);
}

static double sum_of_squares_f64(const double *x, size_t count) {
  struct lanes sum = {0}, block;
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    load_f64(x + i, &block);
    add_squares(&block, &sum);
  }
  if (i < count) {
    double tail[LANES] = {0};
    memcpy(tail, x + i, (count - i) * sizeof *x);
    load_f64(tail, &block);
    add_squares(&block, &sum);
  }
  return combine(&sum);
}

static double l1_norm(const float *x, size_t count) {
  struct lanes sum = {0}, block;
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    load_f32(x + i, &block);
    add_magnitudes(&block, &sum);
  }
  if (i < count) {
    float tail[LANES] = {0};
    memcpy(tail, x + i, (count - i) * sizeof *x);
    load_f32(tail, &block);
    add_magnitudes(&block, &sum);
  }
  return combine(&sum);
}

// The bits of |x|, read as an integer, are ordered like |x|, with every NaN above infinity: the integer maximum
// needs no order of operations and cannot lose a NaN.
static float max_magnitude(const float *x, size_t count) {
  int32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= INT32_MAX;
    largest = bits > largest ? bits : largest;
  }
  float result;
  memcpy(&result, &largest, sizeof result);
  return result != result ? __builtin_nanf("") : result;
}

static void accumulate(double scale, const float *restrict x, double *restrict sum, size_t count) {
  for (size_t i = 0; i < count; i++) sum[i] += scale * (double)x[i];
}

static void add_f64(const double *restrict x, double *restrict sum, size_t count) {
  for (size_t i = 0; i < count; i++) sum[i] += x[i];
}

static void axpy(float a, const float *restrict x, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

static void scale(float a, float *x, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] *= a;
}

static void subtract(const float *restrict a, const float *restrict b, float *restrict out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = a[i] - b[i];
}

static void grid_accumulate(
    double factor, int64_t sign, const float *restrict x, int64_t *restrict sum, size_t count, uint64_t *high, uint64_t *low) {
  const double limit = 2147483647.0;
  uint64_t upper = 0, lower = 0;
  for (size_t i = 0; i < count; i++) {
    double d = factor * (double)x[i];
    // Each comparison is false for NaN, which so becomes −limit.
    d = d > -limit ? d : -limit;
    d = d < limit ? d : limit;
    int64_t n = (int32_t)d;
    uint64_t square = (uint64_t)(n * n);
    upper += square >> 32;
    lower += square & 0xffffffffu;
    sum[i] = (int64_t)((uint64_t)sum[i] + (uint64_t)(sign < 0 ? -n : n));
  }
  *high = upper;
  *low = lower;
}

static int32_t add_i64(const int64_t *restrict x, int64_t *restrict sum, size_t count) {
  uint64_t overflow = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t a = (uint64_t)x[i], b = (uint64_t)sum[i], c = a + b;
    // Equal signs that give another sign.
    overflow |= (a ^ c) & (b ^ c);
    sum[i] = (int64_t)c;
  }
  return (overflow >> 63) == 0;
}

const struct cvk_table CVK_TABLE = {
    .sum_of_squares = sum_of_squares,
    .sum_of_squares_f64 = sum_of_squares_f64,
    .l1_norm = l1_norm,
    .max_magnitude = max_magnitude,
    .accumulate = accumulate,
    .add_f64 = add_f64,
    .axpy = axpy,
    .scale = scale,
    .grid_accumulate = grid_accumulate,
    .add_i64 = add_i64,
    .subtract = subtract,
};

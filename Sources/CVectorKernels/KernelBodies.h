// The bodies of all kernels, compiled once per level. The including file defines CVK_TABLE (the name of the table
// to define) and, by `#pragma clang attribute`, the instruction set. Nothing here may depend on that set.

#include "KernelTable.h"

#include <stdint.h>
#include <string.h>

// A product that is fused with the following sum on one level and not on another would change the bits.
#pragma STDC FP_CONTRACT OFF

#define CVK_INLINE static inline __attribute__((always_inline))

// AHEAD: how far to prefetch, the fastest of many choices; what the hardware does by itself ends with every page.
enum { LANES = 32, AHEAD = 512 };

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
  for (; count - i >= LANES + AHEAD; i += LANES) {
    __builtin_prefetch(x + i + AHEAD);
    __builtin_prefetch(x + i + AHEAD + LANES / 2);
    load_f32(x + i, &block);
    add_squares(&block, &sum);
  }
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

typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef uint64_t u64x8 __attribute__((vector_size(64)));

// Less far ahead than for one vector: eight are read side by side.
enum { GRID_STEP = 16, GRID_AHEAD = 128 };

// Products truncated toward zero, and the squares of those of at most 2³¹. A product that is NaN or does not fit into 32 bits becomes −2³¹, or
// any integer while `misfits` gets a bit above the lowest 32.
CVK_INLINE void grid_integers_8(const f64x8 *product, i64x8 *n, u64x8 *squares, u64x8 *misfits) {
#if defined(CVK_TRUNCATE_TO_64)
  *n = CVK_TRUNCATE_TO_64(*product);
  *squares = CVK_SQUARE_LOW_32(*n);
  *misfits |= (u64x8)*n + ((uint64_t)1 << 31);
#else
#if defined(CVK_TRUNCATE_TO_32)
  // The instruction gives −2³¹ by itself.
  const i32x8 narrow = CVK_TRUNCATE_TO_32(*product);
#else
  const f64x8 lowest = (f64x8){} - 2147483648.0;
  const i64x8 fits = (*product > lowest - 1) & (*product < -lowest);
  const i32x8 narrow = __builtin_convertvector((f64x8)((fits & (i64x8)*product) | (~fits & (i64x8)lowest)), i32x8);
#endif
  *n = __builtin_convertvector(narrow, i64x8);
  *squares = (u64x8)(*n * *n);
  (void)misfits;
#endif
}

// 16 products of one vector with its factor.
CVK_INLINE void grid_integers(const float *x, double factor, i64x8 n[2], u64x8 squares[2], u64x8 *misfits) {
  for (int half = 0; half < 2; half++) {
    f32x8 narrow;
    memcpy(&narrow, x + 8 * half, sizeof narrow);
    const f64x8 product = __builtin_convertvector(narrow, f64x8) * factor;
    grid_integers_8(&product, n + half, squares + half, misfits);
  }
}

// Sums of squares of up to eight vectors, in eight lanes each.
struct grid_squares {
  u64x8 of[8];
  // The bits of all values that these sums ever had, and of what does not fit.
  u64x8 seen, misfits;
};

// 16 elements of `width` vectors, added to `sum`, which is read and written once for all of them.
CVK_INLINE void grid_step(int width, const double *factors, const float *const *x, size_t at, int64_t *sum, struct grid_squares *squares) {
  u64x8 total[2];
  memcpy(total, sum, sizeof total);
#pragma clang loop unroll(full)
  for (int k = 0; k < width; k++) {
    i64x8 n[2];
    u64x8 square[2];
    grid_integers(x[k] + at, factors[k], n, square, &squares->misfits);
    total[0] += (u64x8)n[0];
    total[1] += (u64x8)n[1];
    // Two squares of at most 2⁶² each: a lane that was below 2⁶³ does not wrap, and one that was not has been seen.
    squares->of[k] += square[0] + square[1];
    squares->seen |= squares->of[k];
  }
  memcpy(sum, total, sizeof total);
}

// Adds elements `first` to `last` of `width` vectors of `count`.
CVK_INLINE void grid_add_range(
    int width, const double *factors, const float *const *x, size_t first, size_t last, int64_t *sum, size_t count,
    struct grid_squares *squares) {
  const float *from[8];
  double by[8];
  for (int k = 0; k < width; k++) from[k] = x[k], by[k] = factors[k];
  // The sums stay in registers, not in memory that might be the vectors'.
  struct grid_squares own = *squares;
  size_t i = first;
  for (; last - i >= GRID_STEP && count - i >= GRID_STEP + GRID_AHEAD; i += GRID_STEP) {
    for (int k = 0; k < width; k++) __builtin_prefetch(from[k] + i + GRID_AHEAD);
    grid_step(width, by, from, i, sum + i, &own);
  }
  for (; last - i >= GRID_STEP; i += GRID_STEP) grid_step(width, by, from, i, sum + i, &own);
  if (i < last) {
    float tails[8][GRID_STEP] = {0};
    int64_t sums[GRID_STEP] = {0};
    for (int k = 0; k < width; k++) {
      memcpy(tails[k], from[k] + i, (last - i) * sizeof(float));
      from[k] = tails[k];
    }
    memcpy(sums, sum + i, (last - i) * sizeof *sum);
    grid_step(width, by, from, 0, sums, &own);
    memcpy(sum + i, sums, (last - i) * sizeof *sum);
  }
  *squares = own;
}

// False where a squared norm of `width` vectors exceeds `greatest`.
CVK_INLINE int grid_norms_fit(int width, const struct grid_squares *squares, uint64_t greatest) {
  for (int lane = 0; lane < 8; lane++)
    if (squares->seen[lane] >> 63 || squares->misfits[lane] >> 32) return 0;
  for (int k = 0; k < width; k++) {
    unsigned __int128 total = 0;
    for (int lane = 0; lane < 8; lane++) total += squares->of[k][lane];
    if (total > greatest) return 0;
  }
  return 1;
}

// Takes back what was added of one vector.
static void grid_subtract(double factor, const float *x, int64_t *sum, size_t count) {
  for (size_t i = 0; i < count; i += GRID_STEP) {
    const size_t length = count - i < GRID_STEP ? count - i : GRID_STEP;
    float values[GRID_STEP] = {0};
    i64x8 n[2];
    u64x8 squares[2], misfits = {0};
    memcpy(values, x + i, length * sizeof *x);
    grid_integers(values, factor, n, squares, &misfits);
    for (size_t j = 0; j < length; j++) sum[i + j] = (int64_t)((uint64_t)sum[i + j] - (uint64_t)n[j / 8][j % 8]);
  }
}

// Adds `width` vectors, or none where a squared norm exceeds `greatest`: sums of integers come back exactly, whatever was added.
CVK_INLINE int grid_add_group(
    int width, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count) {
  struct grid_squares squares = {0};
  grid_add_range(width, factors, x, 0, count, sum, count, &squares);
  if (grid_norms_fit(width, &squares, greatest)) return 1;
  for (int k = 0; k < width; k++) grid_subtract(factors[k], x[k], sum, count);
  return 0;
}

// Elements of the sum that stay in the nearest cache, and groups of eight vectors that are added to them before the next ones.
enum { GRID_TILE = 4096, GRID_GROUPS = 4 };

// Adds `groups` times eight vectors, tile by tile.
static void grid_add_tiles(
    size_t groups, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count, uint8_t *added) {
  struct grid_squares squares[GRID_GROUPS] = {0};
  for (size_t first = 0; first < count; first += GRID_TILE) {
    const size_t last = count - first < GRID_TILE ? count : first + GRID_TILE;
    for (size_t group = 0; group < groups; group++)
      grid_add_range(8, factors + 8 * group, x + 8 * group, first, last, sum, count, &squares[group]);
  }
  for (size_t group = 0; group < groups; group++) {
    const int all = grid_norms_fit(8, &squares[group], greatest);
    for (size_t k = 8 * group; !all && k < 8 * (group + 1); k++) grid_subtract(factors[k], x[k], sum, count);
    for (size_t k = 8 * group; k < 8 * (group + 1); k++)
      added[k] = (uint8_t)(all || grid_add_group(1, factors + k, x + k, greatest, sum, count));
  }
}

static void grid_add(
    size_t vectors, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count, uint8_t *added) {
  size_t k = 0;
  while (vectors - k >= 8) {
    const size_t groups = (vectors - k) / 8 < GRID_GROUPS ? (vectors - k) / 8 : GRID_GROUPS;
    grid_add_tiles(groups, factors + k, x + k, greatest, sum, count, added + k);
    k += 8 * groups;
  }
  const size_t fours = vectors - k >= 4 && grid_add_group(4, factors + k, x + k, greatest, sum, count) ? k + 4 : k;
  for (; k < fours; k++) added[k] = 1;
  for (; k < vectors; k++) added[k] = (uint8_t)grid_add_group(1, factors + k, x + k, greatest, sum, count);
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

CVK_INLINE uint64_t inverted_below_0(int64_t x) { return (uint64_t)(x ^ (x >> 63)); }

static int64_t subtract_multiple_i64(int64_t factor, const int64_t *restrict x, int64_t *restrict sum, size_t count) {
  uint64_t seen = 0;
  const uint64_t by = (uint64_t)factor;
  if (by >> 32) {
    for (size_t i = 0; i < count; i++) {
      sum[i] = (int64_t)((uint64_t)sum[i] - by * (uint64_t)x[i]);
      seen |= inverted_below_0(x[i]);
    }
    return (int64_t)seen;
  }
  // Two products of 32 bits, which every level has for vectors.
  for (size_t i = 0; i < count; i++) {
    const uint64_t value = (uint64_t)x[i];
    sum[i] = (int64_t)((uint64_t)sum[i] - ((value & UINT32_MAX) * (by & UINT32_MAX) + (((value >> 32) * (by & UINT32_MAX)) << 32)));
    seen |= inverted_below_0(x[i]);
  }
  return (int64_t)seen;
}

// x · factor / 2³² to the nearest integer: both parts of x give products of 64 bits, and the lower one has room for the half.
CVK_INLINE int64_t fraction(int64_t x, uint64_t factor) {
  const uint64_t low = ((uint64_t)x & UINT32_MAX) * factor + ((uint64_t)1 << 31);
  return (int64_t)((uint64_t)(x >> 32) * factor + (low >> 32));
}

static int64_t subtract_fraction_i64(uint64_t factor, const int64_t *restrict x, int64_t *restrict sum, size_t count) {
  uint64_t seen = 0;
  for (size_t i = 0; i < count; i++) {
    sum[i] = (int64_t)((uint64_t)sum[i] - (uint64_t)fraction(x[i], factor));
    seen |= inverted_below_0(x[i]);
  }
  return (int64_t)seen;
}

static void decay_i64(
    uint64_t factor, const int64_t *restrict x, const int64_t *restrict added, int32_t shift, int64_t *restrict out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (int64_t)((uint64_t)fraction(x[i], factor) + ((uint64_t)added[i] << shift));
}

// How many steps keep their sums in registers at once; the bits do not depend on it.
#ifndef CVK_TURNS
#define CVK_TURNS 2
#endif

CVK_INLINE double sum_of_lanes(const f64x8 *x) {
  return (((*x)[0] + (*x)[4]) + ((*x)[2] + (*x)[6])) + (((*x)[1] + (*x)[5]) + ((*x)[3] + (*x)[7]));
}

// `turns` steps of all numbers, whose sums go to `sums`.
CVK_INLINE void turn_some(size_t groups, const double *restrict turn, double *restrict state, int turns, double *restrict sums) {
  f64x8 re[CVK_TURNS] = {0}, im[CVK_TURNS] = {0};
  for (size_t group = 0; group < groups; group++) {
    f64x8 a, b, c, s;
    memcpy(&c, turn + 16 * group, sizeof c);
    memcpy(&s, turn + 16 * group + 8, sizeof s);
    memcpy(&a, state + 16 * group, sizeof a);
    memcpy(&b, state + 16 * group + 8, sizeof b);
    for (int step = 0; step < turns; step++) {
      re[step] += a;
      im[step] += b;
      const f64x8 next = a * c - b * s;
      b = a * s + b * c;
      a = next;
    }
    memcpy(state + 16 * group, &a, sizeof a);
    memcpy(state + 16 * group + 8, &b, sizeof b);
  }
  for (int step = 0; step < turns; step++) {
    sums[2 * step] = sum_of_lanes(&re[step]);
    sums[2 * step + 1] = sum_of_lanes(&im[step]);
  }
}

static void turn_f64(size_t groups, const double *restrict turn, double *restrict state, size_t steps, double *restrict sums) {
  size_t step = 0;
  for (; step + CVK_TURNS <= steps; step += CVK_TURNS) turn_some(groups, turn, state, CVK_TURNS, sums + 2 * step);
  for (; step < steps; step++) turn_some(groups, turn, state, 1, sums + 2 * step);
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
    .grid_add = grid_add,
    .add_i64 = add_i64,
    .subtract_multiple_i64 = subtract_multiple_i64,
    .subtract_fraction_i64 = subtract_fraction_i64,
    .decay_i64 = decay_i64,
    .subtract = subtract,
    .turn_f64 = turn_f64,
};

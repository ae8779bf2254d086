// Which level runs, and the entry points.
#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif

#include "CVectorKernels.h"
#include "KernelTable.h"

void cvk_prefer_large_pages(void *memory, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const uintptr_t page = (uintptr_t)1 << 21;
  const uintptr_t start = ((uintptr_t)memory + page - 1) & ~(page - 1), end = ((uintptr_t)memory + bytes) & ~(page - 1);
  // A hint: where it is refused the memory is as good, only slower.
  if (start < end) (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)bytes;
#endif
}

int32_t cvk_best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return CVK_LEVEL_BASELINE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return CVK_LEVEL_AVX512;
  return CVK_LEVEL_AVX2;
#else
  return CVK_LEVEL_BASELINE;
#endif
}

static const struct cvk_table *table(int32_t level) {
#if defined(__x86_64__)
  if (level == CVK_LEVEL_AVX512) return &cvk_table_avx512;
  if (level == CVK_LEVEL_AVX2) return &cvk_table_avx2;
#endif
  (void)level;
  return &cvk_table_baseline;
}

double cvk_sum_of_squares(int32_t level, const float *x, size_t count) { return table(level)->sum_of_squares(x, count); }

double cvk_sum_of_squares_f64(int32_t level, const double *x, size_t count) {
  return table(level)->sum_of_squares_f64(x, count);
}

double cvk_l1_norm(int32_t level, const float *x, size_t count) { return table(level)->l1_norm(x, count); }

float cvk_max_magnitude(int32_t level, const float *x, size_t count) { return table(level)->max_magnitude(x, count); }

void cvk_accumulate(int32_t level, double scale, const float *x, double *sum, size_t count) {
  table(level)->accumulate(scale, x, sum, count);
}

void cvk_add_f64(int32_t level, const double *x, double *sum, size_t count) { table(level)->add_f64(x, sum, count); }

void cvk_axpy(int32_t level, float a, const float *x, float *y, size_t count) { table(level)->axpy(a, x, y, count); }

void cvk_scale(int32_t level, float a, float *x, size_t count) { table(level)->scale(a, x, count); }

void cvk_grid_add(
    int32_t level, size_t vectors, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count,
    uint8_t *added) {
  table(level)->grid_add(vectors, factors, x, greatest, sum, count, added);
}

int32_t cvk_add_i64(int32_t level, const int64_t *x, int64_t *sum, size_t count) { return table(level)->add_i64(x, sum, count); }

int64_t cvk_subtract_multiple_i64(int32_t level, int64_t factor, const int64_t *x, int64_t *sum, size_t count) {
  return table(level)->subtract_multiple_i64(factor, x, sum, count);
}

int64_t cvk_subtract_fraction_i64(int32_t level, uint64_t factor, const int64_t *x, int64_t *sum, size_t count) {
  return table(level)->subtract_fraction_i64(factor, x, sum, count);
}

void cvk_decay_i64(int32_t level, uint64_t factor, const int64_t *x, const int64_t *added, int32_t shift, int64_t *out, size_t count) {
  table(level)->decay_i64(factor, x, added, shift, out, count);
}

void cvk_subtract(int32_t level, const float *a, const float *b, float *out, size_t count) {
  table(level)->subtract(a, b, out, count);
}

void cvk_turn_f64(int32_t level, size_t groups, const double *turn, double *state, size_t steps, double *sums) {
  table(level)->turn_f64(groups, turn, state, steps, sums);
}

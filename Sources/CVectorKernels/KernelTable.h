// The kernels of one level, as a table that Dispatch.c chooses from.
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct cvk_table {
  double (*sum_of_squares)(const float *x, size_t count);
  double (*sum_of_squares_f64)(const double *x, size_t count);
  double (*l1_norm)(const float *x, size_t count);
  float (*max_magnitude)(const float *x, size_t count);
  void (*accumulate)(double scale, const float *x, double *sum, size_t count);
  void (*add_f64)(const double *x, double *sum, size_t count);
  void (*axpy)(float a, const float *x, float *y, size_t count);
  void (*scale)(float a, float *x, size_t count);
  void (*grid_add)(
      size_t vectors, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count, uint8_t *added);
  int32_t (*add_i64)(const int64_t *x, int64_t *sum, size_t count);
  int64_t (*subtract_multiple_i64)(int64_t factor, const int64_t *x, int64_t *sum, size_t count);
  int64_t (*subtract_fraction_i64)(uint64_t factor, const int64_t *x, int64_t *sum, size_t count);
  void (*decay_i64)(uint64_t factor, const int64_t *x, const int64_t *added, int32_t shift, int64_t *out, size_t count);
  void (*subtract)(const float *a, const float *b, float *out, size_t count);
  void (*turn_f64)(size_t groups, const double *turn, double *state, size_t steps, double *sums);
};

extern const struct cvk_table cvk_table_baseline;
#if defined(__x86_64__)
extern const struct cvk_table cvk_table_avx2;
extern const struct cvk_table cvk_table_avx512;
#endif

#endif

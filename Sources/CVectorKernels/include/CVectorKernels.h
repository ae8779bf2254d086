/// Arithmetic on flat buffers of `float` and `double`, in one copy per instruction-set level.
///
/// Every level returns the same bits: reductions always run in 32 lanes of `double` that are combined in one
/// fixed order, a short tail is padded with zeros and treated as a full block, and no product is contracted with
/// the sum that follows it. (The payload of a NaN written by an element-wise kernel is the one exception;
/// reductions return the one default NaN.)
///
/// A level that the machine or the build does not have must not be asked for: see `cvk_best_level`.
#ifndef CVECTORKERNELS_H
#define CVECTORKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CodingKernels.h"

#define CVK_LEVEL_BASELINE 0
#define CVK_LEVEL_AVX2 1
#define CVK_LEVEL_AVX512 2

/// The highest level that this machine can execute; every lower level can be executed too.
int32_t cvk_best_level(void);

/// Asks the system to back memory that has not been written yet with pages of 2 MiB: the first pass over a new vector is a fault for every
/// page, which costs more than the pass. A hint without effect on content; nothing happens to less than a page or where there are none.
void cvk_prefer_large_pages(void *memory, size_t bytes);

/// Sum of x[i]², NaN or infinite when an element is.
double cvk_sum_of_squares(int32_t level, const float *x, size_t count);

/// Sum of x[i]² of doubles.
double cvk_sum_of_squares_f64(int32_t level, const double *x, size_t count);

/// Sum of |x[i]|.
double cvk_l1_norm(int32_t level, const float *x, size_t count);

/// Largest |x[i]|, 0 for an empty buffer, NaN when any element is NaN.
float cvk_max_magnitude(int32_t level, const float *x, size_t count);

/// sum[i] += scale · x[i], the product rounded to double first.
void cvk_accumulate(int32_t level, double scale, const float *x, double *sum, size_t count);

/// sum[i] += x[i].
void cvk_add_f64(int32_t level, const double *x, double *sum, size_t count);

/// y[i] += a · x[i] in float, the product rounded first.
void cvk_axpy(int32_t level, float a, const float *x, float *y, size_t count);

/// x[i] *= a.
void cvk_scale(int32_t level, float a, float *x, size_t count);

/// For every one of `vectors` vectors: sum[i] += n[i] with n[i] = factors[k] · x[k][i] truncated toward zero, if the sum of n[i]² is at most
/// `greatest`; else the sum is left as it was. added[k] says which.
///
/// The squares are those of the integers and their sum is exact. A product that is NaN or does not fit into 32 bits counts as −2³¹; `greatest`
/// must be below 2⁶². Sums wrap around.
void cvk_grid_add(
    int32_t level, size_t vectors, const double *factors, const float *const *x, uint64_t greatest, int64_t *sum, size_t count,
    uint8_t *added);

/// sum[i] += x[i] of integers, wrapping around; whether none did.
int32_t cvk_add_i64(int32_t level, const int64_t *x, int64_t *sum, size_t count);

/// sum[i] −= factor · x[i] of integers, wrapping around; the bits, inverted below 0, of all x[i].
int64_t cvk_subtract_multiple_i64(int32_t level, int64_t factor, const int64_t *x, int64_t *sum, size_t count);

/// The same with factor · x[i] / 2³² to the nearest integer, for a factor of at most 2³²; wrong beyond |x[i]| = 2⁶², which the bits show.
int64_t cvk_subtract_fraction_i64(int32_t level, uint64_t factor, const int64_t *x, int64_t *sum, size_t count);

/// out[i] = that of x[i] + added[i] · 2^shift.
void cvk_decay_i64(int32_t level, uint64_t factor, const int64_t *x, const int64_t *added, int32_t shift, int64_t *out, size_t count);

/// out[i] = a[i] − b[i].
void cvk_subtract(int32_t level, const float *a, const float *b, float *out, size_t count);

/// Σ z_i before each of `steps` steps, as pairs (real, imaginary), where a step multiplies every complex z_i of `state` by its t_i of `turn`.
/// Both have `groups` groups of eight real parts followed by their eight imaginary parts.
void cvk_turn_f64(int32_t level, size_t groups, const double *turn, double *state, size_t steps, double *sums);

#endif

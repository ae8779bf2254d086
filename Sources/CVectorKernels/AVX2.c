// The kernels for x86-64 machines with AVX2. The target is an attribute of the functions, so no compiler flag is needed.
#if defined(__x86_64__)

// Included first, so that the attribute below meets our functions only.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "KernelTable.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define CVK_TABLE cvk_table_avx2
#define CVK_HALF(value, ...) _mm256_cvttpd_epi32((__m256d)__builtin_shufflevector(value, value, __VA_ARGS__))
#define CVK_TRUNCATE_TO_32(value) ((i32x8)_mm256_set_m128i(CVK_HALF(value, 4, 5, 6, 7), CVK_HALF(value, 0, 1, 2, 3)))
#include "KernelBodies.h"
#pragma clang attribute pop

#endif

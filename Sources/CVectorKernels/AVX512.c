// The kernels for x86-64 machines with AVX512. The target is an attribute of the functions, so no compiler flag is needed.
#if defined(__x86_64__)

// Included first, so that the attribute below meets our functions only.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "KernelTable.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define CVK_TABLE cvk_table_avx512
#define CVK_TRUNCATE_TO_64(value) ((i64x8)_mm512_cvttpd_epi64((__m512d)(value)))
#define CVK_TURNS 4
#define CVK_SQUARE_LOW_32(value) ((u64x8)_mm512_mul_epi32((__m512i)(value), (__m512i)(value)))
#include "KernelBodies.h"
#pragma clang attribute pop

#endif

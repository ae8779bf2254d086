// The coding kernels for x86-64 machines with AVX512. The target is an attribute of the functions, so no compiler flag is needed.
#if defined(__x86_64__)

// Included first, so that the attribute below meets our functions only.
#include <stdint.h>
#include <string.h>

#include "CodingTable.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define CVK_CODING_TABLE cvk_coding_avx512
#define CVK_REGISTERS_32
#include "CodingBodies.h"
#pragma clang attribute pop

#endif

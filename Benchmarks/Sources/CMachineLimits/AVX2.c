// The loops for x86-64 machines with AVX2. The target is an attribute of the functions, so no compiler flag is needed.
#if defined(__x86_64__)

// Included first, so that the attribute below meets our functions only.
#include <stdint.h>
#include <string.h>

#include "LimitTable.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define CML_TABLE cml_table_avx2
#define CML_NAME "avx2"
#define CML_BYTES 32
#include "LoopBodies.h"
#pragma clang attribute pop

#endif

// Which instruction set is measured, and the entry points.
#include "CMachineLimits.h"
#include "LimitTable.h"

static const struct cml_table *best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return &cml_table_baseline;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return &cml_table_avx512;
  return &cml_table_avx2;
#else
  return &cml_table_baseline;
#endif
}

const char *cml_level_name(void) { return best()->name; }
double cml_multiply_add(uint64_t rounds) { return best()->multiply_add(rounds); }
uint64_t cml_read(const void *memory, size_t bytes) { return best()->read(memory, bytes); }

// The bodies of the loops, compiled once per instruction set. The including file defines CML_TABLE (the table to define), CML_NAME and
// CML_BYTES (the width of a vector register).

#include <string.h>

#include "LimitTable.h"

// One rounding instead of two where the instructions have it: this is the throughput that is asked for.
#pragma STDC FP_CONTRACT ON

enum {
  // Two units of latency 4 need 8 running sums; more than 12 would spill where there are 16 registers.
  SUMS = 12,
  LANES = CML_BYTES / sizeof(float),
  // Independent streams of a read.
  STREAMS = 8,
};

typedef float floats __attribute__((vector_size(CML_BYTES)));
typedef uint64_t words __attribute__((vector_size(CML_BYTES)));

static double multiply_add(uint64_t rounds) {
  floats sum[SUMS];
  for (int i = 0; i < SUMS; i++) sum[i] = (floats){} + (float)i;
  // The fixed point of x · ½ + 1 is 2: nothing overflows or becomes subnormal. The compiler may not know the factors.
  float half = 0.5f, one = 1.0f;
  __asm__ volatile("" : "+m"(half), "+m"(one));
  const floats factor = (floats){} + half, term = (floats){} + one;
  for (uint64_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * factor + term;
  }
  for (int i = 0; i < SUMS; i++) __asm__ volatile("" : : "m"(sum[i]));
  return 2.0 * LANES * SUMS * (double)rounds;
}

static uint64_t read_all(const void *memory, size_t bytes) {
  const char *at = memory;
  words sum[STREAMS];
  for (int i = 0; i < STREAMS; i++) sum[i] = (words){};
  for (size_t start = 0; start + STREAMS * CML_BYTES <= bytes; start += STREAMS * CML_BYTES) {
#pragma clang loop unroll(full)
    for (int i = 0; i < STREAMS; i++) {
      words next;
      memcpy(&next, at + start + (size_t)i * CML_BYTES, sizeof next);
      sum[i] += next;
    }
  }
  uint64_t total = 0;
  for (int i = 0; i < STREAMS; i++)
    for (int lane = 0; lane < (int)(CML_BYTES / sizeof(uint64_t)); lane++) total += sum[i][lane];
  return total;
}

const struct cml_table CML_TABLE = {.name = CML_NAME, .multiply_add = multiply_add, .read = read_all};

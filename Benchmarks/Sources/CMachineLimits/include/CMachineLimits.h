// What the machine can do at most: the figures that a benchmark is held against.
#ifndef C_MACHINE_LIMITS_H
#define C_MACHINE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

// The widest instructions with a fused multiply-add that this machine executes: "avx512", "avx2" or "baseline".
const char *cml_level_name(void);

// Executes `rounds` rounds of independent float32 multiply-adds in registers, on the calling thread and with the widest instructions.
// Returns the number of floating-point operations, two for each multiply-add.
double cml_multiply_add(uint64_t rounds);

// Reads `bytes` bytes (a multiple of 1024) from `memory` once and returns a value that depends on all of them.
uint64_t cml_read(const void *memory, size_t bytes);

#endif

// The loops of one instruction set, as a table that Dispatch.c chooses from.
#ifndef LIMIT_TABLE_H
#define LIMIT_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct cml_table {
  const char *name;
  double (*multiply_add)(uint64_t rounds);
  uint64_t (*read)(const void *memory, size_t bytes);
};

extern const struct cml_table cml_table_baseline;
#if defined(__x86_64__)
extern const struct cml_table cml_table_avx2;
extern const struct cml_table cml_table_avx512;
#endif

#endif

#include <stdlib.h>

#include "internal.h"

// Declared here because the compiler that builds Swift packages has no omp.h of its own.
extern void omp_set_num_threads(int);

void eps_use_one_thread(void) { omp_set_num_threads(1); }

int eps_cap_instruction_set(int level) {
  switch (level) {
    case EPS_ISA_BASELINE: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    case EPS_ISA_AVX2: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
    case EPS_ISA_AVX512: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core);
    default: return dnnl_invalid_arguments;
  }
}

const char *eps_effective_instruction_set(void) {
  // Lists only what changes single-precision results; newer sets add instructions for other number formats.
  dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  if (isa == dnnl_cpu_isa_sse41) return "sse41";
  if (isa == dnnl_cpu_isa_avx) return "avx";
  if (isa == dnnl_cpu_isa_avx2) return "avx2";
  if (((int)isa & (int)dnnl_cpu_isa_avx512_core) == (int)dnnl_cpu_isa_avx512_core) return "avx512_core";
  if (((int)isa & (int)dnnl_cpu_isa_avx2) == (int)dnnl_cpu_isa_avx2) return "avx2";
  return "generic";
}

const char *eps_status_name(int status) {
  switch (status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out_of_memory";
    case dnnl_invalid_arguments: return "invalid_arguments";
    case dnnl_unimplemented: return "unimplemented";
    case dnnl_runtime_error: return "runtime_error";
    case dnnl_not_required: return "not_required";
    default: return "unknown";
  }
}

void eps_library_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *version = dnnl_version();
  *major = version->major;
  *minor = version->minor;
  *patch = version->patch;
}

int eps_engine_create(eps_engine **engine) {
  *engine = calloc(1, sizeof **engine);
  if (!*engine) return dnnl_out_of_memory;
  int status = dnnl_engine_create(&(*engine)->engine, dnnl_cpu, 0);
  if (status == dnnl_success) status = dnnl_stream_create(&(*engine)->stream, (*engine)->engine, dnnl_stream_default_flags);
  if (status != dnnl_success) {
    eps_engine_destroy(*engine);
    *engine = NULL;
  }
  return status;
}

void eps_engine_destroy(eps_engine *engine) {
  if (!engine) return;
  if (engine->stream) dnnl_stream_destroy(engine->stream);
  if (engine->engine) dnnl_engine_destroy(engine->engine);
  free(engine->scratch);
  free(engine);
}

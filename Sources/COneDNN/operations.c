#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int reserve_scratch(eps_engine *engine, size_t bytes) {
  if (bytes <= engine->scratch_size) return dnnl_success;
  void *larger = eps_allocate(bytes);
  if (!larger) return dnnl_out_of_memory;
  free(engine->scratch);
  engine->scratch = larger;
  engine->scratch_size = bytes;
  return dnnl_success;
}

int eps_operation_create(eps_engine *engine, dnnl_primitive_desc_t description, operation *out) {
  memset(out, 0, sizeof *out);
  int status = dnnl_primitive_create(&out->primitive, description);
  if (status == dnnl_success) {
    layout_ref scratch = eps_query_layout(description, dnnl_query_scratchpad_md, 0);
    size_t bytes = scratch ? eps_layout_bytes(scratch) : 0;
    if (bytes > 0) {
      // One scratchpad for all primitives of the engine, set at each execution since it may still grow: they never run at the same time.
      status = reserve_scratch(engine, bytes);
      if (status == dnnl_success) status = eps_memory_create(engine, scratch, DNNL_MEMORY_NONE, &out->scratchpad);
      if (status == dnnl_success) eps_operation_argument(out, DNNL_ARG_SCRATCHPAD, out->scratchpad);
    }
  }
  dnnl_primitive_desc_destroy(description);
  return status;
}

void eps_operation_argument(operation *operation, int role, dnnl_memory_t memory) {
  if (operation->argument_count == EPS_ARGUMENTS_MAX) return;
  operation->arguments[operation->argument_count].arg = role;
  operation->arguments[operation->argument_count].memory = memory;
  operation->argument_count += 1;
}

int eps_operation_run(eps_engine *engine, operation *operation) {
  if (operation->scratchpad) EPS_TRY(dnnl_memory_set_data_handle(operation->scratchpad, engine->scratch));
  return dnnl_primitive_execute(operation->primitive, engine->stream, operation->argument_count, operation->arguments);
}

void eps_operation_clear(operation *operation) {
  if (operation->primitive) dnnl_primitive_destroy(operation->primitive);
  if (operation->scratchpad) dnnl_memory_destroy(operation->scratchpad);
  memset(operation, 0, sizeof *operation);
}

static int make_adapter(eps_engine *engine, dnnl_memory_t outside, layout_ref have, layout_ref want, bool input, adapter *out) {
  memset(out, 0, sizeof *out);
  if (eps_layouts_equal(have, want)) {
    out->memory = outside;
    return dnnl_success;
  }
  out->buffer = eps_allocate(eps_layout_bytes(want));
  if (!out->buffer) return dnnl_out_of_memory;
  EPS_TRY(eps_memory_create(engine, want, out->buffer, &out->memory));
  dnnl_primitive_desc_t description;
  EPS_TRY(eps_describe_reorder(engine, input ? have : want, input ? want : have, &description));
  EPS_TRY(eps_operation_create(engine, description, &out->reorder));
  eps_operation_argument(&out->reorder, DNNL_ARG_FROM, input ? outside : out->memory);
  eps_operation_argument(&out->reorder, DNNL_ARG_TO, input ? out->memory : outside);
  return dnnl_success;
}

int eps_adapter_input(eps_engine *engine, dnnl_memory_t from, layout_ref have, layout_ref want, adapter *out) {
  return make_adapter(engine, from, have, want, true, out);
}

int eps_adapter_output(eps_engine *engine, dnnl_memory_t to, layout_ref have, layout_ref want, adapter *out) {
  return make_adapter(engine, to, have, want, false, out);
}

int eps_adapter_run(eps_engine *engine, adapter *adapter) {
  return adapter->reorder.primitive ? eps_operation_run(engine, &adapter->reorder) : dnnl_success;
}

void eps_adapter_clear(adapter *adapter) {
  eps_operation_clear(&adapter->reorder);
  if (adapter->buffer && adapter->memory) dnnl_memory_destroy(adapter->memory);
  free(adapter->buffer);
  memset(adapter, 0, sizeof *adapter);
}

#include <stdlib.h>

#include "internal.h"

struct eps_pooling {
  eps_engine *engine;
  operation forward, backward;
  dnnl_memory_t workspace;  // which element of each window was the largest
  void *workspace_buffer;
};

static int make_operation(eps_engine *engine, dnnl_primitive_desc_t description, operation *out) {
  dnnl_primitive_desc_t copy;
  EPS_TRY(dnnl_primitive_desc_clone(&copy, description));
  return eps_operation_create(engine, copy, out);
}

static int make_workspace(eps_pooling *self, dnnl_primitive_desc_t forward) {
  layout_ref layout = eps_query_layout(forward, dnnl_query_workspace_md, 0);
  if (!layout || eps_layout_bytes(layout) == 0) return dnnl_success;
  self->workspace_buffer = eps_allocate(eps_layout_bytes(layout));
  if (!self->workspace_buffer) return dnnl_out_of_memory;
  return eps_memory_create(self->engine, layout, self->workspace_buffer, &self->workspace);
}

static int connect(eps_pooling *self, eps_activation *source, eps_activation *output) {
  eps_operation_argument(&self->forward, DNNL_ARG_SRC, source->values);
  eps_operation_argument(&self->forward, DNNL_ARG_DST, output->values);
  eps_operation_argument(&self->backward, DNNL_ARG_DIFF_DST, output->gradient);
  eps_operation_argument(&self->backward, DNNL_ARG_DIFF_SRC, source->gradient);
  if (self->workspace) {
    eps_operation_argument(&self->forward, DNNL_ARG_WORKSPACE, self->workspace);
    eps_operation_argument(&self->backward, DNNL_ARG_WORKSPACE, self->workspace);
  }
  return dnnl_success;
}

static int build(eps_pooling *self, eps_activation *source, int64_t size, eps_activation **output) {
  const int64_t *in = source->extents;
  const int64_t extents[4] = {in[0], in[1] / size, in[2] / size, in[3]};
  const int64_t logical[4] = {extents[0], extents[3], extents[1], extents[2]};
  layout any = NULL;
  dnnl_primitive_desc_t forward = NULL, backward = NULL;
  int status = eps_layout_any(4, logical, &any);
  if (status == dnnl_success) status = eps_describe_pooling_forward(self->engine, source->layout, any, size, &forward);
  if (status == dnnl_success) {
    layout_ref chosen = eps_query_layout(forward, dnnl_query_dst_md, 0);
    status = eps_activation_create_with(self->engine, chosen, extents, output);
    if (status == dnnl_success) {
      status = eps_describe_pooling_backward(self->engine, source->layout, chosen, size, forward, &backward);
    }
  }
  if (status == dnnl_success) status = make_operation(self->engine, forward, &self->forward);
  if (status == dnnl_success) status = make_operation(self->engine, backward, &self->backward);
  if (status == dnnl_success) status = make_workspace(self, forward);
  if (status == dnnl_success) status = connect(self, source, *output);
  eps_layout_destroy(any);
  if (forward) dnnl_primitive_desc_destroy(forward);
  if (backward) dnnl_primitive_desc_destroy(backward);
  return status;
}

int eps_pooling_create(eps_engine *engine, eps_activation *source, int64_t size, eps_activation **output, eps_pooling **pooling) {
  *output = NULL;
  *pooling = calloc(1, sizeof **pooling);
  if (!*pooling) return dnnl_out_of_memory;
  (*pooling)->engine = engine;
  int status = build(*pooling, source, size, output);
  if (status != dnnl_success) {
    eps_pooling_destroy(*pooling);
    eps_activation_destroy(*output);
    *pooling = NULL;
    *output = NULL;
  }
  return status;
}

int eps_pooling_forward(eps_pooling *pooling) { return eps_operation_run(pooling->engine, &pooling->forward); }
int eps_pooling_backward(eps_pooling *pooling) { return eps_operation_run(pooling->engine, &pooling->backward); }

void eps_pooling_destroy(eps_pooling *pooling) {
  if (!pooling) return;
  eps_operation_clear(&pooling->forward);
  eps_operation_clear(&pooling->backward);
  if (pooling->workspace) dnnl_memory_destroy(pooling->workspace);
  free(pooling->workspace_buffer);
  free(pooling);
}

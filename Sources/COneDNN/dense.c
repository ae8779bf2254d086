#include <stdlib.h>
#include <string.h>

#include "internal.h"

/// output = left x right (+ bias), with the memories that describe the operands.
typedef struct {
  operation run;
  dnnl_memory_t left, right, output, bias;
} product;

struct eps_dense {
  eps_engine *engine;
  eps_activation *output;
  size_t examples, units;
  bool source_gradient;
  float *bias_buffer;
  product forward;           // source x weights + bias
  product backward_weights;  // source transposed x gradient of the output, written straight into the caller's buffer
  product backward_source;   // gradient of the output x weights transposed
};

/// A matrix of `rows` x `columns`; `buffer` NULL: in the caller's memory, told at each pass. Transposed: stored columns first.
typedef struct {
  int64_t rows, columns;
  bool transposed;
  float *buffer;
} matrix;

static int describe_matrix(eps_engine *engine, matrix m, layout *layout, dnnl_memory_t *memory) {
  const int64_t extents[2] = {m.rows, m.columns};
  const int64_t strides[2] = {m.transposed ? 1 : m.columns, m.transposed ? m.rows : 1};
  EPS_TRY(eps_layout_strided(2, extents, strides, layout));
  return eps_memory_create(engine, *layout, m.buffer ? (void *)m.buffer : DNNL_MEMORY_NONE, memory);
}

static int make_product(eps_engine *engine, matrix left, matrix right, matrix output, float *bias, bool rectify, product *out) {
  layout layouts[4] = {NULL, NULL, NULL, NULL};
  dnnl_primitive_desc_t description = NULL;
  int status = describe_matrix(engine, left, &layouts[0], &out->left);
  if (status == dnnl_success) status = describe_matrix(engine, right, &layouts[1], &out->right);
  if (status == dnnl_success) status = describe_matrix(engine, output, &layouts[2], &out->output);
  if (status == dnnl_success && bias) {
    matrix row = {1, output.columns, false, bias};
    status = describe_matrix(engine, row, &layouts[3], &out->bias);
  }
  if (status == dnnl_success) {
    status = eps_describe_product(engine, layouts[0], layouts[1], layouts[3], layouts[2], rectify, &description);
  }
  if (status == dnnl_success) status = eps_operation_create(engine, description, &out->run);
  if (status == dnnl_success) {
    eps_operation_argument(&out->run, DNNL_ARG_SRC, out->left);
    eps_operation_argument(&out->run, DNNL_ARG_WEIGHTS, out->right);
    eps_operation_argument(&out->run, DNNL_ARG_DST, out->output);
    if (bias) eps_operation_argument(&out->run, DNNL_ARG_BIAS, out->bias);
  }
  for (int i = 0; i < 4; i++) eps_layout_destroy(layouts[i]);
  return status;
}

static void clear_product(product *value) {
  eps_operation_clear(&value->run);
  dnnl_memory_t memories[] = {value->left, value->right, value->output, value->bias};
  for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
    if (memories[i]) dnnl_memory_destroy(memories[i]);
  }
}

static int build(eps_dense *self, eps_activation *source, bool rectify) {
  eps_activation *output = self->output;
  int64_t examples = (int64_t)self->examples, units = (int64_t)self->units;
  int64_t inputs = source->extents[1] * source->extents[2] * source->extents[3];
  self->bias_buffer = eps_allocate(self->units * sizeof(float));
  if (!self->bias_buffer) return dnnl_out_of_memory;
  matrix x = {examples, inputs, false, source->value_buffer}, x_transposed = {inputs, examples, true, source->value_buffer};
  matrix w = {inputs, units, false, NULL}, w_transposed = {units, inputs, true, NULL};
  matrix y = {examples, units, false, output->value_buffer}, y_gradient = {examples, units, false, output->gradient_buffer};
  matrix x_gradient = {examples, inputs, false, source->gradient_buffer};
  EPS_TRY(make_product(self->engine, x, w, y, self->bias_buffer, rectify, &self->forward));
  EPS_TRY(make_product(self->engine, x_transposed, y_gradient, w, NULL, false, &self->backward_weights));
  if (!self->source_gradient) return dnnl_success;
  return make_product(self->engine, y_gradient, w_transposed, x_gradient, NULL, false, &self->backward_source);
}

int eps_dense_create(eps_engine *engine, eps_activation *source, int64_t units, bool rectify, bool source_gradient,
                     eps_activation **output, eps_dense **dense) {
  *output = NULL;
  *dense = NULL;
  if (!source->plain) return dnnl_invalid_arguments;
  EPS_TRY(eps_activation_create(engine, source->extents[0], 1, 1, units, output));
  int status = dnnl_out_of_memory;
  eps_dense *self = calloc(1, sizeof *self);
  if (self) {
    self->engine = engine;
    self->output = *output;
    self->examples = (size_t)source->extents[0];
    self->units = (size_t)units;
    self->source_gradient = source_gradient;
    status = build(self, source, rectify);
  }
  if (status != dnnl_success) {
    eps_dense_destroy(self);
    eps_activation_destroy(*output);
    *output = NULL;
    return status;
  }
  *dense = self;
  return dnnl_success;
}

int eps_dense_forward(eps_dense *self, const float *weights, const float *bias) {
  memcpy(self->bias_buffer, bias, self->units * sizeof(float));
  EPS_TRY(dnnl_memory_set_data_handle(self->forward.right, (void *)weights));
  return eps_operation_run(self->engine, &self->forward.run);
}

int eps_dense_backward(eps_dense *self, const float *weights, float *weights_gradient, float *bias_gradient) {
  eps_column_sums(self->output->gradient_buffer, self->examples, self->units, bias_gradient);
  EPS_TRY(dnnl_memory_set_data_handle(self->backward_weights.output, weights_gradient));
  EPS_TRY(eps_operation_run(self->engine, &self->backward_weights.run));
  if (!self->source_gradient) return dnnl_success;
  EPS_TRY(dnnl_memory_set_data_handle(self->backward_source.right, (void *)weights));
  return eps_operation_run(self->engine, &self->backward_source.run);
}

void eps_dense_destroy(eps_dense *self) {
  if (!self) return;
  clear_product(&self->forward);
  clear_product(&self->backward_weights);
  clear_product(&self->backward_source);
  free(self->bias_buffer);
  free(self);
}

#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct eps_convolution {
  eps_engine *engine;
  size_t filters;
  bool source_gradient;
  // The caller's weights and their gradient, [kernel, kernel, channels, filters]: where they lie is told at each pass.
  dnnl_memory_t weights, weights_gradient;
  // Biases are copied: primitives read them in whole aligned vectors.
  float *bias_buffer, *bias_gradient_buffer;
  dnnl_memory_t bias, bias_gradient;
  operation forward, backward_data, backward_weights;
  adapter forward_source, forward_weights;
  adapter weights_source, weights_output, weights_result;
  adapter data_output, data_weights, data_result;
};

typedef struct {
  layout weights, bias;                                // as the caller stores them
  layout any_source, any_weights, any_output;          // left to oneDNN
  dnnl_primitive_desc_t forward, data, weights_pass;   // borrowed copies are destroyed with the set
} descriptions;

static void clear_descriptions(descriptions *set) {
  eps_layout_destroy(set->weights);
  eps_layout_destroy(set->bias);
  eps_layout_destroy(set->any_source);
  eps_layout_destroy(set->any_weights);
  eps_layout_destroy(set->any_output);
  if (set->forward) dnnl_primitive_desc_destroy(set->forward);
  if (set->data) dnnl_primitive_desc_destroy(set->data);
  if (set->weights_pass) dnnl_primitive_desc_destroy(set->weights_pass);
}

static int describe(eps_convolution *self, const eps_activation *source, int64_t kernel, bool rectify, descriptions *set) {
  const int64_t *extents = source->extents;
  int64_t filters = (int64_t)self->filters, channels = extents[3];
  const int64_t source_extents[4] = {extents[0], channels, extents[1], extents[2]};
  const int64_t output_extents[4] = {extents[0], filters, extents[1] - kernel + 1, extents[2] - kernel + 1};
  const int64_t weight_extents[4] = {filters, channels, kernel, kernel};
  const int64_t weight_strides[4] = {1, filters, kernel * channels * filters, channels * filters};
  const int64_t bias_extents[1] = {filters}, bias_strides[1] = {1};
  EPS_TRY(eps_layout_strided(4, weight_extents, weight_strides, &set->weights));
  EPS_TRY(eps_layout_strided(1, bias_extents, bias_strides, &set->bias));
  EPS_TRY(eps_layout_any(4, source_extents, &set->any_source));
  EPS_TRY(eps_layout_any(4, weight_extents, &set->any_weights));
  EPS_TRY(eps_layout_any(4, output_extents, &set->any_output));
  eps_engine *engine = self->engine;
  EPS_TRY(eps_describe_convolution_forward(engine, set->any_source, set->any_weights, set->bias, set->any_output, rectify, &set->forward));
  EPS_TRY(eps_describe_convolution_weights(engine, set->any_source, set->any_weights, set->bias, set->any_output, set->forward,
                                           &set->weights_pass));
  if (!self->source_gradient) return dnnl_success;
  return eps_describe_convolution_data(engine, set->any_source, set->any_weights, set->any_output, set->forward, &set->data);
}

static int make_operation(eps_engine *engine, dnnl_primitive_desc_t description, operation *out) {
  dnnl_primitive_desc_t copy;
  EPS_TRY(dnnl_primitive_desc_clone(&copy, description));
  return eps_operation_create(engine, copy, out);
}

static int make_buffers(eps_convolution *self, const descriptions *set) {
  eps_engine *engine = self->engine;
  self->bias_buffer = eps_allocate(self->filters * sizeof(float));
  self->bias_gradient_buffer = eps_allocate(self->filters * sizeof(float));
  if (!self->bias_buffer || !self->bias_gradient_buffer) return dnnl_out_of_memory;
  EPS_TRY(eps_memory_create(engine, set->bias, self->bias_buffer, &self->bias));
  EPS_TRY(eps_memory_create(engine, set->bias, self->bias_gradient_buffer, &self->bias_gradient));
  EPS_TRY(eps_memory_create(engine, set->weights, DNNL_MEMORY_NONE, &self->weights));
  return eps_memory_create(engine, set->weights, DNNL_MEMORY_NONE, &self->weights_gradient);
}

static int make_forward(eps_convolution *self, const descriptions *set, eps_activation *source, eps_activation *output) {
  eps_engine *engine = self->engine;
  EPS_TRY(make_operation(engine, set->forward, &self->forward));
  EPS_TRY(eps_adapter_input(engine, source->values, source->layout, eps_query_layout(set->forward, dnnl_query_src_md, 0),
                            &self->forward_source));
  EPS_TRY(eps_adapter_input(engine, self->weights, set->weights, eps_query_layout(set->forward, dnnl_query_weights_md, 0),
                            &self->forward_weights));
  eps_operation_argument(&self->forward, DNNL_ARG_SRC, self->forward_source.memory);
  eps_operation_argument(&self->forward, DNNL_ARG_WEIGHTS, self->forward_weights.memory);
  eps_operation_argument(&self->forward, DNNL_ARG_BIAS, self->bias);
  eps_operation_argument(&self->forward, DNNL_ARG_DST, output->values);
  return dnnl_success;
}

static int make_weights_pass(eps_convolution *self, const descriptions *set, eps_activation *output) {
  eps_engine *engine = self->engine;
  layout_ref source = eps_query_layout(set->forward, dnnl_query_src_md, 0);
  EPS_TRY(make_operation(engine, set->weights_pass, &self->backward_weights));
  EPS_TRY(eps_adapter_input(engine, self->forward_source.memory, source, eps_query_layout(set->weights_pass, dnnl_query_src_md, 0),
                            &self->weights_source));
  EPS_TRY(eps_adapter_input(engine, output->gradient, output->layout, eps_query_layout(set->weights_pass, dnnl_query_diff_dst_md, 0),
                            &self->weights_output));
  EPS_TRY(eps_adapter_output(engine, self->weights_gradient, set->weights,
                             eps_query_layout(set->weights_pass, dnnl_query_diff_weights_md, 0), &self->weights_result));
  eps_operation_argument(&self->backward_weights, DNNL_ARG_SRC, self->weights_source.memory);
  eps_operation_argument(&self->backward_weights, DNNL_ARG_DIFF_DST, self->weights_output.memory);
  eps_operation_argument(&self->backward_weights, DNNL_ARG_DIFF_WEIGHTS, self->weights_result.memory);
  eps_operation_argument(&self->backward_weights, DNNL_ARG_DIFF_BIAS, self->bias_gradient);
  return dnnl_success;
}

static int make_data_pass(eps_convolution *self, const descriptions *set, eps_activation *source, eps_activation *output) {
  eps_engine *engine = self->engine;
  layout_ref weights = eps_query_layout(set->forward, dnnl_query_weights_md, 0);
  EPS_TRY(make_operation(engine, set->data, &self->backward_data));
  EPS_TRY(eps_adapter_input(engine, output->gradient, output->layout, eps_query_layout(set->data, dnnl_query_diff_dst_md, 0),
                            &self->data_output));
  EPS_TRY(eps_adapter_input(engine, self->forward_weights.memory, weights, eps_query_layout(set->data, dnnl_query_weights_md, 0),
                            &self->data_weights));
  EPS_TRY(eps_adapter_output(engine, source->gradient, source->layout, eps_query_layout(set->data, dnnl_query_diff_src_md, 0),
                             &self->data_result));
  eps_operation_argument(&self->backward_data, DNNL_ARG_DIFF_DST, self->data_output.memory);
  eps_operation_argument(&self->backward_data, DNNL_ARG_WEIGHTS, self->data_weights.memory);
  eps_operation_argument(&self->backward_data, DNNL_ARG_DIFF_SRC, self->data_result.memory);
  return dnnl_success;
}

static int build(eps_convolution *self, eps_activation *source, int64_t kernel, bool rectify, eps_activation **output) {
  descriptions set;
  memset(&set, 0, sizeof set);
  int64_t extents[4] = {source->extents[0], source->extents[1] - kernel + 1, source->extents[2] - kernel + 1, (int64_t)self->filters};
  int status = describe(self, source, kernel, rectify, &set);
  if (status == dnnl_success) status = make_buffers(self, &set);
  if (status == dnnl_success) {
    status = eps_activation_create_with(self->engine, eps_query_layout(set.forward, dnnl_query_dst_md, 0), extents, output);
  }
  if (status == dnnl_success) status = make_forward(self, &set, source, *output);
  if (status == dnnl_success) status = make_weights_pass(self, &set, *output);
  if (status == dnnl_success && self->source_gradient) status = make_data_pass(self, &set, source, *output);
  clear_descriptions(&set);
  return status;
}

int eps_convolution_create(eps_engine *engine, eps_activation *source, int64_t filters, int64_t kernel, bool rectify,
                           bool source_gradient, eps_activation **output, eps_convolution **convolution) {
  *output = NULL;
  *convolution = calloc(1, sizeof **convolution);
  if (!*convolution) return dnnl_out_of_memory;
  (*convolution)->engine = engine;
  (*convolution)->filters = (size_t)filters;
  (*convolution)->source_gradient = source_gradient;
  int status = build(*convolution, source, kernel, rectify, output);
  if (status != dnnl_success) {
    eps_convolution_destroy(*convolution);
    eps_activation_destroy(*output);
    *convolution = NULL;
    *output = NULL;
  }
  return status;
}

int eps_convolution_forward(eps_convolution *self, const float *weights, const float *bias) {
  memcpy(self->bias_buffer, bias, self->filters * sizeof(float));
  EPS_TRY(dnnl_memory_set_data_handle(self->weights, (void *)weights));
  EPS_TRY(eps_adapter_run(self->engine, &self->forward_source));
  EPS_TRY(eps_adapter_run(self->engine, &self->forward_weights));
  return eps_operation_run(self->engine, &self->forward);
}

int eps_convolution_backward(eps_convolution *self, float *weights_gradient, float *bias_gradient) {
  EPS_TRY(dnnl_memory_set_data_handle(self->weights_gradient, weights_gradient));
  EPS_TRY(eps_adapter_run(self->engine, &self->weights_source));
  EPS_TRY(eps_adapter_run(self->engine, &self->weights_output));
  EPS_TRY(eps_operation_run(self->engine, &self->backward_weights));
  EPS_TRY(eps_adapter_run(self->engine, &self->weights_result));
  memcpy(bias_gradient, self->bias_gradient_buffer, self->filters * sizeof(float));
  if (!self->source_gradient) return dnnl_success;
  EPS_TRY(eps_adapter_run(self->engine, &self->data_output));
  EPS_TRY(eps_adapter_run(self->engine, &self->data_weights));
  EPS_TRY(eps_operation_run(self->engine, &self->backward_data));
  return eps_adapter_run(self->engine, &self->data_result);
}

void eps_convolution_destroy(eps_convolution *self) {
  if (!self) return;
  eps_operation_clear(&self->forward);
  eps_operation_clear(&self->backward_data);
  eps_operation_clear(&self->backward_weights);
  adapter *adapters[] = {&self->forward_source, &self->forward_weights, &self->weights_source, &self->weights_output,
                         &self->weights_result, &self->data_output,     &self->data_weights,   &self->data_result};
  for (size_t i = 0; i < sizeof adapters / sizeof adapters[0]; i++) eps_adapter_clear(adapters[i]);
  dnnl_memory_t memories[] = {self->weights, self->weights_gradient, self->bias, self->bias_gradient};
  for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
    if (memories[i]) dnnl_memory_destroy(memories[i]);
  }
  free(self->bias_buffer);
  free(self->bias_gradient_buffer);
  free(self);
}

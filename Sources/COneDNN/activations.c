#include <stdlib.h>

#include "internal.h"

int eps_plain_layout(const int64_t extents[4], layout *out) {
  int64_t height = extents[1], width = extents[2], channels = extents[3];
  const int64_t logical[4] = {extents[0], channels, height, width};  // oneDNN names extents in this order whatever the storage order is
  const int64_t strides[4] = {height * width * channels, 1, width * channels, channels};
  // With one channel, channels first and channels last are the same bytes; the former name lets oneDNN read them without a copy.
  const int64_t single[4] = {height * width, height * width, width, 1};
  return eps_layout_strided(4, logical, channels == 1 ? single : strides, out);
}

int eps_activation_create_with(eps_engine *engine, layout_ref wanted, const int64_t extents[4], eps_activation **out) {
  *out = calloc(1, sizeof **out);
  if (!*out) return dnnl_out_of_memory;
  eps_activation *made = *out;
  for (int axis = 0; axis < 4; axis++) made->extents[axis] = extents[axis];
  layout plain = NULL;
  int status = eps_layout_copy(wanted, &made->layout);
  if (status == dnnl_success) status = eps_plain_layout(extents, &plain);
  if (status == dnnl_success) {
    size_t bytes = eps_layout_bytes(made->layout);
    made->plain = eps_layouts_equal(made->layout, plain);
    made->count = bytes / sizeof(float);
    made->value_buffer = eps_allocate(bytes);
    made->gradient_buffer = eps_allocate(bytes);
    if (!made->value_buffer || !made->gradient_buffer) status = dnnl_out_of_memory;
  }
  eps_layout_destroy(plain);
  if (status == dnnl_success) status = eps_memory_create(engine, made->layout, made->value_buffer, &made->values);
  if (status == dnnl_success) status = eps_memory_create(engine, made->layout, made->gradient_buffer, &made->gradient);
  if (status != dnnl_success) {
    eps_activation_destroy(made);
    *out = NULL;
  }
  return status;
}

int eps_activation_create(eps_engine *engine, int64_t examples, int64_t height, int64_t width, int64_t channels, eps_activation **out) {
  const int64_t extents[4] = {examples, height, width, channels};
  layout plain = NULL;
  *out = NULL;
  int status = eps_plain_layout(extents, &plain);
  if (status == dnnl_success) status = eps_activation_create_with(engine, plain, extents, out);
  eps_layout_destroy(plain);
  return status;
}

void eps_activation_destroy(eps_activation *activation) {
  if (!activation) return;
  if (activation->values) dnnl_memory_destroy(activation->values);
  if (activation->gradient) dnnl_memory_destroy(activation->gradient);
  free(activation->value_buffer);
  free(activation->gradient_buffer);
  eps_layout_destroy(activation->layout);
  free(activation);
}

bool eps_activation_is_plain(const eps_activation *activation) { return activation->plain; }
size_t eps_activation_count(const eps_activation *activation) { return activation->count; }
float *eps_activation_values(eps_activation *activation) { return activation->value_buffer; }
float *eps_activation_gradient(eps_activation *activation) { return activation->gradient_buffer; }

struct eps_layout_change {
  eps_engine *engine;
  operation forward, backward;
};

static int make_copy(eps_engine *engine, layout_ref from, dnnl_memory_t source, layout_ref to, dnnl_memory_t target, operation *out) {
  dnnl_primitive_desc_t description;
  EPS_TRY(eps_describe_reorder(engine, from, to, &description));
  EPS_TRY(eps_operation_create(engine, description, out));
  eps_operation_argument(out, DNNL_ARG_FROM, source);
  eps_operation_argument(out, DNNL_ARG_TO, target);
  return dnnl_success;
}

int eps_layout_change_create(eps_engine *engine, eps_activation *source, eps_activation **plain, eps_layout_change **change) {
  *plain = NULL;
  *change = calloc(1, sizeof **change);
  if (!*change) return dnnl_out_of_memory;
  (*change)->engine = engine;
  const int64_t *extents = source->extents;
  int status = eps_activation_create(engine, extents[0], extents[1], extents[2], extents[3], plain);
  if (status == dnnl_success) {
    status = make_copy(engine, source->layout, source->values, (*plain)->layout, (*plain)->values, &(*change)->forward);
  }
  if (status == dnnl_success) {
    status = make_copy(engine, (*plain)->layout, (*plain)->gradient, source->layout, source->gradient, &(*change)->backward);
  }
  if (status != dnnl_success) {
    eps_layout_change_destroy(*change);
    eps_activation_destroy(*plain);
    *change = NULL;
    *plain = NULL;
  }
  return status;
}

int eps_layout_change_forward(eps_layout_change *change) { return eps_operation_run(change->engine, &change->forward); }
int eps_layout_change_backward(eps_layout_change *change) { return eps_operation_run(change->engine, &change->backward); }

void eps_layout_change_destroy(eps_layout_change *change) {
  if (!change) return;
  eps_operation_clear(&change->forward);
  eps_operation_clear(&change->backward);
  free(change);
}

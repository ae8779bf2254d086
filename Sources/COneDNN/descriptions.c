// The one place where versions 2 and 3 of oneDNN differ in how an operation is described.
#include "internal.h"

static int make_attributes(bool rectify, dnnl_primitive_attr_t *out) {
  *out = NULL;
  EPS_TRY(dnnl_primitive_attr_create(out));
  // A scratchpad of our own: the library's is bound to the thread that made the primitive.
  int status = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && rectify) {
    dnnl_post_ops_t after = NULL;
    status = dnnl_post_ops_create(&after);
    if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
      status = dnnl_post_ops_append_eltwise(after, dnnl_eltwise_relu, 0.0f, 0.0f);
#else
      status = dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
#endif
      if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*out, after);
      dnnl_post_ops_destroy(after);
    }
  }
  if (status != dnnl_success) {
    dnnl_primitive_attr_destroy(*out);
    *out = NULL;
  }
  return status;
}

static const dnnl_dims_t ones = {1, 1};
static const dnnl_dims_t zeros = {0, 0};

#if DNNL_VERSION_MAJOR >= 3
#define DESCRIBE(rectify, ...)                      \
  dnnl_primitive_attr_t attributes;                 \
  EPS_TRY(make_attributes(rectify, &attributes));   \
  int status = (int)(__VA_ARGS__);                  \
  dnnl_primitive_attr_destroy(attributes);          \
  return status
#else
static int describe(eps_engine *engine, const_dnnl_op_desc_t operation, bool rectify, const_dnnl_primitive_desc_t forward,
                    dnnl_primitive_desc_t *out) {
  dnnl_primitive_attr_t attributes;
  EPS_TRY(make_attributes(rectify, &attributes));
  int status = dnnl_primitive_desc_create(out, operation, attributes, engine->engine, forward);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}
#endif

// The direct algorithm always: Winograd's transforms would be faster here and there, but round more coarsely and exist in few versions.

int eps_describe_convolution_forward(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref bias, layout_ref output,
                                     bool rectify, dnnl_primitive_desc_t *out) {
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(rectify, dnnl_convolution_forward_primitive_desc_create(out, engine->engine, dnnl_forward_training, dnnl_convolution_direct,
                                                                   source, weights, bias, output, ones, zeros, zeros, zeros, attributes));
#else
  dnnl_convolution_desc_t operation;
  EPS_TRY(dnnl_convolution_forward_desc_init(&operation, dnnl_forward_training, dnnl_convolution_direct, source, weights, bias, output,
                                             ones, zeros, zeros));
  return describe(engine, &operation, rectify, NULL, out);
#endif
}

int eps_describe_convolution_data(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref output,
                                  const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(false, dnnl_convolution_backward_data_primitive_desc_create(out, engine->engine, dnnl_convolution_direct, source, weights,
                                                                       output, ones, zeros, zeros, zeros, forward, attributes));
#else
  dnnl_convolution_desc_t operation;
  EPS_TRY(dnnl_convolution_backward_data_desc_init(&operation, dnnl_convolution_direct, source, weights, output, ones, zeros, zeros));
  return describe(engine, &operation, false, forward, out);
#endif
}

int eps_describe_convolution_weights(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref bias, layout_ref output,
                                     const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(false, dnnl_convolution_backward_weights_primitive_desc_create(out, engine->engine, dnnl_convolution_direct, source, weights,
                                                                          bias, output, ones, zeros, zeros, zeros, forward, attributes));
#else
  dnnl_convolution_desc_t operation;
  EPS_TRY(dnnl_convolution_backward_weights_desc_init(&operation, dnnl_convolution_direct, source, weights, bias, output, ones, zeros,
                                                      zeros));
  return describe(engine, &operation, false, forward, out);
#endif
}

int eps_describe_pooling_forward(eps_engine *engine, layout_ref source, layout_ref output, int64_t size, dnnl_primitive_desc_t *out) {
  const dnnl_dims_t window = {size, size};
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(false, dnnl_pooling_forward_primitive_desc_create(out, engine->engine, dnnl_forward_training, dnnl_pooling_max, source, output,
                                                             window, window, zeros, zeros, zeros, attributes));
#else
  dnnl_pooling_desc_t operation;
  EPS_TRY(dnnl_pooling_forward_desc_init(&operation, dnnl_forward_training, dnnl_pooling_max, source, output, window, window, zeros,
                                         zeros));
  return describe(engine, &operation, false, NULL, out);
#endif
}

int eps_describe_pooling_backward(eps_engine *engine, layout_ref source, layout_ref output, int64_t size,
                                  const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out) {
  const dnnl_dims_t window = {size, size};
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(false, dnnl_pooling_backward_primitive_desc_create(out, engine->engine, dnnl_pooling_max, source, output, window, window, zeros,
                                                              zeros, zeros, forward, attributes));
#else
  dnnl_pooling_desc_t operation;
  EPS_TRY(dnnl_pooling_backward_desc_init(&operation, dnnl_pooling_max, source, output, window, window, zeros, zeros));
  return describe(engine, &operation, false, forward, out);
#endif
}

int eps_describe_product(eps_engine *engine, layout_ref left, layout_ref right, layout_ref bias, layout_ref output, bool rectify,
                         dnnl_primitive_desc_t *out) {
#if DNNL_VERSION_MAJOR >= 3
  DESCRIBE(rectify, dnnl_matmul_primitive_desc_create(out, engine->engine, left, right, bias, output, attributes));
#else
  dnnl_matmul_desc_t operation;
  EPS_TRY(dnnl_matmul_desc_init(&operation, left, right, bias, output));
  return describe(engine, &operation, rectify, NULL, out);
#endif
}

int eps_describe_reorder(eps_engine *engine, layout_ref from, layout_ref to, dnnl_primitive_desc_t *out) {
  dnnl_primitive_attr_t attributes;
  EPS_TRY(make_attributes(false, &attributes));
  int status = dnnl_reorder_primitive_desc_create(out, from, engine->engine, to, engine->engine, attributes);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}

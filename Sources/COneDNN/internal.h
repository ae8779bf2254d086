// Private to COneDNN: the only header that sees oneDNN.
#ifndef EPSILON_CONEDNN_INTERNAL_H
#define EPSILON_CONEDNN_INTERNAL_H

#include <dnnl.h>

#include "COneDNN.h"

// Memory descriptors: a structure in version 2, an opaque handle in version 3. `layout` owns one, `layout_ref` borrows one.
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t layout;
typedef const_dnnl_memory_desc_t layout_ref;
#else
typedef dnnl_memory_desc_t *layout;
typedef const dnnl_memory_desc_t *layout_ref;
#endif

#define EPS_TRY(expression)                  \
  do {                                       \
    int eps_status_ = (int)(expression);     \
    if (eps_status_ != 0) return eps_status_; \
  } while (0)

struct eps_engine {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  void *scratch;
  size_t scratch_size;
};

struct eps_activation {
  layout layout;
  dnnl_memory_t values;
  dnnl_memory_t gradient;
  float *value_buffer;
  float *gradient_buffer;
  size_t count;
  int64_t extents[4];  // examples, height, width, channels
  bool plain;
};

// layouts.c: descriptors
int eps_layout_strided(int rank, const int64_t *extents, const int64_t *strides, layout *out);
int eps_layout_any(int rank, const int64_t *extents, layout *out);
int eps_layout_copy(layout_ref source, layout *out);
void eps_layout_destroy(layout value);
bool eps_layouts_equal(layout_ref a, layout_ref b);
size_t eps_layout_bytes(layout_ref value);
layout_ref eps_query_layout(const_dnnl_primitive_desc_t description, dnnl_query_t what, int index);
int eps_memory_create(eps_engine *engine, layout_ref layout, void *handle, dnnl_memory_t *out);

// descriptions.c: what is to be computed; `any` layouts are chosen by oneDNN. Scratch memory is always the caller's.
int eps_describe_convolution_forward(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref bias, layout_ref output,
                                     bool rectify, dnnl_primitive_desc_t *out);
int eps_describe_convolution_data(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref output,
                                  const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out);
int eps_describe_convolution_weights(eps_engine *engine, layout_ref source, layout_ref weights, layout_ref bias, layout_ref output,
                                     const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out);
int eps_describe_pooling_forward(eps_engine *engine, layout_ref source, layout_ref output, int64_t size, dnnl_primitive_desc_t *out);
int eps_describe_pooling_backward(eps_engine *engine, layout_ref source, layout_ref output, int64_t size,
                                  const_dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *out);
int eps_describe_product(eps_engine *engine, layout_ref left, layout_ref right, layout_ref bias, layout_ref output, bool rectify,
                         dnnl_primitive_desc_t *out);
int eps_describe_reorder(eps_engine *engine, layout_ref from, layout_ref to, dnnl_primitive_desc_t *out);

// operations.c: a primitive with its arguments
#define EPS_ARGUMENTS_MAX 8
typedef struct {
  dnnl_primitive_t primitive;
  dnnl_memory_t scratchpad;
  dnnl_exec_arg_t arguments[EPS_ARGUMENTS_MAX];
  int argument_count;
} operation;

/// Takes ownership of `description`, also on failure.
int eps_operation_create(eps_engine *engine, dnnl_primitive_desc_t description, operation *out);
void eps_operation_argument(operation *operation, int role, dnnl_memory_t memory);
int eps_operation_run(eps_engine *engine, operation *operation);
void eps_operation_clear(operation *operation);

/// A tensor in the layout that a primitive wants, copied from or to another memory when that has a different one.
typedef struct {
  operation reorder;     // without primitive: no copy is needed
  dnnl_memory_t memory;  // what the primitive is given; owned only with `buffer`
  float *buffer;
} adapter;

int eps_adapter_input(eps_engine *engine, dnnl_memory_t from, layout_ref have, layout_ref want, adapter *out);
int eps_adapter_output(eps_engine *engine, dnnl_memory_t to, layout_ref have, layout_ref want, adapter *out);
int eps_adapter_run(eps_engine *engine, adapter *adapter);
void eps_adapter_clear(adapter *adapter);

// activations.c
/// Takes a copy of `layout`; extents are examples, height, width, channels.
int eps_activation_create_with(eps_engine *engine, layout_ref layout, const int64_t extents[4], eps_activation **out);
int eps_plain_layout(const int64_t extents[4], layout *out);

// elementwise.c
/// sums[j] = sum of rows[i][j] over i in increasing order
void eps_column_sums(const float *rows, size_t count, size_t columns, float *sums);

// layouts.c
/// Zero-filled memory for `bytes`, aligned to 64; NULL when there is none.
void *eps_allocate(size_t bytes);

#endif

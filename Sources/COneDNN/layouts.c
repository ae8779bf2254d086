#include <stdlib.h>
#include <string.h>

#include "internal.h"

#if DNNL_VERSION_MAJOR >= 3

int eps_layout_strided(int rank, const int64_t *extents, const int64_t *strides, layout *out) {
  return dnnl_memory_desc_create_with_strides(out, rank, extents, dnnl_f32, strides);
}

int eps_layout_any(int rank, const int64_t *extents, layout *out) {
  return dnnl_memory_desc_create_with_tag(out, rank, extents, dnnl_f32, dnnl_format_tag_any);
}

int eps_layout_copy(layout_ref source, layout *out) { return dnnl_memory_desc_clone(out, source); }

void eps_layout_destroy(layout value) {
  if (value) dnnl_memory_desc_destroy(value);
}

#else

static int allocate_layout(layout *out) {
  *out = calloc(1, sizeof **out);
  return *out ? dnnl_success : dnnl_out_of_memory;
}

int eps_layout_strided(int rank, const int64_t *extents, const int64_t *strides, layout *out) {
  EPS_TRY(allocate_layout(out));
  return dnnl_memory_desc_init_by_strides(*out, rank, extents, dnnl_f32, strides);
}

int eps_layout_any(int rank, const int64_t *extents, layout *out) {
  EPS_TRY(allocate_layout(out));
  return dnnl_memory_desc_init_by_tag(*out, rank, extents, dnnl_f32, dnnl_format_tag_any);
}

int eps_layout_copy(layout_ref source, layout *out) {
  EPS_TRY(allocate_layout(out));
  **out = *source;
  return dnnl_success;
}

void eps_layout_destroy(layout value) { free(value); }

#endif

bool eps_layouts_equal(layout_ref a, layout_ref b) { return dnnl_memory_desc_equal(a, b) != 0; }

size_t eps_layout_bytes(layout_ref value) { return dnnl_memory_desc_get_size(value); }

layout_ref eps_query_layout(const_dnnl_primitive_desc_t description, dnnl_query_t what, int index) {
  return dnnl_primitive_desc_query_md(description, what, index);
}

int eps_memory_create(eps_engine *engine, layout_ref layout, void *handle, dnnl_memory_t *out) {
  return dnnl_memory_create(out, layout, engine->engine, handle);
}

void *eps_allocate(size_t bytes) {
  // Rounded up so that a vector read past the last element stays inside.
  size_t rounded = (bytes / 64 + 2) * 64;
  if (rounded < bytes) return NULL;
  void *buffer = aligned_alloc(64, rounded);
  if (buffer) memset(buffer, 0, rounded);
  return buffer;
}

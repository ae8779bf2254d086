// The arithmetic that NeuralNetworks needs from oneDNN, behind opaque handles and plain numbers.
//
// Conventions
//   * Every function that can fail returns 0 for success or oneDNN's status code (eps_status_name gives its name).
//   * Logical shapes are examples x height x width x channels. "Plain" means that order, channels last, without padding; other layouts are
//     oneDNN's blocked ones and never leave this target.
//   * An activation owns its values and, of the same layout, the gradient of the loss with respect to them.
//   * Everything runs on the calling thread, which must have called eps_use_one_thread before an object is made and before it is used.
//   * An object keeps pointers to the engine and activations it was made from: destroy it before them.
#ifndef EPSILON_CONEDNN_H
#define EPSILON_CONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eps_engine eps_engine;
typedef struct eps_activation eps_activation;
typedef struct eps_convolution eps_convolution;
typedef struct eps_dense eps_dense;
typedef struct eps_pooling eps_pooling;
typedef struct eps_layout_change eps_layout_change;

// Threads, instruction sets, diagnostics

/// Makes OpenMP use one thread for whatever the calling thread starts from now on.
void eps_use_one_thread(void);

enum { EPS_ISA_BASELINE = 0, EPS_ISA_AVX2 = 1, EPS_ISA_AVX512 = 2 };

/// Caps the instructions that oneDNN may use; fails once any other function here has made it look at the processor.
int eps_cap_instruction_set(int level);

/// Name of the instruction set in use, for instance "avx512_core". Fixes the choice.
const char *eps_effective_instruction_set(void);

/// Name of a status code, for instance "out_of_memory".
const char *eps_status_name(int status);

/// Major, minor and patch version of the oneDNN library that is loaded.
void eps_library_version(int *major, int *minor, int *patch);

// Engine: one per model, holds the stream and the scratch memory that its primitives share.

int eps_engine_create(eps_engine **engine);
void eps_engine_destroy(eps_engine *engine);

// Activations

/// A plain activation, zero-filled; values and gradient are aligned to 64 bytes.
int eps_activation_create(eps_engine *engine, int64_t examples, int64_t height, int64_t width, int64_t channels,
                          eps_activation **activation);
void eps_activation_destroy(eps_activation *activation);
bool eps_activation_is_plain(const eps_activation *activation);
/// Number of stored scalars: for a plain activation the product of its extents, for a blocked one padding included.
size_t eps_activation_count(const eps_activation *activation);
float *eps_activation_values(eps_activation *activation);
float *eps_activation_gradient(eps_activation *activation);

/// Copies values from `source` into a new plain activation, and its gradient back.
int eps_layout_change_create(eps_engine *engine, eps_activation *source, eps_activation **plain, eps_layout_change **change);
int eps_layout_change_forward(eps_layout_change *change);
int eps_layout_change_backward(eps_layout_change *change);
void eps_layout_change_destroy(eps_layout_change *change);

// Convolution: stride 1, no padding, square kernel; weights [kernel, kernel, channels, filters], bias [filters].

/// Makes the convolution and the activation that it writes. With `rectify` the output is max(0, .), applied inside the primitive; the
/// caller then masks the output's gradient (eps_mask_positive) before the backward pass.
int eps_convolution_create(eps_engine *engine, eps_activation *source, int64_t filters, int64_t kernel, bool rectify,
                           bool source_gradient, eps_activation **output, eps_convolution **convolution);
int eps_convolution_forward(eps_convolution *convolution, const float *weights, const float *bias);
/// Overwrites both gradients and, when asked for at creation, the gradient of the source. The weights are those of the last forward pass.
int eps_convolution_backward(eps_convolution *convolution, float *weights_gradient, float *bias_gradient);
void eps_convolution_destroy(eps_convolution *convolution);

// Dense: output = source x weights + bias; weights [inputs, units] row-major; the source must be plain.

int eps_dense_create(eps_engine *engine, eps_activation *source, int64_t units, bool rectify, bool source_gradient,
                     eps_activation **output, eps_dense **dense);
int eps_dense_forward(eps_dense *dense, const float *weights, const float *bias);
int eps_dense_backward(eps_dense *dense, const float *weights, float *weights_gradient, float *bias_gradient);
void eps_dense_destroy(eps_dense *dense);

// Max pooling: window and stride `size`, rows and columns that do not fill a window are dropped.

int eps_pooling_create(eps_engine *engine, eps_activation *source, int64_t size, eps_activation **output, eps_pooling **pooling);
int eps_pooling_forward(eps_pooling *pooling);
int eps_pooling_backward(eps_pooling *pooling);
void eps_pooling_destroy(eps_pooling *pooling);

// Element by element. None of these rounds differently from one instruction set to another.

/// values = max(0, values)
void eps_rectify(float *values, size_t count);
/// gradient = 0 wherever values is not positive
void eps_mask_positive(const float *values, float *gradient, size_t count);
/// Zeroes each value with probability `rate`, multiplies the others by 1 / (1 - rate), and records in `kept` which they were.
void eps_dropout_forward(float *values, uint8_t *kept, size_t count, double rate, uint64_t key);
/// gradient = kept ? gradient / (1 - rate) : 0
void eps_dropout_backward(float *gradient, const uint8_t *kept, size_t count, double rate);

/// Softmax cross-entropy of the first `count` rows of plain logits [examples, classes]. Adds the losses to `loss_sum`, the rows whose first
/// largest logit is the label to `correct`. With `gradient`, writes the gradient of the mean loss over `count` rows and zero for the other
/// rows up to `examples`. Labels must lie in 0..<classes.
void eps_softmax_cross_entropy(const float *logits, const int32_t *labels, size_t count, size_t examples, size_t classes,
                               float *gradient, double *loss_sum, int64_t *correct);

#ifdef __cplusplus
}
#endif
#endif

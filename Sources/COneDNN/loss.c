#include <math.h>
#include <string.h>

#include "internal.h"

void eps_softmax_cross_entropy(const float *logits, const int32_t *labels, size_t count, size_t examples, size_t classes,
                               float *gradient, double *loss_sum, int64_t *correct) {
  for (size_t row = 0; row < count; row++) {
    const float *x = logits + row * classes;
    size_t label = (size_t)labels[row], largest = 0;
    for (size_t c = 1; c < classes; c++) {
      if (x[c] > x[largest]) largest = c;
    }
    // Shifted by the largest logit, so that no exponential overflows and the sum is at least 1.
    float shift = x[largest];
    double sum = 0;
    if (gradient) {
      float *g = gradient + row * classes;
      for (size_t c = 0; c < classes; c++) {
        g[c] = expf(x[c] - shift);
        sum += g[c];
      }
      float scale = (float)(1.0 / (sum * (double)count));
      for (size_t c = 0; c < classes; c++) g[c] *= scale;
      g[label] -= 1.0f / (float)count;
    } else {
      for (size_t c = 0; c < classes; c++) sum += expf(x[c] - shift);
    }
    *loss_sum += log(sum) - ((double)x[label] - (double)shift);
    *correct += largest == label;
  }
  if (gradient) memset(gradient + count * classes, 0, (examples - count) * classes * sizeof(float));
}

#include "CFFTW.h"

#include <fftw3.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

struct epsilon_fftw_transform {
  double *real;
  fftw_complex *spectrum;
  fftw_plan forward;
  fftw_plan inverse;
};

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

epsilon_fftw_transform *epsilon_fftw_create(size_t size) {
  if (size == 0 || size > INT_MAX) return NULL;
  epsilon_fftw_transform *transform = calloc(1, sizeof *transform);
  if (transform == NULL) return NULL;
  transform->real = fftw_malloc(size * sizeof(double));
  transform->spectrum = fftw_malloc((size / 2 + 1) * sizeof(fftw_complex));
  if (transform->real != NULL && transform->spectrum != NULL) {
    pthread_mutex_lock(&planner);
    transform->forward = fftw_plan_dft_r2c_1d((int)size, transform->real, transform->spectrum,
                                              FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    transform->inverse = fftw_plan_dft_c2r_1d((int)size, transform->spectrum, transform->real,
                                              FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    pthread_mutex_unlock(&planner);
  }
  if (transform->forward == NULL || transform->inverse == NULL) {
    epsilon_fftw_destroy(transform);
    return NULL;
  }
  return transform;
}

void epsilon_fftw_destroy(epsilon_fftw_transform *transform) {
  if (transform == NULL) return;
  pthread_mutex_lock(&planner);
  if (transform->forward != NULL) fftw_destroy_plan(transform->forward);
  if (transform->inverse != NULL) fftw_destroy_plan(transform->inverse);
  pthread_mutex_unlock(&planner);
  fftw_free(transform->real);
  fftw_free(transform->spectrum);
  free(transform);
}

double *epsilon_fftw_real(epsilon_fftw_transform *transform) { return transform->real; }

double *epsilon_fftw_spectrum(epsilon_fftw_transform *transform) { return (double *)transform->spectrum; }

void epsilon_fftw_forward(epsilon_fftw_transform *transform) { fftw_execute(transform->forward); }

void epsilon_fftw_inverse(epsilon_fftw_transform *transform) { fftw_execute(transform->inverse); }

struct epsilon_fftw_complex {
  fftw_complex *numbers;
  fftw_plan forward;
  fftw_plan inverse;
};

epsilon_fftw_complex *epsilon_fftw_complex_create(size_t size) {
  if (size == 0 || size > INT_MAX) return NULL;
  epsilon_fftw_complex *transform = calloc(1, sizeof *transform);
  if (transform == NULL) return NULL;
  transform->numbers = fftw_malloc(size * sizeof(fftw_complex));
  if (transform->numbers != NULL) {
    pthread_mutex_lock(&planner);
    transform->forward =
        fftw_plan_dft_1d((int)size, transform->numbers, transform->numbers, FFTW_FORWARD, FFTW_ESTIMATE);
    transform->inverse =
        fftw_plan_dft_1d((int)size, transform->numbers, transform->numbers, FFTW_BACKWARD, FFTW_ESTIMATE);
    pthread_mutex_unlock(&planner);
  }
  if (transform->forward == NULL || transform->inverse == NULL) {
    epsilon_fftw_complex_destroy(transform);
    return NULL;
  }
  return transform;
}

void epsilon_fftw_complex_destroy(epsilon_fftw_complex *transform) {
  if (transform == NULL) return;
  pthread_mutex_lock(&planner);
  if (transform->forward != NULL) fftw_destroy_plan(transform->forward);
  if (transform->inverse != NULL) fftw_destroy_plan(transform->inverse);
  pthread_mutex_unlock(&planner);
  fftw_free(transform->numbers);
  free(transform);
}

double *epsilon_fftw_complex_numbers(epsilon_fftw_complex *transform) { return (double *)transform->numbers; }

void epsilon_fftw_complex_forward(epsilon_fftw_complex *transform) { fftw_execute(transform->forward); }

void epsilon_fftw_complex_inverse(epsilon_fftw_complex *transform) { fftw_execute(transform->inverse); }

#include "CFFTW.h"

#include <fftw3.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

// Plans of one size, which any number of transforms may execute at once, each on buffers of its own.
struct plans {
  size_t size;
  fftw_plan forward;
  fftw_plan inverse;
  // How many transforms use them; the last one releases those that are not kept.
  size_t users;
  int is_kept;
};

struct epsilon_fftw_transform {
  double *real;
  fftw_complex *spectrum;
  struct plans *plans;
};

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

// A grid asks for few sizes again and again, and the roots of unity of a plan take as long as a transform. Together the kept ones hold at
// most some 50 MB.
enum { kept_count = 8, greatest_kept_size = 1 << 19 };
static struct plans *kept[kept_count];

static void release(struct plans *plans) {
  if (plans == NULL) return;
  if (plans->forward != NULL) fftw_destroy_plan(plans->forward);
  if (plans->inverse != NULL) fftw_destroy_plan(plans->inverse);
  free(plans);
}

// Under the lock. The buffers serve to plan with; every other pair has their alignment.
static struct plans *find_plans(size_t size, double *real, fftw_complex *spectrum) {
  for (int index = 0; index < kept_count; index++) {
    if (kept[index] != NULL && kept[index]->size == size) return kept[index];
  }
  struct plans *plans = calloc(1, sizeof *plans);
  if (plans == NULL) return NULL;
  plans->size = size;
  plans->forward = fftw_plan_dft_r2c_1d((int)size, real, spectrum, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
  plans->inverse = fftw_plan_dft_c2r_1d((int)size, spectrum, real, FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
  if (plans->forward == NULL || plans->inverse == NULL) {
    release(plans);
    return NULL;
  }
  if (size > greatest_kept_size) return plans;
  for (int index = 0; index < kept_count; index++) {
    if (kept[index] == NULL || kept[index]->users == 0) {
      release(kept[index]);
      kept[index] = plans;
      plans->is_kept = 1;
      break;
    }
  }
  return plans;
}

epsilon_fftw_transform *epsilon_fftw_create(size_t size) {
  if (size == 0 || size > INT_MAX) return NULL;
  epsilon_fftw_transform *transform = calloc(1, sizeof *transform);
  if (transform == NULL) return NULL;
  transform->real = fftw_malloc(size * sizeof(double));
  transform->spectrum = fftw_malloc((size / 2 + 1) * sizeof(fftw_complex));
  if (transform->real != NULL && transform->spectrum != NULL) {
    pthread_mutex_lock(&planner);
    transform->plans = find_plans(size, transform->real, transform->spectrum);
    if (transform->plans != NULL) transform->plans->users++;
    pthread_mutex_unlock(&planner);
  }
  if (transform->plans == NULL) {
    epsilon_fftw_destroy(transform);
    return NULL;
  }
  return transform;
}

void epsilon_fftw_destroy(epsilon_fftw_transform *transform) {
  if (transform == NULL) return;
  if (transform->plans != NULL) {
    pthread_mutex_lock(&planner);
    transform->plans->users--;
    if (transform->plans->users == 0 && !transform->plans->is_kept) release(transform->plans);
    pthread_mutex_unlock(&planner);
  }
  fftw_free(transform->real);
  fftw_free(transform->spectrum);
  free(transform);
}

double *epsilon_fftw_real(epsilon_fftw_transform *transform) { return transform->real; }

double *epsilon_fftw_spectrum(epsilon_fftw_transform *transform) { return (double *)transform->spectrum; }

void epsilon_fftw_forward(epsilon_fftw_transform *transform) {
  fftw_execute_dft_r2c(transform->plans->forward, transform->real, transform->spectrum);
}

void epsilon_fftw_inverse(epsilon_fftw_transform *transform) {
  fftw_execute_dft_c2r(transform->plans->inverse, transform->spectrum, transform->real);
}

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

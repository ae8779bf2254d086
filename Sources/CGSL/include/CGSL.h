// Shim over the GNU Scientific Library. This header names no type of GSL, so that Swift never imports GSL's own
// headers; it has only numbers and function pointers. Every function returns 0 or a GSL status code.
#ifndef EPSILON_CGSL_H
#define EPSILON_CGSL_H

#include <stddef.h>

typedef double (*epsilon_gsl_function)(double x, void *context);

/// Switches GSL's default handler off, which would abort the process. Call once before anything else.
void epsilon_gsl_disable_abort(void);

/// Text for a status code.
const char *epsilon_gsl_message(int status);

/// Hazard function of the standard normal, density(x) / upper tail(x): the inverse of the Mills ratio.
int epsilon_gsl_normal_hazard(double x, double *result);

/// Upper tail of the standard normal.
double epsilon_gsl_normal_upper_tail(double x);

/// Integral over [lower, upper] by adaptive Gauss–Kronrod (61 points); `error` is GSL's absolute error estimate.
int epsilon_gsl_integrate(epsilon_gsl_function function, void *context, double lower, double upper,
                          double relative_tolerance, double *result, double *error);

/// Point `index` of the Gauss–Legendre rule of `order` points on [-1, 1], in increasing order.
void epsilon_gsl_gauss_legendre(size_t order, size_t index, double *x, double *weight);

/// Root of a function of opposite signs at both ends, by Brent's method, until the bracket is narrower than
/// `relative_tolerance` × |x| or 200 iterations have passed (an error). On return the root lies in [*lower, *upper].
int epsilon_gsl_root(epsilon_gsl_function function, void *context, double *lower, double *upper,
                     double relative_tolerance);

/// Minimum by Brent's method inside (lower, upper), from `*x` with a value below both ends.
int epsilon_gsl_minimum(epsilon_gsl_function function, void *context, double lower, double upper,
                        double tolerance, double *x, double *value);

/// Logarithm of the gamma function for x > 0.
int epsilon_gsl_log_gamma(double x, double *result);

#endif

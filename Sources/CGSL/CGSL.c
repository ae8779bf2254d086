#include "CGSL.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_erf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_result.h>
#include <math.h>

void epsilon_gsl_disable_abort(void) { gsl_set_error_handler_off(); }

const char *epsilon_gsl_message(int status) { return gsl_strerror(status); }

int epsilon_gsl_normal_hazard(double x, double *result) {
  gsl_sf_result value;
  int status = gsl_sf_hazard_e(x, &value);
  *result = value.val;
  return status;
}

double epsilon_gsl_normal_upper_tail(double x) { return gsl_cdf_ugaussian_Q(x); }

int epsilon_gsl_integrate(epsilon_gsl_function function, void *context, double lower, double upper,
                          double relative_tolerance, double *result, double *error) {
  enum { intervals = 256 };
  gsl_integration_workspace *workspace = gsl_integration_workspace_alloc(intervals);
  if (workspace == NULL) return GSL_ENOMEM;
  gsl_function integrand = {function, context};
  int status = gsl_integration_qag(&integrand, lower, upper, 0, relative_tolerance, intervals,
                                   GSL_INTEG_GAUSS61, workspace, result, error);
  gsl_integration_workspace_free(workspace);
  return status;
}

void epsilon_gsl_gauss_legendre(size_t order, size_t index, double *x, double *weight) {
  gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(order);
  gsl_integration_glfixed_point(-1, 1, index, x, weight, table);
  gsl_integration_glfixed_table_free(table);
}

int epsilon_gsl_root(epsilon_gsl_function function, void *context, double *lower, double *upper,
                     double relative_tolerance) {
  gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
  if (solver == NULL) return GSL_ENOMEM;
  gsl_function f = {function, context};
  int status = gsl_root_fsolver_set(solver, &f, *lower, *upper);
  for (int iteration = 0; status == GSL_SUCCESS; iteration++) {
    if (iteration == 200) {
      status = GSL_EMAXITER;
      break;
    }
    status = gsl_root_fsolver_iterate(solver);
    *lower = gsl_root_fsolver_x_lower(solver);
    *upper = gsl_root_fsolver_x_upper(solver);
    if (status == GSL_SUCCESS &&
        fabs(*upper - *lower) <= relative_tolerance * fmax(fabs(*lower), fabs(*upper)))
      break;
  }
  gsl_root_fsolver_free(solver);
  return status;
}

int epsilon_gsl_minimum(epsilon_gsl_function function, void *context, double lower, double upper,
                        double tolerance, double *x, double *value) {
  gsl_min_fminimizer *minimizer = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
  if (minimizer == NULL) return GSL_ENOMEM;
  gsl_function f = {function, context};
  int status = gsl_min_fminimizer_set(minimizer, &f, *x, lower, upper);
  // Running out of iterations is no failure: every point of the curve is a bound, the minimum only the best one.
  for (int iteration = 0; status == GSL_SUCCESS && iteration < 60; iteration++) {
    status = gsl_min_fminimizer_iterate(minimizer);
    if (gsl_min_fminimizer_x_upper(minimizer) - gsl_min_fminimizer_x_lower(minimizer) < tolerance) break;
  }
  *x = gsl_min_fminimizer_x_minimum(minimizer);
  *value = gsl_min_fminimizer_f_minimum(minimizer);
  gsl_min_fminimizer_free(minimizer);
  return status;
}

int epsilon_gsl_log_gamma(double x, double *result) {
  gsl_sf_result value;
  int status = gsl_sf_lngamma_e(x, &value);
  *result = value.val;
  return status;
}

// Shim over FFTW 3 (double precision, one dimension, real or complex data). This header names no type of FFTW, so that Swift never
// imports FFTW's own headers; it has only numbers and an opaque pointer.
#ifndef EPSILON_CFFTW_H
#define EPSILON_CFFTW_H

#include <stddef.h>

/// Two buffers with a pair of plans of their size. One thread at a time may use a transform; different transforms may run at once, also
/// those of one size, which share plans.
typedef struct epsilon_fftw_transform epsilon_fftw_transform;

/// A transform of `size` real numbers, or NULL where memory or FFTW refuse. Planning is serialised by a lock, because
/// FFTW's planner keeps global state.
epsilon_fftw_transform *epsilon_fftw_create(size_t size);

/// Releases both buffers; the plans may be kept for the next transform of this size.
void epsilon_fftw_destroy(epsilon_fftw_transform *transform);

/// The real buffer, of `size` numbers.
double *epsilon_fftw_real(epsilon_fftw_transform *transform);

/// The spectrum, size/2 + 1 pairs (real, imaginary).
double *epsilon_fftw_spectrum(epsilon_fftw_transform *transform);

/// spectrum_k = Σ_j real_j exp(−2πijk/size).
void epsilon_fftw_forward(epsilon_fftw_transform *transform);

/// real_j = Σ_k spectrum_k exp(2πijk/size) over the whole (Hermitian) spectrum, without the factor 1/size. Destroys the
/// spectrum.
void epsilon_fftw_inverse(epsilon_fftw_transform *transform);

/// Plans for complex data of one size with their buffer, transformed in place. One thread at a time may use one.
typedef struct epsilon_fftw_complex epsilon_fftw_complex;

/// A transform of `size` complex numbers, or NULL where memory or FFTW refuse.
epsilon_fftw_complex *epsilon_fftw_complex_create(size_t size);

/// Releases the plans and the buffer.
void epsilon_fftw_complex_destroy(epsilon_fftw_complex *transform);

/// The buffer, `size` pairs (real, imaginary).
double *epsilon_fftw_complex_numbers(epsilon_fftw_complex *transform);

/// z_k = Σ_j z_j exp(−2πijk/size).
void epsilon_fftw_complex_forward(epsilon_fftw_complex *transform);

/// z_j = Σ_k z_k exp(2πijk/size), without the factor 1/size.
void epsilon_fftw_complex_inverse(epsilon_fftw_complex *transform);

#endif

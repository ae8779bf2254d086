"""Clip, sum and noise of 100 updates of 1,206,590 parameters, and Gaussian noise alone, in NumPy and PyTorch with one thread."""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics

from peer_table import duration, measure, not_measured, print_table, short

CLIENTS, PARAMETERS, BOUND, MULTIPLIER = 100, 1_206_590, 1.0, 1.0
aggregation, noise = [], []


def add_aggregation(what, seconds):
    gigabytes = CLIENTS * PARAMETERS * 4 * 1e-9
    aggregation.append([what, duration(seconds[0]), duration(statistics.median(seconds)), f"{gigabytes / seconds[0]:.3g}"])


def add_noise(what, seconds):
    noise.append([what, duration(seconds[0]), f"{PARAMETERS / seconds[0] * 1e-6:.3g}"])


def numpy_peer():
    import numpy as np

    generator = np.random.Generator(np.random.PCG64(1))
    updates = [generator.uniform(-0.017, 0.017, PARAMETERS).astype(np.float32) for _ in range(CLIENTS)]

    def single():
        # A peer's way: everything in float32, the norm by the linear-algebra library.
        total = np.zeros(PARAMETERS, np.float32)
        for update in updates:
            total += update * np.float32(min(1.0, BOUND / float(np.linalg.norm(update))))
        total += generator.standard_normal(PARAMETERS, dtype=np.float32) * np.float32(MULTIPLIER * BOUND)
        return total / np.float32(CLIENTS)

    def double():
        # Norm and sum in float64, as epsilon computes them.
        total = np.zeros(PARAMETERS)
        for update in updates:
            values = update.astype(np.float64)
            total += values * min(1.0, BOUND / float(np.sqrt(values @ values)))
        total += generator.standard_normal(PARAMETERS) * (MULTIPLIER * BOUND)
        return total / CLIENTS

    add_aggregation("NumPy, float32", measure(single, repetitions=5)[0])
    add_aggregation("NumPy, float64 norm and sum", measure(double, repetitions=5)[0])
    add_noise("NumPy PCG64 standard_normal, float64", measure(lambda: generator.standard_normal(PARAMETERS), repetitions=9)[0])


def torch_peer():
    import torch

    torch.set_num_threads(1)
    updates = [torch.empty(PARAMETERS).uniform_(-0.017, 0.017) for _ in range(CLIENTS)]

    def run():
        total = torch.zeros(PARAMETERS)
        for update in updates:
            total.add_(update, alpha=min(1.0, BOUND / float(update.norm())))
        return total.add_(torch.randn(PARAMETERS), alpha=MULTIPLIER * BOUND).div_(CLIENTS)

    add_aggregation("PyTorch, float32", measure(run, repetitions=5)[0])
    add_noise("PyTorch randn, float64 (not cryptographic)", measure(lambda: torch.randn(PARAMETERS, dtype=torch.float64), repetitions=9)[0])


for name, peer in (("NumPy", numpy_peer), ("PyTorch", torch_peer)):
    try:
        peer()
    except Exception as error:  # A peer that is missing or broken must not end the benchmark.
        not_measured(f"aggregation by {name}", short(error))
print_table(
    f"Aggregation, peers: {CLIENTS} updates of {PARAMETERS:,} parameters, one thread",
    ["what", "best", "median", "GB/s of updates at best"], aggregation)
print_table("Noise, peers: one thread, generators that are not for privacy", ["what", "best", "million samples/s"], noise)

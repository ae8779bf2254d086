"""Rényi accountants of the peers on the case of `epsilon-bench accounting`: rate 0.01, noise multiplier 1, 1,000 rounds, delta 1e-5."""

import statistics
import subprocess
import sys
import warnings

from peer_table import duration, measure, not_measured, print_table, short

warnings.filterwarnings("ignore")
RATE, ROUNDS, DELTA, TARGET = 0.01, 1000, 1e-5, 8.0
# A peer's curve over all rounds takes up to a minute: it is measured over the first rounds and shown per round.
CURVE_ROUNDS = 50
rows = []


def add(what, seconds, value, scale=1):
    rows.append([what, duration(seconds[0] * scale), duration(statistics.median(seconds) * scale), value])


def process(code):
    """Whole Python processes that run `code`, as a user starts them."""

    def run():
        return subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True).stdout.strip()

    return measure(run, repetitions=3)


def google():
    import dp_accounting
    from dp_accounting import rdp

    def event(noise_multiplier):
        return dp_accounting.PoissonSampledDpEvent(RATE, dp_accounting.GaussianDpEvent(noise_multiplier))

    def epsilon():
        return rdp.RdpAccountant().compose(event(1.0), ROUNDS).get_epsilon(DELTA)

    seconds, value = measure(epsilon, repetitions=10)
    add("dp_accounting RDP: one ε, warm", seconds, f"ε ≤ {float(value)!r}")

    def calibrate():
        return dp_accounting.calibrate_dp_mechanism(
            rdp.RdpAccountant, lambda noise: dp_accounting.SelfComposedDpEvent(event(noise), ROUNDS), TARGET, DELTA)

    seconds, value = measure(calibrate, repetitions=3)
    add("dp_accounting RDP: noise multiplier for ε = 8", seconds, f"σ = {float(value)!r}")

    def curve():
        accountant = rdp.RdpAccountant()
        for _ in range(CURVE_ROUNDS):
            last = accountant.compose(event(1.0)).get_epsilon(DELTA)
        return last

    seconds, value = measure(curve, repetitions=1, warm_ups=0)
    add(
        f"dp_accounting RDP: ε after each round, one of {CURVE_ROUNDS}", seconds, f"after {CURVE_ROUNDS}: {float(value)!r}",
        1 / CURVE_ROUNDS)

    seconds, value = process(
        "import dp_accounting as d; from dp_accounting import rdp; "
        f"print(rdp.RdpAccountant().compose(d.PoissonSampledDpEvent({RATE}, d.GaussianDpEvent(1.0)), {ROUNDS}).get_epsilon({DELTA}))")
    add("dp_accounting RDP: whole process", seconds, f"ε ≤ {value}")


def opacus():
    from opacus.accountants import RDPAccountant
    from opacus.accountants.utils import get_noise_multiplier

    def epsilon():
        accountant = RDPAccountant()
        accountant.history = [(1.0, RATE, ROUNDS)]
        return accountant.get_epsilon(DELTA)

    seconds, value = measure(epsilon, repetitions=10)
    add("Opacus RDP: one ε, warm", seconds, f"ε ≤ {float(value)!r}")

    def calibrate():
        return get_noise_multiplier(target_epsilon=TARGET, target_delta=DELTA, sample_rate=RATE, steps=ROUNDS, accountant="rdp")

    seconds, value = measure(calibrate, repetitions=3)
    add("Opacus RDP: noise multiplier for ε = 8", seconds, f"σ = {float(value)!r}")

    def curve():
        accountant = RDPAccountant()
        for _ in range(CURVE_ROUNDS):
            accountant.step(noise_multiplier=1.0, sample_rate=RATE)
            last = accountant.get_epsilon(DELTA)
        return last

    seconds, value = measure(curve, repetitions=1, warm_ups=0)
    add(f"Opacus RDP: ε after each round, one of {CURVE_ROUNDS}", seconds, f"after {CURVE_ROUNDS}: {float(value)!r}", 1 / CURVE_ROUNDS)

    seconds, value = process(
        f"from opacus.accountants import RDPAccountant; a = RDPAccountant(); a.history = [(1.0, {RATE}, {ROUNDS})]; "
        f"print(float(a.get_epsilon({DELTA})))")
    add("Opacus RDP: whole process", seconds, f"ε ≤ {value}")


for name, peer in (("dp_accounting", google), ("Opacus", opacus)):
    try:
        peer()
    except Exception as error:  # A peer that is missing or broken must not end the benchmark.
        not_measured(f"accounting by {name}", short(error))
print_table("Accounting, peers", ["what", "best", "median", "value"], rows)

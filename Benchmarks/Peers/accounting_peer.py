"""Accountants of the peers on the cases of `epsilon-bench accounting`, beside its own figures where EPSILON_BENCH_RECORD names them.

Every cell is measured in a process of its own, under a limit of time and of memory: `> 15 s` says that the time was up.
Golden values: contour integrals with 34 digits, or in double precision on two contours.
"""

import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings

from accounting_peers import PEERS
from peer_table import duration, not_measured, print_table, short

warnings.filterwarnings("ignore")
LIMIT_SECONDS = float(os.environ.get("EPSILON_BENCH_LIMIT", "15"))
LIMIT_BYTES = 4 << 30
# Repetitions go on for this long, up to 20; work that takes longer is measured once.
BUDGET_SECONDS = 1.0
# A peer's curve takes up to a minute: it is measured over the first rounds and scaled.
CURVE_ROUNDS = 20
RATE, NOISE, ROUNDS, DELTA, TARGET = 0.01, 1.0, 1000, 1e-5, 8.0

# The names are those of Benchmarks/Sources/epsilon-bench/AccountingCases.swift.
CASES = {
    "ε of a1": ([(0.01, 1.0, 1000)], 1e-5, 1.828236666516576842614),
    "ε of a2": ([(0.001, 0.8, 10000)], 1e-6, 0.9471956872702805655491),
    "ε of a3": ([(0.1, 2.0, 5000)], 1e-6, 24.43112373141881678403725),
    "ε of a4": ([(256 / 60000, 1.1, 14062)], 1e-5, 2.381596921424397254688429),
    "ε of a5": ([(1.0, 10.0, 1000)], 1e-5, 17.85658683010761392552183),
    "ε of a6": ([(100 / 3400, 1.0, 1500)], 1e-5, 7.459152689141594320275409),
    "ε of e1": ([(0.01, (8 + index) / 10, 50) for index in range(20)], 1e-5, 1.50818738420216323360556),
    "ε of x_d15": ([(0.01, 1.0, 1000)], 1e-15, 4.854537750605176),
    "ε of x_T1e6c": ([(0.01, 1.0, 1_000_000)], 1e-6, 145.4968355051982),
    "ε of x_T1e7": ([(0.0001, 2.0, 10_000_000)], 1e-8, 0.853016944872405),
}
RENYI = "ε of a1 by Rényi"
CALIBRATION, CURVE, PROCESS = "σ for ε = 8", "ε after each of 1,000 rounds", "whole process"


def timed(work):
    """Median seconds of `work`, and its value."""
    start = time.perf_counter()
    value = work()
    seconds = [time.perf_counter() - start]
    if seconds[0] < BUDGET_SECONDS:
        # The first call warmed up.
        seconds, end = [], time.perf_counter() + BUDGET_SECONDS
        while not seconds or (len(seconds) < 20 and time.perf_counter() < end):
            start = time.perf_counter()
            value = work()
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), float(value)


def child(peer, what, connection):
    """One cell: runs in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    sys.stdout = sys.stderr = open(os.devnull, "w")
    try:
        accountant = peer()
        if what in CASES:
            components, delta, _ = CASES[what]
            connection.send(timed(lambda: accountant.epsilon(components, delta)))
        elif what == CALIBRATION:
            connection.send(timed(lambda: accountant.calibrate(RATE, ROUNDS, TARGET, DELTA)))
        else:
            seconds, _ = timed(lambda: accountant.curve(RATE, NOISE, CURVE_ROUNDS, DELTA))
            connection.send((seconds * ROUNDS / CURVE_ROUNDS, None))
    except Exception as error:
        connection.send(short(error) or type(error).__name__)


def whole_process(peer):
    """Seconds of Python processes that print ε of a1, as a user starts them."""
    code = f"import accounting_peers as p; print(p.{peer.__name__}().epsilon([({RATE}, {NOISE}, {ROUNDS})], {DELTA}))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    environment = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.abspath(__file__)))
    return timed(lambda: subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS, env=environment).stdout.split()[-1])


def measure_cell(peer, what):
    """(seconds, value), or a text that says why there is none."""
    method = {CALIBRATION: "calibrate", CURVE: "curve"}.get(what, "epsilon")
    if not hasattr(peer, method):
        return "–"
    if what == RENYI:
        # The Rényi accountants of the peers; the others have no such bound.
        return measure_cell(peer, "ε of a1") if peer.name.endswith("RDP") else "–"
    if what == PROCESS:
        try:
            return whole_process(peer)
        except subprocess.TimeoutExpired:
            return f"> {LIMIT_SECONDS:g} s"
        except subprocess.SubprocessError as error:
            return short(error)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=child, args=(peer, what, sender))
    process.start()
    sender.close()
    try:
        result = receiver.recv() if receiver.poll(LIMIT_SECONDS) else f"> {LIMIT_SECONDS:g} s"
    except EOFError:
        result = "ended without an answer"
    process.kill()
    process.join()
    return result


def cell(result, golden):
    """A time, and the error of the value where there is a golden one."""
    if isinstance(result, str):
        return result if len(result) <= 12 else "fails"
    seconds, value = result
    return duration(seconds) if golden is None or value is None else f"{duration(seconds)}, {value - golden:+.1e}"


def own_rows():
    """What epsilon-bench recorded: case → its cells (value, error, time, target, whether it was met)."""
    path = os.environ.get("EPSILON_BENCH_RECORD")
    if not path or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return {row[0]: row[1:] for row in rows}


def main():
    available = []
    for peer in PEERS:
        try:
            peer()
            available.append(peer)
        except Exception as error:  # A peer that is missing or broken must not end the benchmark.
            not_measured(f"accounting by {peer.name}", short(error))
    own = own_rows()
    goldens = {what: golden for what, (_, _, golden) in CASES.items()} | {CALIBRATION: 0.5862598506770924, RENYI: CASES["ε of a1"][2]}
    rows, failures = [], {}
    for what in [*CASES, CALIBRATION, CURVE, RENYI, PROCESS] if available else []:
        row = [what, *(own.get(what, ["–"] * 5))] if own else [what]
        for peer in available:
            result = measure_cell(peer, what)
            if isinstance(result, str) and len(result) > 12:
                failures[f"{peer.name}, {what}"] = result
            row.append(cell(result, goldens.get(what)))
        rows.append(row)
        print(f"bench-peers: {what} measured", file=sys.stderr, flush=True)
    columns = ["case", *(["Epsilon", "abs. error", "time", "target", "met"] if own else []), *(peer.name for peer in available)]
    print_table("Accounting beside the peers: median time, error against the golden value", columns, rows)
    for what, why in failures.items():
        not_measured(what, why)


if __name__ == "__main__":
    main()

"""Bare PyTorch on the rounds of `epsilon-bench training`: federated averaging without any framework around it.

PyTorch gets what is best for it on a processor: images with channels last, memory that is kept instead of being given back to the
system after every step, and besides threads inside its operations also one single-threaded process per core, as `epsilon-bench` has one
worker per core. Leaving these out made it up to 2.5 times slower, which says nothing about PyTorch.
"""

import multiprocessing
import os
import statistics
import time

from peer_table import duration, not_measured, print_table, short

CLIENTS, EXAMPLES, BATCH, CLASSES = 10, 200, 20, 62
CORES = min(2, os.cpu_count() or 1)
REPETITIONS, WARM_UPS = 5, 2
MODELS = ("emnist-conv", "emnist-dense", "emnist-logistic")


def make_model(torch, name):
    nn = torch.nn
    if name == "emnist-conv":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
            nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, CLASSES))
    if name == "emnist-dense":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, CLASSES))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))


def make_round(torch, name, clients):
    """A round of `clients` clients: each trains one epoch from the server's parameters, and the server moves to the mean of the results."""
    torch.manual_seed(1)
    model = make_model(torch, name).to(memory_format=torch.channels_last)
    features = [torch.rand(EXAMPLES, 1, 28, 28) for _ in range(clients)]
    labels = [torch.randint(0, CLASSES, (EXAMPLES,)) for _ in range(clients)]
    server = [parameter.detach().clone() for parameter in model.parameters()]
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def run():
        sums = [torch.zeros_like(parameter) for parameter in server]
        for client in range(clients):
            with torch.no_grad():
                for parameter, value in zip(model.parameters(), server):
                    parameter.copy_(value)
            order = torch.randperm(EXAMPLES)
            for start in range(0, EXAMPLES, BATCH):
                batch = order[start:start + BATCH]
                optimizer.zero_grad(set_to_none=True)
                loss_of(model(features[client][batch]), labels[client][batch]).backward()
                optimizer.step()
            with torch.no_grad():
                for total, value, parameter in zip(sums, server, model.parameters()):
                    total.add_(value - parameter)
        with torch.no_grad():
            for value, total in zip(server, sums):
                value.sub_(total, alpha=1 / clients)

    return run


def work(name, clients, threads, barrier, seconds):
    """One process's share of the rounds. All start and end a round together; the process that is given a queue times it."""
    import torch

    torch.set_num_threads(threads)
    run = make_round(torch, name, clients)
    for _ in range(WARM_UPS):
        run()
    for _ in range(REPETITIONS):
        barrier.wait()
        start = time.perf_counter()
        run()
        barrier.wait()
        if seconds is not None:
            seconds.put(time.perf_counter() - start)


def measure_rounds(name, processes, threads):
    """Wall seconds of each round, shortest first, with the clients divided over `processes`."""
    context = multiprocessing.get_context("spawn")
    barrier, seconds = context.Barrier(processes), context.Queue()
    children = [
        context.Process(target=work, args=(name, CLIENTS // processes, threads, barrier, None if index else seconds), daemon=True)
        for index in range(processes)
    ]
    for child in children:
        child.start()
    times = sorted(seconds.get(timeout=300) for _ in range(REPETITIONS))
    for child in children:
        child.join()
    return times


def main():
    try:
        import torch
    except Exception as error:  # Absent, or installed without a library that it loads.
        not_measured("training by PyTorch", f"{short(error)} (EPSILON_BENCH_TORCH=1 installs it, several gigabytes)")
        return
    # Read by the C library when a child starts.
    os.environ.update(MALLOC_MMAP_THRESHOLD_="1000000000", MALLOC_TRIM_THRESHOLD_="10000000000", MALLOC_TOP_PAD_="100000000")
    rows = []
    for processes, threads in dict.fromkeys([(CORES, 1), (1, CORES), (1, 1)]):
        for name in MODELS:
            try:
                seconds = measure_rounds(name, processes, threads)
            except Exception as error:  # A configuration that fails must not end the benchmark.
                not_measured(f"{name} by PyTorch with {processes} × {threads}", short(error))
                continue
            median, examples = statistics.median(seconds), CLIENTS * EXAMPLES
            rows.append(
                [name, f"{processes} × {threads}", f"{examples / median:,.0f}", f"{examples / seconds[-1]:,.0f}",
                 f"{examples / seconds[0]:,.0f}", duration(median)])
    print_table(
        f"Training, peer: bare PyTorch {torch.__version__}",
        ["model", "processes × threads", "examples/s (median)", "min", "max", "round (median)"], rows)


if __name__ == "__main__":
    main()

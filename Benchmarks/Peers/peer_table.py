"""What the peer scripts share: timing, the look of a table, and the line for a peer that is not there."""

import time


def measure(work, repetitions, warm_ups=1):
    """Wall seconds of each repetition of `work`, shortest first, and the last result."""
    for _ in range(warm_ups):
        result = work()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds), result


def duration(seconds):
    """A duration in the unit that suits it, with three significant digits."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def print_table(title, columns, rows):
    """Prints a Markdown table; the first column is text, the others are figures. Prints nothing without rows."""
    if not rows:
        return
    widths = [max(len(line[index]) for line in [columns, *rows]) for index in range(len(columns))]

    def line(cells):
        padded = [cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if index == 0 else "-" * max(1, width - 1) + ":" for index, width in enumerate(widths)]
    print(f"### {title}\n")
    print("\n".join([line(columns), line(rule), *(line(row) for row in rows)]))
    print(flush=True)


def not_measured(what, why):
    """Says in one line that a peer is missing."""
    print(f"not measured: {what}: {why}\n", flush=True)


def short(error):
    """The first line of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0]

"""Draws the contour figure of the article "How ε is computed" as SVG: needs numpy only.

python3 docs/figures/contour.py Sources/PrivacyAccounting/PrivacyAccounting.docc/Resources/contour.svg

Case: Poisson rate 0.01, noise multiplier 1, 1000 rounds, removal of a person; δ = 1e-5 at ε = 1.828237. The step of the points follows the rule
of `DirectedContour.period`, for a depth of 32 nats. The script checks that the sum of its points is δ to 1e-9.
"""

import sys

import numpy as np

RATE, SIGMA, ROUNDS, EPSILON, DELTA = 0.01, 1.0, 1000, 1.8282366665165768426, 1e-5

# The loss as trapezoidal nodes in x: E r^(1+z) for x from N(0, σ²).
x = np.arange(-10.0, 24.0, 0.05)
weight = 0.05 * np.exp(-x * x / (2 * SIGMA**2)) / (SIGMA * np.sqrt(2 * np.pi))
loss = np.log1p(RATE * np.expm1((2 * x - 1) / (2 * SIGMA**2)))


def cumulant(z):
    """K(z) = log E_P e^(zL) = log E r^(1+z), without the linear part, whose mean is 0."""
    z = np.atleast_1d(np.asarray(z, dtype=complex))
    linear = -np.expm1(loss)
    values = np.expm1(np.outer(1 + z, loss)) + np.outer(1 + z, linear)
    return np.log1p(values @ weight)


def log_integrand(z):
    """log of exp(ΣK(z) − zε)/(z(z+1))."""
    z = np.atleast_1d(np.asarray(z, dtype=complex))
    return ROUNDS * cumulant(z) - z * EPSILON - np.log(z * (z + 1))


def saddle():
    """The least point of the integrand on the positive real axis."""
    low, high = 0.5, 20.0
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if log_integrand(a)[0].real < log_integrand(b)[0].real:
            high = b
        else:
            low = a
    return 0.5 * (low + high)


def chernoff(c):
    """log of the bound δ(ε) ≤ exp(ΣK(c) − cε) c^c/(1+c)^(1+c)."""
    if c == 0:
        return 0.0
    return ROUNDS * cumulant(c)[0].real - c * EPSILON - c * np.log1p(1 / c) - np.log1p(c)


c = saddle()
depth, log_delta = 32.0, np.log(DELTA) - 1
below = min(max(0, chernoff(f * c) - log_delta + depth) / (c * (1 - f)) for f in (0, 0.2, 0.5, 0.8))
above = min(max(0, chernoff(f * c) - log_delta + depth) / (c * (f - 1)) for f in (1.005, 1.02, 1.05, 1.1, 1.2, 1.4, 2, 3, 5))
period = 1.1 * max(below, above)
step = 2 * np.pi / period
y = np.arange(0, 4000) * step
line = log_integrand(c + 1j * y)
modulus = line.real
count = int(np.nonzero(modulus > modulus[0] - 32)[0][-1]) + 1
total = np.exp(line).real.copy()
total[0] *= 0.5
delta = total[: 2 * count].sum() * step / np.pi
print(f"c = {c:.4f}, period Λ = {period:.3f}, step h = {step:.4f}, points {count}, height {y[count]:.1f}, sum = {delta:.12e}")
assert abs(delta / DELTA - 1) < 1e-9

# One panel: a frame with linear axes, in SVG.
parts = []
INK, GREY, BLUE, RED, GREEN = "#222222", "#8a8a8a", "#1f5fa8", "#b3261e", "#1b7f4b"


def text(px, py, words, size=13, colour=INK, anchor="middle", extra=""):
    parts.append(f'<text x="{px:.1f}" y="{py:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" {extra}>{words}</text>')


def segment(x1, y1, x2, y2, colour=GREY, width=1.0, extra=""):
    parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}" {extra}/>')


def dot(px, py, radius, colour, fill=None):
    parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius}" stroke="{colour}" fill="{fill or colour}"/>')


def curve(xs, ys, colour):
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')


class Panel:
    def __init__(self, left, width, xs, ys, title, xlabel, ylabel, xticks, yticks, yformat=str):
        self.left, self.width, self.top, self.height, self.xs, self.ys = left, width, 52, 300, xs, ys
        parts.append(f'<rect x="{left}" y="{self.top}" width="{width}" height="{self.height}" fill="none" stroke="{GREY}"/>')
        text(left + width / 2, self.top - 14, title, 14)
        text(left + width / 2, self.top + self.height + 40, xlabel)
        middle = self.top + self.height / 2
        text(left - (44 if left < 100 else 58), middle, ylabel, extra=f'transform="rotate(-90 {left - (44 if left < 100 else 58)} {middle})"')
        for tick in xticks:
            segment(self.x(tick), self.top + self.height, self.x(tick), self.top + self.height + 5)
            text(self.x(tick), self.top + self.height + 20, f"{tick:g}".replace("-", "−"), 12)
        for tick in yticks:
            segment(left - 5, self.y(tick), left, self.y(tick))
            text(left - 8, self.y(tick) + 4, yformat(tick).replace("-", "−"), 12, anchor="end")

    def x(self, value):
        return self.left + (value - self.xs[0]) / (self.xs[1] - self.xs[0]) * self.width

    def y(self, value):
        return self.top + (self.ys[1] - value) / (self.ys[1] - self.ys[0]) * self.height


def power(tick):
    return f"1e{tick:g}"


plane = Panel(70, 260, (-3, 12), (-4, 4), "the complex plane", "Re z", "Im z", [-1, 0, 3, 6, 9, 12], [-4, -2, 0, 2, 4], lambda t: f"{t:g}")
parts.append(
    f'<rect x="{plane.x(0):.1f}" y="{plane.top}" width="{plane.x(12) - plane.x(0):.1f}" height="{plane.height}" fill="{GREEN}" opacity="0.07"/>')
segment(plane.x(-3), plane.y(0), plane.x(12), plane.y(0))
segment(plane.x(0), plane.top, plane.x(0), plane.top + plane.height, GREY, 1, 'stroke-dasharray="3 3"')
segment(plane.x(c), plane.top, plane.x(c), plane.top + plane.height, BLUE, 1.4)
for k in range(-count, count + 1):
    if abs(k * step) < 4:
        dot(plane.x(c), plane.y(k * step), 2.0, BLUE)
for pole, label in ((-1, "−1"), (0, "0")):
    px, py = plane.x(pole), plane.y(0)
    segment(px - 5, py - 5, px + 5, py + 5, RED, 2)
    segment(px - 5, py + 5, px + 5, py - 5, RED, 2)
text(plane.x(-1.2), plane.y(0.45), "poles", 12, RED)
dot(plane.x(c), plane.y(0), 5, RED, "white")
text(plane.x(c) + 9, plane.y(0.25), f"c = {c:.2f}", 12, RED, "start")
text(plane.x(c) + 9, plane.y(3.3), "Re z = c", 12, BLUE, "start")
text(plane.x(0) + 8, plane.y(-3.7), "E e^(zL) is finite", 12, GREEN, "start")

real = np.linspace(0.35, 12, 300)
across = log_integrand(real).real / np.log(10)
low, high = -6, 1
across_panel = Panel(
    430, 240, (0, 12), (low, high), "modulus on the real axis: least at c", "z", "|integrand|", [0, 3, 6, 9, 12], range(-6, 2), power)
keep = (across > low) & (across < high)
curve([across_panel.x(v) for v in real[keep]], [across_panel.y(v) for v in across[keep]], GREY)
segment(across_panel.x(c), across_panel.top, across_panel.x(c), across_panel.top + across_panel.height, BLUE, 1, 'stroke-dasharray="3 3"')
dot(across_panel.x(c), across_panel.y(modulus[0] / np.log(10)), 5, RED, "white")

reach = float(np.ceil(y[count] / 5) * 5)
fine = np.linspace(0, reach, 500)
along = log_integrand(c + 1j * fine).real / np.log(10)
bottom = float(np.floor(along.min() / 2) * 2)
along_panel = Panel(
    770, 400, (0, reach), (bottom, 0), "modulus on the line Re z = c: greatest at c", "Im z", "|integrand|",
    list(np.arange(0, reach + 1, 5)), np.arange(bottom, 1, 4), power)
curve([along_panel.x(v) for v in fine], [along_panel.y(v) for v in along], GREY)
for k in range(count):
    dot(along_panel.x(k * step), along_panel.y(modulus[k] / np.log(10)), 1.8, BLUE)
dot(along_panel.x(0), along_panel.y(modulus[0] / np.log(10)), 5, RED, "white")
text(
    along_panel.left + along_panel.width / 2, along_panel.y(bottom) - 12,
    f"points every h = 2π/Λ = {step:.3f}; below 0 the mirror image", 12, BLUE)

with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 410" width="1200" height="410" ')
    out.write('font-family="Helvetica, Arial, DejaVu Sans, sans-serif"><rect width="1200" height="410" fill="white"/>\n')
    out.write("\n".join(parts) + "\n</svg>\n")

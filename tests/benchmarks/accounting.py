"""300 random settings: ε against a computation of its own, never below the truth, with the time that each call takes.

    python tests/benchmarks/accounting.py [settings]

The truth is bounded from below: exactly for a Gaussian in which everybody takes part, else by a convolution of losses
that are rounded down (less what its transform may round: a δ too small for it is left out there), and by one round
alone, whose δ has a closed form: more rounds never cost less.
"""

import math
import sys
import time

import numpy as np
from scipy import optimize, special

from fldp_lib.privacy import accounting, attacker
from fldp_lib.privacy.mechanisms import Gaussian, Laplace


def settings(count=300, seed=13):
    """Random (mechanism, rounds, rate, δ): δ 1e-15 … 0.1, q 1e-6 … 1, T 1 … 1e5, ε₁ 1e-6 … 1e4, all on logarithms."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        each, rate, delta = (float(10 ** draw.uniform(*ends)) for ends in ((-6, 4), (-6, 0), (-15, -1)))
        rounds = int(10 ** draw.uniform(0, 5))
        rate = 1.0 if draw.random() < 0.15 else rate
        if draw.random() < 0.5:
            yield Laplace(each, 1.0), rounds, rate, delta
        else:  # σ of one unsampled round that costs ε₁ at δ = 1e-5, by zCDP's formula
            rest = math.log(1e5)
            yield Gaussian(1 / (math.sqrt(2) * (math.sqrt(each + rest) - math.sqrt(rest))), 1.0), rounds, rate, delta


def _normal_delta(sigma, epsilon):
    """Balle & Wang 2018, by erfc and not by the package."""
    upper, lower = 0.5 / sigma - epsilon * sigma, -0.5 / sigma - epsilon * sigma
    inside, outside = special.log_ndtr(upper), epsilon + special.log_ndtr(lower)
    return math.exp(inside) * -math.expm1(min(outside - inside, 0.0))


def one_round(mechanism, rate, epsilon):
    """δ(ε) of one round, unit in against unit out: with q, P_q − e^ε·Q is q·(P − (1 + (e^ε − 1)/q)·Q)."""
    inner = math.log1p(math.expm1(epsilon) / rate) if epsilon < 300 else epsilon - math.log(rate)
    if isinstance(mechanism, Gaussian):
        return rate * _normal_delta(mechanism.noise_multiplier, inner)
    return rate * -math.expm1(min((inner - mechanism.epsilon) / 2, 0.0))


def truth(mechanism, rounds, rate, delta):
    """A lower bound of ε that shares nothing with the package."""
    gaussian = isinstance(mechanism, Gaussian)
    if gaussian and rate == 1:
        mechanism, rounds = Gaussian(mechanism.noise_multiplier / math.sqrt(rounds), 1.0), 1

    def excess(epsilon):
        return one_round(mechanism, rate, epsilon) - delta

    low = 0.0
    if excess(0.0) > 0:
        high = 1e-9
        while excess(high) > 0:
            high *= 2
        low = optimize.brentq(excess, 0, high, xtol=1e-300, rtol=1e-12)
    if rounds > 1:
        low = max(low, _optimistic(mechanism, rounds, rate, delta))
    return low * (1 - 1e-9)


def _optimistic(mechanism, rounds, rate, delta, cells=40_000, points=2**17):
    """Outputs merged into cells (post-processing), losses rounded down, convolved: nobody tells less apart than that."""
    doubt = 1e-12 + 2e-15 * rounds  # of a transform raised to such a power
    if delta < 100 * doubt:
        return 0.0
    gaussian = isinstance(mechanism, Gaussian)
    if gaussian:
        sigma = mechanism.noise_multiplier
        edges = np.r_[-np.inf, np.linspace(-12 * sigma, 1 + 12 * sigma, cells), np.inf]
        ins, outs = ((special.ndtr((edges - shift) / sigma), special.ndtr((shift - edges) / sigma)) for shift in (1, 0))
    else:
        each = mechanism.epsilon
        edges = np.r_[-np.inf, np.linspace(0, 1, cells), np.inf]
        ins, outs = (
            (np.where(z < 0, np.exp(-abs(z)) / 2, 1 - np.exp(-abs(z)) / 2),
             np.where(z < 0, 1 - np.exp(-abs(z)) / 2, np.exp(-abs(z)) / 2))
            for z in (each * (edges - shift) for shift in (1, 0))
        )  # fmt: skip
    inside, outside = (np.where(edges[1:] < 0.5, np.diff(low), -np.diff(high)) for low, high in (ins, outs))
    inside = rate * inside + (1 - rate) * outside
    kept = (inside > 1e-250) & (outside > 1e-250)
    if not kept.any():
        return 0.0
    inside, loss = inside[kept], np.log(inside[kept] / outside[kept])
    spread = math.sqrt(rounds * float(inside @ loss**2))
    middle = rounds * float(inside @ loss)
    reach = min(rounds * loss.max() - middle, 12 * spread + 40 * loss.max())
    reach = max(reach, min(middle - rounds * loss.min(), 12 * spread), 1e-12)
    step = 2.05 * reach / points
    down = np.floor(loss / step).astype(np.int64)
    centre = round(float(inside @ down))
    wave = np.fft.rfft(np.bincount((down - centre) % points, inside, points))
    total = np.roll(np.fft.irfft(wave**rounds, points), points // 2)
    losses = (np.arange(points) - points // 2 + rounds * centre) * step

    def excess(epsilon):
        above = losses > epsilon
        return float((total[above] * -np.expm1(epsilon - losses[above])).sum()) - delta - doubt

    return optimize.brentq(excess, 0, losses[-1]) if losses[-1] > 0 and excess(0.0) > 0 else 0.0


def main(count=300):
    print(f"{'setting':<48}{'truth ≥':>12}{'ε':>12}{'by':>6}{'over':>9}{'s':>6}{'attacker s':>11}")
    worst, slowest, below = 0.0, 0.0, 0
    for mechanism, rounds, rate, delta in settings(count):
        begin = time.perf_counter()
        found, name = accounting.tightest(mechanism, rounds, rate, delta)
        took = time.perf_counter() - begin
        attacker.of(mechanism, rounds, rate, delta)
        other = time.perf_counter() - begin - took
        real = truth(mechanism, rounds, rate, delta)
        level = getattr(mechanism, "noise_multiplier", None) or mechanism.epsilon
        over = found / real - 1 if real > 0 else math.nan
        text = f"{type(mechanism).__name__} {level:.3g}, T={rounds}, q={rate:.2g}, δ={delta:.1g}"
        mark = " BELOW" if found < real else ""
        print(f"{text:<48}{real:>12.5g}{found:>12.5g}{name:>6}{over:>9.1e}{took:>6.2f}{other:>11.2f}{mark}", flush=True)
        below, slowest, worst = below + (found < real), max(slowest, took, other), np.nanmax([worst, over])
    print(f"{count} settings: {below} below the truth, at most {worst:.2g} above its lower bound, slowest {slowest:.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

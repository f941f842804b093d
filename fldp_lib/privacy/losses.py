"""The privacy loss of a run, composed numerically: what every (ε, δ) and every attack on a sampled run is read from.

One round's loss lies on a grid (`laws`); rounds add their losses, so that the sum's law is a convolution, taken by Fourier
transform.

A transform's rounding errors are as large as 1e-16 everywhere, and δ may be smaller than that. So the law is tilted first,
by e^(θ·loss), to where its tail is: errors are then relative to the tail itself. Whatever falls outside the window, and the
rounding, is bounded and added: every δ here is an upper bound.

Not for direct use: nothing here checks its arguments.

Source: Koskela, Jälkö & Honkela 2020 (the transform); Abadi et al. 2016 and Mironov
    2017 (the moments that place the window).
"""

import math

import numpy as np

from .laws import Law
from .mechanisms import Gaussian

TAIL = 1e-13  # of the tilted law, outside the window
REACH = np.logspace(-6, 3, 64)  # tilts tried, in units of one over the loss's deviation


def _log_mean(log_mass, losses, tilts):
    """ln Σ mass·e^(tilt·loss), for each tilt: scipy's logsumexp to the bit, in a seventh of its time."""
    terms = np.multiply.outer(tilts, losses)
    terms += log_mass
    most = terms.max(axis=1)
    most = np.where(np.isfinite(most), most, 0.0)
    terms -= most[:, None]
    with np.errstate(divide="ignore", over="ignore"):
        return most + np.log(np.exp(terms, out=terms).sum(axis=1))


class Composed:
    """The loss of a run in one direction, tilted to where its tail at δ, or at ε, lies.

    Args:
        parts: tuples (mechanism, rate, rounds).
        add: as in `Law.on_grid`.
        delta, epsilon: one of them: what the law is to be sharp for. Elsewhere it is still an upper bound.
        size: points of the transform; None takes as many as the rounds ask for.
    """

    def __init__(self, parts, add, delta=None, epsilon=None, size=None):
        counts = [count for *_, count in parts]
        total = sum(counts)
        self.size = size or 2 ** (17 if total <= 1000 else 18)
        rest = min(1e-26, 1e-8 * (delta or 1.0) / total)
        laws = [Law(mechanism, rate, rest) for mechanism, rate, _ in parts]
        tilts, means = self._moments(laws, counts, add, None)
        rounding = self._rounding(total)
        at = self._tilt(tilts, means, delta, epsilon, rounding)
        between = np.linspace(tilts[at - 1], tilts[at + 1], 33)  # moments can grow steeply there
        tilts, means = self._moments(laws, counts, add, np.unique(np.concatenate([tilts, between])))
        at = self._tilt(tilts, means, delta, epsilon, rounding)
        self.tilt = float(tilts[at])
        low, under, high, over = self._window(tilts, means, at, laws, counts, add, delta)
        support = max(law.high - law.low for law in laws)
        least = 1e-12 * max(abs(low), abs(high)) / self.size  # so that the losses' own digits tell the points apart
        self.step = max(1.02 * (high - low) / (self.size - 8), support / min(2**18, 8 * self.size), least, 1e-290)
        jumps = [law.high for law in laws if law.rate == 1 and not isinstance(law.mechanism, Gaussian)]
        if jumps and jumps[0] > self.step:  # the point masses of a loss lie on the grid, and need no rounding
            self.step = jumps[0] / math.floor(jumps[0] / self.step)
        self.rounds = [self._one_round(law, add, np.array([self.tilt, under, over])) for law in laws]
        self.ends = (under, over)
        mean = sum(count * one[0] for count, one in zip(counts, self.rounds, strict=True))
        self.offset = math.floor(low / self.step) - 2 - mean
        self._sum(counts, self.offset)

    def _rounding(self, total):
        return 2e-15 * math.log2(self.size) * (total + 8)

    @staticmethod
    def _moments(laws, counts, add, tilts):
        """Tilts to try, ascending, and ln E e^(tilt·loss) of the run at each."""
        spread, cells = 0.0, []
        for law, count in zip(laws, counts, strict=True):
            inside, outside, loss = law.coarse
            mass, loss = (outside, -loss) if add else (inside, loss)
            spread += count * float(np.exp(mass) @ loss**2)
            cells.append((mass, loss, count))
        if tilts is None:
            tilts = np.concatenate([-REACH[::-1], [0.0], REACH]) / max(math.sqrt(spread), 1e-280)
        return tilts, sum(count * _log_mean(mass, loss, tilts) for mass, loss, count in cells)

    @staticmethod
    def _tilt(tilts, means, delta, epsilon, rounding):
        zero, usable = int(np.searchsorted(tilts, 0.0)), slice(int(np.searchsorted(tilts, 0.0)), -1)
        tilts, means = tilts[usable], means[usable]
        if delta is not None:
            if rounding + 2 * TAIL < 1e-5 * delta:
                return zero
            epsilon = np.min((means[1:] - math.log(delta)) / tilts[1:])
        reached = means - tilts * epsilon  # ln of Chernoff's bound of δ
        # The least tilt that loses no more than e^9 of the sharpness: a law tilted further can fall into two parts.
        return zero + int(np.flatnonzero(reached <= reached.min() + 9)[0])

    def _window(self, tilts, means, at, laws, counts, add, delta):
        """Where the tilted sum lies but for `TAIL` at either end, and the tilts that show it (Chernoff's bound)."""
        room = math.log(1 / TAIL)
        ends = sum(c * np.array([law.low, law.high]) for law, c in zip(laws, counts, strict=True))
        lowest, highest = -ends[::-1] if add else ends
        under = (means[at] - means[:at] - room) / (tilts[at] - tilts[:at])
        over = (means[at + 1 :] - means[at] + room) / (tilts[at + 1 :] - tilts[at])
        bottom, top = int(np.argmax(under)), int(np.argmin(over))
        if delta is not None:  # a tilted law can reach far beyond where the untilted one has any mass that counts
            plain = (means[at + 1 :] - math.log(1e-6 * delta)) / tilts[at + 1 :]
            if over[top] - under[bottom] > 5 * (np.min(plain) - under[bottom]):
                over, top = plain, int(np.argmin(plain))
        low, high = under[bottom], over[top]
        spare = 3 * sum(counts) / self.size * (min(high, highest) - max(low, lowest))  # ends move out on a grid
        return max(low, lowest - spare), tilts[bottom], min(high, highest + spare), tilts[at + 1 + top]

    def _one_round(self, law, add, tilts):
        """Mean index and span on the grid, ln E e^(tilt·loss), ln of the tilted law's transform, mass at infinity."""
        first, points, lost = law.on_grid(self.step, add)
        losses = (first + np.arange(len(points))) * self.step
        with np.errstate(divide="ignore"):
            log_points = np.log(points)
        means = _log_mean(log_points, losses, tilts)
        tilted = np.exp(log_points + tilts[0] * losses - means[0])
        middle = round(float(tilted @ np.arange(len(points))))  # so that the phase is small when raised to a power
        wave = np.fft.rfft(np.bincount((np.arange(len(points)) - middle) % self.size, tilted, self.size))
        with np.errstate(divide="ignore"):
            wave = np.log(np.abs(wave)) + 1j * np.angle(wave)
        return first + middle, (first, first + len(points) - 1), means, wave, lost

    def _sum(self, counts, offset):
        """Compose the rounds, so many of each part; the window starts `offset` points from the mean."""
        under, over = self.ends
        together = list(zip(counts, self.rounds, strict=True))
        wave = sum(count * one[3] for count, one in together)
        kept = wave.real > -80
        summed = np.zeros(len(wave), complex)
        summed[kept] = np.exp(wave[kept])
        summed = np.roll(np.fft.irfft(summed, self.size), -(offset % self.size))
        self.start = offset + sum(count * one[0] for count, one in together)
        self.losses = (self.start + np.arange(self.size)) * self.step
        self.log_scale, left, right = (float(sum(count * one[2][i] for count, one in together)) for i in range(3))
        self.infinite = sum(-math.expm1(count * math.log1p(-min(one[4], 0.5))) for count, one in together)
        self.slack = self._rounding(sum(counts))
        if sum(count * one[1][0] for count, one in together) < self.start:
            self.slack += math.exp(min(0.0, left - self.log_scale + (self.tilt - under) * self.losses[0]))
        if sum(count * one[1][1] for count, one in together) >= self.start + self.size:
            # Either way to say it: relative to the tilted law, or as a mass that may lie at infinity.
            tilted = right - self.log_scale - (over - self.tilt) * self.losses[-1]
            plain = right - over * self.losses[-1]
            if tilted < math.log(10 * TAIL):
                self.slack += math.exp(tilted)
            else:
                self.infinite += math.exp(min(0.0, plain))
        with np.errstate(divide="ignore"):
            weight = np.log(np.maximum(summed, 0.0)) + self.log_scale - self.tilt * self.losses
        self.points = np.exp(np.minimum(weight, 0.0))

    def again(self, rounds):
        """Return the law of a run of another number of rounds of the one part; sharp for numbers near its own."""
        import copy

        other = copy.copy(self)
        other._sum([rounds], self.offset)
        return other

    def delta(self, epsilon):
        """Return an upper bound of δ at ε, which may be negative."""
        at = int(np.searchsorted(self.losses, epsilon, side="right"))
        inner = -float((np.expm1(epsilon - self.losses[at:]) * self.points[at:]).sum())
        outer = self.slack * math.exp(min(self.log_scale - self.tilt * epsilon, 300.0))
        return min(inner + self.infinite + outer, 1.0)

    def epsilon(self, delta, at_least=0.0):
        """Return an upper bound of ε at δ, at least `at_least`; infinity where this law shows none."""
        over = lambda epsilon: math.log(max(self.delta(epsilon), 1e-320) / delta)  # noqa: E731
        low, high = at_least, max(float(self.losses[-1]), at_least)
        above, below, moved = over(low), over(high), ""
        if above <= 0:
            return low
        if below > 0:
            return math.inf
        while high - low > 1e-10 * high:  # the Illinois method; scipy's brentq would take half a second to load
            middle = min(max(high - below * (high - low) / (below - above), low + 1e-11 * high), high - 1e-11 * high)
            here = over(middle)
            if here > 0:
                low, above, below = middle, here, below / (2 if moved == "low" else 1)
                moved = "low"
            else:
                high, below, above = middle, here, above / (2 if moved == "high" else 1)
                moved = "high"
        return high

    def power(self, false_rate):
        """Return an upper bound of the true positive rate of any test with this false positive rate in (0, 1)."""
        with np.errstate(divide="ignore"):
            without = np.exp(np.minimum(np.log(self.points) - self.losses, 0.0))
        cut = int(np.searchsorted(-np.cumsum(without[::-1])[::-1], -false_rate))  # Neyman and Pearson's threshold
        tried = self.losses[max(cut - 2, 0) : cut + 2]
        return min(1.0, *(false_rate * math.exp(min(t, 300.0)) + self.delta(float(t)) for t in tried))

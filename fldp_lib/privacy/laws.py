"""One round's privacy loss: what a mechanism's output says for or against the unit, exactly and on a grid.

With the unit in, the output has the law P; without it, Q. The loss is ln P/Q of what was seen. On the grid both P and Q
keep their mass in every cell ("connect the dots"), which can only make the two laws easier to tell apart.

Not for direct use: nothing here checks its arguments.

Source: Doroshenko, Ghazi, Kamath, Kumar & Manurangsi 2022.
"""

import math

import numpy as np

from . import mechanisms


def log_cells(mechanism, edges):
    """Return ln of the mass of one unsampled release in cells of its loss.

    Args:
        mechanism: Laplace, Gaussian or RandomisedResponse, with noise.
        edges: ascending losses (cells + 1,); infinities allowed.

    Returns:
        Two arrays (cells,): with the unit in, and without. Atoms are not in it.
    """
    if isinstance(mechanism, mechanisms.RandomisedResponse):
        return np.full((2, len(edges) - 1), -np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if isinstance(mechanism, mechanisms.Gaussian):
            from scipy.special import log_ndtr  # a good part of a second, which no other mechanism needs

            sigma = float(mechanism.noise_multiplier)
            found = []
            for z in (sigma * edges - 0.5 / sigma, sigma * edges + 0.5 / sigma):
                right = z[:-1] > 0  # measured from the nearer tail, so that a small mass keeps its digits
                low, high = np.where(right, -z[1:], z[:-1]), np.where(right, -z[:-1], z[1:])
                top = log_ndtr(high)
                found.append(np.where(high > low, top + np.log(-np.expm1(log_ndtr(low) - top)), -np.inf))
            return np.nan_to_num(np.array(found), nan=-np.inf, neginf=-np.inf)
        each = float(mechanism.epsilon)
        half = np.clip(edges, -each, each) / 2
        width = np.log(-np.expm1(half[:-1] - half[1:])) - math.log(2) - each / 2
        return np.array([width + half[1:], width - half[:-1]])


def atoms(mechanism):
    """Return the losses of one unsampled release that have mass of their own: tuples (loss, ln P, ln Q)."""
    if isinstance(mechanism, mechanisms.Gaussian):
        return []
    each = float(mechanism.epsilon)
    if isinstance(mechanism, mechanisms.Laplace):
        return [(each, math.log(0.5), math.log(0.5) - each), (-each, math.log(0.5) - each, math.log(0.5))]
    rest = -each - math.log1p((mechanism.categories - 1) * math.exp(-each))  # of one wrong category
    found = [(each, rest + each, rest), (-each, rest, rest + each)]
    if mechanism.categories > 2:
        found.append((0.0, rest + math.log(mechanism.categories - 2), rest + math.log(mechanism.categories - 2)))
    return found


def sampled(rate, loss):
    """Return the loss of a release that the unit takes part in with probability `rate`, of an unsampled loss (…)."""
    if rate == 1:
        return loss
    with np.errstate(over="ignore"):
        small = np.log1p(rate * np.expm1(np.minimum(loss, 300.0)))
        return np.where(loss < 300, small, loss + math.log(rate))


def unsampled(rate, loss):
    """Return the inverse of `sampled`; minus infinity below its range."""
    if rate == 1:
        return loss
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.maximum(np.expm1(np.minimum(loss, 300.0)) / rate, -1.0)
        return np.where(loss < 300, np.log1p(ratio), loss - math.log(rate))


class Law:
    """One round: a mechanism and a sampling rate.

    Args:
        mechanism, rate: as in `accounting.epsilon`, with noise.
        rest: mass that may be left out at either end.
    """

    def __init__(self, mechanism, rate, rest):
        self.mechanism, self.rate = mechanism, float(rate)
        if isinstance(mechanism, mechanisms.Gaussian):
            from scipy.special import ndtri

            sigma = float(mechanism.noise_multiplier)
            reach = 0.5 / sigma**2 - ndtri(max(rest, 1e-300)) / sigma
            ends = np.linspace(-reach, reach, 1201)
        else:
            reach = float(mechanism.epsilon)
            near = np.geomspace(1e-4, 1, 200)
            ends = np.unique(np.concatenate([np.linspace(-1, 1, 601), near - 1, 1 - near])) * reach
        self.low, self.high = (float(sampled(self.rate, end)) for end in (ends[0], ends[-1]))
        self.coarse = self._coarse(ends)

    def masses(self, edges):
        """ln P and ln Q (cells,) each, in cells of the unsampled loss."""
        inside, outside = log_cells(self.mechanism, edges)
        return self._mixed(inside, outside), outside

    def _mixed(self, inside, outside):
        if self.rate == 1:
            return inside
        return np.logaddexp(math.log(self.rate) + inside, math.log1p(-self.rate) + outside)

    def _atoms(self):
        for loss, inside, outside in atoms(self.mechanism):
            yield float(sampled(self.rate, loss)), float(self._mixed(inside, outside)), outside

    def _coarse(self, ends):
        """A quick law that places the window: ln P, ln Q, loss."""
        inside, outside = self.masses(ends)
        with np.errstate(invalid="ignore"):
            loss = np.clip(inside - outside, sampled(self.rate, ends[:-1]), sampled(self.rate, ends[1:]))
        extra = np.array(list(self._atoms())).reshape(-1, 3)
        inside, outside = np.append(inside, extra[:, 1]), np.append(outside, extra[:, 2])
        kept = np.isfinite(inside) & np.isfinite(outside)
        return inside[kept], outside[kept], np.append(loss, extra[:, 0])[kept]

    def on_grid(self, step, add):
        """Return one round's loss on multiples of `step`, never easier to hide in than the true one.

        Args:
            step: of the grid, positive.
            add: False for the loss ln P/Q under P, True for ln Q/P under Q.

        Returns:
            Index of the first point, masses (points,), mass of an infinite loss.
        """
        first, last = math.floor(self.low / step) - 1, math.ceil(self.high / step) + 1
        losses = np.arange(first, last + 1) * step
        edges = unsampled(self.rate, losses)
        inside, outside = self.masses(np.concatenate([[-np.inf], edges, [np.inf]]))
        sure = 2e-15 * (2 + np.abs(inside) + np.abs(outside))[1:-1]  # rounding of the logarithms below
        mass, other, below = (outside, inside, -losses[1:]) if add else (inside, outside, losses[:-1])
        with np.errstate(invalid="ignore", over="ignore"):
            gap = -np.expm1(np.minimum(other[1:-1] + below - mass[1:-1], 0.0)) + sure
        share = np.clip(np.nan_to_num(gap, nan=1.0) / -math.expm1(-step), 0, 1)  # of a cell, for its upper end
        weight = np.exp(mass)
        points = np.zeros(len(losses))
        points[:-1] += weight[1:-1] * (share if add else 1 - share)
        points[1:] += weight[1:-1] * (1 - share if add else share)
        points[-1 if add else 0] += weight[-1 if add else 0]  # beyond the lower end of the loss: moved up to it
        for loss, p, q in self._atoms():
            cell = min(max(math.floor(loss / step + 1e-9), first), last - 1)
            loss, p, low = (-loss, q, -(cell + 1) * step) if add else (loss, p, cell * step)
            upper = min(max(-math.expm1(low - loss) + 1e-15, 0.0) / -math.expm1(-step), 1.0)
            points[cell - first + (0 if add else 1)] += math.exp(p) * upper
            points[cell - first + (1 if add else 0)] += math.exp(p) * (1 - upper)
        if add:
            return -last, points[::-1], float(weight[0])
        return first, points, float(weight[-1])

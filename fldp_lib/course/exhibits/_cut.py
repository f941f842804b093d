"""The three parties of notebook 24, and many split models trained at once: runs of `vertical.split.train` on one table.

All bottoms together are one layer with a mask: a run's network in one piece, which steps as the parties step. So five
draws of flipped labels, or of noise on what is sent, take little longer than one.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from ... import data
from ...privacy import mechanisms
from ...vertical import _actors, parties, protection, split

CALLED = {"size": "clinic", "texture": "hospital", "shape": "laboratory"}
ALL = tuple(sorted(CALLED.values()))
STEPS, LR, MOMENTUM, CUT, DRAWS, FEW = 30, 1.0, 0.9, 2, 5, 3
DELTA = 1e-5
KNOWN = 20  # patients whose diagnosis the clinic knows


@lru_cache(maxsize=8)
def three(seed=0):
    """Clinic, hospital and laboratory: the tumours' columns by what they measure; the hospital knows the diagnoses."""
    dealt = parties.deal(data.load("breast_cancer"), by="measure", labels="texture", seed=seed)
    return tuple(replace(party, name=CALLED[party.name]) for party in dealt)


@lru_cache(maxsize=8)
def tables(seed=0):
    """The common patients of all three, in a training and a test table."""
    held = three(seed)
    common = sorted(set.intersection(*(set(party.ids) for party in held)))
    return parties.align(held, common).halves(seed=seed)


@lru_cache(maxsize=64)
def table(patients=None, names=ALL, seed=0):
    """The first so many training patients' columns at some of the parties, and the test table of the same columns."""
    return tuple(_of(half, names, many) for half, many in zip(tables(seed), (patients, None), strict=True))


def _of(whole, names, patients):
    held = [place for place, name in enumerate(whole.names) if name in names]
    few = whole.rows(torch.arange(len(whole))[:patients])
    picked = [[each[place] for place in held] for each in (few.names, few.features, few.xs)]
    return parties.Aligned(*map(tuple, picked), few.y, few.ids, held.index(whole.holder))


def known_of(few):
    """Places of a few patients of either diagnosis, as many of the one as of the other."""
    ill, well = (torch.nonzero(few.y == label)[:, 0][: KNOWN // 2] for label in (1, 0))
    return torch.cat([ill, well])


@dataclass(frozen=True, eq=False)
class Many:
    """Several runs on one table.

    Args:
        names, holder, cut: as of the table and the runs.
        weights: W (columns × draws × all activations), b and v (draws × activations), c (draws,).
        errors: ∂loss/∂z of each patient's own loss (steps × n × draws).
        tops: v before each step (steps × draws × activations).
    """

    names: tuple
    holder: int
    cut: int
    weights: tuple
    errors: torch.Tensor = None
    tops: torch.Tensor = None

    def of(self, name):
        """A party's activations among all."""
        place = self.names.index(name)
        return slice(place * self.cut, (place + 1) * self.cut)

    def gradients(self, name, draw=0):
        """What a party got back in one of the runs (steps × n × cut)."""
        return self.errors[:, :, draw, None] * self.tops[:, None, draw, self.of(name)]

    def accuracy(self, test, noise=None):
        """Share of test patients guessed right in each run (draws,); `noise` as in `sent`."""
        h = self.sent(self.raw(torch.cat(test.xs, 1).double()), noise, "new patients", *test.ids)
        guessed = torch.einsum("nsa,sa->ns", h, self.weights[2]) + self.weights[3] > 0
        return (guessed == (test.y == 1)[:, None]).double().mean(0)

    def raw(self, x):
        """All activations (n × draws × activations) of columns (n × columns)."""
        weight, bias = self.weights[:2]
        return torch.tanh((x @ weight.flatten(1)).unflatten(1, weight.shape[1:]) + bias)

    def sent(self, raw, noise, *words):
        """Activations as they arrive: the feature parties' clipped and noisy, or their signs flipped now and then.

        Args:
            raw: from `raw`.
            noise: a `Gaussian`, a `RandomisedResponse` of signs, or None; each draw has its own.
            words: what the noise is drawn for.
        """
        raw = raw if noise is None else raw.clone()
        change = _actors.reported if isinstance(noise, mechanisms.RandomisedResponse) else lambda *of: _actors.noisy(*of)[0]
        for name in self.names[: self.holder] + self.names[self.holder + 1 :] if noise is not None else ():
            for draw in range(raw.shape[1]):
                drawn = _actors.stream(draw, name, *words)
                raw[:, draw, self.of(name)] = change(raw[:, draw, self.of(name)], noise, drawn)
        return raw


def together(table, labels=None, fixed=None, cut=CUT, draws=DRAWS):
    """The runs `split.train(table, STEPS, LR, MOMENTUM, cut, …, seed)` for the seeds 0 … draws − 1, all at once.

    Args:
        table: an `Aligned`.
        labels: a `RandomisedResponse`, or None.
        fixed: noise on activations that fixed bottoms send once: a `Gaussian` on random ones, a `RandomisedResponse` of the
            sign of the columns' mean; None trains the bottoms and sends as it is.
        cut: activations a party sends.
        draws: how many.
    """
    x, n = torch.cat(table.xs, 1).double(), len(table)
    mask = torch.block_diag(*(torch.ones(len(features), cut) for features in table.features)).double()
    begun = [split.beginning(table, cut, seed=seed) for seed in range(draws)]
    if isinstance(fixed, mechanisms.RandomisedResponse):
        begun = [([own if place == table.holder else _actors.average(len(own[0])) for place, own in enumerate(bottoms)], top)
                 for bottoms, top in begun]  # fmt: skip
    weight = torch.stack([torch.block_diag(*(w for w, _ in bottoms)) for bottoms, _ in begun], 1)
    bias = torch.stack([torch.cat([b for _, b in bottoms]) for bottoms, _ in begun])
    v, c = torch.stack([top[0] for _, top in begun]), torch.cat([top[1] for _, top in begun])
    y = torch.stack([table.y if labels is None else labels.randomise(table.y, _actors.stream(seed, "labels"))
                     for seed in range(draws)], 1).double()  # fmt: skip
    run = Many(table.names, table.holder, cut, (weight, bias, v, c))
    moves = torch.ones(mask.shape[1], dtype=torch.float64)
    if fixed is not None:  # only the holder's own bottom is trained
        moves = torch.zeros_like(moves)
        moves[run.of(table.names[table.holder])] = 1
        sent = run.sent(run.raw(x), fixed, "noise")
    mask, paces, errors, tops = (mask * moves)[:, None], [torch.zeros_like(each) for each in run.weights], [], []
    for _ in range(STEPS):
        h = run.raw(x)  # n × draws × activations
        joined = h if fixed is None else torch.where(moves > 0, h, sent)
        error = torch.sigmoid((joined * v).sum(2) + c) - y  # n × draws
        errors.append(error), tops.append(v.clone())
        d = error[..., None] * v * (1 - h.square()) * moves
        back = (x.T @ d.flatten(1)).unflatten(1, d.shape[1:]) * mask
        slopes = (back, d.sum(0), (joined * error[..., None]).sum(0), error.sum(0))
        for each, pace, slope in zip(run.weights, paces, slopes, strict=True):
            each.sub_(pace.mul_(MOMENTUM).add_(slope / n), alpha=LR)
    return replace(run, errors=torch.stack(errors), tops=torch.stack(tops))


@lru_cache(maxsize=256)
def flipped(epsilon, patients, names=ALL, draws=DRAWS):
    """Runs on labels flipped once with ε, or as they are (None)."""
    labels = None if epsilon is None else mechanisms.RandomisedResponse(epsilon)
    return together(table(patients, names)[0], labels, draws=draws)


@lru_cache(maxsize=256)
def right(epsilon, patients, names=ALL, draws=DRAWS):
    """Right of 100 new patients in each of the runs (draws,)."""
    return 100 * flipped(epsilon, patients, names, draws).accuracy(table(patients, names)[1])


@lru_cache(maxsize=256)
def once(epsilon, patients, cut):
    """Right of 100 new patients where fixed bottoms send activations once, with noise for a total ε (draws,)."""
    few, test = table(patients)
    noise = protection.guard(epsilon, DELTA, fixed=True, clip=0.5).messages
    return 100 * together(few, fixed=noise, cut=cut).accuracy(test, noise)


@lru_cache(maxsize=256)
def answered(epsilon, patients):
    """Right of 100 new patients where each party sends the sign of its columns' mean, flipped with ε (draws,)."""
    few, test = table(patients)
    flips = mechanisms.RandomisedResponse(epsilon)
    return 100 * together(few, fixed=flips, cut=1).accuracy(test, flips)


def by_one():
    """The share of diagnoses read off the first step's rows by whoever knows the first patient's alone, none flipped."""
    few, rows = table(311)[0], flipped(None, 311).gradients("clinic")[0]
    return float(((rows @ rows[0] > 0) == (few.y == few.y[0])).double().mean())

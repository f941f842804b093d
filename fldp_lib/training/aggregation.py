"""From the cohort's updates to one: mean, weighted mean, secure mean, median, trimmed mean, Krum, norm bounding.

An aggregator is called on updates (cohort × parameters) and the clients' sizes (cohort,). The linear ones also give each
client's weight by itself (`weigh`), so that `server.train` can stream clients through a running sum; the robust ones need
the whole matrix at once (cohort × parameters, in memory) and have `weigh = None`.
"""

import math
from dataclasses import dataclass

import torch

from .. import checks
from ..privacy import mechanisms
from .transport import secure


@dataclass(frozen=True)
class Mean:
    """Every client counts the same, an empty one too.

    Derived in: notebook 03.
    """

    bounded = True

    def weigh(self, sizes):
        """Return the weights (cohort,), all 1."""
        return torch.ones(sizes.shape, dtype=torch.float64, device=sizes.device)

    def __call__(self, updates, sizes=None):
        """Return the mean (parameters,) of the updates (cohort × parameters)."""
        return _rows(updates).mean(0)


@dataclass(frozen=True)
class WeightedMean:
    """Client k counts as n_k, its number of records; with a `cap`, as min(n_k, cap)/cap.

    Without a cap one client's weight has no bound, and no noise protects it: under a mechanism `train` asks for a cap. The
    capped weighted sum is then divided by the public number of clients, since the sum of the weights is private.

    Args:
        cap: the size from which a client counts fully, positive; None weighs by the size itself.

    Derived in: notebook 03 (n_k), notebook 05 (cap).
    Source: McMahan et al. 2017; McMahan, Ramage, Talwar & Zhang 2018 (cap).
    """

    cap: float | None = None

    def __post_init__(self):
        if self.cap is not None:
            checks.real("cap", self.cap, above=0)

    @property
    def bounded(self):
        """Whether no weight exceeds 1."""
        return self.cap is not None

    def weigh(self, sizes):
        """Return the weights (cohort,) for clients of the given sizes (cohort,)."""
        sizes = sizes.double()
        return sizes if self.cap is None else sizes.clamp(max=self.cap) / self.cap

    def __call__(self, updates, sizes):
        """Return the weighted mean (parameters,); zero if no client has any weight."""
        updates = _rows(updates)
        sizes = checks.finite("sizes", checks.tensor("sizes", sizes, (len(updates),), "double")).to(updates.device)
        if sizes.min() < 0:
            raise ValueError(f"sizes must be at least 0, got {float(sizes.min()):g}")
        weights = self.weigh(sizes).to(updates.dtype)
        return weights @ updates / weights.sum().clamp(min=torch.finfo(updates.dtype).tiny)


@dataclass(frozen=True)
class SecureMean:
    """The mean by secure aggregation: the server handles masked vectors only, and learns their sum.

    Runs the whole protocol of `secure` in every round, key agreement, secret sharing and signatures included, with
    identities made for that round: seconds for a hundred clients. With noise in shares (`at="shares"`) the sum is private,
    too, and no one ever holds a single update. Clipped updates are rounded towards zero before their noise (`settle`), so
    that none grows beyond its clip; rounding each noisy update to 2^(1−bits)·bound is not in the accounting, whose promise
    then stops before the last bit. With `integers.Skellam` it does not stop: updates and shares are whole numbers on the
    mechanism's grid, and what is added up here is what is priced.

    Args:
        bound: largest absolute value of an entry, noise included; positive. A larger one is an error, never clipped. None
            for `integers.Skellam` alone, whose grid takes the place of bound and bits.
        threshold: share of the clients that must survive, in [0.5, 1).
        bits: of one number, 2 … 40.

    Derived in: notebook 15.
    Source: Bonawitz et al. 2017.
    """

    bound: float | None = None
    threshold: float = 2 / 3
    bits: int = 24
    weigh = None
    hidden = True  # nobody sees an update: noise in shares makes sense

    def __post_init__(self):
        if self.bound is not None:
            checks.real("bound", self.bound, above=0)
        checks.whole("bits", self.bits, at_least=2, at_most=40)
        checks.real("threshold", self.threshold, at_least=0.5, below=1)

    def settle(self, updates):
        """Return clipped updates (cohort × parameters) rounded towards zero to what the field can hold, float64.

        No entry grows, so that no norm does. What is rounded to the nearest afterwards is the noise alone.
        """
        step = secure.step(self.bound, self.bits)
        return (updates.double() / step).trunc() * step

    def __call__(self, updates, sizes=None):
        """Return the mean (parameters,) of the updates (cohort × parameters), at least two."""
        updates = _rows(updates)
        if len(updates) < 2:
            raise ValueError(f"updates must be those of at least two clients, got {len(updates)}")
        coded = secure.to_field(updates.cpu().numpy(), self.bound, self.bits)
        total, _ = secure.aggregate(coded, self._enough(len(updates)))
        return torch.from_numpy(secure.from_field(total, self.bound, self.bits)).to(updates.device) / len(updates)

    def total(self, rows, modulus, least):
        """Return the sum of whole numbers (cohort × length), modulo a power of two, of at least so many clients."""
        enough = max(least, self._enough(len(rows)))
        return torch.from_numpy(secure.aggregate((rows % modulus).numpy(), enough, modulus=modulus)[0])

    def _enough(self, cohort):
        return math.floor(self.threshold * cohort) + 1


@dataclass(frozen=True)
class Median:
    """The middle value of each coordinate; of an even number, the mean of the two middle ones.

    Needs all updates at once: cohort × parameters in memory.

    Derived in: notebook 15.
    Source: Yin, Chen, Ramchandran & Bartlett 2018.
    """

    weigh = None

    def __call__(self, updates, sizes=None):
        """Return the coordinate-wise median (parameters,) of the updates (cohort × parameters)."""
        updates = _rows(updates)
        ordered, count = updates.sort(0).values, len(updates)
        return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


@dataclass(frozen=True)
class TrimmedMean:
    """The mean of each coordinate without its largest and its smallest values.

    Needs all updates at once: cohort × parameters in memory.

    Args:
        trim: share of the cohort left out at each end, in [0, 0.5).

    Derived in: notebook 15.
    Source: Yin, Chen, Ramchandran & Bartlett 2018.
    """

    trim: float = 0.1
    weigh = None

    def __post_init__(self):
        checks.real("trim", self.trim, at_least=0, below=0.5)

    def __call__(self, updates, sizes=None):
        """Return the trimmed mean (parameters,) of the updates (cohort × parameters)."""
        updates = _rows(updates)
        out = int(self.trim * len(updates))
        return updates.sort(0).values[out : len(updates) - out].mean(0)


@dataclass(frozen=True)
class Krum:
    """The mean of the updates that lie closest to their neighbours; with `keep` 1 the one update that does.

    An update's score is the sum of its squared distances to its n − f − 2 nearest others, n the cohort and f the number of
    attackers it is built for. Needs all updates at once: cohort × parameters in memory, and cohort² distances.

    Args:
        attackers: share f/n of the cohort it should bear, in [0, 0.5).
        keep: share of the cohort that is averaged (multi-Krum), in (0, 1]; None keeps one update (Krum).

    Derived in: notebook 15.
    Source: Blanchard, El Mhamdi, Guerraoui & Stainer 2017.
    """

    attackers: float = 0.2
    keep: float | None = None
    weigh = None

    def __post_init__(self):
        checks.real("attackers", self.attackers, at_least=0, below=0.5)
        if self.keep is not None:
            checks.real("keep", self.keep, above=0, at_most=1)

    def __call__(self, updates, sizes=None):
        """Return the mean (parameters,) of the best-scored updates (cohort × parameters)."""
        updates = _rows(updates)
        count = len(updates)
        near = max(1, count - math.ceil(self.attackers * count) - 2)
        squares = torch.cdist(updates, updates).square()  # cohort × cohort
        scores = squares.sort(1).values[:, 1 : near + 1].sum(1)  # the nearest is the update itself
        best = 1 if self.keep is None else max(1, round(self.keep * count))
        return updates[scores.argsort()[:best]].mean(0)


@dataclass(frozen=True)
class NormBound:
    """The mean of the updates, each scaled down to L2 norm `clip` at most: nobody pulls harder than the bound.

    Args:
        clip: positive.

    Derived in: notebook 15.
    Source: Sun, Kairouz, Suresh & McMahan 2019.
    """

    clip: float
    weigh = None

    def __post_init__(self):
        checks.real("clip", self.clip, above=0)

    def __call__(self, updates, sizes=None):
        """Return the mean (parameters,) of the clipped updates (cohort × parameters)."""
        return mechanisms.clip_rows(_rows(updates), self.clip)[0].mean(0)


mean = Mean()
weighted_mean = WeightedMean()
median = Median()
trimmed_mean = TrimmedMean()
krum = Krum()
multi_krum = Krum(keep=0.5)


def _rows(updates):
    updates = checks.tensor("updates", updates, ("cohort", "parameters"))
    if not len(updates):
        raise ValueError(f"updates must be those of a cohort of at least 1, got shape {tuple(updates.shape)}")
    return updates

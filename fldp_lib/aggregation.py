"""From the cohort's updates to one: mean, weighted mean, median, trimmed mean.

An aggregator is called on updates (cohort × parameters) and the clients' sizes (cohort,). The linear ones also give each
client's weight by itself (`weigh`), so that `server.train` can stream clients through a running sum; the robust ones need
the whole matrix at once (cohort × parameters, in memory) and have `weigh = None`.
"""

from dataclasses import dataclass

import torch

from . import checks


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
        weights = self.weigh(torch.as_tensor(sizes)).to(updates.dtype)
        if weights.shape != _rows(updates).shape[:1]:
            raise ValueError(f"sizes must have shape ({len(updates)},), got {tuple(weights.shape)}")
        return weights @ updates / weights.sum().clamp(min=torch.finfo(updates.dtype).tiny)


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
        ordered, count = _rows(updates).sort(0).values, len(updates)
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
        out = int(self.trim * len(_rows(updates)))
        return updates.sort(0).values[out : len(updates) - out].mean(0)


mean = Mean()
weighted_mean = WeightedMean()
median = Median()
trimmed_mean = TrimmedMean()


def _rows(updates):
    if updates.ndim != 2 or len(updates) == 0:
        raise ValueError(
            f"updates must have shape (cohort, parameters) with a cohort of at least 1, got {tuple(updates.shape)}"
        )
    return updates

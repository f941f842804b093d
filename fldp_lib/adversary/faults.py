"""Ten faults of private training, planted: each claims ε and keeps another promise, or none. For notebook 16 and its tests.

Each function releases a clipped sum (Laplace noise, one number or a few), many times over, for a data set with or without a
canary, and returns the score that an attacker would look at (runs,). The canary is the one that the fault is blind to.
Nothing here is to be used for anything but being caught.
"""

import functools
import math

import torch

from .. import checks
from ..privacy import mechanisms

CLIP, OTHERS = 4.0, 20  # the bound that is claimed, and the number of other clients, whose updates are 0


def _planted(fault):
    """The fault with its arguments checked: a positive ε, True or False, a number of runs, a generator."""

    @functools.wraps(fault)
    def checked(epsilon, present, runs, generator):
        epsilon = checks.real("epsilon", epsilon, above=0, infinite=True)
        present, runs = checks.flag("present", present), checks.whole("runs", runs, at_least=1, at_most=2**40)
        return fault(epsilon, present, runs, checks.generator("generator", generator))

    return checked


def _noise(epsilon, runs, generator, scale=1.0):
    return scale * mechanisms.Laplace(epsilon, CLIP).noise((runs,), generator)


@_planted
def honest(epsilon, present, runs, generator):
    """No fault: the canary's update is clipped, and the noise has scale C/ε."""
    return CLIP * present + _noise(epsilon, runs, generator)


@_planted
def wrong_scale(epsilon, present, runs, generator):
    """Noise of scale 1/ε, with the clip forgotten."""
    return CLIP * present + _noise(epsilon, runs, generator, 1 / CLIP)


@_planted
def halved_noise(epsilon, present, runs, generator):
    """Half the scale: an L1 sensitivity mistaken by a factor of two."""
    return CLIP * present + _noise(epsilon, runs, generator, 0.5)


@_planted
def no_clipping(epsilon, present, runs, generator):
    """An update five times as long as the bound, unclipped."""
    return 5 * CLIP * present + _noise(epsilon, runs, generator)


@_planted
def mean_clipped(epsilon, present, runs, generator):
    """The mean is clipped in place of each update, and noised as if a client could move it by C/n."""
    count = OTHERS + 1
    mean = torch.tensor(1e6 * present / count).clamp(-CLIP, CLIP)
    return mean + _noise(epsilon, runs, generator, 1 / count)


@_planted
def noise_dropped(epsilon, present, runs, generator):
    """The noise is drawn, and the clean sum is released."""
    _noise(epsilon, runs, generator)
    return torch.full((runs,), CLIP * present, dtype=torch.float64)


@_planted
def noise_reused(epsilon, present, runs, generator):
    """Two rounds of ε/2 each with one and the same draw; the canary sends C, then −C. The score is the difference."""
    noise = _noise(epsilon / 2, runs, generator)
    first, second = CLIP * present + noise, -CLIP * present + noise
    return first - second


@_planted
def unbounded_weight(epsilon, present, runs, generator):
    """Clipped updates are weighted by the number of records; the canary has fifty."""
    return 50 * CLIP * present + _noise(epsilon, runs, generator)


@_planted
def raw_biases(epsilon, present, runs, generator):
    """Weights are clipped and noised, biases are not; the canary moves a bias. The score is the released bias."""
    _noise(epsilon, runs, generator)
    return torch.full((runs,), 1.0 * present, dtype=torch.float64)


@_planted
def wrong_sampler(epsilon, present, runs, generator):
    """The noise is calibrated to a Poisson sample of one client in ten; everybody takes part in every round."""
    before = math.log1p(math.expm1(epsilon) / 0.1)  # what amplification would bring down to ε
    return CLIP * present + _noise(before, runs, generator)


@_planted
def fixed_seed(epsilon, present, runs, generator):
    """The noise has the seed 0 in every run, so that the attacker draws it himself and takes it off."""
    drawn = _noise(epsilon, runs, torch.Generator().manual_seed(0))
    known = _noise(epsilon, runs, torch.Generator().manual_seed(0))
    return CLIP * present + drawn - known


FAULTS = (wrong_scale, halved_noise, no_clipping, mean_clipped, noise_dropped, noise_reused, unbounded_weight, raw_biases,
          wrong_sampler, fixed_seed)  # fmt: skip

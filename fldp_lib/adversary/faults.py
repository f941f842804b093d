"""Faults of private training, planted: each claims ε and keeps another promise, or none. For notebook 16 and its tests.

Each function releases a clipped sum (Laplace noise, one number or a few), many times over, for a data set with or without a
canary, and returns the score that an attacker would look at (runs,). The canary is the one that the fault is blind to.

Two numbers go with each, as functions of the claimed ε. `true` is the ε that the program keeps over all neighbours: 20
clients, whatever they send, with and without a 21st who sends anything (replaced, for `wrong_neighbours`); infinite where no
ε holds for all of them. `pair` is the ε of the two data sets that are played, a lower bound of `true`, and equal to it but
where a larger canary always tells more. Both are for real numbers: the last bits of floating-point noise, `honest`'s too,
are apart (`last_bits`). Nothing here is to be used for anything but being caught.
"""

import functools
import math
from dataclasses import dataclass

import torch

from .. import checks
from ..privacy import mechanisms
from .floating import naive_laplace, reachable

CLIP, OTHERS = 4.0, 20  # the bound that is claimed, and the number of other clients, whose updates are 0 if not said


def _planted(true, pair=None):
    """Mark a fault with the ε it keeps and its pair's (functions of the claim, or factors); check what it is called with."""

    def mark(fault):
        @functools.wraps(fault)
        def checked(epsilon, present, runs, generator):
            epsilon = checks.real("epsilon", epsilon, above=0, infinite=True)
            present, runs = checks.flag("present", present), checks.whole("runs", runs, at_least=1, at_most=2**40)
            return fault(epsilon, present, runs, checks.generator("generator", generator))

        checked.true, checked.pair = _of_claim(true), _of_claim(true if pair is None else pair)
        return checked

    return mark


def _of_claim(kept):
    return kept if callable(kept) else lambda epsilon: kept * epsilon


def _noise(epsilon, runs, generator, scale=1.0):
    return scale * mechanisms.Laplace(epsilon, CLIP).noise((runs,), generator)


@_planted(1)
def honest(epsilon, present, runs, generator):
    """No fault: the canary's update is clipped, and the noise has scale C/ε."""
    return CLIP * present + _noise(epsilon, runs, generator)


@_planted(CLIP)
def wrong_scale(epsilon, present, runs, generator):
    """Noise of scale 1/ε, with the clip forgotten."""
    return CLIP * present + _noise(epsilon, runs, generator, 1 / CLIP)


@_planted(2)
def halved_noise(epsilon, present, runs, generator):
    """Half the scale: an L1 sensitivity mistaken by a factor of two."""
    return CLIP * present + _noise(epsilon, runs, generator, 0.5)


@_planted(math.inf, pair=5)
def no_clipping(epsilon, present, runs, generator):
    """No update is clipped; the canary's is five times as long as the bound, and nothing keeps it from being longer."""
    return 5 * CLIP * present + _noise(epsilon, runs, generator)


@_planted(2 * (OTHERS + 1))
def mean_clipped(epsilon, present, runs, generator):
    """The mean is clipped in place of each update, and noised as if a client could move it by C/n. The others send −C.

    The canary moves the mean from −C to C, further than which no clipped mean goes: 2C, where C/n is allowed for.
    """
    mean = (1e6 * present - OTHERS * CLIP) / (OTHERS + present)
    return min(max(mean, -CLIP), CLIP) + _noise(epsilon, runs, generator, 1 / (OTHERS + 1))


@_planted(math.inf)
def noise_dropped(epsilon, present, runs, generator):
    """The noise is drawn, and the clean sum is released."""
    _noise(epsilon, runs, generator)
    return torch.full((runs,), CLIP * present, dtype=torch.float64)


@_planted(math.inf)
def noise_reused(epsilon, present, runs, generator):
    """Two rounds of ε/2 each with one and the same draw; the canary sends C, then −C. The score is the difference."""
    noise = _noise(epsilon / 2, runs, generator)
    first, second = CLIP * present + noise, -CLIP * present + noise
    return first - second


@_planted(math.inf, pair=50)
def unbounded_weight(epsilon, present, runs, generator):
    """Clipped updates are weighted by the number of records; the canary has fifty, and nothing keeps it from having more."""
    return 50 * CLIP * present + _noise(epsilon, runs, generator)


@_planted(math.inf)
def raw_biases(epsilon, present, runs, generator):
    """Weights are clipped and noised, biases are not; the canary moves a bias. The score is the released bias."""
    _noise(epsilon, runs, generator)
    return torch.full((runs,), 1.0 * present, dtype=torch.float64)


def _unsampled(epsilon):
    """The ε that amplification by a rate of 0.1 would bring down to `epsilon`."""
    return epsilon + math.log((1 - 0.9 * math.exp(-epsilon)) / 0.1)


@_planted(_unsampled)
def wrong_sampler(epsilon, present, runs, generator):
    """The noise is calibrated to a Poisson sample of one client in ten; everybody takes part in every round."""
    return CLIP * present + _noise(_unsampled(epsilon), runs, generator)


@_planted(math.inf)
def fixed_seed(epsilon, present, runs, generator):
    """The noise has the seed 0 in every run, so that the attacker draws it himself and takes it off."""
    drawn = _noise(epsilon, runs, torch.Generator().manual_seed(0))
    known = _noise(epsilon, runs, torch.Generator().manual_seed(0))
    return CLIP * present + drawn - known


@_planted(2)
def cohort_divided(epsilon, present, runs, generator):
    """The sum is divided by those who took part, and noised as if a client could move it by C/n. The others send −C.

    With m others a client moves the mean from s/m to (s + x)/(m + 1), by |x − s/m|/(m + 1) ≤ 2C/(m + 1): here by 2C/n,
    with fewer others by more.
    """
    mean = (CLIP * present - OTHERS * CLIP) / (OTHERS + present)
    return mean + _noise(epsilon, runs, generator, 1 / (OTHERS + 1))


@_planted(2)
def wrong_neighbours(epsilon, present, runs, generator):
    """The promise is about a client who is replaced, the noise about one who comes or goes; the canary sends −C or C."""
    return (CLIP if present else -CLIP) + _noise(epsilon, runs, generator)


@_planted(math.inf)
def size_released(epsilon, present, runs, generator):
    """Beside the sum, how many clients there were: the divisor, say. The score is that number."""
    _noise(epsilon, runs, generator)
    return torch.full((runs,), float(OTHERS + present), dtype=torch.float64)


@_planted(math.inf)
def nan_passes(epsilon, present, runs, generator):
    """The canary's update is no number, which no comparison with a clip finds. The score: whether the sum is one."""
    update = torch.tensor(math.nan if present else 0.0).clamp(-CLIP, CLIP)
    return (update + _noise(epsilon, runs, generator)).isnan().double()


@_planted(2 * OTHERS - 3)
def cohort_centred(epsilon, present, runs, generator):
    """Updates are taken from the cohort's mean, as batch normalisation does, then clipped: the canary moves all of them.

    Take m numbers whose mean is 0. If one of them is clipped from below, the clipped sum is at most (m − 1)C − C; if none
    is, it is at most 0. So m others reach at most (m − 2)C, and m + 1 clients at least −(m − 1)C. Both are reached here:
    (2m − 3)C apart, which grows without end with m.
    """
    updates = torch.zeros(OTHERS + present, dtype=torch.float64)
    updates[0], updates[OTHERS:] = -1e3, 1e6
    return (updates - updates.mean()).clamp(-CLIP, CLIP).sum() + _noise(epsilon, runs, generator)


@_planted(math.inf)
def loss_printed(epsilon, present, runs, generator):
    """Beside the sum, the exact mean loss: the others' from 0.1 to 0.11, the canary's 5. The score is that loss."""
    others = 0.1 + 0.01 * torch.rand(runs, generator=generator, dtype=torch.float64)
    return others + 5.0 * present / (OTHERS + 1)


@_planted(math.inf)
def last_bits(epsilon, present, runs, generator):
    """Floating-point noise as textbooks draw it. The score: whether it can come from a sum of C, and not from one of 0."""
    if math.isinf(epsilon):
        return torch.full((runs,), float(present), dtype=torch.float64)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    outputs = naive_laplace(CLIP * present, CLIP / epsilon, runs, seed)
    telling = reachable(outputs, CLIP, CLIP / epsilon) & ~reachable(outputs, 0.0, CLIP / epsilon)
    return torch.as_tensor(telling).double()


@_planted(1 + 2.0**-23)
def rounded_clip(epsilon, present, runs, generator):
    """The clip is a bound but for the last bit of a float: C·(1 + 2⁻²³)."""
    return CLIP * (1 + 2.0**-23) * present + _noise(epsilon, runs, generator)


FAULTS = (wrong_scale, halved_noise, no_clipping, mean_clipped, noise_dropped, noise_reused, unbounded_weight, raw_biases,
          wrong_sampler, fixed_seed, cohort_divided, wrong_neighbours, size_released, nan_passes, cohort_centred,
          loss_printed, last_bits)  # fmt: skip


@dataclass(frozen=True)
class Pitfall:
    """One of the pitfalls that the authors of jax_privacy list, and the faults here that fall into it.

    Args:
        name: ours for it, short.
        severity: as listed: how much the formal guarantee is affected, not how likely harm is. "critical" (what is released
            does not keep the promise that was meant, though often a weaker one; no attacker is needed for that),
            "theoretical" (the promise can break, but only before an active attacker and under conditions that are largely
            theoretical today), "negligible" (a tiny bit more than ε is kept).
        faults: the functions above. What they keep is theirs, and no measure of the severity.
    """

    name: str
    severity: str
    faults: tuple


PITFALLS = (  # McKenna & McMahan 2026, "Common Pitfalls in DP Training", in jax_privacy's documentation
    Pitfall("division by the batch size", "critical", (cohort_divided, mean_clipped)),
    Pitfall("sensitivity alignment", "critical", (halved_noise, wrong_scale, no_clipping, unbounded_weight, raw_biases)),
    Pitfall("accounting and batch selection mismatch", "critical", (wrong_sampler,)),
    Pitfall("public and private metadata", "critical", (size_released,)),
    Pitfall("neighbouring relation", "critical", (wrong_neighbours,)),
    Pitfall("empty batches and non-finite gradients", "critical", (nan_passes,)),
    Pitfall("gradient accumulation", "critical", (noise_reused,)),
    Pitfall("operations across examples", "critical", (cohort_centred,)),
    Pitfall("auxiliary information", "critical", (loss_printed,)),
    Pitfall("randomness", "theoretical", (fixed_seed,)),
    Pitfall("floating-point robustness", "theoretical", (last_bits,)),
    Pitfall("finite-precision error", "negligible", (rounded_clip,)),
)

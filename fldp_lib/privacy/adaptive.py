"""A clip that follows the updates' norms, paid for within the round's own noise.

A fixed clip has to be guessed. Here it moves, round by round, towards a quantile of the norms, by the share of clients
whose update was short enough: one more number, released with noise of its own and used for the next round's clip.
"""

import math
from dataclasses import dataclass, replace

from .. import checks
from . import clipping, mechanisms


@dataclass(frozen=True)
class AdaptiveGaussian(mechanisms.Gaussian):
    """Gaussian noise at the server with a clip that follows a quantile of the updates' norms.

    A round releases two things: the clipped sum, with multiplier z₁, and the count of updates that were not clipped, in
    units of ±½, with noise of deviation `count_noise`. Who adds nothing to the sum adds nothing to the count: a client that
    is not there, one that has no data, one whose update is zero or was dropped. So a client moves the count by ½ at most,
    whatever it sends and in whichever way it is missing, and a client without data is one that was not drawn, as
    amplification by sampling needs. Both releases together cost exactly what one Gaussian of multiplier z does if
    z₁ = (z⁻² − (2·count_noise)⁻²)^(−½), and that is what is drawn.

    Args:
        noise_multiplier: z of the whole round, as in `Gaussian`; this is what `accounting` prices.
        clip: the first round's clip, from 1e-12 to 1e12, as all later ones.
        quantile: share of updates that the clip should leave as they are, in (0, 1).
        clip_lr: step of the clip on a logarithmic scale, positive.
        count_noise: deviation of the noise on the count, more than z/2; a twentieth of the expected cohort is usual.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 14.
    Source: Andrew, Thakkar, McMahan & Ramaswamy 2021, theorem 1 (a removed client is absent there; one whose zero update
        counted as short would move the count by 1).
    """

    quantile: float = 0.5
    clip_lr: float = 0.2
    count_noise: float = 10.0

    def __post_init__(self):
        super().__post_init__()
        checks.real("clip", self.clip, above=0)  # finite without noise, too
        for name, bounds in (
            ("quantile", {"above": 0, "below": 1}),
            ("clip_lr", {"above": 0}),
            ("count_noise", {"at_least": 0}),
        ):
            object.__setattr__(self, name, checks.real(name, getattr(self, name), **bounds))
        if self.private and self.count_noise <= self.noise_multiplier / 2:
            raise ValueError(
                f"count_noise must be more than half the noise multiplier, {self.noise_multiplier / 2:g}: the count alone "
                f"would cost more than the round may; got {self.count_noise:g}"
            )
        if self.at != "server" or self.unit != "client":
            raise ValueError(f"at must be 'server' and unit 'client' here, got {self.at!r} and {self.unit!r}")

    @property
    def sum_multiplier(self):
        """z₁: the noise multiplier of the clipped sum; 0 without noise."""
        if not self.private:
            return 0.0
        return self.noise_multiplier / math.sqrt(1 - (self.noise_multiplier / (2 * self.count_noise)) ** 2)


class Clipping:
    """The mechanism of each round of one run; the clip of an `AdaptiveGaussian` is its only state, or a stream's own.

    Args:
        mechanism: any mechanism, or a `correlated.Stream`; one that is not adaptive stays as it is.

    Derived in: notebook 14.
    """

    def __init__(self, mechanism):
        self.adaptive = mechanism if isinstance(mechanism, AdaptiveGaussian) else None
        self.mechanism = mechanism
        if self.adaptive:
            self.mechanism = mechanisms.Gaussian(mechanism.sum_multiplier, mechanism.clip)

    def restored(self, clip, noise):
        """Return the mechanism of the next round of a run that goes on from a clip, and from a state of correlated noise.

        Args:
            clip: the next round's.
            noise: a `correlated.Stream`'s state, None for any other mechanism.

        Raises:
            KeyError, TypeError, ValueError: the state is none of this run's noise.
        """
        if (noise is None) == hasattr(self.mechanism, "restored"):
            raise ValueError("noise")
        if noise is not None:
            return self.mechanism.restored(noise)
        return self.mechanism if clip == self.mechanism.clip else replace(self.mechanism, clip=clip)

    def adapt(self, unclipped, clipped, expected, generator):
        """Move an adaptive clip after a round, by the noised share of updates that were short enough.

        Args:
            unclipped, clipped: how many updates of the cohort were short enough, and how many were not; those that are zero
                or were dropped count as neither.
            expected: the expected cohort, sampling rate times clients, which is public.
            generator: draws the noise.

        Returns:
            The noised share.
        """
        plan = self.adaptive
        noise = float(mechanisms.gaussian_noise((), plan.count_noise, generator)) if plan.private else 0.0
        share = ((unclipped - clipped) / 2 + noise) / expected + 0.5
        step = max(-700.0, min(700.0, -plan.clip_lr * (share - plan.quantile)))  # loud noise on a small cohort: no overflow
        clip = max(clipping.SMALLEST, min(clipping.LARGEST, self.mechanism.clip * math.exp(step)))
        self.mechanism = mechanisms.Gaussian(plan.sum_multiplier, clip)
        return share

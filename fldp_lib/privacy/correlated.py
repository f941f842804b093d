"""Gaussian noise that knows what it added before: what one round adds, later rounds take away again, for the same ε.

    plan = Plan(rounds=200, lr=1.0, sampling_rate=1 / 20, sampler="cyclic", mechanism=Correlated(1.0, clip=1.0))

It takes no secret sampling: clients are dealt into groups that take turns, so that how often one takes part, and how far
apart, is known, and the whole run is priced as one Gaussian release.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import checks
from . import gaussians, mechanisms, participation, strategies


@dataclass(frozen=True)
class Correlated(mechanisms.Placed):
    """Gaussian noise at the server, correlated over the rounds by a strategy matrix C.

    The noise of a run is σ·clip·s·C⁻¹·Z: Z standard normal (rounds × parameters), σ the noise multiplier, s the sensitivity
    of C under the plan's participation. Releasing G + that, G the clipped sums, is releasing C·G + σ·clip·s·Z. Neighbours
    differ in one client, whose contributions are all there, or all zero: that moves C·G by clip·s at most. So the run is one
    Gaussian release of noise multiplier σ, in all its rounds together; its first t rounds are one of σ·s/s_t, s_t the
    sensitivity of C's first t rows. Sampling amplifies nothing here, and need not be secret.

    Args:
        noise_multiplier: σ, for the whole run, at least 0; 0 adds no noise.
        clip: L2 bound of one contribution, from 1e-12 to 1e12; infinite only without noise.
        strategy: "independent", "tree", "sqrt", "banded" or "optimised", see `strategies.strategy`.
        band: rounds that the noise of one is told by, itself among them, for "banded" and "optimised"; None takes as many as
            there are groups. The stream keeps one row less.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 20.
    Source: Denisov et al. 2022 (adaptive inputs); Choquette-Choo et al. 2023 (several participations, bands).
    """

    noise_multiplier: float
    clip: float
    strategy: str = "optimised"
    band: int | None = None
    at = "server"
    unit = "client"
    norm = 2
    private = mechanisms.Gaussian.private

    def __post_init__(self):
        object.__setattr__(self, "noise_multiplier", checks.real("noise_multiplier", self.noise_multiplier, at_least=0))
        checks.one_of("strategy", self.strategy, strategies.STRATEGIES)
        object.__setattr__(self, "band", strategies.check_band(self.strategy, self.band))
        self._check()

    @property
    def std(self):
        """σ·clip: the noise's deviation where the strategy's sensitivity is 1; a run's own is its `Stream`'s."""
        return self.noise_multiplier * self.clip if self.private else 0.0

    def fitted(self, rounds, separation):
        """Return the `strategies.Strategy` of so many rounds where a client comes back every `separation` rounds."""
        separation = checks.whole("separation", separation, at_least=1)
        wide = self.strategy in strategies.BANDED
        return strategies.strategy(self.strategy, rounds, (self.band or separation) if wide else None)

    def events(self, rounds, separation):
        """Return the noise multiplier of the one Gaussian release that the first t rounds are, for each t (rounds,).

        Args:
            rounds, separation: of the plan, at least 1; the noise is made for all of its rounds, whether or not they run.
        """
        prefixes = _prefixes(self.fitted(rounds, separation), separation)
        return self.noise_multiplier * (prefixes[-1] / prefixes)

    def event(self, rounds, separation, first=None):
        """Return what the `first` rounds are, None for all: a `mechanisms.Gaussian` that releases once; else as `events`."""
        events = self.events(rounds, separation)
        first = len(events) if first is None else checks.whole("first", first, at_least=1, at_most=len(events))
        return mechanisms.Gaussian(float(events[first - 1]), self.clip)

    def curve(self, rounds, separation, delta):
        """Return the ε at δ after each of the rounds (rounds,), exact; δ in (0, 1), other arguments as in `events`."""
        events, delta = self.events(rounds, separation), checks.real("delta", delta, above=0, below=1)
        return gaussians.gaussian_epsilon(1 / events, delta) if self.private else np.full(len(events), np.inf)

    def stream(self, rounds, separation):
        """Return the noise of a new run, as a `Stream`; arguments as in `events`."""
        return Stream(self, rounds, separation)


@lru_cache(maxsize=64)
def _prefixes(strategy, separation):
    return participation.cyclic(strategy, separation)


class Stream:
    """The noise of one run, row by row; to the round loop it is a mechanism.

    In memory are what the strategy's next step needs, band − 1 rows, and the row at hand.

    Args:
        mechanism: a `Correlated`.
        rounds, separation: of the plan.

    Derived in: notebook 20.
    """

    def __init__(self, mechanism, rounds, separation):
        checks.kind("mechanism", mechanism, Correlated, "a Correlated")
        self.mechanism, self.strategy = mechanism, mechanism.fitted(rounds, separation)
        self.at, self.unit, self.norm, self.clip = mechanism.at, mechanism.unit, mechanism.norm, mechanism.clip
        self.private, self.sensitivity = mechanism.private, mechanism.sensitivity
        self.scale = mechanism.std * float(_prefixes(self.strategy, separation)[-1]) if self.private else 0.0
        self.kept, self.drawn = [], 0

    def clip_rows(self, rows):
        """Clip in the mechanism's norm; see the function `clip_rows`."""
        return self.mechanism.clip_rows(rows)

    def noise(self, shape, generator):
        """Draw the next round's noise, float64.

        Raises:
            ValueError: the strategy's rounds are over, or the shape is another than before.
        """
        if self.drawn >= self.strategy.rounds:
            raise ValueError(f"rounds must be the {self.strategy.rounds} that the noise was made for, got one more")
        fresh = mechanisms.gaussian_noise(shape, self.scale, generator)
        if self.kept and self.kept[0].shape != fresh.shape:
            raise ValueError(f"shape must be that of the rounds before, {tuple(self.kept[0].shape)}, got {shape}")
        row = self.strategy.step(self.drawn, self.kept, fresh)
        self.drawn += 1
        return row

    @property
    def std(self):
        """Standard deviation of one coordinate of the noise drawn last; 0 before the first."""
        return self.scale * self.strategy.deviations[self.drawn - 1] if self.drawn else 0.0

    @property
    def state(self):
        """What a run goes on from: rounds drawn, rows kept, and the coefficients that they were made with."""
        return {"drawn": self.drawn, "kept": list(self.kept), "made": self._made}

    def restored(self, state):
        """Return a stream like this one that goes on from a state.

        Raises:
            KeyError, TypeError, ValueError: the state is none, or of another run's noise.
        """
        if state["made"] != self._made:
            raise ValueError("noise")
        other = Stream.__new__(Stream)
        other.__dict__ |= self.__dict__ | {"drawn": int(state["drawn"]), "kept": list(state["kept"])}
        return other

    @property
    def _made(self):
        return [self.scale, self.strategy.rounds, *map(float, np.asarray(self.strategy.coefficients))]

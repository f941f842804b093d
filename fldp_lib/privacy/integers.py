"""Noise in whole numbers: clipped vectors rounded on a grid, Skellam shares, sums modulo 2^bits, priced as released.

    plan = Plan(rounds=20, lr=1.0, mechanism=Skellam(noise_multiplier=1.0, clip=1.0, bits=16, answering=0.7))

Every client rotates its clipped vector (`training.transport.rounding`), divides it by the grid's step, rounds each number up
or down at random, again if the result is longer than the grid's bound, and adds a share of Skellam noise; the sum is taken
modulo 2^bits. What is released is the sum in whole numbers, and that is what is priced: nothing is rounded afterwards, and
whatever is computed from it, a wrapped number too, is post-processing.

The price is that of a Gaussian of the same multiplier, than which this noise is no easier to see through
(`skellam.step_mu`). What few bits cost is more noise, never more ε: a coarser grid makes rounded vectors longer.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from .. import checks
from . import mechanisms, skellam

WRAP = 1e-6  # probability, in one round, that any number of the sum wraps round: what the step is chosen for
MOST = 1.0 + 1e-12  # so that shares in floating point are never less than their part


@dataclass(frozen=True)
class Skellam(mechanisms.Gaussian):
    """Skellam noise in shares on a sum of rounded vectors, modulo 2^bits; at="shares", unit="client".

    Args:
        noise_multiplier: z, at least 0: the run is at least as private as with Gaussian noise of deviation z·clip, which is
            what `accounting` prices; the noise itself is a little larger (`grid`). 0 rounds and adds no noise.
        clip: L2 bound C of one contribution, from 1e-12 to 1e12.
        at: "shares".
        unit: "client".
        bits: of one number on its way and of the sum, 4 … 32.
        answering: share of the clients that must answer for a sum to be opened, in (0, 1]. Shares are sized for so many,
            rounded up: all that answer beyond add noise, and fewer must get no sum (the threshold of `secure`).

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 22.
    Source: Agarwal, Kairouz & Liu 2021 (Skellam shares); Kairouz, Liu & Steinke 2021 (rotation, conditional rounding,
        modular sums).
    """

    at: str = "shares"
    bits: int = 16
    answering: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        checks.real("clip", self.clip, above=0)  # finite without noise, too: the grid needs it
        if self.at != "shares" or self.unit != "client":
            raise ValueError(f"at must be 'shares' and unit 'client' here, got {self.at!r} and {self.unit!r}")
        object.__setattr__(self, "bits", checks.whole("bits", self.bits, at_least=4, at_most=32))
        object.__setattr__(self, "answering", checks.real("answering", self.answering, above=0, at_most=1))

    @property
    def trust(self):
        """Who is trusted with what, in words."""
        some = "" if self.answering == 1 else f" of at least {self.answering:.0%} of the clients"
        return f"distributed: the server sees only the noisy sum{some}, whole numbers of {self.bits} bits, every bit priced"

    def grid(self, parameters, clients, step=None):
        """Return the `Grid` on which so many clients send vectors of so many parameters.

        Args:
            parameters, clients: at least 1.
            step: in the units of the clip; None takes the shortest with which a number of the sum wraps round in a round
                with a probability of at most `WRAP`, whatever the vectors, chosen before the round's signs.

        Raises:
            TypeError, ValueError: too few bits for such a sum (the message says how many it takes), too short a step.
        """
        parameters = checks.whole("parameters", parameters, at_least=1, at_most=2**40)
        clients = checks.whole("clients", clients, at_least=1, at_most=2**40)
        if step is not None:
            step = checks.real("step", step, above=0) / self.clip
        return _grid(self.noise_multiplier, self.clip, self.bits, self.answering, parameters, clients, step)

    def noise(self, shape, generator):
        """Draw the noise of a release of one number, whatever the shape, in units of the clip: to audit the noise."""
        return self.share(shape, 1, generator)

    def share(self, shape, clients, generator):
        """Draw one client's share of the same; a run's own shares are `Grid.share_rows`."""
        grid = self.grid(1, clients)
        return grid.step * skellam.draw(shape, grid.share, generator).double()


@dataclass(frozen=True)
class Grid:
    """Where the vectors of one run lie, and the noise that they need there; lengths and variances are in steps.

    Attributes:
        step: distance of two numbers, in the units of the clip.
        norm2: bound of a rounded vector's squared L2 norm, a whole number.
        variance: of the noise on one number of the least sum that may be opened.
        share: of one client's share.
        clients, least, length: how many vectors there are, how many must answer, and their length, a power of two.
        bits: of one number.
        wrap: bound of the probability that any number of a sum of all clients wraps round, over the round's signs.
    """

    step: float
    norm2: int
    variance: float
    share: float
    clients: int
    least: int
    length: int
    bits: int
    wrap: float

    @property
    def modulus(self):
        """2^bits."""
        return 2**self.bits

    @property
    def std(self):
        """Deviation of the noise on one number of the sum where all answer, in the units of the clip."""
        return self.step * math.sqrt(self.clients * self.share)

    @property
    def bytes(self):
        """Bytes of one client's masked vector."""
        return math.ceil(self.length * self.bits / 8)

    def noise(self, generator, clients=None):
        """Draw the sum of so many clients' shares, None for all (length,), int64: one Skellam variable a number."""
        clients = self.clients if clients is None else checks.whole("clients", clients, at_least=0, at_most=self.clients)
        return skellam.draw((self.length,), clients * self.share, generator)

    def share_rows(self, count, generator):
        """Draw the shares of `count` clients (count × length), int64."""
        return skellam.draw_rows(checks.whole("count", count, at_least=0), (self.length,), self.share, generator)


@lru_cache(maxsize=256)
def _grid(noise, clip, bits, answering, parameters, clients, step):
    length = 1 << (parameters - 1).bit_length()
    least = max(1, math.ceil(answering * clients - 1e-9))
    step = step or _shortest(noise, bits, least, length, clients)
    norm2 = rounded_norm2(1 / step, length, clients)
    if (norm2 * noise**2 + 1) * clients / least > skellam.LARGEST:
        raise ValueError(f"step must be so long that the noise's deviation is at most 8192 steps, got {step * clip:g}")
    variance = needed_variance(noise, norm2)
    share = variance / least * MOST
    wrap = wrap_bound(1 / step, share * clients, length, clients, bits)
    return Grid(clip * step, norm2, variance, share, clients, least, length, bits, wrap)


def _shortest(noise, bits, least, length, clients):
    """The shortest step, in units of the clip, that holds the sum and whose noise can be drawn."""

    def tried(step):
        """Variance of the noise of all, and the bound of wrapping round."""
        variance = (rounded_norm2(1 / step, length, clients) * noise**2 + 1 / 3) * clients / least if noise else 0.0
        return variance, wrap_bound(1 / step, variance, length, clients, bits)

    low, high = 1e-9, 1e3
    most, wraps = tried(high)
    if wraps > WRAP:
        needed = next((b for b in range(bits + 1, 33) if wrap_bound(1 / high, most, length, clients, b) <= WRAP), None)
        more = f"at least {needed}" if needed else "more than this noise leaves room for"
        raise ValueError(
            f"bits must be {more} for a sum of {clients} vectors of {length} numbers with noise_multiplier {noise:g}, "
            f"got {bits}"
        )
    while high / low > 1 + 1e-9:
        middle = math.sqrt(low * high)
        variance, wraps = tried(middle)
        fits = wraps <= 0.999 * WRAP and variance <= skellam.LARGEST / 1.01
        low, high = (low, middle) if fits else (middle, high)
    return high


def rounded_norm2(norm, length, clients):
    """Return the bound that a rounded vector's squared norm is held to, a whole number.

    Of a vector of L2 norm `norm` whose numbers are rounded up or down at random, unbiased, the squared norm is below
    norm² + length/4 + √(2 ln(1/β))·(norm + √length/2) with probability 1 − β (Kairouz, Liu & Steinke 2021), and never above
    (norm + √length)². β is 1/(8·clients), so that hardly anybody rounds twice.

    Args:
        norm: in steps.
        length: of the vector.
        clients: how many round.
    """
    likely = norm**2 + length / 4 + math.sqrt(2 * math.log(8 * clients)) * (norm + math.sqrt(length) / 2)
    return math.floor(min(likely, (norm + math.sqrt(length)) ** 2))


def needed_variance(noise_multiplier, norm2):
    """Return the least variance of Skellam noise, in steps², that hides vectors of squared norm `norm2` as a Gaussian does.

    That is √norm2 · `skellam.step_mu` ≤ 1/noise_multiplier: about norm2·noise_multiplier² + 1/3.
    """
    if not noise_multiplier or not norm2:
        return 0.0
    variance = max(norm2 * noise_multiplier**2 + 1 / 3, 0.05)
    while (excess := math.sqrt(norm2) * noise_multiplier * skellam.step_mu(variance)) > 1:
        variance *= max(excess**2, 1 + 1e-9)
    return variance


def wrap_bound(norm, variance, length, clients, bits):
    """Return a bound of the probability that any number of a rotated, rounded and noised sum wraps round.

    Chernoff's: over the rotation's signs a number of the sum is sub-Gaussian of variance (clients·norm)²/length (Hoeffding),
    whatever the vectors; rounding adds clients/4, a factor e^(1/7) pays for rounding again; the noise's moments are known.

    Args:
        norm: of one vector, in steps.
        variance: of the noise of all clients.
        length, clients, bits: as in `Grid`.

    Derived in: notebook 22.
    """
    spread, edge = (clients * norm) ** 2 / length + clients / 4, 2.0 ** (bits - 1)
    low, high = 0.0, min(edge / spread, 700.0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if spread * middle + variance * math.sinh(middle) < edge else (low, middle)
    exponent = spread * low**2 / 2 + 2 * variance * math.sinh(low / 2) ** 2 - low * edge
    return min(1.0, 2 * length * math.exp(min(exponent + 1 / 7, 0.0)))

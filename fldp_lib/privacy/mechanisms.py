"""Clipping and calibrated noise: Laplace, Gaussian, randomised response.

A mechanism clips each contribution, then adds noise in one place, which is its trust model:

- `at="server"` (central): contributions are clipped and summed, and the server adds noise to the sum once. Unit: a
  client, add-or-remove; a clipped sum has sensitivity C.
- `at="client"` (local): each client adds noise to its own report. Unit: a client, replace-one; sensitivity 2C.
- `at="shares"` (distributed): every client adds a share, and only the sum, which carries the same noise as at the server,
  is seen. It takes secure aggregation, and clients who do not pool their shares.

`unit="record"` (with `at="client"`) protects a record inside a client: every record's gradient is clipped and every local
step gets noise (DP-SGD); add-or-remove one record, sensitivity C. A record that is not there counts as a zero gradient: how
many records a client has is public (the divisor is fixed by it).

The noise is simulated in floating point, which leaks (Mironov 2012): good for teaching and experiments, not for a release.
Shares in whole numbers, priced to the last bit, are `integers.Skellam`'s.
"""

import math
from dataclasses import dataclass

import torch

from .. import checks
from .clipping import check_clip, clip_rows
from .response import RandomisedResponse

__all__ = ["Gaussian", "Laplace", "RandomisedResponse", "client_rows", "clip_rows", "gaussian_noise", "laplace_noise"]

PLACES = ("server", "client", "shares")
UNITS = ("client", "record")
ADDED = "add or remove one client"
STREAM = 16  # clients are drawn, and chunked, in multiples of this


def client_rows(draw, clients, shape):
    """Draw one row a client, in multiples of 16 rows, and drop what is too many.

    torch fills normal variables in blocks of 16 and treats a shorter end apart. With whole blocks a client's noise does
    not depend on how many clients are drawn at once.

    Args:
        draw: maps a shape to noise of that shape.
        clients: number of rows.
        shape: of one row.

    Returns:
        Noise (clients × shape).
    """
    return draw((STREAM * math.ceil(clients / STREAM), *shape))[:clients]


def laplace_noise(shape, scale, generator):
    """Draw from Lap(0, scale): density exp(−|x|/scale)/(2·scale), standard deviation √2·scale.

    Args:
        shape: of the result.
        scale: b ≥ 0.
        generator: a `torch.Generator` on the CPU.

    Returns:
        Noise of the given shape, float64.

    Derived in: notebook 04.
    """
    shape, scale = checks.shape("shape", shape), checks.real("scale", scale, at_least=0)
    checks.generator("generator", generator)
    u = torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu").sub_(0.5)  # in [−½, ½)
    sign = u.sign()
    return u.abs_().clamp_(max=0.5 - 2**-54).mul_(-2).log1p_().mul_(sign).mul_(-scale)  # in place: millions at once


def gaussian_noise(shape, std, generator):
    """Draw from N(0, std²), as float64; arguments as in `laplace_noise`. Derived in: notebook 04."""
    shape, std = checks.shape("shape", shape), checks.real("std", std, at_least=0)
    checks.generator("generator", generator)
    return std * torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu")


@dataclass(frozen=True)
class Placed:
    """What all noise here has: a clip, a place and a unit."""

    def _check(self):
        checks.one_of("at", self.at, PLACES)
        checks.one_of("unit", self.unit, UNITS)
        if self.unit == "record" and self.at != "client":
            raise ValueError(
                f"at must be 'client' where unit='record' (noise is added in every local step), got {self.at!r}"
            )
        object.__setattr__(self, "clip", check_clip(self.clip))  # a Python float: a NumPy scalar's arithmetic wraps round
        if self.private and math.isinf(self.clip):
            raise ValueError("clip must be finite where noise is added: an unbounded contribution has no sensitivity")

    @property
    def sensitivity(self):
        """How far one unit can move what the noise is added to, in the mechanism's norm: C, or 2C for a local report."""
        return 2 * self.clip if self.at == "client" and self.unit == "client" else self.clip

    @property
    def adjacency(self):
        """The neighbouring relation, in words."""
        if self.unit == "record":
            return "add or remove one record of one client"
        return "replace one client's data" if self.at == "client" else ADDED

    @property
    def trust(self):
        """Who is trusted with what, in words."""
        if self.at == "client":
            return "local: the server sees each noisy report"
        if self.at == "shares":
            return "distributed: the server sees only the noisy sum"
        return "central: the server sees every update and is trusted"

    def clip_rows(self, rows):
        """Clip in this mechanism's norm; see the function `clip_rows`."""
        return clip_rows(rows, self.clip, self.norm)


class _Noise(Placed):
    """What Laplace and Gaussian share: each draw is independent of those before."""

    def noise_rows(self, count, shape, generator):
        """Draw the whole noise once for each of `count` clients (count × shape), float64."""
        count, shape = checks.whole("count", count, at_least=0, at_most=2**40), checks.shape("shape", shape)
        return client_rows(lambda rows: self.noise(rows, generator), count, shape)

    def share_rows(self, count, shape, clients, generator):
        """Draw the shares of `count` out of `clients` clients (count × shape), float64."""
        count, shape = checks.whole("count", count, at_least=0, at_most=2**40), checks.shape("shape", shape)
        return client_rows(lambda rows: self.share(rows, clients, generator), count, shape)


@dataclass(frozen=True)
class Laplace(_Noise):
    """Laplace noise of scale b = sensitivity/ε on each coordinate of an L1-clipped contribution.

    Args:
        epsilon: ε of one round, positive; infinity adds no noise.
        clip: L1 bound C of one contribution, from 1e-12 to 1e12; infinite only without noise.
        at: "server", "client" or "shares".
        unit: "client" or "record".

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 04 (mechanism), notebook 05 (places).
    Source: Dwork, McSherry, Nissim & Smith 2006; Kotz, Kozubowski & Podgórski 2001 (shares: the Laplace law is infinitely
        divisible into differences of Gamma(1/n) variables).
    """

    epsilon: float
    clip: float
    at: str = "server"
    unit: str = "client"
    norm = 1

    def __post_init__(self):
        object.__setattr__(self, "epsilon", checks.real("epsilon", self.epsilon, above=0, infinite=True))
        self._check()

    @property
    def private(self):
        """Whether there is any noise."""
        return self.epsilon < math.inf

    @property
    def scale(self):
        """b = sensitivity/ε; 0 without noise."""
        return self.sensitivity / self.epsilon if self.private else 0.0

    @property
    def std(self):
        """Standard deviation of one coordinate's noise: √2·b."""
        return math.sqrt(2) * self.scale

    def noise(self, shape, generator):
        """Draw the whole noise, float64."""
        return laplace_noise(shape, self.scale, generator)

    def share(self, shape, clients, generator):
        """Draw one client's share of the noise: the sum of `clients` independent shares is Lap(b). Float64."""
        clients, shape = checks.whole("clients", clients, at_least=1), checks.shape("shape", shape)
        checks.generator("generator", generator)
        shape_parameter = torch.full((*shape, 2), 1 / clients, dtype=torch.float64, device="cpu")
        gamma = torch._standard_gamma(shape_parameter, generator=generator)  # torch.distributions takes no generator
        return self.scale * (gamma[..., 0] - gamma[..., 1])


@dataclass(frozen=True)
class Gaussian(_Noise):
    """Gaussian noise of standard deviation noise_multiplier·sensitivity on each coordinate of an L2-clipped contribution.

    Args:
        noise_multiplier: standard deviation in units of the sensitivity, at least 0; 0 adds no noise.
        clip: L2 bound C of one contribution, from 1e-12 to 1e12; infinite only without noise.
        at: "server", "client" or "shares".
        unit: "client" or "record".

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 04 (mechanism), notebook 05 (places).
    Source: Dwork & Roth 2014, appendix A; Balle & Wang 2018 (exact δ); Abadi et al. 2016 (in training).
    """

    noise_multiplier: float
    clip: float
    at: str = "server"
    unit: str = "client"
    norm = 2

    def __post_init__(self):
        object.__setattr__(self, "noise_multiplier", checks.real("noise_multiplier", self.noise_multiplier, at_least=0))
        self._check()

    @property
    def private(self):
        """Whether there is any noise."""
        return self.noise_multiplier > 0

    @property
    def std(self):
        """Standard deviation of one coordinate's noise; 0 without noise."""
        return self.noise_multiplier * self.sensitivity if self.private else 0.0

    @property
    def scale(self):
        """The same as `std`: the scale parameter of a Gaussian."""
        return self.std

    def noise(self, shape, generator):
        """Draw the whole noise, float64."""
        return gaussian_noise(shape, self.std, generator)

    def share(self, shape, clients, generator):
        """Draw one client's share of the noise: the sum of `clients` independent shares has deviation `std`. Float64."""
        return gaussian_noise(shape, self.std / math.sqrt(checks.whole("clients", clients, at_least=1)), generator)

"""The same promise kept at three places: how far a category's share is off, locally, shuffled, centrally."""

import math
from dataclasses import dataclass

from .. import checks
from ..privacy import randomisers, shuffling
from .counting import _deviation


@dataclass(frozen=True)
class Arm:
    """One way to keep a promise.

    Attributes:
        place: "local", "shuffled" or "central".
        how: the report or the noise that does best there, by name.
        local_epsilon: ε₀ of a person's own report; infinity where the server sees the truth.
        rms: expected root mean square error of a category's estimated share.
        bits: bits a person sends.
    """

    place: str
    how: str
    local_epsilon: float
    rms: float
    bits: int


def compare(epsilon, delta, people, categories, share=0.0):
    """Return the best of each place at the same (ε, δ), replace-one: "local", "shuffled" and "central".

    Local: k-ary response, unary encoding, subset selection or projection, at ε (δ is not needed). Shuffled: k-ary response
    or projection, at the largest ε₀ whose shuffled reports are (ε, δ)-private; the shuffler is trusted to mix, and not to
    collude. Central: Laplace noise of scale 2/ε or Gaussian noise on every count; the server is trusted with all.

    Args:
        epsilon: ε of the release, in (0, 20].
        delta: δ, in [1e-10, 1).
        people: n, 2 to 10,000,000, public.
        categories: k, 2 to 1,000,000.
        share: the category's true share, in [0, 1].

    Returns:
        A dict of `Arm`.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    """
    epsilon = checks.real("epsilon", epsilon, above=0, at_most=20)
    delta = checks.real("delta", delta, at_least=1e-10, below=1)
    people = checks.whole("people", people, at_least=2, at_most=10**7)
    categories = checks.whole("categories", categories, at_least=2, at_most=10**6)
    share = checks.real("share", share, at_least=0, at_most=1)

    def arm(place, name, local):
        report = randomisers.ALL[name](local, categories)
        return Arm(place, name, local, math.sqrt(report.variance(people, share)), report.bits)

    def best(arms):
        return min(arms, key=lambda one: (one.rms, one.bits))

    mixed = [
        arm("shuffled", name, shuffling.local_epsilon(epsilon, people, delta, randomisers.ALL[name], categories))
        for name in ("k-RR", "projection")
    ]
    bits = math.ceil(math.log2(categories))
    laplace = Arm("central", "Laplace", math.inf, math.sqrt(8) / epsilon / people, bits)
    gaussian = Arm("central", "Gaussian", math.inf, math.sqrt(2) * _deviation(epsilon, delta) / people, bits)
    return {
        "local": best([arm("local", name, epsilon) for name in randomisers.ALL]),
        "shuffled": best(mixed),
        "central": best([laplace, gaussian]),
    }

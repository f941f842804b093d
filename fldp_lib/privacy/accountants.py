"""The accountants behind `accounting` and `attacker`: exact formulas, composed privacy losses, dp_accounting's RDP.

A run is a tuple of parts (mechanism, rate, rounds), as `accounting` prices them. Rounds of a Gaussian in which everybody
takes part are one Gaussian with μ = √(Σ rounds/σ²), exactly; pure ε adds up, exactly. All else is dp_accounting's privacy
loss distributions where those are sound and quick. For a δ near their rounding errors, thousands of rounds, wide losses, and
where a whole curve is asked for, it is `losses`, which the tests hold to dp_accounting's values.

Not for direct use: nothing here checks its arguments.
"""

import math
from functools import lru_cache

import numpy as np

from . import mechanisms
from .gaussians import gaussian_delta, gaussian_epsilon


def exact(part):
    """Whether a part is a Gaussian in which everybody takes part."""
    return isinstance(part[0], mechanisms.Gaussian) and part[1] == 1


def mu(parts):
    """Return μ of a run of such Gaussians alone (Dong, Roth & Su 2022), or None."""
    if not all(exact(part) for part in parts):
        return None
    return math.sqrt(sum(count / float(mechanism.noise_multiplier) ** 2 for mechanism, _, count in parts))


def pure(parts):
    """Return ε at δ = 0: amplified by sampling, added up; infinity with a Gaussian."""
    if any(isinstance(mechanism, mechanisms.Gaussian) for mechanism, *_ in parts):
        return math.inf
    from . import laws

    return sum(count * float(laws.sampled(rate, mechanism.epsilon)) for mechanism, rate, count in parts)


def directions(parts):
    """Which losses to look at: with the unit in or out; both tell the same where all rounds are alike in both."""
    return (False,) if all(rate == 1 for _, rate, _ in parts) else (False, True)


def merged(parts):
    """All exact Gaussians as one: fewer transforms."""
    gaussians, others = [part for part in parts if exact(part)], [part for part in parts if not exact(part)]
    if gaussians:
        others.append((mechanisms.Gaussian(1 / mu(gaussians), 1.0), 1.0, 1))
    return others


def suits_library(parts, delta):
    """Whether dp_accounting's PLD is sound and quick for a run: δ well above its rounding, few rounds, no wide loss."""
    if all(exact(part) for part in parts) or delta < 1e-11 or sum(count for *_, count in parts) > 1_000:
        return False
    if any(isinstance(mechanism, mechanisms.RandomisedResponse) and count > 1 for mechanism, _, count in parts):
        return False  # it takes a randomised response composed several times for a single one
    return sum(_width(*part) for part in parts) <= 120


def _width(mechanism, rate, rounds):
    """How wide the composed loss can get, roughly: dp_accounting's grid has 10,000 points in a unit of ε."""
    if isinstance(mechanism, mechanisms.Gaussian):
        each = 1 / float(mechanism.noise_multiplier)
        widest, square = rounds * each**2 / 2 + 10 * math.sqrt(rounds) * each, each**2
    else:
        each = float(mechanism.epsilon)
        widest, square = rounds * each, each
    spread = rounds * rate**2 * math.expm1(min(square, 700.0))  # bounds the variance of a sampled loss
    return min(widest, spread / 2 + 10 * math.sqrt(spread) + 10 * each)


def library_epsilon(parts, delta):
    """Return ε by dp_accounting's privacy loss distributions."""
    return float(accountant("pld", *parts[0], more=parts[1:]).get_epsilon(delta))


def composed_epsilon(parts, delta, size=None):
    """Return ε by the composed privacy loss, at δ > 0; infinity where it shows none."""
    if all(exact(part) for part in parts):
        return float(gaussian_epsilon(mu(parts), delta))
    from . import losses

    found = 0.0
    for add in directions(parts):
        if found < math.inf:
            found = losses.Composed(merged(parts), add, delta=delta, size=size).epsilon(delta, found)
    return found


def composed_delta(parts, epsilon):
    """Return δ at ε, by the exact Gaussian or the composed privacy loss."""
    if all(exact(part) for part in parts):
        return float(gaussian_delta(mu(parts), epsilon))
    if epsilon >= pure(parts):
        return 0.0
    from . import losses

    return max(losses.Composed(merged(parts), add, epsilon=epsilon).delta(epsilon) for add in directions(parts))


@lru_cache(maxsize=4096)
def tightest(parts, delta):
    """Return the least of the valid bounds, and its name: "pld", "rdp" or "basic".

    Args:
        parts: tuples (mechanism, rate, rounds), with noise.
        delta: δ in [0, 1).
    """
    added = pure(parts)
    if delta == 0:
        return added, "basic"
    found = library_epsilon(parts, delta) if suits_library(parts, delta) else composed_epsilon(parts, delta)
    if added <= found < math.inf or math.isinf(found) > math.isinf(added):
        return added, "basic"
    if math.isinf(found) and has_rdp(parts):  # a loss too wide for any grid
        return rdp_epsilon(parts, delta), "rdp"
    return found, "pld"


def has_rdp(parts):
    """Whether dp_accounting has the Rényi divergence of every part: not of a sampled Laplace mechanism."""
    return not any(rate < 1 and isinstance(mechanism, mechanisms.Laplace) for mechanism, rate, _ in parts)


def rdp_epsilon(parts, delta):
    """Return ε by dp_accounting's Rényi accountant."""
    return float(accountant("rdp", *parts[0], more=parts[1:]).get_epsilon(delta))


@lru_cache(maxsize=4096)
def epsilon(mechanism, rate, rounds, delta, method):
    """Return the total ε of a run of one mechanism.

    Args:
        mechanism: a mechanism with noise.
        rate: probability that a unit takes part in a round, in (0, 1].
        rounds: number of releases, at least 0.
        delta: δ in [0, 1).
        method: as in `accounting.epsilon`.
    """
    if rounds == 0:
        return 0.0
    parts = ((mechanism, rate, rounds),)
    if delta == 0 or method == "pld":
        return tightest(parts, delta)[0]
    if method == "rdp":
        return rdp_epsilon(parts, delta)
    gaussian = isinstance(mechanism, mechanisms.Gaussian)
    if method == "basic":
        return rounds * tightest(((mechanism, rate, 1),), delta / rounds if gaussian else 0.0)[0]
    # Half of δ for the composition, half for the rounds; a pure ε needs none for the rounds.
    each = tightest(((mechanism, rate, 1),), delta / (2 * rounds) if gaussian else 0.0)[0]
    slack = delta / 2 if gaussian else delta
    growth = math.expm1(each) if each < 700 else math.inf
    return math.sqrt(2 * rounds * math.log(1 / slack)) * each + rounds * each * growth


def accountant(method, mechanism, rate, rounds, more=()):
    """Return a dp_accounting accountant that has composed the run: `"rdp"`, or `"pld"` on dp_accounting's own grid."""
    import dp_accounting

    relation = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    if isinstance(mechanism, mechanisms.RandomisedResponse):
        relation = dp_accounting.NeighboringRelation.REPLACE_ONE
    if method == "rdp":
        accountant = dp_accounting.rdp.RdpAccountant(neighboring_relation=relation)
    else:
        accountant = dp_accounting.pld.PLDAccountant(relation)
    for part, part_rate, count in ((mechanism, rate, rounds), *more):
        accountant.compose(_event(part, part_rate), count)
    return accountant


def _event(mechanism, rate):
    import dp_accounting

    if isinstance(mechanism, mechanisms.RandomisedResponse):
        lie = (1 - mechanism.keep) * mechanism.categories / (mechanism.categories - 1)  # as a uniform redraw
        return dp_accounting.RandomizedResponseDpEvent(lie, mechanism.categories)
    if isinstance(mechanism, mechanisms.Gaussian):
        event = dp_accounting.GaussianDpEvent(mechanism.noise_multiplier)
    else:
        event = dp_accounting.LaplaceDpEvent(1 / mechanism.epsilon)
    return event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event)


@lru_cache(maxsize=256)
def curve(mechanism, rate, rounds, delta):
    """Return ε after each of 1 … `rounds` rounds, an array (rounds,) that nobody may write to; as `accounting.curve`."""
    parts, after = ((mechanism, rate, rounds),), np.arange(1, rounds + 1)
    added = pure(((mechanism, rate, 1),)) * after if not isinstance(mechanism, mechanisms.Gaussian) else np.inf
    if delta == 0:
        found = np.broadcast_to(added, (rounds,)).astype(float)
    elif exact(parts[0]):
        found = gaussian_epsilon(np.sqrt(after) / float(mechanism.noise_multiplier), delta)
    else:
        from . import losses

        chosen = after if rounds <= 128 else np.unique(np.r_[after[:32], np.geomspace(32, rounds, 65).round().astype(int)])
        values, top = [], None
        for count in chosen[::-1]:
            if top is None or count < 0.6 * top:  # one window serves until there are little more than half the rounds
                top, size = count, 2**14 if count <= 256 else 2**15
                run = [(mechanism, rate, int(count))]
                both = [losses.Composed(run, add, delta=delta, size=size) for add in directions(parts)]
            value = 0.0
            for law in both:
                value = law.again(int(count)).epsilon(delta, value)
            values.append(value)
        found = np.array(values[::-1])[np.searchsorted(chosen, after)]  # in between: that of the next one computed
        found = np.minimum(found, added)
        found[-1] = tightest(parts, delta)[0]
        found = np.minimum.accumulate(found[::-1])[::-1]  # what costs so much after t rounds costs no more before
    found.flags.writeable = False
    return found

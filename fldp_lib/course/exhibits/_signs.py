"""What notebook 23 stands on: a table of which sign follows which, released once for a total ε; what it has of a secret."""

from functools import lru_cache

import numpy as np

from ...adversary import canaries
from ...data import plays
from ...privacy import accounting, attacker, mechanisms

SIGNS = len(plays.ALPHABET)
CLIP, DELTA = 20.0, 1e-4  # of a role's counts as one vector; below one over 800


@lru_cache(maxsize=1)
def order():
    """The roles, shuffled once: the first N of them are a federation of N people."""
    everyone = plays.roles()
    return tuple(everyone[k] for k in np.random.default_rng(23).permutation(len(everyone)))


def split(role):
    """The signs of a role's earlier and later text, as codes."""
    codes = plays.encode(role.text).numpy()
    end = len(codes) - round(plays.LATER * len(codes))
    return codes[:end], codes[end - 2 :]


def cells(codes, back):
    """Which cell of the table each sign falls into, (signs − back,): the code of what stands before it, then its own."""
    before = codes[:-1] if back == 1 else codes[:-2] * SIGNS + codes[1:-1]
    return before * SIGNS + codes[back:]


def counted(roles, back):
    """Each role's counts as one sparse vector clipped to `CLIP`: role numbers, cells, values, all (entries,)."""
    who, where, much = [], [], []
    for number, role in enumerate(roles):
        at, times = np.unique(cells(split(role)[0], back), return_counts=True)
        who.append(np.full(len(at), number)), where.append(at)
        much.append(times * min(1.0, CLIP / np.linalg.norm(times)))
    return np.concatenate(who), np.concatenate(where), np.concatenate(much)


@lru_cache(maxsize=2)
def _everyone(back):
    return counted(order(), back)


@lru_cache(maxsize=2)
def _tests(back):
    """Cells of all roles' later signs: what stands before them, and the sign."""
    found = np.concatenate([cells(split(role)[1][2 - back :], back) for role in order()])
    return found // SIGNS, found % SIGNS


@lru_cache(maxsize=512)
def noise(epsilon):
    """The noise's deviation in units of the clip for one release."""
    return accounting.calibrate("gaussian", epsilon, DELTA).noise_multiplier


@lru_cache(maxsize=512)
def guesser(epsilon):
    """What an attacker can do against one such release."""
    return attacker.of(mechanisms.Gaussian(noise(epsilon), clip=CLIP), delta=DELTA)


def released(sums, epsilon, seed=0):
    """The summed counts with noise for a total ε (None: without) as a table (before × 35), nothing in it below zero."""
    if epsilon is not None:
        sums = sums + np.random.default_rng(seed).normal(0, noise(epsilon) * CLIP, len(sums))
    return np.maximum(sums, 0).reshape(-1, SIGNS)


@lru_cache(maxsize=256)
def table(people, epsilon, back, seed=0):
    """The table of the first so many people."""
    who, where, much = _everyone(back)
    inside = who < people
    sums = np.bincount(where[inside], much[inside], SIGNS ** (back + 1))
    return released(sums, epsilon, seed)


def right(found, back):
    """Share of all 800 roles' later signs that the likeliest follower in the table is."""
    before, sign = _tests(back)
    return float((found.argmax(1)[before] == sign).mean())


def chances(found, beginning):
    """Probabilities of the next sign after a beginning (35,); even where the table holds nothing."""
    back = 1 if len(found) == SIGNS else 2
    number = 0
    for code in plays.encode((" " * back + beginning)[-back:]).tolist():
        number = number * SIGNS + code
    row = found[number]
    return row / row.sum() if row.sum() > 0 else np.full(SIGNS, 1 / SIGNS)


def goes_on(found, beginning, signs=12):
    """The beginning, continued by the likeliest sign again and again."""
    text = beginning
    for _sign in range(signs):
        text += plays.ALPHABET[int(chances(found, text).argmax())]
    return text


# Secrets -----------------------------------------------------------------------------------------------------------------

COUNT = 20


@lru_cache(maxsize=64)
def planted(people, repeats, seed=0):
    """The first so many people with 20 canaries among them: summed clipped counts of two letters back, and the canaries."""
    changed, secrets = canaries.plant(order()[:people], COUNT, 3, repeats, seed=seed)
    who, where, much = _everyone(2)
    inside = (who < people) & ~np.isin(who, [c.owner for c in secrets])
    sums = np.bincount(where[inside], much[inside], SIGNS**3)
    _who, where, much = counted([changed[c.owner] for c in secrets], 2)
    return sums + np.bincount(where, much, SIGNS**3), secrets


def scores(found):
    """Log-likelihoods of all secrets of three letters after "my word is " in a table of two letters back (17,576,)."""
    logs = np.log((found + 0.01) / (found + 0.01).sum(1, keepdims=True)).reshape(SIGNS, SIGNS, SIGNS)
    s, space = plays.encode("s ").tolist()
    first, second, third = logs[s, space][1:27], logs[space][1:27, 1:27], logs[1:27, 1:27, 1:27]
    return (first[:, None, None] + second[:, :, None] + third).ravel()


@lru_cache(maxsize=256)
def exposures(people, repeats, epsilon, seed=0, draw=0):
    """Bits of exposure of 20 secrets in the table of so many people (20,); `draw` is of the noise."""
    sums, secrets = planted(people, repeats, seed)
    return canaries.exposure(scores(released(sums, epsilon, 100 + seed + 1000 * draw)), secrets)


@lru_cache(maxsize=64)
def unsaid(people, seed=0):
    """Bits of exposure of the same secrets in the same people's table, without noise, where nobody says them (20,)."""
    _sums, secrets = planted(people, 1, seed)
    return canaries.exposure(scores(table(people, None, 2)), secrets)


def at_most(bits, mu):
    """The probability that a canary reaches so many bits under Gaussian privacy μ; None: no promise."""
    if mu is None:
        return np.ones(len(np.atleast_1d(bits)))
    from scipy.special import ndtr, ndtri

    return ndtr(ndtri(2.0 ** -np.atleast_1d(bits)) + mu)

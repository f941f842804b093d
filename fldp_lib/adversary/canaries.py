"""Canaries in a text: secrets that somebody says, and how much a model of the next sign has of them, by rank.

A canary is "my word is" and a random secret, planted in one person's text. All secrets of that form, such as 26³ = 17,576
words of three letters, are ordered by how probable the model finds them; a model that knows nothing of the one that was
planted gives it a place drawn evenly. **Exposure** is log₂ of how many there are less log₂ of its place: 14.1 bits for the
first place, and at least t bits with probability 2^−t at most where nothing is known.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..data import plays
from ..privacy import accountants, pricing
from ..training import models
from ..training.plan import Plan

PREFIX = "my word is "
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST = 10**6  # secrets that are ordered one by one


@dataclass(frozen=True)
class Canary:
    """A secret, the number of the role that says it, from 0, and how often it does."""

    secret: str
    owner: int
    repeats: int


def plant(roles, count=20, length=3, repeats=8, letters=LETTERS, prefix=PREFIX, seed=0):
    """Return the roles with a canary each in some of their texts, and the canaries.

    A sentence such as "my word is qxz." takes the place of as many signs, at even distances in what comes before the last
    fifth; so a text keeps its length.

    Args:
        roles: a list of `plays.Role`.
        count: of canaries, each in another role's text, 1 … roles; secrets are drawn evenly, each by itself.
        length: letters of a secret, at least 1.
        repeats: how often its role says it, at least 1, as far as the text has room.
        letters: what secrets are made of, each once.
        prefix: what stands before every secret, the same for all.
        seed: of roles and secrets.

    Returns:
        A list of roles, and a list of `Canary`.

    Raises:
        TypeError, ValueError: arguments out of range; more repeats than a text has room for.

    Derived in: notebook 23.
    Source: Carlini et al. 2019; in federated learning Ramaswamy et al. 2020.
    """
    if not isinstance(roles, (list, tuple)) or not roles or not all(isinstance(role, plays.Role) for role in roles):
        raise TypeError(f"roles must be a list of plays.Role, one at least; got {checks.shown(roles)}")
    count = checks.whole("count", count, at_least=1, at_most=len(roles))
    length, repeats = _size(length, letters), checks.whole("repeats", repeats, at_least=1)
    plays.encode(checks.text("prefix", prefix, some=True))
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    owners = np.sort(rng.choice(len(roles), count, replace=False))
    drawn = rng.integers(0, len(letters), (count, length))
    changed, canaries = list(roles), []
    for owner, row in zip(owners.tolist(), drawn, strict=True):
        secret, role = "".join(letters[k] for k in row), roles[owner]
        words = f" {prefix}{secret}. "
        room = len(role.text) - round(plays.LATER * len(role.text))
        if repeats * len(words) > room:
            raise ValueError(f"repeats must be at most {room // len(words)} in the text of {role.title}, got {repeats}")
        text, gap = role.text, room // repeats
        for k in range(repeats):
            at = k * gap + (gap - len(words)) // 2
            text = text[:at] + words + text[at + len(words) :]
        changed[owner] = plays.Role(role.play, role.name, text)
        canaries.append(Canary(secret, owner, repeats))
    return changed, canaries


def log_likelihoods(model, theta, window, length=3, letters=LETTERS, prefix=PREFIX, batch=65_536):
    """Return how probable the model finds each secret after the prefix: all of them, by the tree of their beginnings.

    Args:
        model: maps codes (n × window), as floats, to logits (n × 35), as the package's character models.
        theta: its parameters (parameters,), as `models.flatten` gives them.
        window: signs that the model sees, at least 1; the prefix is cut to them, or spaces stand before it.
        length: letters of a secret, at least 1; of all letters^length there may be 10⁶.
        letters, prefix: as in `plant`.
        batch: windows at a time, at least 1.

    Returns:
        Natural logarithms (letters^length,), float64, secrets in the order of the alphabet `letters`.

    Raises:
        TypeError, ValueError: arguments out of range, too many secrets.

    Derived in: notebook 23.
    """
    window, length = checks.whole("window", window, at_least=1), _size(length, letters)
    batch = checks.whole("batch", batch, at_least=1)
    models.check_theta(model, theta), checks.finite("theta", theta)
    signs = plays.encode(letters)
    before = plays.encode((" " * window + checks.text("prefix", prefix))[-window:]).unsqueeze(0)  # 1 × window
    total = torch.zeros(1, dtype=torch.float64)
    for _ in range(length):
        rows = [models.predict(model, theta, part.float()) for part in before.split(batch)]
        step = torch.cat(rows).double().log_softmax(1)[:, signs]  # beginnings × letters
        total = (total.unsqueeze(1) + step).reshape(-1)
        after = signs.repeat(len(before)).unsqueeze(1)
        before = torch.cat([before.repeat_interleave(len(signs), 0)[:, 1:], after], 1)
    return total.numpy()


def place(secret, letters=LETTERS):
    """Return the place of a secret among all of its length, from 0, in the order of the alphabet `letters`."""
    checks.text("secret", secret, some=True), _size(len(secret), letters)
    number = 0
    for letter in secret:
        number = number * len(letters) + letters.index(checks.one_of("secret", letter, tuple(letters)))
    return number


def exposure(scores, secrets, letters=LETTERS):
    """Return each secret's exposure in bits: log₂ of how many there are, less log₂ of its place among them.

    Args:
        scores: log-likelihoods of all secrets (letters^length,), from `log_likelihoods`; equal ones count against it.
        secrets: strings of one length, or `Canary`s.
        letters: as in `plant`.

    Returns:
        Bits (secrets,), 0 … log₂ of the number of secrets.

    Raises:
        TypeError, ValueError: scores that are not of all secrets of that length.

    Derived in: notebook 23.
    Source: Carlini et al. 2019, definition of exposure.
    """
    scores = checks.finite("scores", checks.tensor("scores", scores, ("n",), "double")).numpy()
    _size(1, letters)
    if not isinstance(secrets, (list, tuple, np.ndarray)):
        raise TypeError(f"secrets must be a list of strings or Canary, got {checks.shown(secrets)}")
    found = []
    for one in secrets:
        secret = one.secret if isinstance(one, Canary) else one
        number = place(secret, letters)
        if len(letters) ** len(secret) != len(scores):
            raise ValueError(
                f"scores must be of all {len(letters) ** len(secret)} secrets as long as {secret!r}, got {len(scores)}"
            )
        found.append(math.log2(len(scores) / np.count_nonzero(scores >= scores[number])))
    return np.array(found)


def sampled_exposure(own, others):
    """Return a bound from below on surprise, from a sample: log₂ of (m + 1) / (1 + how many others score as high).

    With m others drawn as the secret was, a model that knows nothing of it gives at least t bits with probability 2^−t at
    most, exactly as by rank; more than log₂(m + 1) bits cannot be seen.

    Args:
        own: the secret's log-likelihood.
        others: those of m secrets drawn evenly (m,), at least one.

    Returns:
        Bits, 0 … log₂(m + 1).

    Raises:
        TypeError, ValueError: no numbers.

    Derived in: notebook 23.
    Source: Carlini et al. 2019 (by sampling); Phipson & Smyth 2010 (why 1 is added).
    """
    own = checks.real("own", own)
    others = checks.finite("others", checks.tensor("others", others, ("m",), "double")).numpy()
    if not len(others):
        raise ValueError("others must be at least one log-likelihood, got none")
    return math.log2((len(others) + 1) / (1 + np.count_nonzero(others >= own)))


def chance(bits):
    """Return how probable so much exposure in all is at most, where the model knows nothing of the secrets: a p-value.

    A place drawn evenly among R has ln(R / place) below an exponential variable of mean 1; so the sum over n secrets lies
    below a gamma variable of shape n.

    Args:
        bits: exposures of n secrets, each drawn by itself (n,).

    Returns:
        A probability.

    Derived in: notebook 23.
    """
    bits = checks.finite("bits", checks.tensor("bits", bits, ("n",), "double"))
    if not len(bits) or float(bits.min()) < 0:
        raise ValueError(f"bits must be exposures, at least 0 and at least one of them; got {checks.shown(bits)}")
    total = torch.tensor(math.log(2) * float(bits.sum()), dtype=torch.float64)
    return float(torch.special.gammaincc(torch.tensor(float(len(bits)), dtype=torch.float64), total))


def ceiling(plan, bits):
    """Return with which probability one canary's exposure may reach so many bits under a plan's promise to its owner.

    Without the owner the released models know nothing of the secret, and reach `bits` with probability 2^−bits at most. What
    has probability x without a person has F(x) at most with it, F being the run's own trade-off: Φ(Φ⁻¹(x) + μ) where the run
    is Gaussian.

    Args:
        plan: a `Plan`; one that promises a client nothing gives 1.
        bits: at least 0.

    Returns:
        A probability.

    Derived in: notebook 23.
    Source: Dong, Roth & Su 2022 (trade-off).
    """
    checks.kind("plan", plan, Plan, "a Plan")
    share = 2.0 ** -checks.real("bits", bits, at_least=0, at_most=1000)
    mechanism, releases, rate = plan.part()
    if plan.reason or plan.per_record:
        return 1.0
    if share == 1:
        return 1.0
    parts = ((*pricing.priced(mechanism, rate), releases),)
    mu = accountants.mu(parts)
    if mu is not None:
        from scipy.special import ndtr, ndtri

        return float(ndtr(ndtri(share) + mu))
    from ..privacy import losses

    laws = [losses.Composed(accountants.merged(parts), add, epsilon=0.0) for add in accountants.directions(parts)]
    return min(1.0, max(law.power(share) for law in laws))


def _size(length, letters):
    length = checks.whole("length", length, at_least=1)
    checks.text("letters", letters, some=True)
    if len(set(letters)) < len(letters) or not set(letters) <= set(plays.ALPHABET):
        raise ValueError(f"letters must be different signs of {plays.ALPHABET!r}, got {letters!r}")
    if length * math.log(len(letters)) > math.log(MOST):
        raise ValueError(f"length must leave at most {MOST:,} secrets of {len(letters)} letters, got {length}")
    return length

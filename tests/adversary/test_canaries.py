"""canaries: the tree of beginnings is every secret's own probability, and who knows nothing is seldom called knowing.

False alarms: `test_a_model_that_knows_nothing_is_seldom_called_knowing` is seeded; with other seeds it would fail about once
in 10⁴ (a binomial bound at that level).
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import Plan, mechanisms, models
from fldp_lib.adversary import canaries
from fldp_lib.data import plays
from fldp_lib.training import text_models

NETWORK = text_models.CharMLP(35, window=6, hidden=8, embed=3, seed=1)
THETA = models.flatten(NETWORK)


def test_the_tree_is_every_secrets_own_probability():
    scores = canaries.log_likelihoods(NETWORK, THETA, 6, length=2, letters="abcde", batch=3)
    assert scores.shape == (25,)
    for secret in ("aa", "be", "ed"):
        text, total = "my word is ", 0.0
        for letter in secret:
            x = plays.encode(text[-6:]).float().unsqueeze(0)
            total += float(models.predict(NETWORK, THETA, x).log_softmax(1)[0, plays.encode(letter)])
            text += letter
        assert scores[canaries.place(secret, "abcde")] == pytest.approx(total, abs=1e-5)


def test_a_prefix_shorter_than_the_window_stands_after_spaces():
    short = canaries.log_likelihoods(NETWORK, THETA, 6, 1, prefix="a")
    assert np.allclose(short, canaries.log_likelihoods(NETWORK, THETA, 6, 1, prefix="     a"))


class Knows(torch.nn.Module):
    """Finds the letters of one secret after its prefix likelier than all others."""

    def __init__(self, secret):
        super().__init__()
        self.at = torch.nn.Parameter(torch.zeros(1))
        self.codes = plays.encode("my word is " + secret)

    def forward(self, x):
        out = torch.zeros(len(x), 35)
        for k in range(11, len(self.codes)):
            out[(x == self.codes[k - x.shape[1] : k].float()).all(1), self.codes[k]] = 5.0
        return out + 0 * self.at


def test_a_model_that_knows_the_secret_puts_it_first(monkeypatch):
    monkeypatch.setattr(canaries.models, "predict", lambda model, theta, x: model(x).detach())
    scores = canaries.log_likelihoods(Knows("qxz"), torch.zeros(1), 6)
    assert canaries.exposure(scores, ["qxz"])[0] == pytest.approx(math.log2(26**3))
    assert canaries.exposure(scores, ["abc"])[0] < 1e-9  # all others are equal, and equal ones count against it


def test_a_model_that_knows_nothing_is_seldom_called_knowing():
    """Places drawn evenly: mean exposure 1/ln 2 bits, P(at least t) ≤ 2^−t, and a p-value that is below 5% in 5% of runs."""
    bits = []
    scores = canaries.log_likelihoods(NETWORK, THETA, 6)
    for seed in range(400):
        _, secrets = canaries.plant(plays.roles()[:40], 20, repeats=1, seed=seed)
        bits.append(canaries.exposure(scores, secrets))
    flat = np.concatenate(bits)
    assert flat.mean() == pytest.approx(1 / math.log(2), abs=0.06)
    for t in (1, 3, 5):
        assert np.mean(flat >= t) == pytest.approx(2.0**-t, abs=4 * math.sqrt(2.0**-t / len(flat)))
    alarms = sum(canaries.chance(each) < 0.05 for each in bits)
    assert alarms <= stats.binom.isf(1e-4, 400, 0.05) and alarms >= stats.binom.isf(1 - 1e-4, 400, 0.05)


@given(st.lists(st.floats(0, 14), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_chance_of_a_sum_is_a_gamma_variables_tail(bits):
    assert canaries.chance(bits) == pytest.approx(stats.gamma(len(bits)).sf(math.log(2) * sum(bits)), abs=1e-9)


def test_a_sample_never_tells_more_than_it_can_and_agrees_with_the_rank():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=26**3)
    order = np.argsort(-scores)
    for place in (0, 30, 5_000):
        others = rng.choice(scores, 2_000)
        found = canaries.sampled_exposure(float(scores[order[place]]), others)
        assert 0 <= found <= math.log2(2_001)
        exact = math.log2(26**3 / (place + 1))
        assert found == pytest.approx(exact, abs=0.6) or exact > math.log2(2_001) - 2


def test_planting_changes_the_owners_earlier_text_alone():
    roles = plays.roles()[:50]
    changed, secrets = canaries.plant(roles, 20, repeats=4, seed=7)
    owners = {secret.owner for secret in secrets}
    assert len(owners) == 20 and [k for k, (a, b) in enumerate(zip(roles, changed, strict=True)) if a != b] == sorted(owners)
    for secret in secrets:
        before, after = roles[secret.owner].text, changed[secret.owner].text
        end = len(before) - round(plays.LATER * len(before))
        assert len(before) == len(after) and before[end:] == after[end:]
        assert after[:end].count(f" my word is {secret.secret}. ") == 4
    again = canaries.plant(roles, 20, repeats=4, seed=7)[1]
    assert again == secrets and canaries.plant(roles, 20, repeats=4, seed=8)[1] != secrets


def test_the_ceiling_is_the_trade_off_and_lies_below_epsilon_and_delta():
    plan = Plan(rounds=4, delta=1e-4).calibrated(2.0, clip=1.0)
    mu = 2 / plan.mechanism.noise_multiplier
    for bits in (0.5, 4, 9):
        found = canaries.ceiling(plan, bits)
        assert found == pytest.approx(stats.norm.cdf(stats.norm.ppf(2.0**-bits) + mu), rel=1e-6)
        assert 2.0**-bits < found <= math.exp(2.0) * 2.0**-bits + 1e-4
    sampled = Plan(rounds=4, sampling_rate=0.25, delta=1e-4).calibrated(2.0, clip=1.0)
    assert 2.0**-4 < canaries.ceiling(sampled, 4) <= math.exp(2.0) * 2.0**-4 + 1e-4
    assert canaries.ceiling(Plan(rounds=4), 4) == 1.0 and canaries.ceiling(plan, 0) == 1.0


def test_no_release_tops_the_ceiling():
    """The attack itself, on a table that one person fills: how often its secret reaches 4 bits, against the ceiling.

    1,000 draws; the bound is passed with probability below 10⁻³ by chance where the truth lies on it.
    """
    plan = Plan(rounds=1, delta=1e-4).calibrated(1.0, clip=1.0)
    z, rng = plan.mechanism.noise_multiplier, np.random.default_rng(5)
    reached = 0
    for _ in range(1_000):
        scores, at = z * rng.normal(size=676), int(rng.integers(676))
        scores[at] += 1.0  # all of the clip in the secret's own cell
        reached += canaries.exposure(scores, ["".join(chr(97 + d) for d in divmod(at, 26))])[0] >= 4
    ceiling = canaries.ceiling(plan, 4)
    assert reached <= stats.binom.isf(1e-3, 1_000, ceiling)
    assert reached >= 0.4 * 1_000 * ceiling  # and the attack is no strawman


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: canaries.plant([], 1), "roles"),
        (lambda: canaries.plant(plays.roles()[:5], 6), "count"),
        (lambda: canaries.plant(plays.roles()[:5], 2, repeats=40), "repeats"),
        (lambda: canaries.plant(plays.roles()[:5], 2, letters="aab"), "letters"),
        (lambda: canaries.log_likelihoods(NETWORK, THETA, 0), "window"),
        (lambda: canaries.log_likelihoods(NETWORK, THETA, 6, length=9), "length"),
        (lambda: canaries.exposure(np.zeros(25), ["abc"]), "scores"),
        (lambda: canaries.place("a1"), "secret"),
        (lambda: canaries.sampled_exposure(0.0, []), "others"),
        (lambda: canaries.chance([-1.0]), "bits"),
        (lambda: canaries.ceiling(Plan(rounds=1, mechanism=mechanisms.Gaussian(1.0, clip=1.0)), -1), "bits"),
    ],
)
def test_what_cannot_be_is_refused(call, named):
    with pytest.raises((TypeError, ValueError), match=named):
        call()

"""Attacks on a split model: they succeed without a defence, and with one they do no better than its promise allows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import data
from fldp_lib.adversary import vertical as attacks
from fldp_lib.privacy.mechanisms import RandomisedResponse
from fldp_lib.vertical import parties, protection, split

SEEDS = range(10)


@pytest.fixture(scope="module")
def tables():
    """Training and test tables of ten deals."""
    found = []
    for seed in SEEDS:
        dealt = parties.deal(data.load("breast_cancer"), seed=seed)
        found.append(parties.align(dealt, sorted(set.intersection(*(set(party.ids) for party in dealt)))).halves(seed=seed))
    return found


# Judging -----------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 200), count=st.integers(2, 40), ties=st.booleans())
def test_auc_is_scikit_learns(seed, count, ties):
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, count), [0, 1])
    scores = rng.integers(0, 4, count + 2).astype(float) if ties else rng.standard_normal(count + 2)
    assert attacks.auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_explained_is_one_for_the_truth_and_zero_for_the_known_mean():
    x, known = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)), torch.arange(10)
    assert torch.allclose(attacks.explained(x, x, known), torch.ones(4, dtype=torch.float64))
    mean = x[known].double().mean(0).expand(30, 4)
    assert torch.allclose(attacks.explained(x, mean, known), torch.zeros(4, dtype=torch.float64))


def test_coins_are_fair_and_elsewhere_labels_stay(tables):
    train, _ = tables[0]
    planted, places = attacks.plant(train, 40, seed=3)
    assert len(places.unique()) == 40 and planted.y[places].sum() == 20
    others = torch.ones(len(train), dtype=torch.bool)
    others[places] = False
    assert torch.equal(planted.y[others], train.y[others]) and planted.ids == train.ids


# Labels ------------------------------------------------------------------------------------------------------------------


def coins(tables, **settings):
    """For each deal: gradients that one feature party got, the known patients and labels, the coins' places and labels."""
    for seed, (train, _) in zip(SEEDS, tables, strict=True):
        planted, places = attacks.plant(train, 60, seed)
        run = split.train(planted, seed=seed, **settings)
        others = torch.ones(len(train), dtype=torch.bool)
        others[places] = False
        known = torch.nonzero(others).flatten()[:40]
        yield run, planted, known, places


def test_directions_tell_every_label_without_a_defence(tables):
    for run, table, known, places in coins(tables):
        scores = attacks.directions(run.gradients["size"], known, table.y[known])
        assert attacks.auc(scores[places], table.y[places]) == 1
        one_each = torch.stack([known[table.y[known] == label][0] for label in (0, 1)])
        few = attacks.directions(run.gradients["size"], one_each, torch.tensor([0, 1]))
        assert attacks.auc(few[places], table.y[places]) > 0.95


def test_norms_tell_labels_while_little_is_learnt(tables):
    found = [
        attacks.auc(attacks.norms(run.gradients["shape"][:5])[places], table.y[places])
        for run, table, _, places in coins(tables)
    ]
    assert np.mean(found) - 3 * np.std(found) / math.sqrt(len(found)) > 0.6
    assert attacks.auc(-attacks.norms(torch.rand(2, 9, 1), minority=0), [0, 1] * 4 + [0]) <= 1


def test_own_columns_say_nothing_of_a_coin_and_much_of_a_label(tables):
    coin, label = [], []
    for _, table, known, places in coins(tables, steps=1):
        scores = attacks.completion(table.xs[0], known, table.y[known])
        coin.append(attacks.auc(scores[places], table.y[places]))
        rest = torch.ones(len(table), dtype=torch.bool)
        rest[known], rest[places] = False, False
        label.append(attacks.auc(scores[rest], table.y[rest]))
    assert abs(np.mean(coin) - 0.5) < 5 / math.sqrt(12 * 30 * 10) and min(label) > 0.9  # five deviations of an AUC by chance


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_after_randomised_response_a_coin_is_told_as_often_as_it_was_kept(tables, epsilon):
    """Every sign is the flipped label's: right with probability e^ε/(1+e^ε), by an exact test; no attack can do better."""
    response, right, count = RandomisedResponse(epsilon), 0, 0
    for run, table, known, places in coins(tables, labels=response):
        scores = attacks.directions(run.gradients["size"], known, table.y[known])[places]
        right, count = right + int(((scores > 0).long() == table.y[places]).sum()), count + len(places)
        assert run.ledger("labels").attacker().even_odds == pytest.approx(response.keep, rel=1e-3)
    assert stats.binomtest(right, count, response.keep).pvalue > 1e-6


@pytest.mark.parametrize("measure", ["cosine", "matched"])
def test_under_noise_on_gradients_no_attack_beats_its_promise(tables, measure):
    """And at ε = 2 it is close to guessing. One-sided exact test at the share that the run's own plan allows."""
    right, count, found, pooled = 0, 0, [], []
    for run, table, known, places in coins(tables, labels=protection.guard(2, steps=30, clip=0.2, weight_clip=0.5), lr=0.5):
        scores = attacks.directions(run.gradients["size"], known, table.y[known], measure)[places]
        found.append(attacks.auc(scores, table.y[places]))
        both = torch.cat([run.gradients[name][:, places] for name in run.others], 2)  # who pools, and knows the top
        top = run.top[0].reshape(len(run.names), -1)[[place for place in range(3) if place != run.holder]].flatten()
        informed = attacks.directions(both, measure=measure, way=-top)
        pooled.append(attacks.auc(informed, table.y[places]))
        guess = informed > informed.median()
        right, count = right + int((guess == (table.y[places] == 1)).sum()), count + len(places)
        allowed = run.ledger("labels").attacker().even_odds
    assert allowed < 0.75 and stats.binomtest(right, count, allowed, alternative="greater").pvalue > 1e-6
    assert np.mean(found) < 0.65
    assert (
        0.5 < np.mean(pooled) < stats.norm.cdf(2 * stats.norm.ppf(allowed) / math.sqrt(2)) + 0.05
    )  # AUC of N(0, 1), N(μ, 1)


def test_completion_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = (x[:, 0] + rng.standard_normal(60) > 0).astype(int)
    scaled = (x - x[:40].mean(0)) / x[:40].std(0, ddof=1)
    oracle = LogisticRegression(C=1 / (0.01 * 40), tol=1e-10, max_iter=9999)
    both = np.hstack([scaled, np.ones((60, 1))])  # its own intercept is not penalised, ours is
    oracle.set_params(fit_intercept=False).fit(both[:40], y[:40])
    mine = attacks.completion(x, torch.arange(40), y[:40])
    assert np.allclose(mine, oracle.decision_function(both), atol=1e-4)


# Columns -----------------------------------------------------------------------------------------------------------------


def gains(tables, **settings):
    """What activations add to what the holder's own columns and labels explain of the other's columns; and by themselves."""
    found = []
    for seed, (train, _) in zip(SEEDS, tables, strict=True):
        run = split.train(train, seed=seed, **settings)
        known = torch.from_numpy(np.random.default_rng(seed).permutation(len(train))[:40])
        own = torch.cat([train.xs[train.holder].double(), train.y.unsqueeze(1).double()], 1)
        x, seen = train.xs[0], run.activations["size"]
        scores = [attacks.explained(x, attacks.infer(one, known, x[known], other), known).mean() for one, other in
            ((None, own), (seen, own), (seen, None))]  # fmt: skip
        found.append([float(score) for score in scores])
    return np.array(found).T


def test_activations_give_columns_away_without_a_defence(tables):
    base, both, alone = gains(tables)
    assert alone.min() > 0.9 and (both - base).min() > 0.1


@pytest.mark.parametrize(
    "settings",
    [
        dict(features=protection.guard(4, fixed=True), fixed="random"),
        dict(features=RandomisedResponse(1.0), fixed="mean", cut=1),
        dict(features=protection.guard(4, steps=30), lr=0.5),
    ],
    ids=["noise once", "a bit", "noise in every step"],
)
def test_protected_activations_add_nothing_to_what_was_known(tables, settings):
    base, both, alone = gains(tables, **settings)
    assert np.mean(both - base) < 0.02 and np.mean(alone) < 0.15


def test_known_weights_are_solved_for_columns():
    """As many activations as columns: exactly; fewer: the part that the weights look at."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(20, 4, generator=generator, dtype=torch.float64) - 0.5
    for cut, activation in ((4, "tanh"), (5, "linear"), (2, "tanh")):
        weight, bias = torch.randn(4, cut, generator=generator, dtype=torch.float64), torch.randn(cut, generator=generator)
        z = x @ weight + bias
        found = attacks.solve(weight, bias, torch.tanh(z) if activation == "tanh" else z, activation)
        assert torch.allclose(found @ weight, x @ weight, atol=1e-6)
        assert torch.allclose(found, x, atol=1e-6) == (cut >= 4)


def test_leaving_out_in_closed_form_is_leaving_out():
    from fldp_lib.adversary.columns import _ridge

    generator = torch.Generator().manual_seed(1)
    features = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    x = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    known = torch.arange(12)
    _, error = _ridge(features, known, x, 0.1)
    scaled = (features - features.mean(0)) / features.std(0)
    z = torch.cat([scaled, torch.ones(12, 1, dtype=torch.float64)], 1)
    penalty = 12 * torch.diag(torch.tensor([0.1, 0.1, 0.1, 1e-9], dtype=torch.float64))
    errors = []
    for left in range(12):
        stay = torch.arange(12) != left
        weight = torch.linalg.solve(z[stay].T @ z[stay] + penalty, z[stay].T @ x[stay])
        errors.append((x[left] - z[left] @ weight).square())
    assert torch.allclose(error, torch.stack(errors).mean(0))

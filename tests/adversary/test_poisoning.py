"""poisoning: what attackers send is what they say, and the rest of the federation is left alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import aggregation, data, models, train
from fldp_lib.adversary import poisoning


@pytest.fixture(scope="module")
def fed():
    return data.split(data.load("digits"), 20, seed=0)


def rows(count, length=6, seed=0):
    return torch.randn(count, length, generator=torch.Generator().manual_seed(seed))


@given(count=st.integers(3, 20), attackers=st.integers(1, 2), seed=st.integers(0, 50))
def test_only_the_attackers_rows_change(count, attackers, seed):
    seen = []
    keep = lambda updates, sizes: (seen.append(updates), updates.mean(0))[1]  # noqa: E731
    updates = rows(count, seed=seed)
    for attack in (poisoning.sign_flip, poisoning.boost(7.0), poisoning.a_little_is_enough):
        poisoning.Poisoned(keep, attack, attackers)(updates)
        assert torch.equal(seen[-1][attackers:], updates[attackers:]) and len(seen[-1]) == count
    assert torch.equal(seen[0][:attackers], -updates[:attackers])
    assert torch.equal(seen[1][:attackers], 7 * updates[:attackers])


def test_the_inner_product_attack_points_against_the_honest_mean():
    bad = poisoning.inner_product(0.5)(rows(10), 3)
    assert torch.allclose(bad, -0.5 * rows(10)[3:].mean(0).expand(3, -1))


def test_without_attackers_nothing_changes(fed):
    plain, guarded = (
        train(models.Linear(64, 10), fed, rounds=3, lr=0.5, aggregator=a, progress=False)
        for a in (aggregation.mean, poisoning.Poisoned(aggregation.mean, poisoning.sign_flip, 0))
    )
    assert torch.allclose(plain.theta, guarded.theta, atol=1e-6)


def test_labels_are_turned_round_for_the_attackers_only(fed):
    bad = poisoning.flip_labels(fed, 3, 10)
    assert torch.equal(bad.y[3:], fed.y[3:]) and torch.equal(bad.x, fed.x)
    mask = fed.mask[:3]
    assert torch.equal(bad.y[:3][mask], 9 - fed.y[:3][mask]) and not bad.y[:3][~mask].any()


def test_a_backdoor_is_in_every_second_record(fed):
    bad = poisoning.backdoor(fed, 2, (0, 63), target=7)
    assert torch.equal(bad.x[2:], fed.x[2:]) and torch.equal(bad.x[:, 1::2], fed.x[:, 1::2])
    mask = fed.mask[:2, ::2]
    assert (bad.x[:2, ::2][mask][:, [0, 63]] == 1).all() and (bad.y[:2, ::2][mask] == 7).all()
    assert not bad.x[:2, ::2][~mask].any()


@given(attackers=st.integers(0, 8), seed=st.integers(0, 50))
def test_krum_is_the_loop_of_the_paper(attackers, seed):
    updates = rows(20, seed=seed)
    near = max(1, 20 - attackers - 2)
    scores = []
    for i in range(20):
        distances = sorted(float((updates[i] - updates[j]).square().sum()) for j in range(20) if j != i)
        scores.append(sum(distances[:near]))
    found = aggregation.Krum(attackers / 20)(updates)
    assert torch.allclose(found, updates[int(np.argmin(scores))], atol=1e-5)


def test_krum_leaves_outliers_out_and_norm_bounds_shorten_them():
    updates = torch.cat([rows(8), 1_000 * torch.ones(2, 6)])
    for aggregator in (aggregation.krum, aggregation.multi_krum):
        assert aggregator(updates).abs().max() < 5
    assert aggregation.NormBound(1.0)(updates).norm() <= 1
    short = rows(5) / 100
    assert torch.allclose(aggregation.NormBound(1.0)(short), short.mean(0))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: aggregation.Krum(0.5), "attackers"),
        (lambda: aggregation.Krum(keep=0.0), "keep"),
        (lambda: aggregation.NormBound(0.0), "clip"),
        (lambda: poisoning.Poisoned(aggregation.mean, poisoning.sign_flip, -1), "attackers"),
        (lambda: poisoning.boost(float("nan")), "factor"),
        (lambda: poisoning.inner_product(0.0), "factor"),
    ],
)
def test_bad_arguments_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()

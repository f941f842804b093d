"""personal: models of one's own against plain loops; each client's own test records, and its score on them."""

import math

import numpy as np
import pytest
import torch
from conftest import federation, mean_loss, refuses, sgd, theta_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from fldp_lib import data, models, train
from fldp_lib.training import algorithms, personal, scoring

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]


def model():
    return models.MLP(3, 4, 2).double()


def own(fed, k):
    return fed.x[k][fed.mask[k]].double(), fed.y[k][fed.mask[k]]


# Test records of one's own -----------------------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_every_record_is_trained_on_or_held_out_and_never_both(sizes, share, seed):
    fed = federation(sizes)
    parts = fed.held_out(share, seed)
    for k, size in enumerate(sizes):
        rows = [list(map(tuple, part.client(k)[0].tolist())) for part in parts]
        whole = list(map(tuple, fed.client(k)[0].tolist()))
        assert sorted(rows[0] + rows[1]) == sorted(whole)
        assert [row for row in whole if row in rows[0]] == rows[0]  # in their order
        labels = dict(zip(whole, fed.client(k)[1].tolist(), strict=True))
        assert all(labels[row] == y for part in parts for row, y in zip(*map(_listed, part.client(k)), strict=True))
        assert len(rows[1]) == min(math.floor(share * size + 0.5), max(0, size - 1))
    for part in parts:
        assert part.clients == fed.clients and torch.equal(part.x_test, fed.x_test)
        assert not part.x[~part.mask].any() and not part.y[~part.mask].any()  # nobody's records in the padding


def _listed(tensor):
    return [tuple(row) if isinstance(row, list) else row for row in tensor.tolist()]


def test_a_seed_repeats_what_is_held_out_and_padding_does_not_matter():
    fed = federation(SIZES)
    wide = fed._with(**{name: torch.cat([getattr(fed, name)] * 2, 1) for name in ("x", "y")},
                     mask=torch.cat([fed.mask, torch.zeros_like(fed.mask)], 1))  # fmt: skip
    one, again, other, padded = (each.held_out(0.4, seed)[1] for each, seed in ((fed, 1), (fed, 1), (fed, 2), (wide, 1)))
    assert torch.equal(one.x, again.x) and torch.equal(one.x, padded.x) and not torch.equal(one.x, other.x)


def test_who_is_held_out_is_drawn_evenly():
    """400 seeds, each of 5 records held out with probability 2/5: chi-squared on 4 degrees, false alarm below 1e-6."""
    fed = federation([5, 5])
    names = fed.x[0, :, 0].tolist()
    counts = np.zeros(5)
    for seed in range(400):
        counts[[names.index(x) for x in fed.held_out(0.4, seed)[1].client(0)[0][:, 0].tolist()]] += 1
    expected = 400 * 2 / 5
    assert ((counts - expected) ** 2 / (expected * 3 / 5)).sum() * 4 / 5 < 34


@pytest.mark.parametrize("task", data.federation.TASKS)
@pytest.mark.parametrize("out", [1, 2])
def test_a_clients_score_is_scikit_learns_on_its_own_records(task, out):
    if task == "regression" and out == 2:
        return
    fed = federation(SIZES, task=task)
    net = models.MLP(3, 4, out).double()
    thetas = (
        theta_of(net)
        + 0.5 * torch.randn(len(SIZES), len(theta_of(net)), generator=torch.Generator().manual_seed(1)).double()
    )
    losses, scores = scoring.score_clients(net, thetas, fed)
    for k, size in enumerate(SIZES):
        x, y = own(fed, k)
        if not size:
            assert math.isnan(losses[k]) and math.isnan(scores[k])
            continue
        outputs = models.predict(net, thetas[k], x)
        assert losses[k] == pytest.approx(float(mean_loss(outputs, y)), rel=1e-6)
        if task == "regression":
            expected = metrics.r2_score(y, outputs.squeeze(1).detach()) if size > 1 else math.nan
        else:
            guess = outputs.argmax(1) if out > 1 else outputs.squeeze(1) > 0
            expected = metrics.accuracy_score(y, guess.long())
        assert scores[k] == pytest.approx(expected, nan_ok=True, rel=1e-6)
    one = scoring.score_clients(net, thetas[0], fed), scoring.score_clients(net, thetas[:1].expand(len(SIZES), -1), fed)
    np.testing.assert_array_equal(one[0], one[1])


# Models of one's own -----------------------------------------------------------------------------------------------------


def test_fine_tuning_is_each_clients_own_sgd():
    net, fed = model(), federation(SIZES)
    theta = theta_of(net)
    found = personal.fine_tune(net, theta, fed, 4, 0.3)
    for k in range(len(SIZES)):
        assert (found[k] - theta_of(sgd(net, *own(fed, k), steps=4, lr=0.3))).abs().max() < 1e-9
    assert torch.equal(found[SIZES.index(0)], theta)


@pytest.mark.parametrize("strength", [0.0, 0.3, 5.0])
def test_ditto_is_a_plain_loop_on_the_papers_objective(strength):
    net, fed = model(), federation(SIZES)
    theta = theta_of(train(net, fed, rounds=3, lr=0.3).trained())
    found, start, lr = personal.ditto(net, theta, fed, strength, 5, 0.3), theta_of(net), 0.3 / (1 + 0.3 * strength)
    for k in range(len(SIZES)):
        v = start.clone().requires_grad_()
        for _ in range(5):
            x, y = own(fed, k)
            loss = strength / 2 * (v - theta).square().sum()
            if len(x):
                loss = loss + mean_loss(torch.func.functional_call(net, _named(net, v), x), y)
            v = (v - lr * torch.autograd.grad(loss, v)[0]).detach().requires_grad_()
        assert (found[k] - v).abs().max() < 1e-5


def _named(net, v):
    pieces = v.split([p.numel() for p in net.parameters()])
    return {name: piece.view(p.shape) for (name, p), piece in zip(net.named_parameters(), pieces, strict=True)}


def test_ditto_runs_from_alone_to_the_global_model():
    net, fed = model(), federation(SIZES)
    theta = theta_of(net) + 1.0
    alone = personal.fine_tune(net, theta_of(net), fed, 5, 0.3)
    assert torch.equal(personal.ditto(net, theta, fed, 0.0, 5, 0.3), alone)
    assert (personal.ditto(net, theta, fed, 1e9, 5, 0.3) - theta).abs().max() < 1e-6
    gaps = [float((personal.ditto(net, theta, fed, s, 400, 0.3) - theta).norm()) for s in (0.0, 0.1, 1.0, 10.0)]
    assert gaps == sorted(gaps, reverse=True)


def test_a_personal_model_depends_on_its_own_records_alone():
    net, fed = model(), federation(SIZES)
    theta = theta_of(net)
    for k in (0, 4):
        other = fed.without(k)
        for make in (personal.fine_tune, lambda *given: personal.ditto(*given[:3], 0.5, *given[3:])):
            here, there = make(net, theta, fed, 3, 0.3), make(net, theta, other, 3, 0.3)
            same = [row for row in range(len(SIZES)) if row != k]
            assert torch.equal(here[same], there[same]) and not torch.equal(here[k], there[k])


def test_many_clients_are_trained_in_chunks(monkeypatch):
    from fldp_lib.training import _chunks

    net, fed = model(), federation([k % 5 for k in range(70)])
    whole = personal.fine_tune(net, theta_of(net), fed, 3, 0.3)
    monkeypatch.setattr(_chunks, "size", lambda *given: 16)
    assert (personal.fine_tune(net, theta_of(net), fed, 3, 0.3) - whole).abs().max() < 1e-12


def test_thetas_of_a_run_without_home_parts_are_the_global_ones():
    done = train(model(), federation(SIZES), rounds=2, local=algorithms.Scaffold(2))
    assert torch.equal(personal.thetas(done), done.theta.expand(len(SIZES), -1))
    refuses(lambda: personal.thetas(done.theta), TypeError, "history")

"""split: the same training as in one piece; what a patient can move, and what it costs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.privacy.mechanisms import Gaussian, RandomisedResponse
from fldp_lib.vertical import _actors, parties, protection, split
from fldp_lib.vertical.protection import Guard


def table(n=30, widths=(3, 4, 2), holder=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    xs = tuple(torch.rand(n, width, generator=generator, dtype=torch.float64) * 2 - 1 for width in widths)
    y = (sum(x.sum(1) for x in xs) + torch.randn(n, generator=generator) > 0).long()
    names = tuple("abcd"[: len(widths)])
    features = tuple(tuple(f"{name}{column}" for column in range(width)) for name, width in zip(names, widths, strict=True))
    return parties.Aligned(names, features, xs, y, tuple(map(str, range(n))), holder)


def replaced(one, place, row=0):
    """The same table, in which one patient's columns at one party are others."""
    x = one.xs[place].clone()
    x[row] = -x[row].flip(0) + 0.1
    return parties.Aligned(one.names, one.features, (*one.xs[:place], x, *one.xs[place + 1 :]), one.y, one.ids, one.holder)


def relabelled(one, row=0):
    y = one.y.clone()
    y[row] = 1 - y[row]
    return parties.Aligned(one.names, one.features, one.xs, y, one.ids, one.holder)


def clipping(clip=0.5, weights=0.2):
    return Guard(Gaussian(0.0, clip, "client"), Gaussian(0.0, weights, "client"))


# One network -------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 20), cut=st.integers(1, 3), join=st.sampled_from(split.JOINS), holder=st.integers(0, 2),
    activation=st.sampled_from(["tanh", "linear"]), momentum=st.sampled_from([0.0, 0.9]))  # fmt: skip
def test_training_in_parts_equals_training_in_one_piece(seed, cut, join, holder, activation, momentum):
    settings = dict(steps=8, lr=0.5, cut=cut, join=join, activation=activation, momentum=momentum, seed=seed)
    data = table(holder=holder, seed=seed)
    run = split.train(data, **settings)
    bottoms, top = split.whole(data, **settings)
    for mine, theirs in zip((*run.bottoms, run.top), (*bottoms, top), strict=True):
        assert all(torch.allclose(a, b, atol=1e-9) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("join", split.JOINS)
def test_messages_are_autograds_gradients_of_each_patients_own_loss_through_the_clip(join):
    """One step with clipped activations, by automatic differentiation of the clipped network."""
    data = table()
    bottoms, top = split.beginning(data, 2, join, seed=0)
    sent = []
    for place, (x, (weight, bias)) in enumerate(zip(data.xs, bottoms, strict=True)):
        weight.requires_grad_(), bias.requires_grad_()
        h = torch.tanh(x @ weight + bias)
        if place != data.holder:
            h = h * (0.5 / h.norm(dim=1, keepdim=True)).clamp(max=1)
        h.retain_grad()
        sent.append(h)
    joined = torch.cat(sent, 1) if join == "concat" else sum(sent)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(joined @ top[0] + top[1], data.y.double())
    loss.backward()
    run = split.train(data, steps=1, lr=1.0, join=join, features=Guard(Gaussian(0.0, 0.5, "client")))
    for place, name in enumerate(data.names):
        if place == data.holder:
            assert name not in run.activations and name not in run.gradients  # nothing of it leaves
            continue
        assert torch.allclose(run.activations[name][0], sent[place].detach())
        assert torch.allclose(run.gradients[name][0], len(data) * sent[place].grad)
        for after, before in zip(run.bottoms[place], bottoms[place], strict=True):
            assert torch.allclose(after, (before - before.grad).detach())


def test_alone_the_holder_trains_as_one_network_and_hears_nobody():
    data = table()
    alone = data.only(["b"])
    run, (bottoms, top) = split.train(alone, steps=5), split.whole(alone, steps=5)
    assert torch.allclose(run.bottoms[0][0], bottoms[0][0]) and torch.allclose(run.top[0], top[0])
    assert run.messages() == [] and run.activations == {} and data.only(["a", "b", "c"]).names == data.names
    assert data.only(["b", "c"]).holder == 0


def test_seeds_repeat_and_differ():
    one, same, other = (split.train(table(), steps=3, labels=RandomisedResponse(1.0), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.activations["a"], same.activations["a"]) and torch.equal(one.loss, same.loss)
    assert not torch.equal(one.activations["a"], other.activations["a"])


def test_nothing_global_is_drawn_and_no_input_changed():
    data, state = table(), torch.get_rng_state()
    before = [x.clone() for x in data.xs]
    split.train(data, steps=3, features=protection.guard(4, steps=3), labels=protection.guard(4, steps=3))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(x, y) for x, y in zip(data.xs, before, strict=True))


# What one patient can move -----------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 30), clip=st.floats(0.05, 1), weights=st.floats(0.01, 1))
def test_given_the_weights_a_patient_moves_its_own_row_alone_and_by_two_clips(seed, clip, weights):
    """And, of the weights' clipped sum, at most two of its clips: what the noise is calibrated to."""
    data = table(seed=seed)
    changed = replaced(data, 0)
    one, other = (
        split.train(t, steps=1, lr=1.0, momentum=0.0, features=clipping(clip, weights), seed=seed) for t in (data, changed)
    )
    moved = (one.activations["a"][0] - other.activations["a"][0]).norm(dim=1)
    assert 0 < moved[0] <= 2 * clip * (1 + 1e-6) and not moved[1:].any()
    assert one.activations["a"][0].norm(dim=1).max() <= clip * (1 + 1e-6)
    sums = [len(data) * (a - b) for a, b in zip(one.bottoms[0], other.bottoms[0], strict=True)]  # lr 1: of clipped gradients
    assert torch.cat([part.flatten() for part in sums]).norm() <= 2 * weights * (1 + 1e-6)


@given(seed=st.integers(0, 30), clip=st.floats(0.01, 0.5), weights=st.floats(0.01, 1), join=st.sampled_from(split.JOINS))
def test_a_label_moves_its_own_gradient_alone_and_the_holders_weights_by_two_clips(seed, clip, weights, join):
    """The gradients to all feature parties are one row: they may pool what they see. In a sum, all get the same one."""
    data = table(seed=seed)
    one, other = (
        split.train(t, steps=1, lr=1.0, momentum=0.0, labels=clipping(clip, weights), join=join, seed=seed)
        for t in (data, relabelled(data))
    )
    names = ["a", "c"] if join == "concat" else ["a"]
    moved = torch.cat([one.gradients[name][0] - other.gradients[name][0] for name in names], 1).norm(dim=1)
    assert 0 < moved[0] <= 2 * clip * (1 + 1e-6) and not moved[1:].any()
    sums = [len(data) * (a - b) for a, b in zip((*one.bottoms[1], *one.top), (*other.bottoms[1], *other.top), strict=True)]
    assert torch.cat([part.flatten() for part in sums]).norm() <= 2 * weights * (1 + 1e-6)
    assert join == "concat" or torch.equal(one.gradients["a"], one.gradients["c"])


def test_without_noise_on_the_weights_a_patient_moves_everybodys_rows():
    """Why `Guard` wants both: from the second step on the weights carry a patient into all the others' messages."""
    data = table()
    one, other = (split.train(t, steps=3, features=clipping()) for t in (data, replaced(data, 0)))
    moved = (one.activations["a"] - other.activations["a"]).norm(dim=2)
    assert (moved[1:, 1:] > 0).all()
    run = split.train(data, steps=3, features=Guard(Gaussian(5.0, 0.5, "client")))
    assert math.isinf(run.ledger("a").epsilon)
    assert "its weights carry a patient into every row" in {promise.why for promise in run.promises()}


def test_with_fixed_weights_a_patient_is_in_one_row_once():
    data = table()
    guard = Guard(Gaussian(1.0, 0.5, "client"))
    one, other = (split.train(t, steps=5, fixed="random", features=guard) for t in (data, replaced(data, 0)))
    moved = (one.activations["a"] - other.activations["a"]).norm(dim=2)
    assert moved.shape == (1, 30) and not moved[0, 1:].any() and one.gradients == {}
    assert one.ledger("a").epsilon == guard.ledger(1, fixed=True).epsilon < guard.ledger(5).epsilon
    assert one.ledger("labels").epsilon == 0
    assert torch.equal(one.bottoms[0][0], split.beginning(data)[0][0][0])


def test_after_randomised_response_everything_is_a_function_of_the_flipped_labels():
    """Training plainly on the flipped labels sends the same messages: what follows is post-processing."""
    data, response = table(), RandomisedResponse(0.5)
    run = split.train(data, steps=6, labels=response)
    flipped = (run.gradients["a"][0] @ run.gradients["a"][0, 0] > 0).long()
    flips = [flipped, 1 - flipped]
    data_of = [parties.Aligned(data.names, data.features, data.xs, y, data.ids, data.holder) for y in flips]
    plain = [split.train(one, steps=6) for one in data_of]
    assert any(torch.equal(one.gradients["c"], run.gradients["c"]) for one in plain)
    assert any((y != data.y).any() and (y == data.y).any() for y in flips)


def test_bits_are_flipped_as_often_as_said():
    """Signs of the activations, each row one of 2^k patterns: right with the k-RR probability, by an exact test."""
    data = table(n=4000)
    for fixed, cut in (("mean", 1), ("random", 2)):
        response = RandomisedResponse(1.5, 2**cut)
        run = split.train(data, steps=1, cut=cut, fixed=fixed, features=response)
        plain = split.train(data, steps=1, cut=cut, fixed=fixed)
        right = (run.activations["a"][0] == plain.activations["a"][0].sign()).all(1)
        assert stats.binomtest(int(right.sum()), len(right), response.keep).pvalue > 1e-6
        assert set(run.activations["a"].unique().tolist()) == {-1.0, 1.0}
        assert run.ledger("a").epsilon == pytest.approx(1.5, rel=1e-4)  # at a δ that it does not need


# Noise and price ---------------------------------------------------------------------------------------------------------


def test_noise_on_rows_and_weights_has_its_deviation():
    data = table(n=3000)
    guard = Guard(Gaussian(0.7, 0.5, "client"), Gaussian(4e4, 0.2, "client"))
    noisy, plain = (split.train(data, steps=1, lr=1.0, features=one, cut=3) for one in (guard, clipping(0.5, 0.2)))
    rows = (noisy.activations["a"] - plain.activations["a"]).flatten().numpy()
    assert stats.kstest(rows / (0.7 * 2 * 0.5), "norm").pvalue > 1e-6
    weights = [split.train(data, steps=1, features=guard, cut=3, seed=seed).bottoms[0][0] -
        split.beginning(data, 3, seed=seed)[0][0][0] for seed in range(60)]  # fmt: skip
    noise = 3000 * torch.stack(weights).flatten().numpy() / (4e4 * 2 * 0.2)  # the gradients' own part is small beside it
    assert abs(noise.std() - 1) < 5 / np.sqrt(2 * noise.size)


@given(epsilon=st.floats(0.2, 20), steps=st.integers(1, 60), share=st.floats(0.05, 0.95))
def test_a_guard_costs_what_it_was_made_for(epsilon, steps, share):
    guard = protection.guard(epsilon, steps=steps, weight_share=share)
    assert 0.99 * epsilon <= guard.ledger(steps).epsilon <= epsilon * (1 + 1e-9)
    fixed = protection.guard(epsilon, steps=steps, fixed=True)
    assert 0.99 * epsilon <= fixed.ledger(steps, fixed=True).epsilon <= epsilon * (1 + 1e-9)


@given(z=st.floats(3, 30), w=st.floats(3, 30), steps=st.integers(1, 40))
def test_the_price_is_that_of_one_gaussian_of_the_composed_mu(z, w, steps):
    """δ(ε) of N(0, 1) against N(μ, 1), written out, with μ² = steps·(1/z² + 1/w²)."""
    guard = Guard(Gaussian(z, 0.5, "client"), Gaussian(w, 0.2, "client"))
    ledger = guard.ledger(steps, delta=1e-5)
    mu, epsilon = math.sqrt(steps * (1 / z**2 + 1 / w**2)), ledger.epsilon
    delta = stats.norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * stats.norm.cdf(-mu / 2 - epsilon / mu)
    assert delta == pytest.approx(1e-5, rel=1e-3) or (epsilon == 0 and delta <= 1e-5)
    assert ledger.attacker().even_odds == pytest.approx(stats.norm.cdf(mu / 2), rel=1e-6)


def test_randomised_response_costs_its_epsilon_once_however_many_steps():
    for steps in (1, 25):
        run = split.train(table(), steps=steps, labels=RandomisedResponse(1.0))
        assert run.ledger("labels").epsilon == pytest.approx(1.0, rel=1e-4)
        assert run.ledger("labels").attacker().even_odds == pytest.approx(RandomisedResponse(1.0).keep, rel=1e-3)


def test_the_table_says_who_is_protected_by_what():
    run = split.train(table(), steps=4, features={"a": protection.guard(2, steps=4)}, labels=RandomisedResponse(1.0))
    found = {(promise.whose, promise.what.split()[-1]): promise for promise in run.promises()}
    assert found["a", "columns"].epsilon == pytest.approx(2, rel=1e-2) and found["a", "columns"].by.startswith("noise")
    assert math.isinf(found["c", "columns"].epsilon) and math.isinf(found["b", "columns"].epsilon)
    assert found["b", "label"].epsilon == pytest.approx(1, rel=1e-4) and found["b", "label"].by == "randomised response"
    said = protection.table(run.promises())
    assert said.count("\n") == 5 and "none" in said and "randomised response" in said
    both = split.train(table(), steps=4, labels=protection.guard(2, steps=4)).promises()
    assert both[-1].what == "one patient's columns" and both[-1].epsilon == both[-2].epsilon < 2.001
    assert both[-1].by == both[-2].by == "noise on gradients and weights"


def test_the_table_names_no_noise_that_there_is_not():
    rows, learning = Gaussian(20.0, 0.1, "client"), Gaussian(20.0, 0.1, "client")
    none = Gaussian(0.0, 0.1, "client")
    for guard, by, why in (
        (Guard(rows), "noise on gradients", "its weights carry"),
        (Guard(rows, none), "noise on gradients", "its weights carry"),
        (Guard(none, learning), "nothing", "without noise"),
        (Guard(none), "nothing", "without noise"),
    ):
        label, own = split.train(table(), steps=2, labels=guard).promises()[-2:]
        assert label.by == by and why in label.why
        assert own.by == "nothing" and math.isinf(label.epsilon) and math.isinf(own.epsilon)


def test_a_prediction_tells_labels_that_no_message_of_the_training_told():
    """Fixed weights: no gradient, so 0; but whoever is told predictions is told a function of every label."""
    data = table()
    runs = [split.train(each, steps=20, fixed="mean", cut=1) for each in (data, relabelled(data))]
    assert runs[0].ledger("labels").epsilon == 0
    assert (runs[0].predict(data) != runs[1].predict(data)).all()
    assert all(promise.why.endswith("while nothing predicted is told") for promise in runs[0].promises()[-2:])


def test_messages_are_listed():
    run = split.train(table(), steps=4)
    assert run.messages()[:2] == [("a", "b", "activations", (30, 2), 4), ("b", "a", "gradients", (30, 2), 4)]
    assert run.activations["a"].shape == run.gradients["c"].shape == (4, 30, 2)
    assert split.train(table(), steps=4, fixed="random").messages() == [
        ("a", "b", "activations", (30, 2), 1), ("c", "b", "activations", (30, 2), 1)]  # fmt: skip
    bare = split.train(table(), steps=2, record=False)
    assert bare.activations == bare.gradients == {}


# Use -----------------------------------------------------------------------------------------------------------------------


def test_it_learns_and_new_patients_are_as_noisy_as_was_said():
    data = table(n=400)
    train, test = data.halves(seed=1)
    run = split.train(train, steps=40, lr=0.5)
    assert run.accuracy(test) > 0.75 > 0.6 > max(float(test.y.double().mean()), 1 - float(test.y.double().mean()))
    assert torch.equal(run.predict(test, seed=0), run.predict(test, seed=1))
    guarded = split.train(train, steps=40, features=Guard(Gaussian(9.0, 1.0, "client"), Gaussian(9.0, 0.1, "client")))
    assert guarded.ledger("a", new=True).epsilon < guarded.ledger("a").epsilon / 5
    loud = Gaussian(50.0, 1.0, "client")
    assert not torch.equal(run.predict(test, seed=0, messages=loud), run.predict(test, seed=1, messages=loud))
    assert np.mean([run.accuracy(test, seed, loud) for seed in range(20)]) < 0.65


@pytest.mark.parametrize("noise", [Gaussian(3.0, 0.5, "client"), RandomisedResponse(0.5)], ids=["numbers", "bits"])
def test_other_new_patients_get_other_noise(noise, monkeypatch):
    """Two batches under one seed: what is sent differs by more than the patients do, and once again is the same."""
    guard = Guard(noise) if isinstance(noise, Gaussian) else noise
    data, sent = table(n=120), []
    run = split.train(data, steps=2, cut=1, fixed="mean", features=guard)
    forward = _actors.Bottom.forward
    monkeypatch.setattr(_actors.Bottom, "forward", lambda self: sent.append(forward(self)) or sent[-1])
    one, other = data.rows(torch.arange(60)), data.rows(torch.arange(60, 120))
    copy = parties.Aligned(one.names, one.features, one.xs, one.y, other.ids, one.holder)  # others with the same columns
    for batch in (one, copy, one):
        run.predict(batch)
    first, second, again = sent[0], sent[3], sent[6]  # party a's
    assert torch.equal(first, again)
    assert (first != second).double().mean() > (0.99 if isinstance(noise, Gaussian) else 0.2)  # bits: 0.47 on average


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (dict(fixed=True), "fixed must be one of"),
        (dict(fixed="mean"), "cut must be 1"),
        (dict(features=RandomisedResponse(1.0, 4)), "features must be a RandomisedResponse of 2"),
        (dict(features=RandomisedResponse(1.0), fixed="random"), "features must be a RandomisedResponse of 2"),
        (dict(features={"b": clipping()}), "features must be one of 'a', 'c'"),
        (dict(labels=RandomisedResponse(1.0, 3)), "labels must have the two categories"),
        (dict(labels=Gaussian(1.0, 1.0)), "labels must be"),
    ],
)
def test_what_has_no_meaning_is_refused(settings, says):
    with pytest.raises((TypeError, ValueError), match=says):
        split.train(table(), **settings)


@pytest.mark.parametrize("noise", [Gaussian(1.0, 1.0), Gaussian(1.0, 1.0, "client", "record"), RandomisedResponse(1.0)])
def test_a_guard_is_of_replace_one_gaussians(noise):
    with pytest.raises((TypeError, ValueError), match="messages must be"):
        Guard(noise)


# The promise is met, and not by luck -------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["label", "columns"])
def test_who_knows_all_but_one_bit_guesses_as_well_as_the_messages_noise_allows(what):
    """Two worlds that differ as far as the clip lets them: right with probability Φ(√steps/(2z)), by an exact test.

    The rows are C and −C along a known way, the steps are too short to turn it; the guess is the sign of the rows'
    sum along it. The run's own plan, which pays for the weights too, allows a little more.
    """
    steps, z, runs, right = 4, 3.0, 400, 0
    guard = Guard(Gaussian(z, 0.005, "client"), Gaussian(30.0, 0.2, "client"))
    data = table(n=8, seed=2)
    x = data.xs[0].clone()
    x[0] = 5.0
    worlds = [data, relabelled(data)]
    if what == "columns":
        worlds = [
            parties.Aligned(data.names, data.features, (sign * x, *data.xs[1:]), data.y, data.ids, 1) for sign in (1, -1)
        ]
    noise = {"labels" if what == "label" else "features": guard}

    def rows(world, steps, seed, **noise):
        run = split.train(worlds[world], steps=steps, lr=1e-9, cut=1, activation="linear", seed=seed, **noise)
        if what == "label":  # the two feature parties pool what they got
            return torch.cat([run.gradients["a"][:, 0], run.gradients["c"][:, 0]], 1)
        return run.activations["a"][:, 0]

    for seed in range(runs):
        way = rows(0, 1, seed)[0]  # known: the weights are
        right += bool(float(rows(seed % 2, steps, seed, **noise).sum(0) @ way) > 0) == (seed % 2 == 0)
    reached = stats.norm.cdf(math.sqrt(steps) / (2 * z))
    assert stats.binomtest(right, runs, reached).pvalue > 1e-6
    assert reached < guard.ledger(steps).attacker().even_odds < reached + 0.01


def test_the_holders_own_columns_move_its_messages_no_further_than_its_label():
    """What `promises` says of them under noise on gradients: one row alone, two clips; and two of the weights'."""
    data = table()
    one, other = (
        split.train(t, steps=1, lr=1.0, momentum=0.0, labels=clipping(0.05, 0.1)) for t in (data, replaced(data, 1))
    )
    moved = torch.cat([one.gradients[name][0] - other.gradients[name][0] for name in ("a", "c")], 1).norm(dim=1)
    assert moved[0] <= 0.1 * (1 + 1e-6) and not moved[1:].any()
    sums = [len(data) * (a - b) for a, b in zip((*one.bottoms[1], *one.top), (*other.bottoms[1], *other.top), strict=True)]
    assert 0 < torch.cat([part.flatten() for part in sums]).norm() <= 0.2 * (1 + 1e-6)

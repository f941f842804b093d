"""scenes: a boundary lies where the model is undecided; leave one out compares neighbours with noise of their own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import accounting, data, models, train
from fldp_lib.interactive import scenes

PATIENTS = data.load("breast_cancer", features=["worst area", "worst smoothness"])
weights = st.floats(-5, 5).map(lambda w: round(w, 3))


@given(weights, weights, weights)
def test_on_the_boundary_the_logit_is_zero(a, b, c):
    (mark,) = scenes.boundary(torch.tensor([a, b, c]))
    seen = np.isfinite(mark.y)
    assert a or b or not seen.any()
    assert np.abs(a * mark.x[seen] + b * mark.y[seen] + c).max(initial=0.0) < 1e-3
    assert (np.abs(mark.x[seen]) <= 1).all() and (np.abs(mark.y[seen]) <= 1).all()


@given(weights, weights, weights.filter(lambda c: c != 0))
def test_the_shaded_side_is_class_zero(a, b, c):
    band, _ = scenes.boundary(torch.tensor([a, b, c]), shade=True)
    x, y = np.meshgrid(band.x, np.linspace(-0.99, 0.99, 40), indexing="ij")
    logit = a * x + b * y + c
    shaded = (y > band.y[:, None]) & (y < band.y2[:, None])
    clear = np.abs(logit) > 1e-3
    assert (shaded == (logit < 0))[clear].all()


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_ticks_stand_where_the_data_are_scaled_to(scale):
    dataset = data.load("breast_cancer", features=["worst area", "worst smoothness"], scale=scale)
    for column, (low, high) in enumerate(dataset.bounds):
        assert list(scenes.ticks(dataset, column, (low, high))) == pytest.approx([-1, 1])
    middle = np.sqrt(150 * 4500) if scale == "log" else (150 + 4500) / 2
    assert list(scenes.ticks(dataset, 0, (middle,))) == pytest.approx([0])


def test_numbers_stand_only_at_the_outer_axes():
    panels = scenes.maps(
        PATIENTS, [f"client {k}" for k in range(5)], ((200, 1000), (0.1,)), columns=3, words=("area", "smooth")
    )
    shown = [(any(p.xticks.values()), any(p.yticks.values()), p.xlabel, p.ylabel) for p in panels]
    assert [row[0] for row in shown] == [False, False, True, True, True]
    assert [row[1] for row in shown] == [True, False, False, True, False]
    assert [row[2:] for row in shown][::3] == [("", "smooth"), ("area", "smooth")]
    with pytest.raises(ValueError, match="two features, got 30"):
        scenes.maps(data.load("breast_cancer"), ["one"], ((), ()), columns=1)


def test_every_record_is_drawn_in_its_class():
    fed = data.split(PATIENTS, 4, seed=0)
    marks = scenes.client(fed, 2, torch.tensor([1.0, -1.0, 0.1]), 3, before=torch.zeros(3), lines=["words"])
    ones, zeros = (next(m for m in marks if m.kind == "dots" and m.style == style) for style in (1, 2))
    _, y = fed.client(2)
    assert (len(ones.x), len(zeros.x)) == (int((y == 1).sum()), int((y == 0).sum()))
    assert {mark.panel for mark in marks} == {3}
    both = scenes.merged(fed, [torch.ones(3), -torch.ones(3)], 1, lines=["a", "b"], shade=1)
    assert [mark.label for mark in both if mark.kind == "text"] == ["a", "b"]
    assert sum(mark.kind == "band" for mark in both) == 1


def test_leave_one_out_trains_neighbours_with_noise_of_their_own():
    fed, seen = data.split(PATIENTS, 5, seed=0), []

    def fit(federation, seed):
        seen.append((federation, seed))
        return torch.full((3,), float(seed))

    first, second = scenes.leave_one_out(fit, fed, k=3, runs=4, seed=7)
    assert first[:, 0].tolist() == [7, 8, 9, 10] and second[:, 0].tolist() == [11, 12, 13, 14]
    assert all(federation is fed for federation, _ in seen[:4])
    for federation, _ in seen[4:]:
        assert federation.clients == 5 and federation.sizes[3] == 0
        assert federation.sizes[:3].tolist() == fed.sizes[:3].tolist()
    with pytest.raises(ValueError, match=r"k must be .*<= 4"):
        scenes.leave_one_out(fit, fed, k=5, runs=1)
    assert len(scenes.ensembles(first, second)) == 8


def test_the_ensembles_part_at_a_large_epsilon_and_not_at_a_small_one():
    """Seeds are fixed. At ε = 0.1 the noise is tens of clips, so that the means of ten models hardly differ."""
    fed, model = data.split(PATIENTS, 6, how="label", seed=0), models.Linear(2, 1)

    def apart(epsilon):
        mechanism = accounting.calibrate("gaussian", epsilon=epsilon, rounds=3, clip=1.0)
        with_it, without = scenes.leave_one_out(
            lambda f, seed: train(model, f, rounds=3, lr=8.0, mechanism=mechanism, seed=seed).theta, fed, 0, runs=10
        )
        spread = torch.cat([with_it - with_it.mean(0), without - without.mean(0)]).std(0)
        return float(((with_it.mean(0) - without.mean(0)) / spread).norm())

    assert apart(0.1) < 2 < 6 < apart(1000.0)

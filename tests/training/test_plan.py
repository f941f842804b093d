"""plan: one object says what is trained, priced and written down; going on continues streams and budget."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import federation, refuses, theta_of
from scipy import stats

from fldp_lib import Plan, accounting, aggregation, clients, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import _streams as streams
from fldp_lib.training.algorithms import ServerSGD
from fldp_lib.training.transport import compression

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]
NOISE = Gaussian(2.0, 0.5)
PLANS = {
    "bare": Plan(rounds=3),
    "Gaussian, sampled": Plan(rounds=3, lr=0.2, mechanism=NOISE, sampling_rate=0.5, seed=7),
    "Laplace at the client": Plan(rounds=3, mechanism=Laplace(1.0, 1.0, "client"), aggregator=aggregation.median),
    "records": Plan(rounds=2, mechanism=Gaussian(1.0, 1.0, "client", "record"), local=clients.FedAvg(3), batch_rate=0.5),
    "shares, FedProx": Plan(rounds=2, mechanism=Gaussian(1.0, 1.0, "shares"), local=clients.FedProx(2, 0.1)),
    "adaptive": Plan(rounds=3, mechanism=AdaptiveGaussian(1.0, 1.0), server=ServerSGD(0.5), delta=1e-6),
    "quantised": Plan(rounds=3, mechanism=NOISE, compressor=compression.Quantise(4), seed=None),
    "capped": Plan(rounds=3, mechanism=NOISE, aggregator=aggregation.WeightedMean(cap=3)),
}
plans = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


@plans
def test_json_and_back_is_the_same_plan(plan):
    again = Plan.from_json(plan.to_json())
    assert again == plan and again.text() == plan.text() and json.loads(plan.to_json())["rounds"] == plan.rounds


@plans
def test_the_text_is_the_same_in_another_process(plan):
    code = "import sys; from fldp_lib import Plan; print(Plan.from_json(sys.argv[1]).text())"
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", code, plan.to_json()], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == str(plan.text()), done.stderr


def test_no_two_plans_have_the_same_text():
    texts = [str(plan.text()) for plan in PLANS.values()]
    others = {
        "rounds": 4, "lr": 0.3, "mechanism": NOISE, "sampling_rate": 0.4, "local_steps": 2, "proximal": 0.1,
        "server_lr": 0.4, "batch_rate": 0.4, "aggregator": aggregation.median, "compressor": compression.TopK(),
        "delta": 1e-4, "seed": 1,
    }  # fmt: skip
    changed = [str(PLANS["bare"].changed(**{name: value}).text()) for name, value in others.items()]
    assert len({*texts, *changed}) == len(texts) + len(changed)


@plans
def test_the_short_form_makes_the_same_run(plan):
    if plan.seed is None:
        plan = plan.changed(seed=0)
    short = {
        name: getattr(plan, name) for name in ("rounds", "lr", "mechanism", "sampling_rate", "batch_rate", "aggregator")
    }
    short |= {"local_steps": plan.local.steps, "proximal": getattr(plan.local, "mu", 0.0), "server_lr": plan.server.lr}
    short |= {"compressor": plan.compressor, "delta": plan.delta, "seed": plan.seed}
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    one, other = train(model, fed, plan), train(model, fed, **short)
    assert torch.equal(one.theta, other.theta)
    assert one.plan.epsilon() == other.plan.epsilon() == one.total_epsilon


@plans
def test_the_price_is_the_accountants(plan):
    releases = plan.rounds * (plan.local.steps if plan.mechanism and plan.mechanism.unit == "record" else 1)
    rate = plan.batch_rate if plan.mechanism and plan.mechanism.unit == "record" else plan.sampling_rate
    expected = accounting.epsilon(plan.mechanism, releases, rate, plan.delta)
    assert plan.epsilon() == expected == plan.ledger().epsilon
    assert plan.epsilon(0) == 0


def test_the_attacker_on_a_gaussian_run_is_exact():
    plan = Plan(rounds=20).calibrated(epsilon=2.0, delta=1e-5, clip=6.0)
    mu = math.sqrt(20) / plan.mechanism.noise_multiplier
    assert plan.attacker().even_odds == pytest.approx(stats.norm.cdf(mu / 2), abs=1e-9)
    assert Plan(rounds=20).attacker().even_odds == 1.0


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
@pytest.mark.parametrize("unit", ["client", "record"])
def test_a_calibrated_plan_spends_what_was_asked_for(kind, unit):
    base = Plan(rounds=5, sampling_rate=0.3, batch_rate=0.5, local=clients.FedAvg(2), delta=1e-4)
    plan = base.calibrated(1.5, mechanism=kind, clip=0.7, at="client" if unit == "record" else "server", unit=unit)
    assert 0.995 * 1.5 <= plan.epsilon() <= 1.5 and plan.mechanism.clip == 0.7 and plan.mechanism.unit == unit
    again = plan.calibrated(1.0)
    assert again.mechanism.clip == 0.7 and type(again.mechanism) is type(plan.mechanism) and again.epsilon() <= 1.0


def test_a_calibrated_adaptive_plan_stays_adaptive():
    plan = PLANS["adaptive"].calibrated(2.0)
    assert isinstance(plan.mechanism, AdaptiveGaussian) and 0.995 * 2 <= plan.epsilon() <= 2.0


OPTIONS = {
    "plain": {},
    "sampled, mini-batches": {"sampling_rate": 0.5, "batch_rate": 0.5, "local_steps": 2},
    "Gaussian": {"mechanism": NOISE, "sampling_rate": 0.5},
    "Laplace in shares": {"mechanism": Laplace(1.0, 1.0, "shares")},
    "adaptive": {"mechanism": AdaptiveGaussian(1.0, 1.0)},
    "error feedback": {"mechanism": NOISE, "compressor": compression.TopK(0.3)},
    "unpredictable": {"mechanism": NOISE, "seed": None},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_going_on_is_the_run_that_was_not_interrupted(options):
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    first = train(model, fed, rounds=4, **options)
    both = train(model, fed, start=first, rounds=3)
    if "seed" not in options:
        whole = train(model, fed, rounds=7, **options)
        assert torch.equal(both.theta, whole.theta)
        np.testing.assert_array_equal(both.cohort, whole.cohort)
    assert both.rounds == both.planned == 7 and first.rounds == 4
    assert both.total_epsilon == pytest.approx(Plan.of(rounds=7, **options).epsilon(), rel=1e-9)
    np.testing.assert_allclose(both.epsilon, Plan.of(rounds=7, **options).curve(), rtol=1e-3)


def test_going_on_with_other_noise_composes_both():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    first = train(model, fed, rounds=4, mechanism=NOISE)
    both = train(model, fed, start=first, rounds=3, mechanism=Gaussian(3.0, 0.5))
    sigma = (4 / 2.0**2 + 3 / 3.0**2) ** -0.5  # Gaussians compose into one
    assert both.total_epsilon == pytest.approx(accounting.epsilon(Gaussian(sigma, 1.0)), rel=1e-3)
    third = train(model, fed, start=both, rounds=2)
    assert third.rounds == 9 and third.total_epsilon > both.total_epsilon


def test_a_run_that_was_ended_early_goes_on_with_all_that_it_planned_paid():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    first = train(model, fed, rounds=10, mechanism=NOISE, callback=lambda t, *_: t == 4)
    both = train(model, fed, start=first, rounds=3)
    assert both.rounds == 7 and both.planned == 13
    assert both.total_epsilon == accounting.epsilon(NOISE, 13)


def test_the_same_noise_is_not_drawn_twice_around_a_released_model():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    history = train(model, fed, rounds=2, mechanism=NOISE, seed=5)
    for begun in (history.trained(), models.with_theta(model, history.theta)):
        refuses(lambda m=begun: train(m, fed, rounds=2, mechanism=NOISE, seed=5), ValueError, "seed", "start=history", "5")
    train(history.trained(), fed, rounds=2, mechanism=NOISE, seed=6)
    train(history.trained(), fed, rounds=2, mechanism=NOISE, seed=None)
    train(history.trained(), fed, rounds=2, seed=5)  # no noise, nothing to subtract
    seen = []
    train(model, fed, rounds=2, mechanism=NOISE, seed=8, callback=lambda t, theta, record: seen.append(theta) and False)
    refuses(lambda: train(models.with_theta(model, seen[0]), fed, rounds=1, mechanism=NOISE, seed=8), ValueError, "seed")


def test_what_start_cannot_go_on_with_is_refused_by_name():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    first = train(model, fed, rounds=2, mechanism=NOISE, seed=5)
    refuses(lambda: train(model, fed, rounds=2, start=first.theta), TypeError, "start")
    refuses(lambda: train(model, fed, start=first, rounds=2, seed=6), ValueError, "seed", "5", "6")
    refuses(lambda: train(models.MLP(3, 5, 2), fed, start=first, rounds=2), ValueError, "theta")
    refuses(lambda: train(model, federation(SIZES[:4]), start=first, rounds=2), ValueError, "federation", "6", "4")
    local = Gaussian(1.0, 1.0, "client")
    refuses(lambda: train(model, fed, start=first, rounds=2, mechanism=local), ValueError, "mechanism", "adjacency")


def test_settings_and_plans_are_told_apart():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    refuses(lambda: train(model, fed, Plan(rounds=1), lr=2.0), TypeError, "settings", "lr")
    refuses(lambda: train(model, fed), TypeError, "rounds")
    refuses(lambda: train(model, fed, rounds=1, learning_rate=1.0), TypeError, "learning_rate", "lr")
    refuses(lambda: train(model, fed, {"rounds": 1}), TypeError, "plan")
    refuses(lambda: train(model, fed, rounds=1, progress=3), TypeError, "progress", "3")
    refuses(lambda: train(model, fed, rounds=1, callback=3), TypeError, "callback", "3")
    refuses(lambda: Plan.of(rounds=1, local=clients.FedAvg(2), local_steps=3), TypeError, "local_steps")
    refuses(lambda: Plan(rounds=1, local=5), TypeError, "local", "5")
    refuses(lambda: Plan(rounds=1, server="adam"), TypeError, "server", "adam")
    refuses(lambda: Plan(rounds=1, loss=3), TypeError, "loss", "3")
    refuses(lambda: Plan(rounds=1, aggregator=max).to_json(), ValueError, "aggregator")
    refuses(lambda: Plan.from_json("[]"), ValueError, "text")
    refuses(lambda: clients.FedSGD(2), ValueError, "steps", "2")


def test_numbers_of_numpy_are_pythons_own_afterwards():
    plan = Plan(rounds=np.int64(3), lr=np.float32(0.5), sampling_rate=np.float64(0.5), seed=np.uint8(4))
    assert [type(value) for value in (plan.rounds, plan.lr, plan.sampling_rate, plan.seed)] == [int, float, float, int]


# Streams ---------------------------------------------------------------------------------------------------------------


def test_no_two_seeds_and_streams_draw_the_same():
    seeds = [0, 1, 2, 2**29 - 1, 2**29, 2**30, 2**30 + 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63, 2**64, 10**30]
    first = [float(torch.rand((), generator=each, dtype=torch.float64)) for seed in seeds for each in streams.streams(seed)]
    assert len(set(first)) == 4 * len(seeds)


def test_small_seeds_keep_the_streams_they_had():
    for seed in (0, 5, 2**29 - 1):
        for k, each in enumerate(streams.streams(seed)[:3]):
            assert torch.equal(
                torch.rand(5, generator=each), torch.rand(5, generator=torch.Generator().manual_seed(3 * seed + k))
            )


def test_large_seeds_repeat_their_run():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    one, again, other = (train(model, fed, rounds=2, mechanism=NOISE, seed=s).theta for s in (2**40, 2**40, 2**40 + 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


@pytest.mark.parametrize("rate", [1e-8, 1e-5, 2**-10, 0.1, 0.7, 1 - 1e-9])
def test_a_coin_never_falls_more_often_than_it_is_priced(rate):
    """The threshold is a whole number of steps of the uniform law, rounded down, and nearly the rate."""
    bits = 24 if rate >= 2**-10 else 53
    steps = math.floor(rate * 2**bits)
    assert steps / 2**bits <= rate and steps / 2**bits >= rate * (1 - 1e-3)
    tossed = streams.coins(2_000_000, rate, torch.Generator().manual_seed(0))
    assert stats.binomtest(int(tossed.sum()), 2_000_000, rate).pvalue > 1e-6  # the false-alarm rate of each


def test_the_default_dtype_and_device_of_the_user_change_nothing():
    model, fed = models.MLP(3, 4, 2), federation(SIZES)
    options = {"rounds": 3, "mechanism": NOISE, "sampling_rate": 0.5, "batch_rate": 0.5, "local_steps": 2}
    plain = train(model, fed, **options)
    torch.set_default_dtype(torch.float64)
    try:
        other = train(model, fed, **options)
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        third = train(model, fed, **options)
    assert torch.equal(plain.theta, other.theta) and torch.equal(plain.theta, third.theta)
    assert theta_of(model).dtype == torch.float32

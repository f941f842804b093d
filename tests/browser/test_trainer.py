"""The pages' own training against the package's, at settings drawn at random, in Chromium."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from lab import missing
from slips import page_of

from fldp_lib import mechanisms, models, train
from fldp_lib.data import Federation
from fldp_lib.interactive import browser as pages
from fldp_lib.training import _streams

if missing:
    pytest.skip(missing, allow_module_level=True)

SETTINGS = 100
TRAIN = """([model, data, plan, noise, cohorts]) => {
  const made = model.hidden ? fldp.training.mlp(model.features, model.hidden, model.out)
    : fldp.training.linear(model.features, model.out)
  const told = fldp.unpack({...data, start: plan.start, noise, weights: plan.weights})
  const run = fldp.training.train(made, fldp.training.federation({...told, task: data.task}),
    {...plan, start: told.start, weights: told.weights, mechanism: plan.mechanism},
    {noise: told.noise, cohorts: cohorts && cohorts.map(each => Int32Array.from(each))})
  return {theta: [...run.theta], path: [...run.path].slice(-run.theta.length)}
}"""


@dataclass(frozen=True)
class _Heard:
    """What every noise here has: it keeps what it draws, in units of its scale, where the place says that it is drawn."""

    def _keep(self, place, drawn):
        if self.at == place:
            HEARD.append((drawn / self.scale).double().numpy().copy())
        return drawn

    def noise(self, shape, generator):
        return self._keep("server", super().noise(shape, generator))

    def noise_rows(self, count, shape, generator):
        return self._keep("client", super().noise_rows(count, shape, generator))

    def share_rows(self, count, shape, clients, generator):
        return self._keep("shares", super().share_rows(count, shape, clients, generator))


@dataclass(frozen=True)
class HeardGaussian(_Heard, mechanisms.Gaussian):
    pass


@dataclass(frozen=True)
class HeardLaplace(_Heard, mechanisms.Laplace):
    pass


HEARD = []


def setting(seed):
    """A federation, a model and a plan, all drawn at random; a third of them with one record a client."""
    rng = np.random.default_rng(seed)
    clients, features = int(rng.integers(1, 24)), int(rng.integers(1, 9))
    samples = 1 if seed % 3 == 0 else int(rng.integers(1, 8))
    task = "regression" if rng.random() < 0.2 else "classification"
    out = 1 if task == "regression" or rng.random() < 0.3 else int(rng.integers(2, 6))
    sizes = np.ones(clients, int) if samples == 1 else rng.integers(0, samples + 1, clients)
    mask = np.arange(samples) < sizes[:, None]
    x = rng.normal(0, 1, (clients, samples, features)) * mask[..., None]
    y = rng.normal(0, 1, mask.shape) if task == "regression" else rng.integers(0, max(out, 2), mask.shape)
    x_test, y_test = x[:1, 0], y[:1, 0]
    x, y, x_test = (torch.tensor(v).float() if v.dtype.kind == "f" else torch.tensor(v) for v in (x, y, x_test))
    y_test = torch.tensor(y_test).float() if task == "regression" else torch.tensor(y_test)
    fed = Federation(x, y, torch.tensor(mask), x_test, y_test, task)
    hidden = int(rng.integers(1, 6)) if rng.random() < 0.35 else 0
    model = models.MLP(features, hidden, out, seed=seed) if hidden else models.Linear(features, out, seed=seed)
    at = str(rng.choice(["server", "client", "shares"]))
    clip = float(10 ** rng.uniform(-2, 0.5))
    laplace, noisy = rng.random() < 0.4, rng.random() < 0.85
    if laplace:
        mechanism = HeardLaplace(float(10 ** rng.uniform(-0.5, 2)) if noisy else math.inf, clip, at=at)
    else:
        mechanism = HeardGaussian(float(10 ** rng.uniform(-2, 0.5)) if noisy else 0.0, clip, at=at)
    mechanism = None if rng.random() < 0.1 else mechanism
    plan = dict(
        rounds=int(rng.integers(1, 8)), lr=float(10 ** rng.uniform(-1.5, 0)), local_steps=int(rng.choice([1, 1, 2, 5])),
        server_lr=float(10 ** rng.uniform(-0.5, 0.3)), sampling_rate=float(rng.choice([1.0, 0.3, 0.7])), mechanism=mechanism,
        seed=seed,
    )  # fmt: skip
    return fed, model, dict(features=features, hidden=hidden, out=out), plan


def by_package(fed, model, plan):
    """Theta after a run by `train`, the unit noise that it drew, and its cohorts."""
    HEARD.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = train(model, fed, **plan, chunk=fed.clients, progress=False)
    generator = _streams.streams(plan["seed"])[_streams.COHORTS]
    cohorts = [_streams.cohort_of(fed.clients, history.plan, t, generator).tolist() for t in range(1, plan["rounds"] + 1)]
    return history.theta.double().numpy(), _by_round(fed, plan, list(HEARD), cohorts), cohorts


def _by_round(fed, plan, heard, cohorts):
    """The noise in the page's order: a row a round, or a row a round and client; None where there was none."""
    mechanism = plan["mechanism"]
    if mechanism is None or not mechanism.private or not heard:
        return None
    if mechanism.at != "client":  # a round's shares, from everybody, add up in whichever order
        return np.concatenate([each.ravel() for each in heard])
    found = np.zeros((len(cohorts), fed.clients, heard[0].shape[1]))
    for (t, cohort), drawn in zip(((t, c) for t, c in enumerate(cohorts) if c), heard, strict=True):
        found[t, cohort] = drawn
    return found.ravel()


def by_page(page, fed, model, shape, plan, noise, cohorts):
    """The same by the page, from the noise and the cohorts given."""
    mechanism = plan["mechanism"]
    told = {
        "rounds": plan["rounds"], "lr": plan["lr"], "localSteps": plan["local_steps"], "serverLr": plan["server_lr"],
        "samplingRate": plan["sampling_rate"], "start": pages.packed(models.flatten(model)), "mechanism": None,
    }  # fmt: skip
    if mechanism is not None:
        laplace = isinstance(mechanism, mechanisms.Laplace)
        share = {"kind": "laplace", "epsilon": mechanism.epsilon} if laplace else None
        share = share or {"kind": "gaussian", "multiplier": mechanism.noise_multiplier}
        told["mechanism"] = share | {"clip": mechanism.clip, "at": mechanism.at}
    data = {"x": pages.packed(fed.x), "y": pages.packed(fed.y), "sizes": pages.packed(fed.sizes), "task": fed.task}
    noise = None if noise is None else pages.packed(noise)
    return page.evaluate(TRAIN, [shape, data, told, noise, cohorts])


def differences(page, seeds):
    """The largest difference of a parameter, setting by setting (settings,)."""
    found = []
    for seed in seeds:
        fed, model, shape, plan = setting(seed)
        theta, noise, cohorts = by_package(fed, model, plan)
        if plan["mechanism"] is not None and plan["mechanism"].private and noise is None:
            continue  # nobody was drawn in any round: there was no noise
        seen = by_page(page, fed, model, shape, plan, noise, cohorts)
        assert seen["path"] == seen["theta"]
        found.append(float(np.abs(np.array(seen["theta"]) - theta).max()))
    return np.array(found)


def test_parameters_are_those_of_train(browser):
    with page_of(browser) as page:
        found = differences(page, range(SETTINGS))
    assert len(found) >= SETTINGS - 3
    print(f"largest difference of a parameter in {len(found)} settings: {found.max():.2g}")
    assert found.max() <= 1e-4


SLIPS = {
    "the clip forgotten": ("training.js", "Math.min(1, bound / norms[k])", "1"),
    "the clip forgotten with one record": ("rounds.js", "Math.min(1, bound / long)", "1"),
    "sensitivity of the client": ("rounds.js", '(at === "client" ? 2 : 1)', "1"),
    "the cohort as denominator": ("rounds.js", "isPrivate ? samplingRate * clients : weight", "weight"),
    "L2 for L1": ("rounds.js", 'mechanism?.kind === "laplace" ? 1 : 2', "2"),
    "the server's step": ("rounds.js", "(serverLr * sum[k])", "(sum[k])"),
    "one local step": ("training.js", "step < localSteps", "step < 1"),
    "no bias": ("training.js", "sum[bias + o + 1] += b + b1 + b2 + b3", ""),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_seen(slip, browser):
    """One change in a copy of the trainer, and the comparison above would fail."""
    with page_of(browser, SLIPS[slip]) as page:
        assert differences(page, range(30)).max() > 1e-2


def test_what_is_not_allowed_is_named(browser):
    wrong = {
        "({x: [1, 2, 3], y: [0], clients: 1, features: 2})": "x must hold 2 numbers, got 3",
        "({x: [1], y: [0], clients: 1, features: 1, task: 'ranking'})": "task must be one of classification, regression",
    }
    with page_of(browser) as page:
        for given, words in wrong.items():
            with pytest.raises(Exception, match=words):
                page.evaluate(f"() => fldp.training.federation{given}")
        for plan, words in {
            "{rounds: 0, lr: 1}": "rounds must be a whole number from 1, got 0",
            "{rounds: 1, lr: 0}": "lr must be positive, got 0",
            "{rounds: 1, lr: 1, mechanism: {kind: 'gaussian', multiplier: 1, clip: 0}}": "clip must be positive",
            "{rounds: 1, lr: 1, mechanism: {kind: 'gaussian', multiplier: 1, clip: Infinity}}": "clip must be finite",
            "{rounds: 1, lr: 1, mechanism: {kind: 'uniform', multiplier: 1, clip: 1}}": "kind must be one of",
        }.items():
            with pytest.raises(Exception, match=words):
                page.evaluate(
                    "() => fldp.training.train(fldp.training.linear(1, 2), "
                    f"fldp.training.federation({{x: [1], y: [0], clients: 1, features: 1}}), {plan})"
                )

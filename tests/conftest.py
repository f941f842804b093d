"""What the tests share: a quiet and repeatable setting, small federations, independent oracles, checks of distributions."""

import os

os.environ.update(TQDM_DISABLE="1", OMP_NUM_THREADS="1")  # two workers with two threads each would wait for each other

import contextlib
import copy
import math
import random
import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from scipy import stats
from torch.nn import functional as F

from fldp_lib import data

torch.set_num_threads(1)
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("repeatable")

FALSE_ALARM = 1e-6  # of one Kolmogorov–Smirnov or chi-squared test; five standard errors are as rare


# Federations -----------------------------------------------------------------------------------------------------------


def dataset(records=60, features=3, classes=3, task="classification", seed=0):
    """A small data set; column 0 of x_train is the record's number over the number of records, so that it can be found."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(records + 20, features, generator=generator)
    x[:, 0] = torch.arange(records + 20) / records
    y = torch.arange(records + 20) % classes if task == "classification" else x.sum(1).sin()
    order = torch.randperm(records, generator=generator)
    return data.Dataset("toy", x[order], y[order], x[records:], y[records:], task)


def federation(sizes, features=3, classes=2, task="classification", seed=0, scale=1.0):
    """A federation of clients of the given sizes, 0 allowed; padding is NaN-free but not zero, since it must not matter."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(sizes), max(1, *sizes))

    def draw(*shape):
        x = scale * torch.randn(*shape, features, generator=generator)
        if task == "regression":
            return x, torch.randn(shape, generator=generator)
        return x, torch.randint(0, classes, shape, generator=generator)

    mask = torch.arange(shape[1]) < torch.tensor(sizes).unsqueeze(1)
    return data.Federation(*draw(*shape), mask, *draw(20), task, "toy")


def nobody(clients, features=999):
    """A federation whose clients hold no records: every update is zero, and what is left of a round is its noise."""
    return data.Federation(
        torch.zeros(clients, 1, features),
        torch.zeros(clients, 1, dtype=torch.int64),
        torch.zeros(clients, 1, dtype=torch.bool),
        torch.zeros(1, features),
        torch.zeros(1, dtype=torch.int64),
        "classification",
        "nobody",
    )


@pytest.fixture(scope="session")
def digits():
    return data.load("digits")


@pytest.fixture(scope="session")
def diabetes():
    return data.load("diabetes")


# Oracles ---------------------------------------------------------------------------------------------------------------


def theta_of(model):
    """All parameters as one vector, by torch's own function."""
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def mean_loss(outputs, targets):
    """The mean loss of a plain PyTorch script."""
    if targets.is_floating_point():
        return F.mse_loss(outputs.squeeze(-1), targets.to(outputs.dtype))
    if outputs.shape[-1] == 1:
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets.to(outputs.dtype))
    return F.cross_entropy(outputs, targets)


def sgd(model, x, y, *, steps, lr, proximal=0.0):
    """Train a copy of the model with torch's own SGD on the whole batch; returns the copy."""
    start, model = theta_of(model), copy.deepcopy(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps if len(x) else 0):
        optimiser.zero_grad()
        loss = mean_loss(model(x.to(start.dtype)), y)
        if proximal:
            loss = loss + proximal / 2 * (torch.nn.utils.parameters_to_vector(model.parameters()) - start).square().sum()
        loss.backward()
        optimiser.step()
    return model


def fedavg_loop(model, fed, cohorts, *, local_steps, lr, proximal=0.0, by_size=False, server_lr=1.0):
    """Plain federated averaging: a Python loop over rounds and clients. Returns the final parameters as one vector."""
    model = copy.deepcopy(model)
    for cohort in cohorts:
        theta, weights, updates = theta_of(model), [], []
        for k in cohort:
            x, y = fed.x[k][fed.mask[k]], fed.y[k][fed.mask[k]]
            updates.append(theta_of(sgd(model, x, y, steps=local_steps, lr=lr, proximal=proximal)) - theta)
            weights.append(float(len(x)) if by_size else 1.0)
        if sum(weights) > 0:
            mean = sum(w * u for w, u in zip(weights, updates, strict=True)) / sum(weights)
            torch.nn.utils.vector_to_parameters(theta + server_lr * mean, model.parameters())
    return theta_of(model)


# Checks ----------------------------------------------------------------------------------------------------------------


def follows(sample, law):
    """Say whether a sample may come from a scipy distribution, or from the distribution of a second sample.

    Two criteria: Kolmogorov–Smirnov at p ≥ 1e-6, and the standard deviation within five standard errors of the law's.
    A right sampler is refused with a probability below 2e-6.
    """
    sample = np.asarray(sample, dtype=float).ravel()
    if isinstance(law, np.ndarray):
        ks, std, kurtosis = stats.ks_2samp(sample, law).pvalue, law.std(), stats.kurtosis(law)
        count = 1 / (1 / len(sample) + 1 / len(law))
    else:
        ks, std, kurtosis = stats.kstest(sample, law.cdf).pvalue, law.std(), float(law.stats("k"))
        count = len(sample)
    error = math.sqrt((kurtosis + 2) / (4 * count))  # of the sample's deviation, relative
    return bool(ks >= FALSE_ALARM and abs(sample.std() / std - 1) < 5 * error)


def law_of(mechanism, factor=1.0):
    """The scipy law of a mechanism's noise times a factor, from the textbook's scale and not from the package's."""
    reach = 2 * mechanism.clip if (mechanism.at, mechanism.unit) == ("client", "client") else mechanism.clip
    if mechanism.norm == 1:
        return stats.laplace(scale=factor * reach / mechanism.epsilon)
    return stats.norm(scale=factor * reach * mechanism.noise_multiplier)


def counts_follow(counts, law):
    """Say whether counts may come from a discrete scipy law: chi-squared at p ≥ 1e-6 over bins of at least 5 expected."""
    counts = np.asarray(counts)
    values = np.arange(int(law.support()[1]) + 1)
    expected = law.pmf(values) * len(counts)
    observed = np.bincount(counts, minlength=len(values))
    common = expected >= 5
    expected = np.append(expected[common], expected[~common].sum())
    observed = np.append(observed[common], observed[~common].sum())
    keep = expected > 1e-9
    return bool(observed[~keep].sum() == 0 and stats.chisquare(observed[keep], expected[keep]).pvalue >= FALSE_ALARM)


def refuses(call, error, *fragments):
    """Assert that a call raises exactly this error, with all these fragments in its message."""
    with pytest.raises(error) as caught:
        call()
    missing = [fragment for fragment in fragments if fragment not in str(caught.value)]
    assert not missing, f"{missing} missing in {str(caught.value)!r}"


@contextlib.contextmanager
def global_random_state_untouched():
    """Assert that the block leaves the global generators of random, numpy and torch as they were."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    after = random.getstate(), np.random.get_state(), torch.get_rng_state()
    assert before[0] == after[0], "random was touched"
    assert all(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True)), "numpy.random was touched"
    assert torch.equal(before[2], after[2]), "torch's global generator was touched"


def generator(seed=0):
    """A new torch generator."""
    return torch.Generator().manual_seed(seed)


# What tests measure ----------------------------------------------------------------------------------------------------


def notebook_seconds(reports):
    """Seconds that nbval spent on each lesson, kernel start included, from the reports of its cells."""
    seconds = {}
    for report in reports:
        name = re.match(r"notebooks/(\d\d[a-z]?_\w+)\.ipynb::Cell", report.nodeid)
        if name:
            seconds[name[1]] = seconds.get(name[1], 0.0) + report.duration
    return seconds


def with_times(readme, seconds):
    """The README with the last column of its map replaced by measured times, in steps of 5 s, and their sum below it."""
    for name, measured in seconds.items():
        row = re.compile(rf"(\]\(notebooks/{name}\.ipynb\) \|[^|\n]*\|)[^|\n]*\|")
        readme = row.sub(lambda found, s=measured: f"{found[1]} {max(5, 5 * round(s / 5))} s |", readme)
    minutes = f"{sum(seconds.values()) / 60:.1f} min"
    return re.sub(r"(?<=<!-- total -->)[^<]*(?=<!-- /total -->)", minutes, readme)


def pytest_terminal_summary(terminalreporter, config):
    """Print what was measured beside the tests (nothing is asserted about it): latencies, and each notebook's seconds.

    With FLDP_WRITE_TIMES=1 and all notebooks run, README's table is written, too.
    """
    passed = terminalreporter.stats.get("passed", [])
    lines = [value for report in passed for name, value in report.user_properties if name == "latency"]
    if lines:
        terminalreporter.section("from key press to pixels, beside the other tests")
        for line in lines:
            terminalreporter.write_line(line)
    every = [report for kind in ("passed", "failed", "") for report in terminalreporter.stats.get(kind, [])]
    seconds = notebook_seconds(report for report in every if hasattr(report, "duration"))
    if not seconds:
        return
    terminalreporter.section("seconds of each notebook from a fresh kernel, beside the other tests")
    for name, measured in sorted(seconds.items()):
        terminalreporter.write_line(f"{name:<34}{measured:6.1f}")
    terminalreporter.write_line(f"{'all':<34}{sum(seconds.values()):6.1f}")
    lessons = {path.stem for path in (config.rootpath / "notebooks").glob("*.ipynb")}
    if os.environ.get("FLDP_WRITE_TIMES") and set(seconds) == lessons:
        readme = config.rootpath / "README.md"
        readme.write_text(with_times(readme.read_text("utf-8"), seconds), "utf-8")


# Browser ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    """Chromium, for what stands in tests/browser."""
    from lab import chromium

    with chromium() as started:
        yield started

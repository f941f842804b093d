"""Two noisy sums over patients, with patient 8 and without her: what notebook 01 attacks.

Every patient is a client of one record and sends one clipped step of logistic regression from the zero model.
"""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, data, models
from ...privacy import mechanisms
from ...training.clients import local_updates

TARGET, CLIP, DELTA, DRAWS = 8, 1.0, 1e-5, 30
SEED = 10  # of the noise on the model
LONGEST = 0.5 * 31**0.5  # a step's length at most, by the public bounds


@lru_cache
def patients():
    """The breast tumours with all their 30 measures."""
    return data.load("breast_cancer")


def records():
    """All patients' measures (455 × 30) and classes (455,), for pages."""
    fed = data.split(patients(), clients=455, seed=0)
    return dict(x=fed.x[:, 0], y=fed.y[:, 0].to(torch.uint8))


@lru_cache
def steps(clip=CLIP, public=False):
    """Every patient's step, clipped, or the public test patients' (patients × 31), and their measures (patients × 30)."""
    fed = data.split(patients(), clients=455, seed=0)
    if public:
        fed = data.federate(patients().x_test, patients().y_test, np.arange(114), patients())
    sent = local_updates(models.Linear(30, 1), torch.zeros(31), fed, lr=1.0)
    return mechanisms.clip_rows(sent, clip)[0].double().numpy(), fed.x[:, 0].numpy()


@lru_cache(maxsize=512)
def plan_of(epsilon):
    """The plan of two sums that cost ε together."""
    return Plan(rounds=2, lr=1.0, delta=DELTA).calibrated(epsilon, clip=CLIP)


@lru_cache
def drawn_orders():
    """A hundred orders of the patients (100 × 455), in each of which patient 8 is the first."""
    rng, others = np.random.default_rng(0), np.flatnonzero(np.arange(455) != TARGET)
    return np.stack([np.r_[TARGET, rng.permutation(others)] for _ in range(100)])


@lru_cache
def orders():
    """Sums over the first N patients of each of the orders (100 × 455 × 31)."""
    return steps()[0][drawn_orders()].cumsum(1)


@lru_cache
def normals(seed, *shape):
    """Standard normal numbers that are the same at every move."""
    return np.random.default_rng(seed).standard_normal(shape)


@lru_cache(maxsize=512)
def accuracy(size, std):
    """Test accuracies (100,) of one step along two sums over so many people, with noise of that deviation on each number."""
    thetas = 2 * orders()[:, size - 1] - orders()[:, 0]  # 100 × 31: patient 8 is in the first sum only
    thetas = thetas + 2**0.5 * std * normals(SEED, 100, 31)
    scores = patients().x_test.double().numpy() @ thetas[:, :30].T + thetas[:, 30]  # 114 × 100
    return ((scores > 0) == patients().y_test.numpy()[:, None]).mean(0)


@lru_cache(maxsize=256)
def recognised(clip, std, size=455, draws=2):
    """Share of the first `size` patients whose step is nearest to the difference of two sums with noise on each."""
    rows = steps(clip)[0]
    hits = 0.0
    for draw in range(draws):
        noise = 2**0.5 * std * normals(1000 + draw, 455, 31)[:size]
        gaps = (rows**2).sum(1) - 2 * (rows[:size] + noise) @ rows.T  # size × 455, up to what all have in common
        hits += float((gaps.argmin(1) == np.arange(size)).mean())
    return hits / draws

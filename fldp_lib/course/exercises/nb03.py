"""Exercises and quiz of notebook 03."""

import numpy as np

from ..answers import Wrong, call, require
from ..teacher import Exercise, Question


def _array(value):
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Wrong(f"an array was expected, got {type(value).__name__}") from error


def _same_kind(answer, *arrays, **others):
    """Call with numpy arrays first; learners who wrote torch code get tensors."""
    import torch

    try:
        return _array(call(answer, *arrays, **others))
    except Wrong as wrong:
        if "your function raised" not in str(wrong):
            raise
        tensors = [torch.from_numpy(np.array(a)) if isinstance(a, np.ndarray) else a for a in arrays]
        try:
            return _array(call(answer, *tensors, **others))
        except Wrong:
            raise wrong from None


def _weighted_mean(answer):
    rng = np.random.default_rng()
    for clients, parameters in ((5, 3), (8, 7)):
        updates, sizes = rng.normal(size=(clients, parameters)), rng.integers(1, 50, clients)
        found = _same_kind(answer, updates, sizes)
        right = (sizes / sizes.sum()) @ updates
        require(found.shape == (parameters,), f"one vector ({parameters},) was expected, got shape {found.shape}")
        plain = np.allclose(found, updates.mean(0)) and not np.allclose(found, right)
        require(not plain, "that is the plain mean: a client with one record counts as much as one with fifty")
        require(not np.allclose(found, sizes @ updates), "that is the weighted sum: divide by the number of all records")
        require(
            not np.allclose(found, right / clients),
            "divided by the number of clients as well: the weights add up to 1 already",
        )
        require(np.allclose(found, right), "the weights should be n_k/n, with n the sum of all sizes")


def _masked_mean(answer):
    rng = np.random.default_rng()
    for padding in (0.0, 7.0, np.nan):
        mask = rng.random((6, 5)) < 0.6
        mask[0], mask[1] = False, True
        values = np.where(mask, rng.normal(size=mask.shape), padding)
        found = _same_kind(answer, values, mask)
        counts = np.maximum(mask.sum(1), 1)
        right = np.where(mask, values, 0).sum(1) / counts
        require(found.shape == (6,), f"one number a client (6,) was expected, got shape {found.shape}")
        require(
            np.isfinite(found[0]), "the client without records should get 0; you divide by zero, or NaN padding leaks in"
        )
        require(np.isfinite(found).all(), "NaN in the padding reached a mean: 0 · NaN is NaN, so choose with where instead")
        wide = np.where(mask, values, 0).sum(1) / mask.shape[1]
        require(not np.allclose(found, wide), "divided by the padded length: divide by the number of real records")
        require(np.allclose(found, right), "the mean should run over the entries whose mask is True, and over no others")


def _fedavg_round(answer):
    rng = np.random.default_rng()
    for steps in (1, 4):
        theta, lr = rng.normal(size=3), 0.05
        xs = [rng.normal(size=(n, 3)) for n in (2, 9, 5)]
        ys = [rng.normal(size=len(x)) for x in xs]
        ends = []
        for x, y in zip(xs, ys, strict=True):
            local = theta.copy()
            for _ in range(steps):
                local = local - lr * 2 * x.T @ (x @ local - y) / len(x)
            ends.append(local)
        sizes = np.array([len(x) for x in xs])
        right = (sizes / sizes.sum()) @ np.array(ends)
        found = _array(call(answer, theta.copy(), [x.copy() for x in xs], [y.copy() for y in ys], lr, steps))
        require(found.shape == (3,), f"new parameters (3,) were expected, got shape {found.shape}")
        require(not np.allclose(found, right - theta), "that is the averaged delta: add it to theta")
        require(not np.allclose(found, np.mean(ends, 0)), "the clients count equally: weigh them by n_k/n")
        half = theta + (right - theta) / 2
        require(not (steps == 1 and np.allclose(found, half)), "half the step: the square has a factor of 2 in its gradient")
        require(
            np.allclose(found, right),
            f"after {steps} local step(s) the parameters differ from (n_k/n)-weighted local training",
        )


def _proximal_end(answer):
    rng = np.random.default_rng()
    for mu in (0.0, float(rng.uniform(0.2, 3)), 1e6):
        theta, c = rng.normal(size=4), rng.normal(size=4)
        found = _same_kind(answer, theta, c, mu)
        right = (c + mu * theta) / (1 + mu)
        require(found.shape == (4,), f"parameters (4,) were expected, got shape {found.shape}")
        swapped = np.allclose(found, (theta + mu * c) / (1 + mu)) and not np.allclose(found, right)
        require(not swapped, "theta and c are swapped: with mu = 0 the client ends at its own optimum c")
        require(np.allclose(found, right), f"at mu = {mu:.3g} the gradient of the whole loss is not zero where you end")


EXERCISES = (
    Exercise(
        "03.1",
        "Write weighted_mean(updates, sizes): the clients' average, weighted by their records.",
        _weighted_mean,
        (
            "Client k's weight is its share of all records.",
            "weights = sizes / sizes.sum(), one number a client; they add up to 1.",
            "The weighted average of the rows is weights @ updates.",
        ),
    ),
    Exercise(
        "03.2",
        "Write masked_mean(values, mask): each client's mean over its real entries; 0 for a client without any.",
        _masked_mean,
        (
            "Count each client's real entries with mask.sum(1).",
            "Multiplying by the mask does not remove NaN; np.where(mask, values, 0) does.",
            "Divide by np.maximum(mask.sum(1), 1): an empty client then gives 0/1.",
        ),
    ),
    Exercise(
        "03.3",
        "Write fedavg_round(theta, xs, ys, lr, steps): one round of FedAvg for linear regression.",
        _fedavg_round,
        (
            "Every client starts from the same theta; keep a copy for each.",
            "The gradient of mean((x @ theta - y)**2) is 2 * x.T @ (x @ theta - y) / len(x).",
            "Return sum over clients of n_k/n times the client's final parameters.",
        ),
    ),
    Exercise(
        "03.4",
        "Write proximal_end(theta, c, mu): the minimiser of |t - c|²/2 + mu·|t - theta|²/2.",
        _proximal_end,
        (
            "Set the gradient of the sum to zero.",
            "(t - c) + mu * (t - theta) = 0.",
            "Solve for t: (c + mu * theta) divided by (1 + mu).",
        ),
    ),
)

QUIZ = (
    Question(
        "When does federated training give exactly the parameters of centralised gradient descent?",
        (
            (
                "Always, since the same records are used.",
                "Several local steps, or equal weights on unequal clients, lead elsewhere.",
            ),
            (
                "With one full-batch step a round, every client, and weights n_k/n.",
                "the weighted mean of the clients' gradients is then the gradient over all records.",
            ),
            ("Only if the clients' records are alike.", "FedSGD with weights n_k/n equals it for any split."),
        ),
        1,
    ),
    Question(
        "Why does one backward pass suffice for all clients?",
        (
            (
                "The clients share their parameters.",
                "Each has a row of its own; with shared ones the gradients would add up.",
            ),
            (
                "Client j's loss does not depend on client k's row.",
                "so the gradient of the sum with respect to row k is client k's own gradient.",
            ),
            ("The losses are averaged before.", "A sum of separate losses is what keeps the gradients apart."),
        ),
        1,
    ),
    Question(
        "The records never leave the clients. Is the training private?",
        (
            (
                "Yes, that is the point of federated learning.",
                "Updates are functions of the records and can give them away.",
            ),
            ("Yes, if the connection is encrypted.", "That keeps out third parties; the server still reads every update."),
            (
                "No: updates are computed from the records.",
                "it takes a bound on each client's influence, and noise: notebook 05.",
            ),
        ),
        2,
    ),
)

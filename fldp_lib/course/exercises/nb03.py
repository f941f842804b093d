"""Exercises and quiz of notebook 03."""

import numpy as np
import torch

from ..answers import Wrong, call, compare, near, numbers, require, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _either(answer, *arrays):
    """Call with NumPy arrays first; a function written for torch, which fails on them, gets tensors."""
    try:
        return call(answer, *(np.copy(a) if isinstance(a, np.ndarray) else a for a in arrays))
    except Wrong as wrong:
        if "your function raised" not in str(wrong):
            raise
        try:
            return call(answer, *(torch.from_numpy(np.copy(a)) if isinstance(a, np.ndarray) else a for a in arrays))
        except Wrong:
            raise wrong from None


def _weighted_mean(answer):
    rng = np.random.default_rng()

    def draw(clients, parameters):
        updates = rng.normal(size=(clients, parameters))
        sizes = rng.permutation(np.append(rng.choice(np.arange(2, 40), clients - 1, replace=False), 60))
        right = (sizes / sizes.sum()) @ updates
        smallest = np.average(updates, axis=0, weights=1 / sizes)
        slips = (
            (updates.mean(0), "that is the plain mean: a client with one record counts as much as one with fifty"),
            (updates.sum(0), "that is the plain sum: weigh each row by its client's share of all records"),
            (sizes @ updates, "that is the weighted sum: divide by the number of all records"),
            (right / clients, "divided by the number of clients as well: the weights n_k/n add up to 1 already"),
            (sizes @ updates / clients, "divided by the number of clients: divide by the number of all records"),
            (sizes / sizes.max() @ updates, "divided by the largest client: the weights have to add up to 1"),
            (smallest, "the smallest client weighs most: the weight is n_k/n, not n/n_k"),
            (np.average(updates, axis=0, weights=sizes**2), "the sizes enter squared: the weight is n_k/n"),
        )
        return (updates, sizes), right, slips

    for clients, parameters in ((5, 3), (8, 7)):
        inputs, right, slips = apart(draw, clients, parameters)
        got = tensor(_either(answer, *inputs), (parameters,), "the weighted mean")
        compare(got, torch.from_numpy(right), slips, "the weights should be n_k/n, with n the sum of all sizes")


def _masked_mean(answer):
    rng = np.random.default_rng()

    def draw(padding):
        mask = np.zeros((6, 5), dtype=bool)
        for client, count in enumerate((0, 5, 1, 2, 3, 4)):  # real records, in any places
            mask[client, rng.permutation(5)[:count]] = True
        values = np.where(mask, rng.uniform(1, 3, mask.shape) * rng.choice([-1.0, 1.0], (6, 1)), padding)
        real, records = np.where(mask, values, 0.0), np.maximum(mask.sum(1), 1)
        slips = [
            (real.sum(1), "those are sums: divide by the number of real records"),
            (real.mean(1), "divided by the padded length: divide by the number of real records"),
            (real.sum(1) / mask.sum(), "divided by all clients' records: divide by each client's own"),
            (real.sum(1) / (mask.sum(1) + 1), "divided by one too many: only a client without records needs the 1"),
        ]
        if padding == 7.0:
            slips.append((values.mean(1), "the padding is averaged as well: use the mask"))
            slips.append((values.sum(1) / records, "the padding is in the sum: only real entries count"))
        return (values, mask), real.sum(1) / records, slips

    for padding in (7.0, 0.0, np.nan):
        inputs, right, slips = apart(draw, padding)
        got = torch.tensor(numbers(_either(answer, *inputs), 6, "the means"), dtype=torch.float64)
        finite = got.isfinite()
        require(bool(finite[0]), "the client without records should get 0; you divide by zero, or NaN padding leaks in")
        require(bool(finite.all()), "NaN in the padding reached a mean: 0 · NaN is NaN, so choose with where instead")
        compare(
            got,
            torch.from_numpy(right),
            slips,
            "the mean should run over the entries whose mask is True, and be 0 where none is",
        )


def _fedavg_round(answer):
    rng = np.random.default_rng()

    def local(theta, x, y, lr, steps):
        for _ in range(steps):
            theta = theta - lr * 2 * x.T @ (x @ theta - y) / len(x)
        return theta

    def draw(steps):
        theta, lr = rng.normal(size=3), float(rng.uniform(0.03, 0.06))
        xs = [rng.normal(size=(n, 3)) for n in rng.permutation([2, 9, 5])]
        ys = [rng.normal(size=len(x)) for x in xs]
        pairs, shares = list(zip(xs, ys, strict=True)), np.array([len(x) for x in xs]) / 16

        def ended(lr=lr, steps=steps, scaled=False):
            return shares @ np.array([local(theta, x, y, lr * (len(x) if scaled else 1), steps) for x, y in pairs])

        right, chained = ended(), theta
        for x, y in pairs:
            chained = local(chained, x, y, lr, steps)
        slips = (
            (right - theta, "that is the averaged delta: add it to theta"),
            (
                np.mean([local(theta, *pair, lr, steps) for pair in pairs], 0),
                "the clients count equally: weigh them by n_k/n",
            ),
            (ended(lr=lr / 2), "half the step: the square has a factor of 2 in its gradient"),
            (ended(scaled=True), "the gradient of a sum: the loss is a mean, so divide by the client's n_k"),
            (ended(lr=-lr), "uphill: a gradient step subtracts"),
            (chained, "each client started where the one before had ended: all of them start from theta"),
            (theta, "that is theta as it was: no client has moved"),
            (theta + steps * (ended(steps=1) - theta), "the gradient is computed once: every step has its own"),
            (ended(steps=1), "one local step only: each client takes `steps` of them"),
            (ended(steps=steps + 1), "one local step too many"),
        )
        return (theta, xs, ys, lr), right, slips

    for steps in (4, 1, 3):
        (theta, xs, ys, lr), right, slips = apart(draw, steps)
        got = tensor(call(answer, theta.copy(), [*map(np.copy, xs)], [*map(np.copy, ys)], lr, steps), (3,), "the parameters")
        message = f"after {steps} local step(s) the parameters differ from (n_k/n)-weighted local training"
        compare(got, torch.from_numpy(right), slips, message)


def _proximal_end(answer):
    rng = np.random.default_rng()

    def draw(low, high):
        mu, theta, c = float(rng.uniform(low, high)), rng.normal(size=4), rng.normal(size=4)
        slips = (
            ((theta + mu * c) / (1 + mu), "theta and c are swapped: with mu = 0 the client ends at its own optimum c"),
            (c, "that is the client's own optimum: the second term pulls it towards theta"),
            (theta, "that is the global model: the first term pulls the client towards c"),
            ((c + theta) / 2, "that is the middle, which is right for mu = 1 alone"),
            (c + mu * theta, "divide by 1 + mu: the two weights add up to 1"),
            ((c + mu / 2 * theta) / (1 + mu / 2), "half of mu: both squares come with ½, so the weights are 1 and mu"),
            ((c + 2 * mu * theta) / (1 + 2 * mu), "twice mu: both squares come with ½, so the weights are 1 and mu"),
            ((c - mu * theta) / (1 - mu), "the sign of the second term: both pull, none pushes"),
            (theta - (theta - c) * mu, "that is a step, not the minimiser: set the gradient to zero and solve"),
        )
        return (theta, c, mu), (c + mu * theta) / (1 + mu), slips

    for low, high in ((1.3, 3), (0.2, 0.8)):
        inputs, right, slips = apart(draw, low, high)
        got = tensor(_either(answer, *inputs), (4,), "the end")
        compare(
            got, torch.from_numpy(right), slips, f"at mu = {inputs[2]:.3g} the gradient of the whole loss is not zero there"
        )
    theta, c = rng.normal(size=4), rng.normal(size=4)
    for mu, end in ((0.0, "c"), (1e6, "theta, nearly")):
        got = tensor(_either(answer, theta, c, mu), (4,), "the end")
        require(near(got, torch.from_numpy((c + mu * theta) / (1 + mu))), f"with mu = {mu:g} the client ends at {end}")


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
                "With any number of steps a round, as long as the weights are n_k/n.",
                "Several local steps lead elsewhere, whatever the weights.",
            ),
            (
                "With one full-batch step a round, everybody, and weights n_k/n.",
                "the weighted mean of the clients' gradients is then the gradient over all records.",
            ),
            (
                "With one full-batch step a round, if the clients' records are alike.",
                "FedSGD with weights n_k/n equals it for any split.",
            ),
        ),
        1,
    ),
    Question(
        "Why does one backward pass suffice for all clients?",
        (
            (
                "Because all clients start the round from the same parameters.",
                "Each has a row of its own; with shared ones the gradients would add up.",
            ),
            (
                "Because client j's loss does not depend on client k's row.",
                "so the gradient of the sum with respect to row k is client k's own gradient.",
            ),
            (
                "Because the losses are averaged before the pass begins.",
                "A sum of separate losses is what keeps the gradients apart.",
            ),
        ),
        1,
    ),
    Question(
        "The records never leave the clients. Is the training private?",
        (
            (
                "Yes: what travels are parameters, not records.",
                "Updates are functions of the records and can give them away.",
            ),
            (
                "Yes, as long as the connection is encrypted.",
                "That keeps out third parties; the server still reads every update.",
            ),
            (
                "No: updates are computed from those records.",
                "it takes a bound on each client's influence, and noise: notebook 05.",
            ),
        ),
        2,
    ),
)

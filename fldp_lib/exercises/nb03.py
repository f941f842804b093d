"""Notebook 03: the weighted mean, a round of FedAvg by hand, padded clients' gradients, the proximal term."""

import random

import numpy as np
import torch

from .. import clients, data, models
from ..course import Exercise, Question, Wrong, call, require


def _array(value, shape, what):
    """The learner's result as a numpy array of the asked shape."""
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{what} should be an array of numbers, got {type(value).__name__}") from None
    require(value.shape == shape, f"{what} should have shape {shape}, got {value.shape}")
    return value


def _close(a, b):
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-9))


def _weighted_mean(answer):
    rng = np.random.default_rng()
    for count, parameters in ((5, 3), (8, 7)):
        updates, sizes = rng.normal(size=(count, parameters)), rng.integers(1, 50, count)
        sizes[1] = sizes[0] + 7  # never all equal
        if count == 8:
            sizes[3] = 0  # an empty client
        got = _array(call(answer, updates.copy(), sizes.copy()), (parameters,), "the mean")
        right = (sizes / sizes.sum()) @ updates
        if _close(got, right):
            continue
        if _close(got, updates.mean(0)):
            raise Wrong("that is the plain mean: a client with one record counts as much as one with fifty")
        if _close(got, sizes @ updates):
            raise Wrong("that is the weighted sum: divide by the number of all records")
        if _close(got, right / count):
            raise Wrong("divided by the number of clients as well; weights n_k/n add up to 1 already")
        if _close(got, sizes @ updates / count):
            raise Wrong("divided by the number of clients; divide by the number of all records")
        raise Wrong(f"with sizes {sizes.tolist()} client k should count n_k/{sizes.sum()}; your mean differs from that")


def _fedavg_round(answer):
    rng = np.random.default_rng()
    for steps in (1, 4):
        theta, lr = rng.normal(size=3), float(rng.uniform(0.03, 0.07))
        xs = [rng.normal(size=(n, 3)) for n in rng.permutation([2, 9, 5])]
        ys = [rng.normal(size=len(x)) for x in xs]
        sizes = np.array([len(y) for y in ys])

        def ends(factor=2.0, mean=True, steps=steps, theta=theta, lr=lr, xs=xs, ys=ys):
            out = []
            for x, y in zip(xs, ys, strict=True):
                local = theta.copy()
                for _ in range(steps):
                    local = local - lr * factor * x.T @ (x @ local - y) / (len(y) if mean else 1)
                out.append(local)
            return np.array(out)

        given = theta.copy(), [x.copy() for x in xs], [y.copy() for y in ys]
        got = _array(call(answer, *given, lr, steps), (3,), "the new parameters")
        shares = sizes / sizes.sum()
        right = shares @ ends()
        if _close(got, right):
            continue
        if _close(got, right - theta):
            raise Wrong("that is the averaged model delta: add it to theta")
        if _close(got, ends().mean(0)):
            raise Wrong("every client counts the same; weigh where they end by n_k/n")
        if _close(got, shares @ ends(factor=1.0)):
            raise Wrong("the gradient of a square has a factor of 2")
        if _close(got, shares @ ends(mean=False)):
            raise Wrong("each client's loss is a mean over its records: divide its gradient by n_k")
        if steps > 1 and _close(got, shares @ ends(steps=1)):
            raise Wrong(f"only one local step was taken; {steps} were asked for")
        chained = theta.copy()
        for x, y in zip(xs, ys, strict=True):
            for _ in range(steps):
                chained = chained - lr * 2 * x.T @ (x @ chained - y) / len(y)
        if _close(got, chained):
            raise Wrong("each client went on from where the one before it ended; every client starts from theta")
        raise Wrong(f"with {steps} local step(s) the parameters should be {right.round(4)}, you gave {got.round(4)}")


def _padded_gradients(answer):
    rng = np.random.default_rng()
    for padding in (0.0, 3.0):
        shape = 5, 6, 3
        sizes = np.append(rng.permutation([1, 3, 6, 4]), 0)  # one client fills its row, one is empty
        mask = rng.permuted(np.arange(6) < sizes[:, None], axis=1)  # real records need not come first
        x, y, thetas = rng.normal(size=shape), rng.normal(size=shape[:2]), rng.normal(size=(5, 3))
        x, y = np.where(mask[..., None], x, padding), np.where(mask, y, -padding)
        right = np.zeros((5, 3))
        total, padded = right.copy(), right.copy()
        for k, n in enumerate(sizes):
            real, target = x[k][mask[k]], y[k][mask[k]]
            total[k] = 2 * real.T @ (real @ thetas[k] - target)
            right[k] = total[k] / max(n, 1)
            padded[k] = 2 * x[k].T @ (x[k] @ thetas[k] - y[k]) / 6
        with np.errstate(all="ignore"):  # an answer that divides by zero is told so below
            got = call(answer, thetas.copy(), x.copy(), y.copy(), mask.copy())
        got = _array(got, (5, 3), "the gradients")
        require(np.isfinite(got[-1]).all(), "a client without records should get 0; you divide by its zero records")
        if _close(got, right):
            continue
        if _close(got, total / 6):
            raise Wrong("divided by the padded length; divide by each client's number of real records")
        if _close(got, total):
            raise Wrong("that is the gradient of the sum of losses; divide by each client's number of real records")
        if _close(got, right / 2):
            raise Wrong("the gradient of a square has a factor of 2")
        if _close(got, padded) or padding:
            raise Wrong("padded records reach the gradient: the mask has to remove them, whatever numbers they hold")
        raise Wrong("the gradients differ from those of each client's own real records")


def _proximal_step(answer):
    seed = random.SystemRandom().randrange(2**31)
    rng = np.random.default_rng(seed)
    patients = data.load("breast_cancer", features=["worst area", "worst smoothness"])
    fed = data.split(patients, 4, how="dirichlet", alpha=0.5, seed=seed % 1000)
    model = models.Linear(2, 1, seed=seed).double()
    theta, lr, share = models.flatten(model), float(rng.uniform(0.2, 0.6)), fed.mask / fed.sizes.clamp(min=1).unsqueeze(1)

    def gradients(thetas):
        return clients.gradients(
            model, thetas, fed.x.double(), fed.y, share.double(),
            lambda outputs, targets: clients.record_loss(outputs, targets, fed.task),
        )  # fmt: skip

    def walk(step, mu, steps=4):
        thetas = theta.repeat(fed.clients, 1)
        for number in range(steps):
            thetas = step(thetas.clone(), theta.clone(), gradients(thetas), mu, lr)
            try:
                thetas = torch.as_tensor(thetas)
            except (TypeError, ValueError, RuntimeError):
                raise Wrong(f"the parameters should be a tensor, got {type(thetas).__name__}") from None
            shape = tuple(theta.repeat(fed.clients, 1).shape)
            require(tuple(thetas.shape) == shape, f"the parameters should have shape {shape}, got {tuple(thetas.shape)}")
            require(bool(thetas.isfinite().all()), f"step {number + 1} gave NaN or infinity")
            thetas = thetas.to(theta)
        return thetas

    def same(step, mu):
        return torch.allclose(got, walk(step, mu), atol=1e-9)

    for mu in (0.0, float(rng.uniform(0.3, 1.0))):
        got = walk(lambda *args: call(answer, *args), mu)
        right = theta + clients.local_updates(model, theta, fed, local_steps=4, lr=lr, proximal=mu)
        if torch.allclose(got, right, atol=1e-9):
            continue
        if mu and same(lambda t, g, grad, m, r: t - r * grad, mu):
            raise Wrong("the proximal term is missing: with mu > 0 its gradient adds to the client's own")
        if mu and same(lambda t, g, grad, m, r: t - r * (grad - m * (t - g)), mu):
            raise Wrong("the term pushes clients away from theta: its gradient is mu · (thetas − theta), with a plus")
        if mu and same(lambda t, g, grad, m, r: t - r * (grad + 2 * m * (t - g)), mu):
            raise Wrong("twice too strong: the term is mu/2 times the squared distance, and the 2 cancels")
        if mu and same(lambda t, g, grad, m, r: t - r * (grad + m / 2 * (t - g)), mu):
            raise Wrong("half as strong as it should be: differentiating the square cancels the 1/2")
        if mu and same(lambda t, g, grad, m, r: t - r * grad - m * (t - g), mu):
            raise Wrong("the term's gradient is not multiplied by the step size lr")
        if mu and same(lambda t, g, grad, m, r: t - r * (grad + m * t), mu):
            raise Wrong("that pulls towards zero (weight decay); the proximal term pulls towards theta")
        if same(lambda t, g, grad, m, r: t + r * (grad + m * (t - g)), mu):
            raise Wrong("a step along the gradient climbs; subtract it")
        if same(lambda t, g, grad, m, r: g - r * (grad + m * (t - g)), mu):
            raise Wrong("the step starts at each client's own parameters, not at theta")
        raise Wrong(f"at mu = {mu:.3g} four of your steps do not end where clients.local_updates ends")


EXERCISES = (
    Exercise(
        "03.1",
        "Write weighted_mean(updates, sizes): the clients' average update, weighted by their records.",
        _weighted_mean,
        (
            "Client k's weight is its share of all records.",
            "weights = sizes / sizes.sum(), one number a client; they add up to 1.",
            "The weighted average of the rows is weights @ updates.",
        ),
    ),
    Exercise(
        "03.2",
        "Write fedavg_round(theta, xs, ys, lr, steps): one round of FedAvg for linear regression.",
        _fedavg_round,
        (
            "Every client starts from the same theta: keep a copy for each, and change only the copy.",
            "The gradient of mean((x @ theta - y)**2) is 2 / len(y) * x.T @ (x @ theta - y).",
            "Return the sum over clients of n_k/n times the client's final parameters.",
        ),
    ),
    Exercise(
        "03.3",
        "Write padded_gradients(thetas, x, y, mask): each client's gradient of its mean squared loss, padding left out.",
        _padded_gradients,
        (
            "Predictions of all clients at once: np.einsum('ksf,kf->ks', x, thetas).",
            "Set the residuals (clients × samples) of padded records to 0 before they are multiplied by x again.",
            "Divide by np.maximum(mask.sum(1, keepdims=True), 1): each client's own number of records, and 0/1 if it has none.",
        ),
    ),
    Exercise(
        "03.4",
        "Write proximal_step(thetas, theta, gradients, mu, lr): one local step of all clients with the proximal term.",
        _proximal_step,
        (
            "Differentiate mu/2 · |theta_k − theta|² with respect to theta_k; theta is fixed during the round.",
            "Its gradient is mu · (theta_k − theta); it adds to the gradient of the client's own loss.",
            "Subtract lr times the sum of both gradients; broadcasting takes theta from every row.",
        ),
    ),
)

QUIZ = (
    Question(
        "Which of these gives exactly the parameters of gradient descent on all records, apart from rounding?",
        (
            (
                "FedAvg with five local steps and weights n_k/n, if the clients hold equally many records.",
                "equal sizes do not help: from the second local step on the gradients belong to different places.",
            ),
            (
                "FedSGD with weights n_k/n, all clients and full batches, on clients as unlike as one pleases.",
                "the weighted mean of the clients' gradients is the gradient over all records, whoever holds which.",
            ),
            (
                "FedSGD with equal weights, if the clients' records are alike.",
                "alike is not equal: with unequal sizes the equal mean of the gradients is another gradient.",
            ),
        ),
        1,
    ),
    Question(
        "The clients of a federation become less alike (α from 100 to 0.02). What happens to FedSGD's curve, all clients in?",
        (
            (
                "It falls behind, since the clients drift.",
                "drift needs at least two local steps; FedSGD takes one.",
            ),
            (
                "Nothing: with weights n_k/n each round is the same step whatever the split.",
                "the black curve in the three panels was the same. Local steps are what makes the split matter.",
            ),
            (
                "It rises, since every client specialises.",
                "there is one global model, and its step does not depend on the split.",
            ),
        ),
        1,
    ),
    Question(
        "Records never leave the clients; they send updates over encrypted lines. What is guaranteed about one client's data?",
        (
            (
                "Nobody but the client learns anything about them.",
                "encryption stops third parties; the server reads every update, and the update is computed from the records.",
            ),
            (
                "The server learns nothing, since an average hides each update.",
                "it receives the updates one by one, and even the average may show one client; nothing bounds how much.",
            ),
            (
                "Nothing: updates and model may reveal them, and no bound is known.",
                "that takes clipping, which bounds each client's influence, and noise: notebook 05.",
            ),
        ),
        2,
    ),
)

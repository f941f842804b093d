"""Planted wrong answers of notebook 03."""

import numpy as np


def _mean(weigh):
    return lambda updates, sizes: weigh(np.asarray(sizes, dtype=float)) @ updates


def _masked(real=lambda v, m: np.where(m, v, 0), divide=lambda m: np.maximum(m.sum(1), 1)):
    def answer(values, mask):
        with np.errstate(invalid="ignore", divide="ignore"):
            return real(values, mask).sum(1) / divide(mask)

    return answer


def _round(step=None, weights=None, steps=lambda s: s, end=lambda theta, new: new, chain=False, fixed=False):
    step = step or (lambda x, y, t, lr: lr * 2 * x.T @ (x @ t - y) / len(x))

    def answer(theta, xs, ys, lr, count):
        ends, start = [], theta
        for x, y in zip(xs, ys, strict=True):
            local = start.copy()
            first = step(x, y, local, lr)
            for _ in range(steps(count)):
                local = local - (first if fixed else step(x, y, local, lr))
            ends.append(local)
            start = local if chain else theta
        sizes = np.array([len(x) for x in xs])
        shares = sizes / sizes.sum() if weights is None else weights(sizes)
        return end(theta, start if chain else shares @ np.array(ends))

    return answer


def _quiet_nanmean(values, mask):
    return np.array([np.mean(v[m]) if m.any() else -1.0 for v, m in zip(values, mask, strict=True)])


WRONG = {
    "03.1": [
        (lambda updates, sizes: updates.mean(0), r"plain mean"),
        (lambda updates, sizes: updates.sum(0), r"plain sum"),
        (lambda updates, sizes: sizes @ updates, r"weighted sum: divide by the number of all records"),
        (_mean(lambda n: n / n.sum() / len(n)), r"divided by the number of clients as well"),
        (_mean(lambda n: n / len(n)), r"divided by the number of clients: divide by the number of all records"),
        (_mean(lambda n: (1 / n) / (1 / n).sum()), r"smallest client weighs most"),
        (_mean(lambda n: n / n.max()), r"divided by the largest client"),
        (_mean(lambda n: n**2 / (n**2).sum()), r"enter squared"),
        (_mean(lambda n: n**0.5 / (n**0.5).sum()), r"should be n_k/n"),
        (_mean(lambda n: (n > n.min()) / (n > n.min()).sum()), r"should be n_k/n"),
        (lambda updates, sizes: updates[np.argmax(np.asarray(sizes))], r"should be n_k/n"),
        (lambda updates, sizes: (sizes / sizes.sum())[:, None] * updates, r"shape \((3|7),\)"),
        (lambda updates, sizes: float(((sizes / sizes.sum()) @ updates).mean()), r"shape \((3|7),\)"),
    ],
    "03.2": [
        (_masked(divide=lambda m: m.shape[1]), r"padded length"),
        (_masked(divide=lambda m: 1), r"those are sums"),
        (_masked(divide=lambda m: m.sum()), r"all clients' records"),
        (_masked(divide=lambda m: m.sum(1) + 1), r"one too many"),
        (_masked(divide=lambda m: m.sum(1)), r"should get 0; you divide by zero"),
        (_masked(real=lambda v, m: v * m), r"NaN padding leaks in|choose with where"),
        (_masked(real=lambda v, m: np.nan_to_num(v)), r"padding is in the sum"),
        (lambda values, mask: np.nan_to_num(values).mean(1), r"padding is averaged"),
        (_masked(real=lambda v, m: np.where(m | (v == 7), v, 0)), r"padding is in the sum"),
        (_quiet_nanmean, r"be 0 where none is"),
        (lambda values, mask: np.where(mask, values, 0).sum(0), r"6"),
        (lambda values, mask: np.where(mask, values, 0)[mask].mean(), r"6"),
        (lambda values, mask: _masked()(values, ~mask), r"over the entries whose mask is True|NaN"),
    ],
    "03.3": [
        (_round(end=lambda theta, new: new - theta), r"averaged delta"),
        (_round(weights=lambda n: np.ones(len(n)) / len(n)), r"count equally"),
        (_round(step=lambda x, y, t, lr: lr * x.T @ (x @ t - y) / len(x)), r"half the step"),
        (_round(step=lambda x, y, t, lr: lr * 2 * x.T @ (x @ t - y)), r"gradient of a sum"),
        (_round(step=lambda x, y, t, lr: -lr * 2 * x.T @ (x @ t - y) / len(x)), r"uphill"),
        (_round(chain=True), r"all of them start from theta"),
        (_round(steps=lambda s: 1), r"one local step only"),
        (_round(steps=lambda s: s + 1), r"one local step too many"),
        (_round(steps=lambda s: 0), r"theta as it was"),
        (_round(fixed=True), r"computed once"),
        (_round(steps=lambda s: s - 1), r"after 4 local step|theta as it was"),
        (_round(weights=lambda n: (1 / n) / (1 / n).sum()), r"weighted local training"),
        (_round(end=lambda theta, new: theta - (new - theta)), r"weighted local training"),
        (_round(step=lambda x, y, t, lr: lr * 2 * x.T @ (x @ t - y) / 16), r"weighted local training"),
    ],
    "03.4": [
        (lambda theta, c, mu: (theta + mu * c) / (1 + mu), r"swapped"),
        (lambda theta, c, mu: c, r"client's own optimum"),
        (lambda theta, c, mu: theta, r"global model"),
        (lambda theta, c, mu: (c + theta) / 2, r"middle"),
        (lambda theta, c, mu: c + mu * theta, r"divide by 1 \+ mu"),
        (lambda theta, c, mu: (c + mu / 2 * theta) / (1 + mu / 2), r"half of mu"),
        (lambda theta, c, mu: (c + 2 * mu * theta) / (1 + 2 * mu), r"twice mu"),
        (lambda theta, c, mu: (c - mu * theta) / (1 - mu), r"both pull"),
        (lambda theta, c, mu: theta - mu * (theta - c), r"not the minimiser"),
        (lambda theta, c, mu: c if mu == 0 else (c + mu**2 * theta) / (1 + mu**2), r"gradient of the whole loss"),
        (lambda theta, c, mu: (c + min(mu, 1e3) * theta) / (1 + min(mu, 1e3)), r"theta, nearly"),
        (lambda theta, c, mu: (c / mu + theta) / (1 / mu + 1) if mu else theta, r"mu = 0 the client ends at c"),
    ],
}  # fmt: skip

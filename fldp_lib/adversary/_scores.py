"""Which function of what an attacker saw tells two worlds apart best."""

import numpy as np


def best_score(without, present, judge):
    """Return the function of features that tells both worlds apart best: features (runs × features) to scores (runs,).

    Tried are every feature, its distance from the middle, and Fisher's discriminant with and without squares; discriminants
    are fitted on one half of the runs and judged on the other.

    Args:
        without, present: features (runs × features) to choose by; they take no part in what is then measured.
        judge: maps two score arrays (runs,) to how well they are told apart.
    """
    fitted = _scores(without[::2], present[::2])
    values = [judge(score(without[1::2]), score(present[1::2])) for score in fitted]
    return _scores(without, present)[int(np.argmax(values))]


def _scores(without, present):
    both = np.concatenate([without, present])
    middle, spread = np.median(both, 0), both.std(0) + 1e-12

    def scaled(rows):
        return np.clip((rows - middle) / spread, -50, 50)

    def squared(rows):
        return np.concatenate([scaled(rows), scaled(rows) ** 2], 1)

    def fisher(lift):
        one, other = lift(without), lift(present)
        cov = np.cov(np.concatenate([one - one.mean(0), other - other.mean(0)]).T)
        way = np.linalg.solve(cov + 1e-6 * np.eye(one.shape[1]), other.mean(0) - one.mean(0))
        return lambda rows: lift(rows) @ way

    tried = [lambda rows, j=j: scaled(rows)[:, j] for j in range(both.shape[1])]
    tried += [lambda rows, j=j: np.abs(scaled(rows)[:, j]) for j in range(both.shape[1])]
    return [*tried, fisher(scaled), fisher(squared)]

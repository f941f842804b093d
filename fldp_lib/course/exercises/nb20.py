"""Notebook 20: what visits cost, the worst client, noise as a stream, and a promise whose visits were others."""

import itertools
import math

import numpy as np
import torch

from ...privacy import accounting, mechanisms
from ..answers import call, compare, number, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _strategy(rng, rounds):
    """A lower-triangular matrix without negative entries, its columns of different length."""
    return np.tril(rng.uniform(0.1, 1.0, (rounds, rounds))) + np.diag(rng.uniform(0.5, 1.5, rounds))


def _visits(answer):
    rng = np.random.default_rng()

    def draw(rounds, count):
        c, visits = _strategy(rng, rounds), sorted(rng.choice(np.arange(1, rounds - 1), count, replace=False).tolist())
        columns, k = c[:, visits], len(visits)
        norms = np.linalg.norm(columns, axis=0)
        slips = (
            (
                math.sqrt((norms**2).sum()),
                "squares of the columns add up only where the columns do not overlap; here they do",
            ),
            (norms.sum(), "that is the sum of the columns' norms, a bound from above; add the columns first"),
            (math.sqrt(k) * norms.max(), "√k times the longest column holds for columns that do not overlap"),
            (norms.max(), "that is one visit alone; the client comes at each of its rounds"),
            (columns.sum(), "that is the L1 norm of what the client moves; Gaussian noise goes by the L2 norm"),
            (np.linalg.norm(c[visits].sum(0)), "the rows were added; a visit in round j enters by column j"),
            (np.linalg.norm(c.sum(1)), "that is a client of every round"),
            (np.linalg.norm(c[:, [v - 1 for v in visits]].sum(1)), "rounds are counted from 0"),
            (np.linalg.norm(columns.sum(1)) ** 2, "that is the square; the norm is asked for"),
            (math.sqrt(k), "√k is right for independent noise, where C is the identity"),
        )
        return (torch.from_numpy(c), visits), np.linalg.norm(columns.sum(1)), slips

    for rounds, count in ((6, 2), (9, 4)):
        (c, visits), right, slips = apart(draw, rounds, count)
        got = number(call(answer, c.clone(), list(visits)), "the sensitivity")
        compare(got, right, slips, f"for visits {visits} it should be {right:.5g}; you gave {got:.5g}")


def _patterns(rounds, apart_):
    """All sets of rounds, at least so far apart."""
    every = (p for k in range(1, rounds + 1) for p in itertools.combinations(range(rounds), k))
    return [p for p in every if all(b - a >= apart_ for a, b in itertools.pairwise(p))]


def _worst(answer):
    rng = np.random.default_rng()

    def draw(rounds, separation):
        c = _strategy(rng, rounds)
        c[:, rng.integers(1, separation)] *= 2  # the worst client need not come in round 0
        norms = np.linalg.norm(c, axis=0)

        def most(patterns):
            return max(np.linalg.norm(c[:, list(p)].sum(1)) for p in patterns)

        right, k = most(_patterns(rounds, separation)), -(-rounds // separation)
        slips = (
            (most([tuple(range(0, rounds, separation))]), "a client need not begin in the first round"),
            (most([tuple(range(s, rounds, separation)) for s in range(separation)]),
             "that is for visits exactly so far apart; they may lie farther apart as well"),
            (most(_patterns(rounds, separation + 1)), "visits exactly `separation` rounds apart are allowed"),
            (np.linalg.norm(c.sum(1)), "that is a client of every round"),
            (most(_patterns(rounds, max(1, separation - 1))), "those visits lie too close"),
            (norms.max(), "that is a client that comes once"),
            (math.sqrt(k) * norms.max(), "√k times the longest column holds where columns do not overlap"),
            (max(math.sqrt(sum(norms[j] ** 2 for j in p)) for p in _patterns(rounds, separation)),
             "squares of the columns add up only where they do not overlap; add the columns first"),
            (k * norms.max(), "that is a bound from above; the exact value is asked for"),
        )  # fmt: skip
        return torch.from_numpy(c), right, slips

    for rounds, separation in ((7, 2), (8, 3), (9, 4)):
        c, right, slips = apart(draw, rounds, separation)
        got = number(call(answer, c.clone(), separation), "the sensitivity")
        compare(
            got,
            right,
            slips,
            f"for {rounds} rounds, visits {separation} apart, it should be {right:.5g}; you gave {got:.5g}",
        )


def _stream(answer):
    rng = np.random.default_rng()
    for rounds, band in ((6, 2), (12, 4), (5, 1)):
        c = np.concatenate([[1.0], rng.uniform(0.2, 0.8, band - 1)]) * rng.uniform(1.5, 3)
        z = rng.normal(size=(rounds, 3))
        full = sum(np.diag(np.full(rounds - k, c[k]), -k) for k in range(band))
        right = np.linalg.solve(full, z)
        last, plus, only = np.zeros_like(z), np.zeros_like(z), np.zeros_like(z)
        for t in range(rounds):
            back = range(1, min(band - 1, t) + 1)
            last[t] = (z[t] - sum(c[k] * z[t - k] for k in back)) / c[0]
            plus[t] = (z[t] + sum(c[k] * plus[t - k] for k in back)) / c[0]
            only[t] = z[t] - sum(c[k] * only[t - k] for k in back)
        got = tensor(call(answer, torch.from_numpy(z.copy()), torch.from_numpy(c.copy())), z.shape, "the noise")
        slips = [(torch.from_numpy(value), words) for value, words in (
            (full @ z, "that is C·Z; what is added to the sums is C⁻¹·Z"),
            (z, "that is the fresh noise; each row has to take back a part of the rows before"),
            (np.linalg.solve(full.T, z), "that looks into the future: a row may use earlier rows only"),
            (last, "subtract the rows of noise that were added, not the fresh ones that they were made of"),
            (plus, "what the rows before have added is taken away, not added once more"),
            (only, "divide by the first coefficient"),
        )]  # fmt: skip
        compare(got, torch.from_numpy(right), slips, f"with a band of {band} the rows are others")


def _real(answer):
    rng = np.random.default_rng()

    def draw(rounds):
        c, sigma = _strategy(rng, rounds), float(rng.uniform(0.8, 3))
        promised = list(range(0, rounds, 4))
        came = sorted(rng.choice(rounds, len(promised) + 1, replace=False).tolist())
        before, now = (float(np.linalg.norm(c[:, v].sum(1))) for v in (promised, came))

        def epsilon(multiplier):
            return accounting.epsilon(mechanisms.Gaussian(float(multiplier), 1.0), delta=1e-5)

        factor, squares = now / before, [np.sqrt((c[:, v] ** 2).sum()) for v in (promised, came)]
        slips = (
            (epsilon(sigma), "that is the ε that was promised; the noise is as it was, and the client moves more, or less"),
            (epsilon(sigma * factor), "the wrong way round: who moves the rows more needs more noise"),
            (epsilon(sigma) * factor, "ε is not in proportion to the sensitivity: change the multiplier, then ask for ε"),
            (epsilon(sigma * math.sqrt(len(promised) / len(came))), "only visits were counted; it matters "
                                                                    "when they are"),
            (epsilon(sigma * squares[0] / squares[1]), "the columns overlap: add them, then take the norm"),
            (epsilon(sigma / now), "the multiplier is in units of the sensitivity that was promised"),
            (factor, "that is the ratio of the sensitivities; ε is asked for"),
        )  # fmt: skip
        return (torch.from_numpy(c), sigma, promised, came), epsilon(sigma / factor), slips

    for rounds in (9, 12):
        (c, sigma, promised, came), right, slips = apart(draw, rounds)
        got = number(call(answer, c.clone(), sigma, list(promised), list(came), 1e-5), "ε")
        compare(got, right, slips, f"for visits {came} in place of {promised} it should be {right:.5g}; you gave {got:.5g}")


EXERCISES = (
    Exercise(
        "20.1",
        "Write sensitivity(C, visits): how far one client moves C·G, clip 1, that takes part in these rounds.",
        _visits,
        (
            "The client's update of round j is multiplied by column j of C, and lands in the rows below.",
            "The worst it can do is to send the same unit vector each time: then the columns add up.",
            "The L2 norm of the sum of the columns: C[:, visits].sum(1).",
        ),
    ),
    Exercise(
        "20.2",
        "Write worst(C, separation): the largest such number, over all clients whose visits lie that far apart or farther.",
        _worst,
        (
            "Go through all sets of rounds, and leave out those in which two are too close.",
            "itertools.combinations(range(rounds), k) for every k; any two neighbours must differ by `separation` at least.",
            "The maximum of sensitivity(C, visits) over these sets.",
        ),
    ),
    Exercise(
        "20.3",
        "Write noise(Z, c): C⁻¹·Z, row by row, for the banded Toeplitz matrix C with the first column c.",
        _stream,
        (
            "Row t of C·N = Z reads c[0]·N[t] + c[1]·N[t−1] + … = Z[t].",
            "Solve it for N[t]; the rows N[t−1], N[t−2], … are known by then, and only len(c) − 1 of them are needed.",
            "N[t] = (Z[t] − Σ c[k]·N[t−k]) / c[0], with k from 1 to min(t, len(c) − 1).",
        ),
    ),
    Exercise(
        "20.4",
        "Write real_epsilon(C, sigma, promised, came, delta): the ε of a client that came in other rounds than promised.",
        _real,
        (
            "The noise in the rows of C·G was σ times the sensitivity to the promised visits. How far does it move them?",
            "So for this client it is a Gaussian of multiplier σ·s(promised)/s(came).",
            "accounting.epsilon(mechanisms.Gaussian(that, 1.0), delta=delta).",
        ),
    ),
)

QUIZ = (
    Question(
        "A keyboard is trained on phones that report whenever they charge. Why is the ε of Poisson sampling not theirs?",
        (
            (
                "Because a phone sends only one update in each round that it takes part in.",
                "the theorem allows that; what it needs is a coin that nobody sees.",
            ),
            (
                "Because who reports is seen, and is not decided by independent coins.",
                "amplification is the value of a secret; the server sees who reports, and habits decide when.",
            ),
            (
                "Because with many phones amplification is too small to matter.",
                "for many clients it would be large; it cannot be claimed.",
            ),
        ),
        1,
    ),
    Question(
        "Correlated noise at the same ε. In a single round it is …",
        (
            (
                "larger than independent noise; what shrinks is the noise in the sums.",
                "the model is a sum, and there later rounds take back what earlier ones added.",
            ),
            (
                "smaller than independent noise, since it takes back what was added before.",
                "what is taken back are earlier rounds' parts; the fresh part is larger.",
            ),
            (
                "equal to independent noise, since ε is the same.",
                "equal ε fixes the noise on C·G, and not that of one round.",
            ),
        ),
        0,
    ),
    Question(
        "A run was priced for ten visits, 20 rounds apart. One phone's clock was wrong: it came ten times, 10 rounds apart.",
        (
            (
                "Its ε is the one that was promised: ten visits are ten visits.",
                "so it is with independent noise; here overlapping columns add up. More visits cost more with both.",
            ),
            (
                "The ε of all clients is void.",
                "a client's guarantee depends on its own visits; the others keep theirs.",
            ),
            (
                "Its ε is larger than promised, with correlated noise; that of the others stays.",
                "its columns overlap, and it moves the rows by more than the noise was made for.",
            ),
        ),
        2,
    ),
    Question(
        "Twelve hospitals, all of them in each of twenty rounds. Does the noise of this notebook help them?",
        (
            (
                "These matrices do not: who comes every round overlaps with itself, and pays more than the sums gain.",
                "at a separation of 1 none of the matrices here leaves less in the sums than independent noise does.",
            ),
            (
                "Yes, by the same factor of about three.",
                "that factor belongs to visits 20 rounds apart.",
            ),
            (
                "Yes, and more than phones, since few clients need it most.",
                "they need it, and these matrices do not give it: their gain rests on the distance between visits.",
            ),
        ),
        0,
    ),
)

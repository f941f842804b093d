"""Notebook 19: an ISBN's check digit, an arXiv number's month, a paper's noise in our symbols, another adjacency."""

import math

import numpy as np

from ..answers import call, call_or_none, compare, number, numbers, require, shown, truth, whole
from ..teacher import Exercise, Question


def _isbn(rng):
    """A valid ISBN-10 as text, and its digits; X stands for a check digit of 10."""
    digits = [int(d) for d in rng.integers(0, 10, 9)]
    last = -sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
    return "".join(map(str, digits)) + ("X" if last == 10 else str(last))


def _valid(answer):
    rng = np.random.default_rng()
    ends = {}
    while len(ends) < 11:  # every check digit there is
        isbn = _isbn(rng)
        ends[isbn[-1]] = isbn
    for isbn in ends.values():
        right = truth(call(answer, isbn))
        hint = "; a last X counts 10" if isbn[-1] == "X" else ""
        require(right, f"{isbn} is valid: 10·first + 9·second + … + 1·last is divisible by 11{hint}")
        place = int(rng.integers(0, 9))
        digit = str((int(isbn[place]) + int(rng.integers(1, 10))) % 10)
        wrong = isbn[:place] + digit + isbn[place + 1 :]
        require(not truth(call(answer, wrong)), f"{wrong} has one wrong digit")
    isbn = _isbn(rng)
    while isbn[2] == isbn[5]:
        isbn = _isbn(rng)
    swapped = isbn[:2] + isbn[5] + isbn[3:5] + isbn[2] + isbn[6:]
    require(not truth(call(answer, swapped)), f"{swapped} has two digits exchanged: the weights have to differ")


def _month(answer):
    rng = np.random.default_rng()
    cases = []
    for year in (2007, 2012, 2014, 2015, 2019, int(rng.integers(2020, 2027))):
        month = int(rng.integers(4 if year == 2007 else 1, 13))
        digits = 4 if year < 2015 else 5
        stem = f"{year - 2000:02d}{month:02d}"
        cases.append((f"{stem}.{rng.integers(1, 10**digits):0{digits}d}", (year, month)))
        cases.append((f"{stem}.{rng.integers(10 ** (8 - digits), 10 ** (9 - digits)):0{9 - digits}d}", None))
        cases.append((f"{year - 2000:02d}{rng.integers(13, 100)}.{rng.integers(1, 10**digits):0{digits}d}", None))
    cases += [("0701.1234", None), ("160705492", None), ("1610.5492x", None), ("1605.123456", None)]
    for identifier, right in cases:
        call(answer, "1602.05629")  # only a stub has no month for it
        got = call_or_none(answer, identifier)
        if right is None:
            require(got is None, f"{identifier} is not well formed, so the answer is None; you gave {shown(got)}")
            continue
        require(got is not None, f"{identifier} is well formed: {right[0]}-{right[1]:02d}; you gave None")
        got = tuple(whole(part, "year and month") for part in numbers(got, 2, "year and month"))
        require(got != right[::-1], "the year comes first")
        require(got != (right[0] - 2000, right[1]), "the year has four digits")
        require(got == right, f"{identifier} is of {right[0]}-{right[1]:02d}; you gave {got}")


def _multiplier(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        clients, rate = int(rng.integers(100, 10_000)), float(rng.uniform(0.05, 0.5))
        clip, z = float(rng.uniform(0.1, 3)), float(rng.uniform(0.5, 5))
        std = z * clip / (rate * clients)
        got = number(call(answer, std, clip, clients, rate), "the noise multiplier")
        slips = (
            (std / clip, "that is the noise of the mean; a multiplier is the noise of the sum over the clip"),
            (std * clients / clip, "the sum is divided by qN, not by N"),
            (std * rate * clients, "a multiplier has no unit: divide by the clip"),
            ((std / clip) ** 2, "a deviation is wanted, not a variance"),
            (std * rate * clients / clip**2, "divide by the clip once"),
        )
        where = f"for std {std:.4g}, C {clip:.3f}, N {clients}, q {rate:.3f}"
        compare(got, z, slips, f"{where} it should be {z:.4f}; you gave {got:.4f}")


def _replaced(answer):
    rng = np.random.default_rng()
    cases = [(float(rng.uniform(0.1, 2)), float(10 ** rng.uniform(-7, -3))) for _ in range(3)] + [(0.7, 0.0)]
    for epsilon, delta in cases:
        first, second = numbers(call(answer, epsilon, delta), 2, "(ε, δ)")
        compare(
            first,
            2 * epsilon,
            ((epsilon, "a replacement is a removal and an addition: two steps"), (epsilon / 2, "the other way round")),
            f"for ε = {epsilon:.3f} the first should be {2 * epsilon:.3f}; you gave {first:.3f}",
        )
        right = (1 + math.exp(epsilon)) * delta
        slips = (
            (delta, "δ grows, too"),
            (2 * delta, "the δ of the first step is multiplied by exp(ε) in the second"),
            (math.exp(epsilon) * delta, "the second step adds a δ of its own"),
            ((1 + math.exp(2 * epsilon)) * delta, "it passes through one step only, with exp(ε)"),
        )
        compare(second, right, slips, f"for ({epsilon:.3f}, {delta:.3g}) δ should be {right:.4g}; you gave {second:.4g}")


EXERCISES = (
    Exercise(
        "19.1",
        "Write valid(isbn): whether a text of ten characters passes the ISBN-10 check.",
        _valid,
        (
            "Multiply the characters by 10, 9, …, 1 and add up.",
            "A last X stands for 10; the sum of a valid number is divisible by 11.",
            "sum(w * (10 if c == 'X' else int(c)) for w, c in zip(range(10, 0, -1), isbn)) % 11 == 0.",
        ),
    ),
    Exercise(
        "19.2",
        "Write month_of(identifier): (year, month) of an arXiv number, or None if it is not well formed.",
        _month,
        (
            "YYMM, a dot, then four digits up to December 2014 and five from January 2015 on.",
            "Months are 01 to 12, and the scheme began in April 2007.",
            "re.fullmatch(r'(\\d\\d)(\\d\\d)\\.(\\d{4,5})', identifier), then check the month and the number's length.",
        ),
    ),
    Exercise(
        "19.3",
        "Write multiplier(std, clip, clients, rate): a paper's noise on the mean as our noise multiplier.",
        _multiplier,
        (
            "From the mean back to the sum: the mean is the sum over qN.",
            "The sum's noise is std · q · N; its sensitivity is the clip.",
            "std * rate * clients / clip.",
        ),
    ),
    Exercise(
        "19.4",
        "Write replaced(epsilon, delta): the (ε, δ) under replace-one that add-or-remove (ε, δ) implies.",
        _replaced,
        (
            "Replace one = remove one, then add one: from D to a data set between, then to D′.",
            "Put the second inequality into the first: Pr[D] ≤ e^ε (e^ε Pr[D′] + δ) + δ.",
            "2 * epsilon, (1 + math.exp(epsilon)) * delta.",
        ),
    ),
)

QUIZ = (
    Question(
        "A reference's identifier is well formed and leads to a paper. What is still open?",
        (
            (
                "Nothing: a reference that resolves is a right one.",
                "1610.05492 leads to a paper as well, and to another one.",
            ),
            ("Whether it is the paper that was meant.", "title, authors and year have to agree with what is found."),
            ("Whether the identifier's check digit is right.", "arXiv numbers have none; an ISBN has."),
        ),
        1,
    ),
    Question(
        "Two papers state (1, 1e-5)-differential privacy for federations of the same size. When are the claims comparable?",
        (
            (
                "In any case: ε and δ are the same in both of them.",
                "they may be about a record in one and a client in the other.",
            ),
            ("Only if unit, adjacency, trust and releases all agree.", "these make the number mean something."),
            (
                "If both use Gaussian noise with one and the same clip.",
                "the mechanism does not matter; what it is about does.",
            ),
        ),
        1,
    ),
    Question(
        "α = 0.1: what does it mean?",
        (
            ("The order of a Rényi divergence.", "those are larger than 1."),
            ("Clients with unlike labels, in a split.", "in a Dirichlet split; a letter means what its sentence says."),
            ("A tenth of the whole privacy budget of a run.", "that would be ε or ρ."),
        ),
        1,
    ),
)

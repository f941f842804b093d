"""Notebook 07: where advanced composition pays, RDP of a run, calibration."""

import math

import numpy as np

from ..answers import NotTried, Wrong, call, compare, number, require, shown
from ..teacher import Exercise, Question


def _advanced(epsilon, rounds, delta):
    return math.sqrt(2 * rounds * math.log(1 / delta)) * epsilon + rounds * epsilon * math.expm1(epsilon)


NINE = 1e-9  # a slip is named only where it fits to nine digits, which chance does not


CROSSINGS = (  # what typical slips give, before it is rounded
    (lambda e, d: 2 * math.log(1 / d) / (1 - e) ** 2, "the drift is ε(e^ε − 1), not ε²"),
    (lambda e, d: 2 * math.log(1 / d), "the drift, T·ε·(e^ε − 1), is missing"),
    (lambda e, d: 2 * math.log(1 / d) / (2 - math.exp(e)), "√T stands on one side: the condition has to be squared"),
    (lambda e, d: math.log(1 / d) / (2 - math.exp(e)) ** 2, "the root is √(2T ln(1/δ)): the 2 is missing"),
    (lambda e, d: 2 * math.log10(1 / d) / (2 - math.exp(e)) ** 2, "ln is the natural logarithm"),
    (lambda e, d: 2 * math.log(2 / d) / (2 - math.exp(e)) ** 2, "all of δ is the slack, not a half of it"),
)


def _crossings(rng):
    """(ε, δ, where the two prices are equal): one where slips lie apart, one past a million rounds, two without any."""
    while True:
        delta = float(10 ** rng.uniform(-9, -3))
        far = math.log(2 - math.sqrt(2 * math.log(1 / delta) / rng.uniform(1.1e6, 1.4e6)))  # just below ln 2
        pairs = [(float(rng.uniform(0.33, 0.36)), delta), (float(rng.uniform(0.01, 0.2)), delta), (far, delta)]
        equal = [2 * math.log(1 / d) / (2 - math.exp(e)) ** 2 for e, d in pairs]
        if all(0.1 < at % 1 < 0.9 for at in equal):  # rounding decides nowhere
            break
    cases = [(*pair, at) for pair, at in zip(pairs, equal, strict=True)]
    return [*cases[:2], *((float(rng.uniform(*ends)), delta, math.inf) for ends in ((0.71, 0.95), (1.05, 3))), cases[2]]


def _crossover(answer):
    for place, (epsilon, delta, equal) in enumerate(_crossings(np.random.default_rng())):
        where = f"for ε = {epsilon:.6g} and δ = {delta:.2g}"
        try:
            got = call(answer, epsilon, delta)
        except NotTried:
            require(not place, f"{where} nothing was returned")
            raise
        require(not isinstance(got, complex), f"{where}: a complex number; is there a crossover at all?")
        got = number(got, "the number of rounds")
        if equal == math.inf:
            require(got == math.inf, f"{where} advanced composition is never below basic: math.inf; you gave {got:.6g}")
            continue
        right = math.floor(equal) + 1
        if got == right:
            continue
        costs = f"after {right} rounds advanced costs {_advanced(epsilon, right, delta):.9g}, basic {right * epsilon:.9g}"
        require(math.isfinite(got), f"{where} there is a crossover, since ε < ln 2: {costs}; you gave {got}")
        if math.isclose(got, equal, rel_tol=1e-5) and got % 1 > 0.01:
            raise Wrong(f"{where} {got:.4f} is where the two are equal; rounds are whole, and advanced must be smaller")
        if got == right - 1:
            raise Wrong(f"{where} after {got:.0f} rounds advanced still costs {_advanced(epsilon, got, delta):.9g}, "
                        f"basic {got * epsilon:.9g}")  # fmt: skip
        again = delta / 100 if delta > 1e-6 else delta * 100  # a slip is named where it fits two inputs
        other = number(call(answer, epsilon, again), "the number of rounds")
        for price, words in CROSSINGS if not place else ():
            values = ((price(epsilon, delta), got), (price(epsilon, again), other))
            if all(value * (1 - 1e-6) <= given <= math.floor(value) + 1 for value, given in values):
                raise Wrong(f"{where}: {words}")
        raise Wrong(f"{where} advanced is below basic from round {right} on ({costs}); you gave {got:.9g}")


def _renyi(answer):
    rng = np.random.default_rng()
    orders = np.concatenate([np.arange(1.1, 11, 0.1), np.arange(11, 200.0)])[::-1]
    orders = np.roll(orders, int(rng.integers(40, 60)))  # neither the first nor the last is the best or the worst
    for quiet in (False, False, True):
        multipliers = rng.uniform(*((500, 1000) if quiet else (3, 30)), int(rng.integers(5, 40)))
        delta = float(rng.uniform(0.03, 0.08) if quiet else 10 ** rng.uniform(-8, -4))
        got = number(call(answer, multipliers.copy(), orders.copy(), delta), "ε")
        curve = orders * (1 / (2 * multipliers**2)).sum()

        def improved(rdp, delta=delta):
            return rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)

        if quiet:  # so much noise that the conversion falls below 0
            where = f"with multipliers near {multipliers.mean():.0f} at δ = {delta:.2g}"
            require(not got < 0, f"{where} the formula falls below 0, and no ε does: 0 is right; you gave {got:.5g}")
            compare(got, 0.0, (), f"{where} the total is 0; you gave {got:.5g}", closely=NINE)
            continue
        right = float(improved(curve).min())
        each = [float(improved(orders / (2 * sigma**2)).min()) for sigma in multipliers]
        one = "that is the price of one round alone"
        slips = (
            (sum(each), "each round was converted and the ε were added: add the RDP curves, convert once"),
            (float((curve + np.log(1 / delta) / (orders - 1)).min()), "that is the classical conversion"),
            (float(improved(2 * curve).min()), "α/σ²: the RDP of a Gaussian round is α/(2σ²)"),
            (float(improved(orders * len(multipliers) / (2 * multipliers.mean() ** 2)).min()),
             "the multipliers were averaged: the curves 1/(2σ²) add up, not the σ"),
            (float(improved(orders / (2 * multipliers.sum() ** 2)).min()), "the multipliers were added: noise is no cost"),
            (float(improved(orders / (2 * (multipliers**2).sum())).min()), "the variances were added: noise is no cost"),
            (float(improved(orders * (1 / (2 * multipliers)).sum()).min()), "α/(2σ): a Gaussian round has α/(2σ²)"),
            (max(each), one), (each[0], one), (each[-1], one),
            (float(improved(curve).max()), "every order gives a valid bound: take the smallest, not the largest"),
            (float(improved(curve)[-1]), "only the last order was used: take the smallest over all orders"),
            (float(improved(curve)[0]), "only the first order was used: take the smallest over all orders"),
        )  # fmt: skip
        where = f"for {len(multipliers)} rounds at δ = {delta:.2g}"
        compare(got, right, slips, f"{where} the total is {right:.5g}; you gave {got:.5g}", closely=NINE)


def _least_noise(answer):
    rng = np.random.default_rng()
    for scale in (1.0, 1e-6, 1e8):
        needed, power, share = scale * float(rng.uniform(1, 8)), float(rng.uniform(0.7, 2)), float(rng.uniform(0.3, 0.7))
        target, calls = float(rng.uniform(0.2, 5)), []

        def price(
            noise, needed=needed, power=power, share=share, target=target
        ):  # two powers: no straight line in logarithms
            return target * (share * (needed / noise) ** power + (1 - share) * (needed / noise) ** (2 * power))

        def spent(noise, price=price, calls=calls):
            calls.append(noise)
            if len(calls) > 500:
                raise RuntimeError("the price was asked more than 500 times: halve an interval")
            if not noise > 0:
                raise ValueError(f"noise must be positive, got {noise!r}")
            return price(noise)

        got = number(call(answer, spent, target), "the noise")
        require(math.isfinite(got) and got > 0, f"the noise should be a positive number, got {shown(got)}")
        cost = price(got)
        where = f"the target was {target:.6g}; your noise of {got:.6g} costs {cost:.6g}"
        require(cost <= target * 1.002, f"{where}: that breaks the promise")
        close = (
            f"{where}: close, but above the target, which breaks the promise, too. Return the interval's end that keeps it"
        )
        require(cost <= target * (1 + 1e-5), close)
        require(
            cost >= 0.999 * target * (1 - 1e-5), f"{where}: more noise than needed; come within a thousandth of the target"
        )


EXERCISES = (
    Exercise(
        "07.1",
        "Write crossover(epsilon, delta): from how many pure rounds on advanced composition is below basic, or math.inf.",
        _crossover,
        (
            "Divide both prices by ε: when is √(2T ln(1/δ)) + T(e^ε − 1) < T?",
            "Divide by √T. There is a solution only where e^ε − 1 < 1.",
            "T > 2 ln(1/δ)/(2 − e^ε)²: the next whole number above; math.inf from ε = ln 2 on.",
        ),
    ),
    Exercise(
        "07.2",
        "Write rdp_epsilon(multipliers, orders, delta): total ε of Gaussian rounds, one multiplier each, by RDP.",
        _renyi,
        (
            "What is the RDP curve of one round, and what becomes of the curves when rounds are composed?",
            "The curve of the run is orders · Σ 1/(2σ²). Convert it once, with the improved formula.",
            "The smallest of rdp + ln(1 − 1/α) − ln(δα)/(α − 1) over the orders, and 0 where that is negative.",
        ),
    ),
    Exercise(
        "07.3",
        "Write least_noise(spent, target): the least noise whose price is at most the target, to a thousandth.",
        _least_noise,
        (
            "The noise may have any size: first find one that is too small and one that is enough, by halving and doubling.",
            "Then halve the interval until the price at its upper end is above 0.999 · target.",
            "Return the upper end, which is the one that keeps the promise.",
        ),
    ),
)

QUIZ = (
    Question(
        "A run of 100 Laplace rounds at ε = 0.1 costs 10 by basic composition and 4.22 by PLD at δ = 1e-5. Which is its ε?",
        (
            (
                "4.22, since a tighter accountant proves the other number wrong.",
                "10 is not wrong; it is the price at δ = 0, which 4.22 is not.",
            ),
            (
                "10, since an ε that comes with a δ is no real guarantee.",
                "(4.22, 1e-5) is a guarantee as valid; it allows a δ in exchange.",
            ),
            (
                "Both: the same run is (10, 0)- and also (4.22, 1e-5)-private.",
                "a run has a whole curve δ(ε); each accountant proves points on or above it.",
            ),
        ),
        2,
    ),
    Question(
        "Gaussian noise of deviation σ on a sum of sensitivity 1, in each of 100 rounds; everybody takes part. Which single "
        "release costs exactly as much?",
        (
            (
                "One with deviation σ/100.",
                "that would be 100 rounds with the same noise in each; here every round draws its own.",
            ),
            (
                "One with deviation σ/10.",
                "the losses are normal and add up: their means are μ²/2 each, μ = 1/σ, so the run has μ = √100/σ.",
            ),
            (
                "None: a sum of a hundred losses has another shape.",
                "a sum of normal losses is normal; for Laplace noise it would be so.",
            ),
        ),
        1,
    ),
    Question(
        "Two papers price the same 100 Gaussian rounds by RDP at δ = 1e-5, one at ε = 1.01, one at ε = 1.23. What is the "
        "matter?",
        (
            (
                "They convert the same curve by different formulas, and both are right.",
                "both conversions hold for every order; a report names the one it used.",
            ),
            (
                "The first has broken its promise: two valid prices of one run are equal.",
                "prices are upper bounds, and the smaller one is as valid.",
            ),
            (
                "They must have used different noise, since a curve has one minimum.",
                "the curves are the same; the conversions to (ε, δ) are not.",
            ),
        ),
        0,
    ),
)

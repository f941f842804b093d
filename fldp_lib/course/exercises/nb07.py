"""Notebook 07: where advanced composition pays, RDP of a run, amplification, calibration, the worst client of a ledger."""

import math

import numpy as np

from ..answers import Wrong, call, number, require
from ..teacher import Exercise, Question


def _advanced(epsilon, rounds, delta):
    return math.sqrt(2 * rounds * math.log(1 / delta)) * epsilon + rounds * epsilon * math.expm1(epsilon)


def _crossover(answer):
    rng = np.random.default_rng()
    for kind in ("small", "small", "large", "middle"):
        epsilon = float(rng.uniform(*{"small": (0.01, 0.2), "middle": (0.3, 0.6), "large": (0.7, 3)}[kind]))
        delta = float(10 ** rng.uniform(-9, -3))
        where = f"for ε = {epsilon:.3g} and δ = {delta:.2g}"
        got = call(answer, epsilon, delta)
        require(not isinstance(got, complex), f"{where}: a complex number; is there a crossover at all?")
        got = number(got, "the number of rounds")
        if kind == "large":
            require(got == math.inf, f"{where} advanced composition is never below basic: math.inf; you gave {got:.6g}")
            continue
        require(math.isfinite(got), f"{where} there is a crossover, since ε < ln 2; you gave {got}")
        exact = 2 * math.log(1 / delta) / (2 - math.exp(epsilon)) ** 2
        right = math.floor(exact) + 1
        if got == right:
            continue
        if math.isclose(got, exact, rel_tol=1e-6):
            raise Wrong(
                f"{where}: {got:.4f} is where the two are equal; rounds are whole numbers, and advanced must be smaller"
            )
        if got == right - 1:
            raise Wrong(f"{where}: after {got:.0f} rounds advanced still costs {_advanced(epsilon, got, delta):.5g}, "
                        f"basic {got * epsilon:.5g}")  # fmt: skip
        if math.isclose(got, 2 * math.log(1 / delta) / (1 - epsilon) ** 2, rel_tol=0.001, abs_tol=1):
            raise Wrong(f"{where}: the drift is ε(e^ε − 1), not ε²")
        if math.isclose(got, 2 * math.log(1 / delta), rel_tol=0.001, abs_tol=1):
            raise Wrong(f"{where}: the drift, T·ε·(e^ε − 1), is missing")
        raise Wrong(f"{where} advanced is below basic from round {right} on; you gave {got:.6g}")


def _renyi(answer):
    rng = np.random.default_rng()
    orders = np.concatenate([np.arange(1.1, 11, 0.1), np.arange(11, 200.0)])
    for _ in range(3):
        multipliers = rng.uniform(3, 30, int(rng.integers(5, 40)))
        delta = float(10 ** rng.uniform(-8, -4))
        got = number(call(answer, multipliers.copy(), orders.copy(), delta), "ε")
        curve = orders * (1 / (2 * multipliers**2)).sum()

        def improved(rdp, delta=delta):
            return rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)

        right = float(improved(curve).min())
        if math.isclose(got, right, rel_tol=1e-9):
            continue
        each = [float(improved(orders / (2 * sigma**2)).min()) for sigma in multipliers]
        wrong = (
            (sum(each), "each round was converted and the ε were added: add the RDP curves, convert once"),
            (float((curve + np.log(1 / delta) / (orders - 1)).min()), "that is the classical conversion"),
            (float(improved(2 * curve).min()), "α/σ²: the RDP of a Gaussian round is α/(2σ²)"),
            (float(improved(orders * len(multipliers) / (2 * multipliers.mean() ** 2)).min()),
             "the multipliers were averaged: the curves 1/(2σ²) add up, not the σ"),
            (float(improved(orders / (2 * multipliers.sum() ** 2)).min()), "the multipliers were added: noise is no cost"),
            (float(improved(orders / (2 * (multipliers**2).sum())).min()), "the variances were added: noise is no cost"),
            (float(improved(orders / (2 * multipliers.min() ** 2)).min()), "that is the price of one round alone"),
            (float(improved(curve).max()), "every order gives a valid bound: take the smallest, not the largest"),
            (float(improved(curve)[-1]), "only the last order was used: take the smallest over all orders"),
            (float(improved(curve)[0]), "only the first order was used: take the smallest over all orders"),
        )  # fmt: skip
        for value, words in wrong:
            if math.isclose(got, value, rel_tol=1e-6):
                raise Wrong(words)
        raise Wrong(f"for {len(multipliers)} rounds at δ = {delta:.2g} the total is {right:.5g}; you gave {got:.5g}")


def _amplified(answer):
    rng = np.random.default_rng()
    for hidden in (True, False, True):
        total, rounds, rate = float(rng.uniform(0.3, 20)), int(rng.integers(2, 60)), float(rng.uniform(0.02, 0.5))
        got = number(call(answer, total, rounds, rate, hidden), "ε of one round")
        share = total / rounds
        right = math.log1p(math.expm1(share) / rate) if hidden else share
        if math.isclose(got, right, rel_tol=1e-9):
            continue
        where = f"for a total of {total:.3g} over {rounds} rounds at a rate of {rate:.2g}, hidden={hidden}"
        if not hidden and math.isclose(got, math.log1p(math.expm1(share) / rate), rel_tol=1e-6):
            raise Wrong(f"{where}: a cohort that is seen gets no discount")
        if hidden and math.isclose(got, share, rel_tol=1e-6):
            raise Wrong(f"{where}: that is the budget without sampling; the sample allows more")
        if hidden and math.isclose(got, math.log1p(rate * math.expm1(share)), rel_tol=1e-6):
            raise Wrong(f"{where}: the formula was used forwards; what is asked is ε before amplification")
        if hidden and math.isclose(got, share / rate, rel_tol=1e-6):
            raise Wrong(f"{where}: ε/q holds for small ε only, and {got:.3g} spends too much")
        if hidden and math.isclose(got, math.log1p(math.expm1(total) / rate) / rounds, rel_tol=1e-6):
            raise Wrong(f"{where}: first the share of one round, then the amplification of that round")
        if math.isclose(got, math.log1p(math.expm1(total) / rate), rel_tol=1e-6) or math.isclose(got, total, rel_tol=1e-6):
            raise Wrong(f"{where}: that spends the whole total in one round")
        raise Wrong(f"{where} a round may have ε = {right:.5g}; you gave {got:.5g}")


def _least_noise(answer):
    rng = np.random.default_rng()
    for scale in (1.0, 1e-3, 1e4):
        needed, power = scale * float(rng.uniform(1, 8)), float(rng.uniform(0.7, 2))
        target, calls = float(rng.uniform(0.2, 5)), []

        def spent(noise, needed=needed, power=power, target=target, calls=calls):
            calls.append(noise)
            if len(calls) > 500:
                raise RuntimeError("the price was asked more than 500 times: halve an interval")
            if not noise > 0:
                raise ValueError(f"noise must be positive, got {noise!r}")
            return target * (needed / noise) ** power

        got = number(call(answer, spent, target), "the noise")
        require(math.isfinite(got) and got > 0, f"the noise should be a positive number, got {got!r}")
        price = target * (needed / got) ** power
        where = f"the target was {target:.4g}; your noise of {got:.4g} costs {price:.6g}"
        if price > target * 1.001:
            raise Wrong(f"{where}: that breaks the promise")
        if price > target:
            raise Wrong(f"{where}: close, but above the target. Return the end of the interval that keeps the promise")
        require(price >= 0.999 * target, f"{where}: more noise than needed; come within a thousandth of the target")


def _worst_client(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        people = [f"client {k}" for k in range(int(rng.integers(6, 10)))]
        ledger = []
        for _ in range(int(rng.integers(4, 7))):
            chosen = set(rng.choice(people, int(rng.integers(2, len(people))), replace=False).tolist())
            ledger.append(dict(clients=chosen, epsilon=float(rng.uniform(0.2, 2)), rounds=int(rng.integers(1, 30)),
                               rate=float(rng.uniform(0.05, 0.5)), hidden=bool(rng.integers(2))))  # fmt: skip
        ledger[0].update(hidden=True, clients=set(people[::2]))  # disjoint from the next, and the third has everybody:
        ledger[1].update(hidden=False, clients=set(people[1::2]))  # neither the sum nor the largest entry can be right
        ledger[2].update(clients=set(people))
        given = [dict(entry, clients=set(entry["clients"])) for entry in ledger]
        got = number(call(answer, given), "ε")

        def total(price, ledger=ledger, people=people):
            return max(sum(price(entry) for entry in ledger if person in entry["clients"]) for person in people)

        def price(entry, amplify=None, rounds=True):
            amplify = entry["hidden"] if amplify is None else amplify
            one = math.log1p(entry["rate"] * math.expm1(entry["epsilon"])) if amplify else entry["epsilon"]
            return one * entry["rounds"] if rounds else one

        right = total(price)
        if math.isclose(got, right, rel_tol=1e-9):
            continue
        for value, words in (
            (sum(map(price, ledger)), "all entries were added up: an entry costs only the clients that are in it"),
            (max(map(price, ledger)), "that is the dearest entry; a client pays for every entry that it is in"),
            (total(lambda e: price(e, amplify=True)), "a cohort that is seen was given the discount"),
            (total(lambda e: price(e, amplify=False)), "no discount was given where the cohort is hidden"),
            (total(lambda e: price(e, rounds=False)), "the rounds are missing: every round costs its ε"),
            (total(lambda e: e["rounds"] * (e["rate"] * e["epsilon"] if e["hidden"] else e["epsilon"])),
             "q·ε is not the amplified ε; it is ln(1 + q(e^ε − 1))"),
            (np.mean([sum(price(e) for e in ledger if p in e["clients"]) for p in people]),
             "that is the average over the clients; a guarantee is for the worst one"),
        ):  # fmt: skip
            if math.isclose(got, value, rel_tol=1e-6):
                raise Wrong(words)
        raise Wrong(f"for a ledger of {len(ledger)} entries the worst client's total is {right:.5g}; you gave {got:.5g}")


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
            "The smallest of rdp + ln(1 − 1/α) − ln(δα)/(α − 1) over the orders.",
        ),
    ),
    Exercise(
        "07.3",
        "Write round_epsilon(total, rounds, rate, hidden): the largest ε of one Laplace round that keeps a pure total.",
        _amplified,
        (
            "Pure ε adds up: what may one sampled round cost?",
            "Solve ln(1 + q(e^ε − 1)) = total/T for ε. And when the cohort is seen?",
            "log1p(expm1(total/rounds)/rate) where hidden, total/rounds where not.",
        ),
    ),
    Exercise(
        "07.4",
        "Write least_noise(spent, target): the least noise whose price is at most the target, to a thousandth.",
        _least_noise,
        (
            "The noise may have any size: first find one that is too small and one that is enough, by halving and doubling.",
            "Then halve the interval until the price at its upper end is above 0.999 · target.",
            "Return the upper end, which is the one that keeps the promise.",
        ),
    ),
    Exercise(
        "07.5",
        "Write worst_client(ledger): the largest pure ε that any one client has spent.",
        _worst_client,
        (
            "Whose data does an entry touch? Everybody else pays nothing for it.",
            "One round costs ln(1 + rate·(e^ε − 1)) where hidden, ε where not; rounds add up.",
            "For each client add the entries that it is in; return the largest sum.",
        ),
    ),
)

QUIZ = (
    Question(
        "A run of 100 Laplace rounds at ε = 0.1 costs 10 by basic composition and 4.22 by PLD at δ = 1e-5. Which is its ε?",
        (
            (
                "4.22: it is the tighter number, and 10 is wrong.",
                "10 is not wrong; it is the price at δ = 0, which 4.22 is not.",
            ),
            ("10: only pure ε counts.", "(4.22, 1e-5) is a guarantee as valid; it allows a δ in exchange."),
            (
                "Both: the run is (10, 0)- and (4.22, 1e-5)-differentially private.",
                "a run has a whole curve δ(ε); each accountant proves points on or above it.",
            ),
        ),
        2,
    ),
    Question(
        "Each epoch a server shuffles 100 clients and works through them in cohorts of exactly 10. Its ε is computed with a "
        "Poisson rate of 0.1 over the rounds. Is that valid?",
        (
            (
                "Yes: each client takes part in a tenth of the rounds.",
                "so it does, but at places that depend on each other.",
            ),
            (
                "No: the cohorts are neither independent nor of random size; the theorem is about another sampler.",
                "the true ε can be much larger than the Poisson number (Chua et al. 2024).",
            ),
            ("Yes, if the cohorts are kept secret.", "secrecy is needed for amplification, and it is not enough."),
        ),
        1,
    ),
    Question(
        "Twenty configurations are trained, each (1, 1e-5), and the best on the training clients is published as (1, 1e-5).",
        (
            (
                "Wrong: the choice looked at all twenty runs, and at the data once more.",
                "all twenty are composed, and the comparison too; or a random number of runs with only the winner seen "
                "(Papernot & Steinke 2022).",
            ),
            (
                "Right: nineteen runs were never published.",
                "which one is published depends on all twenty and tells about them.",
            ),
            (
                "Right by post-processing.",
                "picking by scores computed on private data is not a function of released outputs.",
            ),
        ),
        0,
    ),
)

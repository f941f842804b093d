"""Notebook 07: where advanced composition pays, RDP of a run, amplification, calibration, the worst client of a ledger."""

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


def _amplified(answer):
    rng = np.random.default_rng()
    for hidden in (True, False, True):
        total, rounds, rate = float(rng.uniform(0.3, 20)), int(rng.integers(2, 60)), float(rng.uniform(0.02, 0.5))
        got = number(call(answer, total, rounds, rate, hidden), "ε of one round")
        share = total / rounds
        solved, whole = math.log1p(math.expm1(share) / rate), math.log1p(math.expm1(total) / rate)
        where = f"for a total of {total:.3g} over {rounds} rounds at a rate of {rate:.2g}, hidden={hidden}"
        spends = f"{where}: that spends the whole total in one round"
        forwards = math.log1p(rate * math.expm1(share))
        slips = [(whole, spends), (total, spends)]
        if hidden:
            slips += [
                (share, f"{where}: that is the budget without sampling; the sample allows more"),
                (forwards, f"{where}: the formula was used forwards; what is asked is ε before amplification"),
                (share / rate, f"{where}: ε/q holds for small ε only, and {got:.3g} spends too much"),
                (whole / rounds, f"{where}: first the share of one round, then the amplification of that round"),
                (math.log(math.exp(share) / rate), f"{where}: it is e^ε − 1 that the rate multiplies, not e^ε"),
            ]
        else:
            slips += [
                (value, f"{where}: a cohort that is seen gets no discount") for value in (solved, forwards, share / rate)
            ]
        right = solved if hidden else share
        compare(got, right, slips, f"{where} a round may have ε = {right:.5g}; you gave {got:.5g}", closely=NINE)


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


def _ledger(rng):
    """Entries, and who they are about: everybody in a hidden and in a seen one, and two disjoint halves of unequal price."""
    people = [f"client {k}" for k in range(2 * int(rng.integers(3, 6)))]
    halves = set(people[::2]), set(people[1::2])

    def entry(chosen, hidden, low=0.2, high=2):
        return dict(clients=set(chosen), epsilon=float(rng.uniform(low, high)), rounds=int(rng.integers(3, 30)),
                    rate=float(rng.uniform(0.05, 0.5)), hidden=hidden)  # fmt: skip

    ledger = [entry(people, True), entry(people, False), entry(halves[0], True), entry(halves[1], False, 1, 2)]
    ledger += [entry(halves[1] & set(rng.permutation(people)[:4].tolist()), bool(rng.integers(2))) for _ in range(2)]
    return [ledger[k] for k in rng.permutation(len(ledger))], people


def _worst_client(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        ledger, people = _ledger(rng)
        got = number(call(answer, [dict(entry, clients=set(entry["clients"])) for entry in ledger]), "ε")

        def totals(price, ledger=ledger, people=people):
            return [sum(price(entry) for entry in ledger if person in entry["clients"]) for person in people]

        def price(entry, amplify=None, rounds=True):
            amplify = entry["hidden"] if amplify is None else amplify
            one = math.log1p(entry["rate"] * math.expm1(entry["epsilon"])) if amplify else entry["epsilon"]
            return one * entry["rounds"] if rounds else one

        right = max(totals(price))
        slips = (
            (sum(map(price, ledger)), "all entries were added up: an entry costs only the clients that are in it"),
            (max(map(price, ledger)), "that is the dearest entry; a client pays for every entry that it is in"),
            (max(totals(lambda e: price(e, amplify=True))), "a cohort that is seen was given the discount"),
            (max(totals(lambda e: price(e, amplify=False))), "no discount was given where the cohort is hidden"),
            (max(totals(lambda e: price(e, amplify=not e["hidden"]))), "the discount was given where the cohort is seen, "
                                                                       "and not where it is hidden"),
            (max(totals(lambda e: price(e, rounds=False))), "the rounds are missing: every round costs its ε"),
            (max(totals(lambda e: e["rounds"] * (e["rate"] * e["epsilon"] if e["hidden"] else e["epsilon"]))),
             "q·ε is not the amplified ε; it is ln(1 + q(e^ε − 1))"),
            (max(totals(lambda e: e["rounds"] * e["epsilon"] if not e["hidden"]
                        else math.log1p(e["rate"] * math.expm1(e["rounds"] * e["epsilon"])))),
             "each round has its own sample: amplify one round, then multiply by the rounds"),
            (np.mean(totals(price)), "that is the average over the clients; a guarantee is for the worst one"),
            (min(totals(price)), "that is the client who spent least; a guarantee is for the worst one"),
        )  # fmt: skip
        message = f"for a ledger of {len(ledger)} entries the worst client's total is {right:.5g}; you gave {got:.5g}"
        compare(got, right, slips, message, closely=NINE)


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
        "Each epoch a server shuffles 100 clients and works through them in cohorts of exactly 10. Its ε is computed with a "
        "Poisson rate of 0.1 over the rounds. Is that valid?",
        (
            (
                "Yes: each client takes part in a tenth of the rounds, as under a Poisson rate of 0.1.",
                "so it does, but at places that depend on each other.",
            ),
            (
                "No: the cohorts are neither independent nor of random size.",
                "the theorem is about another sampler, and the true ε can be much larger than the Poisson number "
                "(Chua et al. 2024).",
            ),
            (
                "Yes, as long as nobody but the server learns who was in which cohort.",
                "secrecy is needed for amplification, and by itself it does not make a shuffle a Poisson sample.",
            ),
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
                "Right: nineteen of the runs were never published, so nobody can learn from them.",
                "which one is published depends on all twenty and tells about them.",
            ),
            (
                "Right: choosing among private results is post-processing, and that is free.",
                "picking by scores computed on private data is not a function of released outputs.",
            ),
        ),
        0,
    ),
)

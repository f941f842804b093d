"""Notebook 07b: amplification backwards, the profile of a sampled round, the worst client of a ledger."""

import math

import numpy as np

from ..answers import call, compare, number
from ..teacher import Exercise, Question

NINE = 1e-9  # a slip is named only where it fits to nine digits, which chance does not


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


def _sampled(answer):
    from scipy.special import log_ndtr, ndtr

    rng = np.random.default_rng()
    for _ in range(3):
        sigma, epsilon, rate = float(rng.uniform(0.4, 1)), float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.3, 0.6))

        def delta_of(e, sigma=sigma):
            return float(ndtr(0.5 / sigma - e * sigma) - math.exp(e + float(log_ndtr(-0.5 / sigma - e * sigma))))

        got = number(call(answer, delta_of, epsilon, rate), "δ")
        stretched = math.log1p(math.expm1(epsilon) / rate)
        shrunk = math.log1p(rate * math.expm1(epsilon))
        right = rate * delta_of(stretched)
        where = f"for ε = {epsilon:.3g} at a rate of {rate:.2g}"
        slips = (
            (delta_of(epsilon), f"{where}: that is δ without sampling"),
            (rate * delta_of(epsilon), f"{where}: δ times q belongs to the smaller ε; at this ε ask the round for more"),
            (delta_of(stretched), f"{where}: the client is drawn with probability q, and δ is multiplied by it"),
            (rate * delta_of(shrunk), f"{where}: the formula was used forwards; asked is the ε that it takes to this one"),
            (rate * delta_of(epsilon / rate), f"{where}: ε/q holds for small ε only"),
        )
        compare(got, right, slips, f"{where} δ is {right:.5g}; you gave {got:.5g}", closely=NINE)


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
        "07b.1",
        "Write round_epsilon(total, rounds, rate, hidden): the largest ε of one Laplace round that keeps a pure total.",
        _amplified,
        (
            "Pure ε adds up: what may one sampled round cost?",
            "Solve ln(1 + q(e^ε − 1)) = total/T for ε. And when the cohort is seen?",
            "log1p(expm1(total/rounds)/rate) where hidden, total/rounds where not.",
        ),
    ),
    Exercise(
        "07b.2",
        "Write sampled_delta(delta_of, epsilon, rate): δ at ε of a round with a hidden Poisson sample.",
        _sampled,
        (
            "P = (1 − q)Q + qP′: write P − e^ε·Q with the P′ of the round in which the client is drawn.",
            "It is q times P′ − e^ε′·Q, with e^ε′ = 1 + (e^ε − 1)/q.",
            "rate * delta_of(log1p(expm1(epsilon) / rate)).",
        ),
    ),
    Exercise(
        "07b.3",
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
    Question(
        "Of 1,000 clients, 10% take part in each round, by hidden coins; now everybody does, at the same total ε. The noise "
        "in the average …",
        (
            (
                "becomes about a tenth, since ten times as many are averaged.",
                "the multiplier has to grow as well: a client who is always in gets no discount.",
            ),
            (
                "stays about as it is; what the sample saves is messages.",
                "the multiplier grows almost as much as the cohort, 39.4 against 37.3 at (1, 1e-5) over 100 rounds.",
            ),
            (
                "becomes ten times as large, since the discount is lost.",
                "the noise on the sum does; it is divided by ten times as many clients.",
            ),
        ),
        1,
    ),
)

"""Notebook 02: beliefs and ε, the best player, the ε of two distributions, one release under four promises."""

import math
from itertools import product

import numpy as np

from ..answers import Wrong, call, number, numbers, require, same
from ..teacher import Exercise, Question


def _belief_range(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        prior, epsilon = float(rng.uniform(0.05, 0.95)), float(rng.uniform(0.2, 3))
        low, high = numbers(call(answer, prior, epsilon), 2, "the pair (lowest, highest)")
        factor = math.exp(epsilon)
        ends = [prior * f / (1 - prior + prior * f) for f in (1 / factor, factor)]
        if same(low, ends[0]) and same(high, ends[1]):
            continue
        where = f"for prior {prior:.3f} and ε = {epsilon:.3f}"
        if same(low, ends[1]) and same(high, ends[0]):
            raise Wrong("the lowest comes first")
        if same(high, min(1, prior * factor)) and same(low, prior / factor):
            raise Wrong(f"{where}: e^ε multiplies the odds, not the probability; cutting off at 1 does not mend that")
        if same(high, prior * factor) or same(low, prior / factor):
            raise Wrong(f"{where}: e^ε multiplies the odds, not the probability")
        if same(high, factor / (1 + factor)):
            raise Wrong(f"{where}: that is the highest posterior at even odds; the prior is {prior:.3f}")
        if same(high, ends[1]) and same(low, 1 - high):
            raise Wrong(f"{where}: the lowest is not 1 − highest, except at even odds")
        raise Wrong(f"{where} the belief may go from {ends[0]:.4f} to {ends[1]:.4f}; you gave {low:.4f} to {high:.4f}")


def _epsilon_for(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        prior = float(rng.uniform(0.05, 0.6))
        belief = float(rng.uniform(prior + 0.05, 0.95))
        got = number(call(answer, prior, belief), "ε")
        odds = belief / (1 - belief) / (prior / (1 - prior))
        right = math.log(odds)
        if same(got, right):
            continue
        where = f"from {prior:.3f} to at most {belief:.3f}"
        if same(got, odds):
            raise Wrong(f"{where}: that is the factor between the odds, e^ε; ε is its logarithm")
        if same(got, math.log(belief / prior)):
            raise Wrong(f"{where}: e^ε bounds the factor between the odds, not between the probabilities")
        if same(got, math.log(belief / (1 - belief))):
            raise Wrong(f"{where}: that starts from even odds; the prior is {prior:.3f}")
        if same(got, -right):
            raise Wrong(f"{where}: the sign is wrong; ε is not negative")
        raise Wrong(f"{where}: ε is {right:.4f}; you gave {got:.4f}")


def _best_player(answer):
    """No draw decides: the guesses are compared with the likelihoods at fresh numbers, away from ties."""
    rng = np.random.default_rng()
    slips = {}
    for epsilon, tilt in product((float(rng.uniform(0.3, 0.8)), float(rng.uniform(1.5, 3))), (-1.6, -0.5, 0.4, 1.7)):
        logit, count = tilt * epsilon, int(rng.integers(20, 900))
        prior = 1 / (1 + math.exp(-logit))
        between = np.linspace(-1, 0, 16, endpoint=False) + rng.uniform(0, 1 / 16, 16)  # one in each sixteenth
        for offset in (*(np.arange(-6, 5) + rng.uniform(0, 1, 11)), *between):
            number = count + float(offset)
            ratio = epsilon * (abs(number - (count - 1)) - abs(number - count))  # ln of p_A/p_B
            if abs(ratio + logit) < 1e-3 * epsilon:
                continue
            got = call(answer, number, count, prior, epsilon)
            require(isinstance(got, str) and got in ("A", "B"), f"return 'A' or 'B', got {got!r}")
            if got == ("A" if ratio + logit > 0 else "B"):
                continue
            straight = 2 * epsilon * (offset + 0.5) + logit > 0  # the ratio between the counts, prolonged
            for name, guess in (("no prior", offset > -0.5), ("no limit", straight), ("prior only", logit > 0)):
                slips.setdefault(name, True)
                slips[name] &= got == ("A" if guess else "B")
            slips.setdefault("case", (number, count, prior, epsilon, got))
    if not slips:
        return
    number, count, prior, epsilon, got = slips["case"]
    where = f"at number {number:.2f}, count {count}, prior {prior:.3f}, ε = {epsilon:.3f} you said {got}"
    if slips["no limit"]:
        raise Wrong(f"{where}: beyond the two counts the log-ratio stays at ±ε; it does not keep growing")
    if slips["no prior"]:
        raise Wrong(f"{where}: the middle between the counts is the right threshold only at even odds; use the prior")
    if slips["prior only"]:
        raise Wrong(f"{where}: that follows the prior and ignores the published number")
    raise Wrong(f"{where}: the other is likelier; compare prior·exp(−ε|number − count|) with the same for B")


def _pure_epsilon(answer):
    rng = np.random.default_rng()

    def ask(p, q):
        return number(call(answer, p.copy(), q.copy()), "ε")

    drawn = [rng.dirichlet(np.full(int(rng.integers(3, 9)), 3.0), 2) for _ in range(4)]
    pairs = [pair for p, q in drawn for pair in ((p, q), (q, p))]  # both orders: one direction alone is never enough
    for p, q in pairs:
        ratios = np.log(p / q)
        right, got = float(abs(ratios).max()), ask(p, q)
        if same(got, right):
            continue
        if same(got, math.exp(right)):
            raise Wrong("that is the largest ratio, e^ε; ε is its logarithm")
        if same(got, max(ratios.max(), 0.0)) or same(got, max(-ratios.min(), 0.0)):
            raise Wrong("one direction only: the definition holds for both orders of the neighbours")
        if same(got, abs(ratios).mean()) or same(got, float((p * ratios).sum())):
            raise Wrong("that is an average; the definition bounds every output")
        if same(got, abs(p - q).sum() / 2) or same(got, abs(p - q).max()):
            raise Wrong("that is a difference of probabilities; ε bounds their ratio")
        raise Wrong(f"for p = {np.round(p, 3)}, q = {np.round(q, 3)} ε is {right:.4f}; you gave {got:.4f}")
    for turn, (p, q) in enumerate(pairs):
        right, where = float(abs(np.log(p / q)).max()), rng.integers(len(p))
        got = ask(np.insert(p, where, 0.0), np.insert(q, where, 0.0))
        require(same(got, right), f"an output that has probability 0 under both does not count; you gave {got:.4g}")
        alone = np.insert(p, where, 0.2) / 1.2, np.insert(q, where, 0.0)
        got = ask(*(alone if turn % 2 else alone[::-1]))
        require(got == math.inf, f"an output that only one of them can produce leaves no finite ε; you gave {got:.4g}")
    twin = rng.dirichlet(np.ones(4))
    require(same(ask(twin, twin), 0.0), "two equal distributions have ε = 0")


def _epsilon_of(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        scale, cap = float(rng.uniform(0.5, 40)), int(rng.integers(5, 400))
        for unit, relation in product(("patient", "hospital"), ("add-or-remove", "replace-one")):
            got = number(call(answer, scale, unit, relation, cap), "ε")
            size = cap if unit == "hospital" else 1
            reach = size * (2 if relation == "replace-one" else 1)
            if same(got, reach / scale):
                continue
            where = f"for unit={unit!r}, adjacency={relation!r}, scale {scale:.3g}, cap {cap}"
            if same(got, reach * scale):
                raise Wrong(f"{where}: ε is sensitivity divided by scale; more noise is a smaller ε")
            if unit == "hospital" and same(got * scale, reach / cap):
                raise Wrong(f"{where}: a hospital comes with all its patients, up to cap of them")
            if unit == "patient" and same(got * scale, reach * cap):
                raise Wrong(f"{where}: one patient moves one count by 1, whatever the size of the hospital")
            if relation == "replace-one" and same(got * scale, reach / 2):
                raise Wrong(f"{where}: an exchange takes from one bin and adds to another")
            if relation == "replace-one" and same(got * scale, reach / math.sqrt(2)):
                raise Wrong(f"{where}: that is an L2 sensitivity; Laplace noise goes by L1")
            if relation == "add-or-remove" and same(got * scale, reach * 2):
                raise Wrong(f"{where}: nothing is exchanged here; each patient is counted in one bin only")
            raise Wrong(f"{where} ε is {reach / scale:.5g}; you gave {got:.5g}")


EXERCISES = (
    Exercise(
        "02.1",
        "Write belief_range(prior, epsilon): the lowest and the highest posterior that ε-privacy allows.",
        _belief_range,
        (
            "Write the prior as odds: prior/(1 − prior). By which factors can the odds change?",
            "By factors from e^(−ε) to e^ε. Odds o are the probability o/(1 + o).",
            "f·prior/(1 − prior + f·prior) with f = e^(−ε), then with f = e^ε.",
        ),
    ),
    Exercise(
        "02.2",
        "Write epsilon_for(prior, belief): the largest ε that keeps the belief from growing beyond `belief`.",
        _epsilon_for,
        (
            "The bound is reached: the highest posterior equals `belief`. Write both as odds.",
            "belief/(1 − belief) = e^ε · prior/(1 − prior).",
            "Take logarithms: the difference of the two log-odds.",
        ),
    ),
    Exercise(
        "02.3",
        "Write best_player(number, count, prior, epsilon): the guess, 'A' or 'B', that is right most often.",
        _best_player,
        (
            "Which register is likelier, given the number? Compare two posterior probabilities.",
            "They are proportional to prior·p_A(number) and (1 − prior)·p_B(number).",
            "p_A is proportional to exp(−ε·|number − count|), p_B to exp(−ε·|number − count + 1|).",
        ),
    ),
    Exercise(
        "02.4",
        "Write pure_epsilon(p, q): the smallest ε for which two output distributions satisfy the definition with δ = 0.",
        _pure_epsilon,
        (
            "If the inequality holds for every single output, it holds for every set of outputs.",
            "For one output it says |ln(p/q)| ≤ ε. What if q is 0 and p is not?",
            "Drop outputs where both are 0; return math.inf if one of them is 0 elsewhere; else max |ln(p/q)|.",
        ),
    ),
    Exercise(
        "02.5",
        "Write epsilon_of(scale, unit, adjacency, cap): the ε of one noisy histogram under four promises.",
        _epsilon_of,
        (
            "ε is the L1 sensitivity of all counts together, divided by the scale.",
            "Added or removed, a unit moves the counts by as many patients as it has, at most.",
            "Exchanged for another, it can take from one bin and add to another: twice that.",
        ),
    ),
)

QUIZ = (
    Question(
        "A release is ε-differentially private with ε = 1 (δ = 0). A target is in the data with prior probability ½, and "
        "the attacker knows everything else. Which statement holds?",
        (
            (
                "The target is protected with probability exp(−1), about 37%.",
                "no such probability exists: the bound holds on every output.",
            ),
            (
                "The attacker's belief is at most about 73%, after any output.",
                "e^ε multiplies the odds of 1 at most; odds of e are the probability e/(1 + e).",
            ),
            (
                "The attacker learns nothing about whether the target is in the data.",
                "that would be ε = 0; here the odds may change by a factor of e.",
            ),
        ),
        1,
    ),
    Question(
        "A model, trained with ε = 0.1 (unit: a patient) on a register in which you never were, says correctly that your "
        "tumour is malignant. Has differential privacy failed?",
        (
            (
                "Yes: something true about one individual was inferred from it.",
                "it was inferred from what holds for patients in general; that is what the model is for.",
            ),
            (
                "Only if δ is larger than one over the number of patients, 1/n.",
                "δ concerns the members of the register, and you are none.",
            ),
            (
                "No: the promise is about what one single member's record changes.",
                "with or without any one member the model would say the same with nearly the same probability.",
            ),
        ),
        2,
    ),
    Question(
        "A federation promises a total ε = 1 (δ = 0) for adding or removing a whole hospital. What follows, from that "
        "alone, for one record more or less in a hospital that keeps its 100 other patients?",
        (
            (
                "ε = 1: the record is a part of the hospital, and hidden with it.",
                "the neighbour lacks the whole hospital; here the hospital stays, with other data.",
            ),
            (
                "ε = 2: the hospital is removed, and added again without the record.",
                "two steps between neighbours; its clipped update may turn round and move the sum by 2C.",
            ),
            (
                "ε = 0.01: the record is one in a hundred, and moves the update by as much.",
                "nothing says that the hospital's update changes in proportion; clipping bounds its length only.",
            ),
        ),
        1,
    ),
)

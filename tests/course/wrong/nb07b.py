"""Planted wrong answers of notebook 07b."""

import math


def one(entry):
    return math.log1p(entry["rate"] * math.expm1(entry["epsilon"])) if entry["hidden"] else entry["epsilon"]


def by_client(price, choose=max):
    """The total of the client that `choose` picks, with another price of an entry."""

    def answer(ledger):
        people = set().union(*(entry["clients"] for entry in ledger))
        return choose([sum(price(entry) for entry in ledger if person in entry["clients"]) for person in people])

    return answer


def in_full(e):
    return e["rounds"] * one(e)


WRONG = {
    "07b.1": [
        (lambda t, r, q, h: t / r, r"the sample allows more"),
        (lambda t, r, q, h: math.log1p(math.expm1(t / r) / q), r"seen gets no discount"),
        (lambda t, r, q, h: math.log1p(q * math.expm1(t / r)) if h else t / r, r"used forwards"),
        (lambda t, r, q, h: t / r / q if h else t / r, r"small ε only"),
        (lambda t, r, q, h: math.log1p(math.expm1(t) / q) / r if h else t / r, r"first the share"),
        (lambda t, r, q, h: math.log1p(math.expm1(t) / q) if h else t, r"the whole total in one round"),
        (lambda t, r, q, h: t, r"the whole total in one round"),
        (lambda t, r, q, h: math.log(math.exp(t / r) / q) if h else t / r, r"not e\^ε"),
        (lambda t, r, q, h: t / r if h else math.log1p(math.expm1(t / r) / q), r"the sample allows more"),
        (lambda t, r, q, h: math.log1p(math.expm1(t / r) / q) if h else q * t / r, r"a round may have"),
        (lambda t, r, q, h: 1.0, r"a round may have"),
        (lambda t, r, q, h: -t / r, r"a round may have"),
    ],
    "07b.2": [
        (lambda f, e, q: f(e), r"without sampling"),
        (lambda f, e, q: q * f(e), r"belongs to the smaller ε"),
        (lambda f, e, q: f(math.log1p(math.expm1(e) / q)), r"is multiplied by it"),
        (lambda f, e, q: q * f(math.log1p(q * math.expm1(e))), r"used forwards"),
        (lambda f, e, q: q * f(e / q), r"small ε only"),
        (lambda f, e, q: q * f(math.log(math.exp(e) / q)), r"δ is"),
        (lambda f, e, q: f(math.log1p(q * math.expm1(e))), r"δ is"),
        (lambda f, e, q: 0.0, r"δ is"),
        (lambda f, e, q: q, r"δ is"),
    ],
    "07b.3": [
        (lambda ledger: sum(map(in_full, ledger)), r"all entries were added up"),
        (lambda ledger: max(map(in_full, ledger)), r"the dearest entry"),
        (by_client(lambda e: e["rounds"] * math.log1p(e["rate"] * math.expm1(e["epsilon"]))), r"seen was given"),
        (by_client(lambda e: e["rounds"] * e["epsilon"]), r"no discount was given"),
        (by_client(lambda e: in_full(e | {"hidden": not e["hidden"]})), r"where the cohort is seen, and not"),
        (by_client(one), r"rounds are missing"),
        (by_client(lambda e: e["rounds"] * e["epsilon"] * (e["rate"] if e["hidden"] else 1)), r"q·ε is not"),
        (by_client(lambda e: e["rounds"] * e["epsilon"] if not e["hidden"]
                   else math.log1p(e["rate"] * math.expm1(e["rounds"] * e["epsilon"]))), r"amplify one round"),
        (by_client(in_full, lambda totals: sum(totals) / len(totals)), r"average over the clients"),
        (by_client(in_full, min), r"spent least"),
        (lambda ledger: in_full(ledger[-1]), r"dearest entry|the worst client's total is"),
        (lambda ledger: 0.0, r"the worst client's total is"),
        (by_client(lambda e: e["rounds"] * e["rate"] * one(e)), r"the worst client's total is"),
    ],
}  # fmt: skip

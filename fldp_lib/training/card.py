"""The guarantee of a run as an entry of a public registry of differential-privacy deployments.

An entry has the fields of the registry's schema (`deployments-schema.yaml` of OpenDP's deployments registry). What a run
knows is filled in from its own plan: unit, neighbours, trust, ε and δ, the attacker, accounting, what is not covered. What
it cannot know is asked for, or left out where the schema allows.
"""

import datetime
import re

from .. import checks
from ..privacy import accountants, accounting, integers

SECTORS = ("Technology", "Healthcare", "Education", "Government", "Energy", "Finance")  # the schema's
METHODS = {
    "pld": "the composed law of the privacy loss, exact where the noise is Gaussian and all take part, else from above",
    "rdp": "Rényi differential privacy",
    "basic": "the sum of the rounds' ε",
}
PUBLIC = "the number of clients is public"


def entry(
    history, uncovered, name, curators, description, use, region, date, authors, sector, unit, domain, tuning, why, sources
):
    """Return the entry of a run, a dict; arguments as in `History.card`, and what its log has without noise.

    Raises:
        TypeError, ValueError: an argument out of range, a run without a finite ε, or one of whose legs the seed is known.
    """
    for argument, value in (("name", name), ("description", description), ("use", use), ("region", region), ("unit", unit)):
        checks.text(argument, value, some=True)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise ValueError(f"name must have a letter a … z or a digit, for the entry's address; got {name!r}")
    curators, authors = _listed("curators", curators), _listed("authors", authors)
    if sector is not None:
        checks.one_of("sector", sector, SECTORS)
    more = {"domain": domain, "tuning": tuning, "why": why, "sources": sources}
    for argument, value in more.items():
        if value is not None:
            checks.text(argument, value, some=True)
    date = _dated(date)
    if history.reason:
        raise ValueError(
            f"history must be of a run with a finite ε, or it has no guarantee to enter; got none: {history.reason}"
        )
    known = next((plan.seed for plan, _ in history.every_leg if plan.seed is not None), None)
    if known is not None:
        raise ValueError(
            "history must be of a run whose every leg has seed=None, so that nobody can draw its noise again; got one with "
            "a known seed: who knows it can subtract the noise, and neither ε nor the attacker's success hold against him"
        )
    delta = history.delta
    epsilon = float(accounting.rounded_up(history.total_epsilon))
    mechanism = history.mechanism
    who = f"record of one {unit}" if mechanism.unit == "record" else unit
    count = "how many records a client has is public, too" if mechanism.unit == "record" else "all of its records together"
    basic = {
        "name": name, "data_curators": curators, "intended_use": use, "data_product_type": "Machine learning model",
        "data_product_region": region, "description": description, "publication_date": date,
        "data_product_sector": sector,
    }  # fmt: skip
    deployment = {
        "basic": basic,
        "dp_variant": {
            "variant_name": "Approximate DP",
            "data_domain": domain,
            "unprotected_quantities": _unprotected(uncovered),
        },
        "privacy_loss": {
            "privacy_unit": f"{'Record' if mechanism.unit == 'record' else unit.capitalize()}-level",
            "privacy_unit_details": f"Neighbours: {history.neighbours} (a client is one {unit}); {PUBLIC}; {count}.",
            "privacy_parameters": {"epsilon": epsilon, "delta": delta},
            "privacy_parameters_details": f"ε is the total over {_rounds(history)}, rounded up. "
            f"Against this very run, an attacker {history.attacker().said(who)}.",
        },
        "deployment_model": {
            **_model(mechanism),
            "release_type": "One release",
            "release_type_details": f"One model; those after each of {_rounds(history)} are covered, too. "
            "Every further run on the same data adds to ε.",
            "data_source_type": "Static",
            "access_type": "Non-interactive",
        },
        "accounting": {
            "composition": _composition(history),
            "post_processing": "Whatever is computed from the released models alone is covered.",
        },
        "implementation": {
            "preprocessing_and_hyperparameter_tuning": tuning,
            "mechanisms": _mechanisms(history),
            "justification": why,
        },
        "administrative": {"sources": sources, "registry_authors": authors},
    }  # fmt: skip
    tier = 3 if None not in (domain, tuning, why) else 2
    return {"url_slug": slug, "status": "Draft", "tier": tier, "deployment": _without_none(deployment)}


def _listed(argument, words):
    if not isinstance(words, (list, tuple)) or not words:
        raise TypeError(f"{argument} must be a list of names, one at least, got {checks.shown(words)}")
    return [checks.text(argument, word, some=True) for word in words]


def _dated(date):
    if isinstance(date, datetime.date) and not isinstance(date, datetime.datetime):
        return date.isoformat()
    found = re.fullmatch(r"\d{4}-\d\d-\d\d", date) if isinstance(date, str) else None
    try:
        return datetime.date.fromisoformat(found.group()).isoformat()
    except (AttributeError, ValueError):
        wanted = "a day of publication such as '2026-11-28', or a datetime.date"
        raise (ValueError if isinstance(date, str) else TypeError)(
            f"date must be {wanted}, got {checks.shown(date)}"
        ) from None


def _rounds(history):
    planned = f"{history.planned} round{'s' * (history.planned != 1)}"
    return planned if history.rounds == history.planned else f"{planned} planned, of which {history.rounds} ran"


def _model(mechanism):
    """Who is trusted, in the registry's words: "Local" is noise at the person, before anything leaves."""
    if mechanism.unit == "record":
        return {
            "model_name": "Federated",
            "model_name_details": "Each client adds the noise before anything leaves it.",
            "actors": "A client holds its own records and is trusted with them; server and other clients see noisy updates.",
        }
    if mechanism.at == "client":
        return {"model_name": "Local", "actors": f"Nobody but the client itself is trusted. {mechanism.trust}."}
    if mechanism.at == "shares":
        return {
            "model_name": "Federated",
            "model_name_details": "Distributed noise: each client adds a share of it under secure aggregation.",
            "actors": f"Clients are trusted not to pool their shares. {mechanism.trust}.",
        }
    return {
        "model_name": "Central",
        "model_name_details": "Federated: records stay with the clients, the server gets their updates and adds the noise.",
        "actors": f"{mechanism.trust}; who sees the models need not be.",
    }


def _unprotected(uncovered):
    """What an attacker may learn that ε is not about."""
    lines = [
        f"{PUBLIC}, and so is the plan",
        "not covered: the test records, and a score on them",
        f"what the run's own log has without noise and must not be released: {', '.join(uncovered)}",
        "what is true of the population, also of those who took no part",
    ]
    return "".join(f"- {line[0].upper()}{line[1:]}.\n" for line in lines)


def _composition(history):
    ledger = accounting.Ledger(history.delta)
    for plan, _ in history.every_leg:
        ledger.spend(*plan.part())
    each = f"every {history.mechanism.unit} counted in each"
    lines = [  # the rate is the one that is priced: a client's own report is never amplified
        f"{releases} release{'s' * (releases != 1)}, "
        + (each if rate == 1 else f"each of a secret Poisson sample at rate {rate:g}")
        for _, rate, releases in ledger.parts
    ]
    how = METHODS[accountants.tightest(ledger.parts, history.delta)[1]]
    return f"{'; then '.join(lines)}. Composed by {how} (fldp_lib, tested against dp_accounting)."


def _mechanisms(history):
    lines = [
        f"- {plan.mechanism!r}; {plan.rounds} rounds, clients at rate {plan.sampling_rate:g} ({plan.sampler}); local "
        f"{plan.local!r}, server {plan.server!r}."
        for plan, _ in history.every_leg
    ]
    whole = all(isinstance(plan.mechanism, integers.Skellam) for plan, _ in history.every_leg)
    how = (
        "- The noise is drawn, added up and priced in whole numbers; its generator (Mersenne Twister) is not release-grade."
        if whole
        else "- The noise is simulated in floating point, which leaks: no release-grade sampler."
    )
    return "\n".join([*lines, how])


def _without_none(fields):
    if not isinstance(fields, dict):
        return fields
    return {name: _without_none(value) for name, value in fields.items() if value is not None}

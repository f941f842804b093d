"""card: a run's guarantee is a valid entry of the public registry, as the accountant has it, and nothing is invented."""

import copy
import dataclasses
import datetime
import json
import pathlib

import pytest
from conftest import federation

from fldp_lib import Plan, accounting, aggregation, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import card
from fldp_lib.training.history import UNCOVERED

jsonschema, yaml = pytest.importorskip("jsonschema"), pytest.importorskip("yaml")  # jupyter brings both
SCHEMA = yaml.safe_load((pathlib.Path(__file__).parent / "registry/deployments-schema.yaml").read_text(encoding="utf-8"))
VALID = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
GIVEN = dict(name="A model of ours", curators=["we"], description="what", use="what for", region="here", date="2026-11-28",
             authors=["I"])  # fmt: skip
FED = federation([4, 1, 2, 3, 6, 2])
TURNS = "one client's contributions are all there or all zero (number of clients and turns are public)"
BASE = dict(rounds=3, delta=1e-4, seed=None)
PLANS = {
    "central": Plan(**BASE, mechanism=Gaussian(4.0, 0.5)),
    "sampled": Plan(**BASE, mechanism=Gaussian(4.0, 0.5), sampling_rate=0.5),
    "laplace": Plan(**BASE, mechanism=Laplace(0.3, 0.5)),
    "local": Plan(**BASE, mechanism=Gaussian(4.0, 0.5, at="client"), sampling_rate=0.5),
    "shares": Plan(**BASE, mechanism=Gaussian(4.0, 0.5, at="shares")),
    "record": Plan.of(**BASE, mechanism=Gaussian(4.0, 0.5, at="client", unit="record"), local_steps=2, batch_rate=0.5),
    "adaptive": Plan(**BASE, mechanism=AdaptiveGaussian(4.0, 0.5)),
    "turns": Plan(**BASE, mechanism=Gaussian(4.0, 0.5), sampling_rate=1 / 3, sampler="cyclic"),
    "correlated": Plan(**BASE, mechanism=Correlated(4.0, 0.5), sampling_rate=1 / 3, sampler="cyclic"),
}


def run(plan, **more):
    return train(models.Linear(3, 2), FED, plan, progress=False, **more)


def leaves(fields, path=()):
    if not isinstance(fields, dict):
        return {path: fields}
    return {key: value for name, one in fields.items() for key, value in leaves(one, (*path, name)).items()}


@pytest.fixture(scope="module")
def cards():
    return {name: (history, history.card(**GIVEN)) for name, history in ((name, run(plan)) for name, plan in PLANS.items())}


@pytest.mark.parametrize("name", PLANS)
def test_an_entry_validates_and_survives_json_and_yaml(name, cards):
    _, entry = cards[name]
    VALID.validate(entry)
    assert json.loads(json.dumps(entry)) == entry == yaml.safe_load(yaml.safe_dump(entry, allow_unicode=True))


def test_the_schema_would_refuse_what_it_does_not_know(cards):
    entry = cards["central"][1]
    for place, key, value in (
        ("deployment_model", "model_name", "Secret"),
        ("basic", "publication_date", "28 November"),
        ("basic", "data_curators", []),
        ("privacy_loss", "attacker", 0.6),
    ):
        wrong = copy.deepcopy(entry)
        wrong["deployment"][place][key] = value
        assert not VALID.is_valid(wrong), key


@pytest.mark.parametrize("name", PLANS)
def test_epsilon_is_the_plans_total_and_never_told_smaller(name, cards):
    history, entry = cards[name]
    said, plan = entry["deployment"]["privacy_loss"]["privacy_parameters"], PLANS[name]
    releases = {"record": 6, "turns": 1, "correlated": 1}.get(name, 3)  # a client's own, where clients take turns
    rate = plan.batch_rate if name == "record" else 1.0 if plan.sampler == "cyclic" else plan.sampling_rate
    mechanism = Gaussian(4.0, 0.5) if name == "correlated" else plan.mechanism  # the whole run is one release
    spent = accounting.epsilon(mechanism, releases, rate, 1e-4)
    assert said["delta"] == 1e-4 and spent <= said["epsilon"] <= 1.01 * spent
    assert said["epsilon"] == float(accounting.rounded_up(history.total_epsilon))
    assert f"{releases} release" in entry["deployment"]["accounting"]["composition"]


def test_trust_unit_and_neighbours_are_the_mechanisms(cards):
    expected = {
        "central": ("Central", "Client-level"), "sampled": ("Central", "Client-level"),
        "laplace": ("Central", "Client-level"), "local": ("Local", "Client-level"), "shares": ("Federated", "Client-level"),
        "record": ("Federated", "Record-level"), "adaptive": ("Central", "Client-level"),
        "turns": ("Central", "Client-level"), "correlated": ("Central", "Client-level"),
    }  # fmt: skip
    for name, (model, unit) in expected.items():
        found = cards[name][1]["deployment"]
        assert found["deployment_model"]["model_name"] == model
        assert found["privacy_loss"]["privacy_unit"] == unit
        relation = TURNS if PLANS[name].sampler == "cyclic" else PLANS[name].mechanism.adjacency
        assert f"Neighbours: {relation} (" in found["privacy_loss"]["privacy_unit_details"]
    patients = cards["central"][0].card(**GIVEN, unit="patient")["deployment"]["privacy_loss"]
    assert patients["privacy_unit"] == "Patient-level" and "a patient was in" in patients["privacy_parameters_details"]


def test_amplification_is_claimed_only_where_it_is_priced(cards):
    said = {name: entry["deployment"]["accounting"]["composition"] for name, (_, entry) in cards.items()}
    assert "Poisson sample at rate 0.5" in said["sampled"] and "Poisson sample at rate 0.5" in said["record"]
    assert "every client counted in each" in said["local"]  # its own reports are seen
    assert all("every client counted in each" in said[name] for name in ("central", "turns", "correlated"))


def test_the_attacker_and_what_is_not_covered_are_told(cards):
    for history, entry in cards.values():
        found = entry["deployment"]
        unit = "record of one client" if history.mechanism.unit == "record" else "client"
        assert history.attacker().said(unit) in found["privacy_loss"]["privacy_parameters_details"]
        assert all(name in found["dp_variant"]["unprotected_quantities"] for name in UNCOVERED)
        assert "floating point" in found["implementation"]["mechanisms"]
        assert "Not covered: the test records, and a score on them" in found["dp_variant"]["unprotected_quantities"]


SEED = 987654321


@pytest.mark.parametrize("seeds", [(SEED,), (SEED, SEED), (None, SEED), (SEED, None), (None, SEED, None)])
def test_a_run_with_a_known_seed_in_any_leg_has_no_card(seeds):
    """Whoever knows it draws the noise again: neither the ε nor the attacker's success of the entry would hold."""
    plan = PLANS["central"].changed(seed=seeds[-1])  # train goes on with one seed; a History may be put together
    legs = tuple((plan.changed(seed=seed), 0) for seed in seeds[:-1])
    history = dataclasses.replace(run(plan), legs=legs)
    with pytest.raises(ValueError, match=r"history must be .*seed=None.*known seed") as error:
        history.card(**GIVEN)
    assert str(SEED) not in str(error.value)


def test_no_entry_names_a_seed(cards):
    assert not any("seed" in json.dumps(entry).lower() for _, entry in cards.values())


def test_a_run_that_went_on_or_ended_early_pays_for_all_that_was_planned():
    first = run(PLANS["central"])
    second = run(Plan(rounds=2, delta=1e-4, seed=None, mechanism=Gaussian(3.0, 0.5)), start=first)
    entry = second.card(**GIVEN)
    VALID.validate(entry)
    spent = entry["deployment"]["privacy_loss"]["privacy_parameters"]["epsilon"]
    alone = accounting.epsilon(Gaussian((3 / 16 + 2 / 9) ** -0.5, 0.5), 1, 1.0, 1e-4)  # five Gaussian rounds are one
    assert alone * (1 - 1e-6) <= spent <= 1.01 * alone
    assert "3 releases" in entry["deployment"]["accounting"]["composition"]
    assert "then 2 releases" in entry["deployment"]["accounting"]["composition"]
    ended = run(PLANS["central"], callback=lambda t, theta, record: t == 1)
    found, whole = (history.card(**GIVEN)["deployment"]["privacy_loss"] for history in (ended, run(PLANS["central"])))
    assert ended.rounds == 1 and "3 rounds planned, of which 1 ran" in found["privacy_parameters_details"]
    assert found["privacy_parameters"] == whole["privacy_parameters"]


@pytest.mark.filterwarnings("ignore:this run has no finite")
@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(rounds=1), "there is no mechanism"),
        (Plan(rounds=1, mechanism=Gaussian(0.0, 1.0)), "no noise is added"),
        (Plan(rounds=1, mechanism=Gaussian(1.0, 1.0), aggregator=aggregation.median, delta=1e-3), "is not one"),
    ],
)
def test_a_run_without_a_finite_epsilon_has_no_card(plan, said):
    with pytest.raises(ValueError, match=f"history must be of a run with a finite ε.*{said}"):
        run(plan).card(**GIVEN)


def test_what_is_not_given_is_left_out_and_nothing_is_invented(cards):
    history, entry = cards["central"]
    assert (entry["status"], entry["tier"], entry["url_slug"]) == ("Draft", 2, "a-model-of-ours")
    asked = {"data_product_sector", "data_domain", "preprocessing_and_hyperparameter_tuning", "justification", "sources"}
    assert not asked & {path[-1] for path in leaves(entry)}
    more = dict(sector="Finance", domain="clients of six banks", tuning="none", why="a contract", sources="none")
    full = history.card(**GIVEN, **more)
    VALID.validate(full)
    assert full["tier"] == 3 and asked <= {path[-1] for path in leaves(full)}
    assert set(more.values()) | {"what", "what for", "here", "2026-11-28"} <= {
        value for value in leaves(full).values() if isinstance(value, str)
    }
    assert history.card(**GIVEN | {"date": datetime.date(2026, 11, 28)}) == entry


def test_the_sectors_are_the_schemas():
    basic = SCHEMA["properties"]["deployment"]["properties"]["basic"]["properties"]
    assert tuple(basic["data_product_sector"]["enum"]) == card.SECTORS

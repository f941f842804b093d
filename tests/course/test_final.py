"""The end of the course: the quiz covers it, the final project's check believes nothing, and each cheat loses its points."""

import dataclasses
import functools
import importlib
from collections import Counter

import numpy as np
import pytest
import torch

from fldp_lib import Plan, accounting, aggregation, clients, data, mechanisms, models, train
from fldp_lib.adversary import auditing
from fldp_lib.course.answers import NotTried, Wrong
from fldp_lib.course.exercises import final18, nb18
from fldp_lib.course.exercises.handed18 import Handed
from fldp_lib.training import scoring
from tests.course.wrong.nb18 import choose, missing, naive

ALL = {f"{number:02d}" for number in range(20)} | {"07b"}


# The quiz --------------------------------------------------------------------------------------------------------------


def named(question):
    """The notebook that each explanation names."""
    return {why.rsplit("(Notebook ", 1)[1].rstrip(".)") for _, why in question.options}


def test_at_least_thirty_questions_that_cover_the_course():
    assert len(nb18.QUIZ) >= 30
    assert all(len(named(question)) == 1 for question in nb18.QUIZ)
    assert set().union(*map(named, nb18.QUIZ)) == ALL
    parts = Counter(question.text.split(".")[0] for question in nb18.QUIZ)
    assert set(parts) == {f"Part {number}" for number in range(9)}
    assert min(parts[f"Part {number}"] for number in (1, 2, 3, 5, 6)) >= 4


def test_questions_are_in_the_order_of_the_notebooks_and_differ():
    order = [min(named(question)) for question in nb18.QUIZ]
    assert order == sorted(order)
    assert len({question.text for question in nb18.QUIZ}) == len(nb18.QUIZ)


def test_every_option_is_explained():
    for question in nb18.QUIZ:
        assert 3 <= len(question.options) <= 4 and 0 <= question.right < len(question.options)
        assert len({option for option, _ in question.options}) == len(question.options)
        assert all(len(why.split("(Notebook")[0].strip()) > 10 for _, why in question.options)


def test_neither_place_nor_length_gives_an_answer_away():
    places = Counter(question.right for question in nb18.QUIZ)
    assert max(places[place] for place in range(3)) <= 0.45 * len(nb18.QUIZ)
    assert min(places[place] for place in range(3)) >= 0.2 * len(nb18.QUIZ)
    lengths = [[len(option) for option, _ in question.options] for question in nb18.QUIZ]
    rank = [sorted(row).index(row[question.right]) for row, question in zip(lengths, nb18.QUIZ, strict=True)]
    share = Counter(min(place, 2) for place in rank)
    assert max(share.values()) <= 0.5 * len(nb18.QUIZ)  # the longest, the middle, the shortest


def options(start):
    """The right option of the question whose text contains `start`."""
    (question,) = [q for q in nb18.QUIZ if start in q.text]
    return question.options[question.right][0]


def test_the_quizs_numbers_are_the_packages():
    assert options("probability ½") == f"{accounting.best_guess(1.0):.3f}"
    assert f"{accounting.delta_of(mechanisms.Gaussian(1.0, 1.0), 1.0):.3f}" in options("(σ = Δ)")
    hundred = accounting.epsilon(mechanisms.Laplace(1.0, 1.0), rounds=100, delta=1e-5)
    assert options("ε = 1 in each of 100 rounds") == f"{hundred:.1f}"
    row = torch.full((1, 10_000), 0.01, dtype=torch.float64)
    assert float(mechanisms.clip_rows(row, 1.0)[0].norm(1)) == pytest.approx(100) and options("10,000").startswith("100 ·")


def test_what_an_audit_of_a_program_that_leaks_everything_proves():
    bound = auditing.repeated(np.zeros(1_000), np.ones(1_000)).lower
    assert 4.5 < bound < 5 and options("1,000 runs each way") == "a little below 5"


# The final project -----------------------------------------------------------------------------------------------------


@functools.cache
def calibrated(epsilon=2.0, clip=2.0, **options):
    return accounting.calibrate("gaussian", epsilon=epsilon, delta=1e-5, rounds=20, clip=clip, **options)


def honest(fed, seed, plan=None, model=None, **claims):
    """A right project, and what a cheat would like to say instead."""
    plan = dict(rounds=20, lr=2.0, delta=1e-5, mechanism=calibrated()) | (plan or {})
    model = model or models.Linear(64, 10, seed=seed)
    history = train(model, fed, seed=seed, progress=False, **plan)
    mechanism = plan["mechanism"] or calibrated()
    return dict(
        model=model, plan=plan, theta=history.theta, epsilon=history.total_epsilon, delta=plan["delta"],
        unit=mechanism.unit, neighbours=mechanism.adjacency, trust=mechanism.trust, accuracy=history.accuracy[-1],
    ) | claims  # fmt: skip


def measured(result, fed):
    """The result, with the accuracy that its own parameters really have."""
    return result | dict(accuracy=scoring.evaluate(result["model"], result["theta"], fed)[1])


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_project_has_all_points(seed):
    grade = final18.grade(honest, seed=seed)
    assert grade.lost == [] and grade.points == sum(final18.CRITERIA.values()) == 60


def test_other_honest_plans_have_all_points_too():
    def sampled(fed, seed):
        noise = accounting.calibrate("gaussian", epsilon=1.9, rounds=40, sampling_rate=0.5, clip=2.0)
        return honest(fed, seed, dict(rounds=40, sampling_rate=0.5, mechanism=noise))

    def shares(fed, seed):
        return honest(fed, seed, dict(mechanism=calibrated(at="shares")))

    assert final18.grade(sampled, seed=0).lost == []

    def wide(fed, seed):
        result = honest(fed, seed, dict(local_steps=5, lr=0.5), models.MLP(64, 32, 10, seed=seed))
        return result | dict(theta=result["theta"].tolist(), epsilon=np.float64(result["epsilon"]))

    assert final18.grade(shares, seed=0).lost == []
    assert set(final18.grade(wide, seed=0).lost) <= {"utility"}


def test_a_plan_is_as_good_as_the_dict_that_makes_it():
    def project(fed, seed):
        plan = Plan(rounds=20, lr=2.0, seed=seed).calibrated(epsilon=2.0, delta=1e-5, clip=2.0)
        model = models.Linear(64, 10, seed=seed)
        history = train(model, fed, plan)
        noise = plan.mechanism
        said = dict(unit=noise.unit, neighbours=noise.adjacency, trust=noise.trust)
        return said | dict(model=model, plan=plan, theta=history.theta, epsilon=plan.epsilon(), delta=plan.delta,
                           accuracy=history.accuracy[-1])  # fmt: skip

    def hidden(fed, seed):  # a term that the project may not choose
        result = project(fed, seed)
        return result | dict(plan=result["plan"].changed(aggregator=aggregation.WeightedMean(cap=1)))

    assert final18.grade(project, seed=0).lost == []
    assert set(final18.grade(hidden, seed=0).lost) >= {"price", "model", "utility"}


def mechanism_not_used(fed, seed):
    """It states a mechanism and trains without."""
    free = train(models.Linear(64, 10, seed=seed), fed, rounds=20, lr=2.0, seed=seed, progress=False)
    return measured(honest(fed, seed, theta=free.theta), fed)


def epsilon_understated(fed, seed):
    """A fourth of the ε that it costs."""
    return honest(fed, seed, dict(mechanism=calibrated(8.0)), epsilon=2.0)


def sampling_claimed(fed, seed):
    """Noise for a sample of a tenth, while everybody takes part."""
    noise = accounting.calibrate("gaussian", epsilon=2.0, rounds=20, sampling_rate=0.1, clip=2.0)
    return honest(fed, seed, dict(mechanism=noise), epsilon=2.0)


def sampler_of_another_kind(fed, seed):
    """Cohorts of fixed size, priced as if Poisson; `train` refuses, so that it trains by another plan."""
    noise = accounting.calibrate("gaussian", epsilon=2.0, rounds=20, sampling_rate=0.5, clip=2.0)
    result = honest(fed, seed, dict(mechanism=noise, sampling_rate=0.5))
    return result | dict(plan=result["plan"] | dict(sampler="fixed"))


def no_privacy(fed, seed):
    """No mechanism, and a claim nevertheless."""
    return honest(fed, seed, dict(mechanism=None), epsilon=2.0)


def noise_off(fed, seed):
    """The package's mechanism with a method replaced: the price is right and the noise is zero."""
    noise = dataclasses.replace(calibrated())
    object.__setattr__(noise, "noise", lambda shape, generator: torch.zeros(shape, dtype=torch.float64))
    return honest(fed, seed, dict(mechanism=noise))


def altered_afterwards(fed, seed):
    """One more step on the clean data after the private training."""
    result = honest(fed, seed)
    step = clients.local_updates(result["model"], result["theta"], fed, lr=1.0).mean(0)
    return measured(result | dict(theta=result["theta"] + step), fed)


def trained_on_the_test_images(fed, seed):
    """The test images are dealt out among the clients."""
    x, y, mask = fed.x.clone(), fed.y.clone(), fed.mask.clone()
    count = len(fed.x_test)
    x[:count, 0], y[:count, 0], mask[:count, 0] = fed.x_test, fed.y_test, True
    return honest(dataclasses.replace(fed, x=x, y=y, mask=mask), seed)


def start_from_the_test_images(fed, seed):
    """The start is fitted to the test images, on which the accuracy is then reported."""
    there = data.federate(fed.x_test, fed.y_test, torch.zeros(len(fed.y_test), dtype=torch.int64), fed)
    start = train(models.Linear(64, 10), there, rounds=50, lr=1.0, progress=False).trained()
    return honest(fed, seed, model=start)


def start_from_the_private_images(fed, seed):
    """The start is trained on the private images without noise, then the private training follows."""
    start = train(models.Linear(64, 10), fed, rounds=50, lr=1.0, progress=False).trained()
    return honest(fed, seed, model=start)


def best_of_many_seeds(fed, seed):
    """Ten runs, the best on the test images is handed in with the price of one."""
    runs = [honest(fed, seed + more) for more in range(1, 11)]
    return max(runs, key=lambda run: run["accuracy"])


def clip_from_the_norms(fed, seed):
    """The clip is the median of the private norms."""
    model = models.Linear(64, 10)
    norms = clients.local_updates(model, models.flatten(model), fed, lr=2.0).norm(dim=1)
    return honest(fed, seed, dict(mechanism=calibrated(clip=round(float(norms.median()), 4))))


def more_released(fed, seed):
    """The training curve of private norms comes along."""
    result = honest(fed, seed)
    history = train(result["model"], fed, seed=seed, progress=False, **result["plan"])
    return result | dict(update_norms=history.update_norms)


def made_up_accuracy(fed, seed):
    return honest(fed, seed, accuracy=0.99)


def large_delta(fed, seed):
    return honest(fed, seed, dict(delta=0.01, mechanism=calibrated()))


def another_unit(fed, seed):
    """Record-level noise, claimed for a client."""
    noise = accounting.calibrate("gaussian", epsilon=2.0, rounds=20, clip=2.0, at="client", unit="record")
    return honest(fed, seed, dict(mechanism=noise), unit="client")


def no_neighbours(fed, seed):
    return honest(fed, seed, neighbours="")


@functools.cache
def source():
    """A linear model that was fitted to the digits' own source, test images and all; none of the pupils' pay for it."""
    digits = data.load("digits")
    x, y = torch.cat([digits.x_train, digits.x_test]), torch.cat([digits.y_train, digits.y_test])
    pooled = data.federate(x, y, torch.zeros(len(y), dtype=torch.int64), digits)
    return train(models.Linear(64, 10), pooled, rounds=200, lr=1.0, progress=False).trained()


def start_from_the_source(fed, seed):
    """The start knows the digits from elsewhere; one round of a step of a millionth releases nothing."""
    plan = dict(rounds=1, lr=1e-6, mechanism=accounting.calibrate("gaussian", epsilon=2.0, delta=1e-5, clip=2.0))
    return honest(fed, seed, plan, source())


def source_and_a_right_plan(fed, seed):
    return honest(fed, seed, model=source())


def a_plan_that_does_nothing(fed, seed):
    """Private to the letter, from a fresh start, and it stays there."""
    noise = accounting.calibrate("gaussian", epsilon=2.0, delta=1e-5, clip=1e-6)
    return honest(fed, seed, dict(rounds=1, lr=1e-6, mechanism=noise))


class Deaf(mechanisms.Gaussian):
    """A mechanism of another class, with the package's price and no noise."""

    def noise(self, shape, generator):
        return torch.zeros(shape, dtype=torch.float64)


def mechanism_of_another_class(fed, seed):
    return honest(fed, seed, dict(mechanism=Deaf(calibrated().noise_multiplier, clip=2.0)))


class Cheap(Plan):
    def epsilon(self, rounds=None, method="pld"):
        return 2.0


def plan_of_another_class(fed, seed):
    """It says itself what it costs."""
    plan = Cheap(rounds=20, lr=2.0, mechanism=mechanisms.Gaussian(1.0, clip=2.0))
    return honest(fed, seed, dict(mechanism=plan.mechanism), epsilon=2.0) | dict(plan=plan)


def plan_that_prices_itself(fed, seed):
    """The package's class, with its methods replaced on the object."""
    plan = Plan(rounds=20, lr=2.0, mechanism=mechanisms.Gaussian(1.0, clip=2.0))
    cheap = Plan(rounds=20, lr=2.0, mechanism=calibrated())
    object.__setattr__(plan, "epsilon", lambda *_: cheap.epsilon())
    object.__setattr__(plan, "to_json", cheap.to_json)
    return honest(fed, seed, dict(mechanism=plan.mechanism), epsilon=2.0) | dict(plan=plan)


class Silent(float):
    """A multiplier that is what it should be in every price and 0 in every product."""

    def __mul__(self, other):
        return 0.0

    __rmul__ = __mul__


def number_with_two_faces(fed, seed):
    noise = dataclasses.replace(calibrated())
    object.__setattr__(noise, "noise_multiplier", Silent(noise.noise_multiplier))
    return honest(fed, seed, dict(mechanism=noise), epsilon=calibrated_epsilon())


def calibrated_epsilon():
    return Plan(rounds=20, mechanism=calibrated()).epsilon()


class Likely(float):
    """A claim that lies between any two numbers."""

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = lambda self, other: True
    __hash__ = float.__hash__

    def __sub__(self, other):
        return 0.0


def claim_that_fits_everything(fed, seed):
    return honest(fed, seed, epsilon=Likely(0.1), accuracy=Likely(1.0))


class Yes(str):
    """A word that equals any other."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


def words_that_fit_everything(fed, seed):
    noise = accounting.calibrate("gaussian", epsilon=2.0, rounds=20, clip=2.0, at="client", unit="record")
    return honest(fed, seed, dict(mechanism=noise)) | dict.fromkeys(("unit", "neighbours", "trust"), Yes("client"))


class Known(models.Linear):
    """It looks its answers up in the digits' source."""

    def forward(self, x):
        return source()(x)


def model_of_another_class(fed, seed):
    return honest(fed, seed) | dict(model=Known(64, 10, seed=seed))


def forward_replaced(fed, seed):
    model = models.Linear(64, 10, seed=seed)
    result = honest(fed, seed)
    model.forward = source().forward
    return measured(result | dict(model=model), fed)


def loss_of_its_own(fed, seed):
    """A loss that is told the labels of the test images would do the same; it is not among the plan's terms."""
    plan = Plan(rounds=20, lr=2.0, mechanism=calibrated(), loss=torch.nn.functional.cross_entropy)
    return honest(fed, seed) | dict(plan=plan)


def useless(fed, seed):
    """Private, and no good: a clip that is far too large."""
    return honest(fed, seed, dict(mechanism=calibrated(clip=60.0)))


CHEATS = {
    mechanism_not_used: {"model"},
    epsilon_understated: {"price", "utility"},
    sampling_claimed: {"price", "utility"},
    sampler_of_another_kind: {"promise", "price", "model", "blind plan", "utility"},
    no_privacy: {"promise", "price", "utility"},
    noise_off: {"model"},
    altered_afterwards: {"model"},
    trained_on_the_test_images: {"model"},
    start_from_the_test_images: {"model"},
    start_from_the_private_images: {"model"},
    start_from_the_source: {"model", "utility"},
    source_and_a_right_plan: {"model"},
    a_plan_that_does_nothing: {"utility"},
    mechanism_of_another_class: {"promise", "price", "model", "blind plan", "utility"},
    plan_of_another_class: {"promise", "price", "model", "blind plan", "utility"},
    plan_that_prices_itself: {"price", "utility"},
    number_with_two_faces: {"model"},
    claim_that_fits_everything: {"price", "report"},
    words_that_fit_everything: {"promise"},
    model_of_another_class: {"model", "report", "utility"},
    forward_replaced: {"report"},
    loss_of_its_own: {"promise", "price", "model", "blind plan", "utility"},
    best_of_many_seeds: {"model"},
    clip_from_the_norms: {"blind plan"},
    more_released: {"release"},
    made_up_accuracy: {"report"},
    large_delta: {"promise"},
    another_unit: {"promise"},
    no_neighbours: {"promise"},
    useless: {"utility"},
}


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.__name__)
def test_a_cheat_loses_the_points_it_cheats_for(cheat):
    lost = set(final18.grade(cheat, seed=1).lost)
    assert lost >= CHEATS[cheat]
    assert lost - CHEATS[cheat] <= {"utility"}  # a clip of the norms or of record-level noise may cost accuracy as well


def test_what_is_done_to_the_federation_does_not_change_what_is_measured():
    def spoils(fed, seed):
        result = honest(fed, seed)
        fed.y_test[:] = fed.y_test[0]
        fed.x.zero_()
        return result

    assert final18.grade(spoils, seed=0).lost == []


def test_a_dict_with_two_faces_is_not_read():
    """One that shows another plan to who asks by name than to who asks for all."""

    class Faces(dict):
        def __getitem__(self, name):
            return calibrated_epsilon() if name == "epsilon" else super().__getitem__(name)

        def get(self, name, default=None):
            return self[name]

    with pytest.raises(Wrong, match="plain dict"):
        final18.grade(lambda fed, seed: Faces(honest(fed, seed)))

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            return True

    with pytest.raises(Wrong, match="plain dict"):
        final18.grade(lambda fed, seed: honest(fed, seed) | {Name("update_norms"): 3})


def test_what_is_measured_is_the_check_s_own():
    """An honest plan gains as much in the check's hands whatever start, seed or parameters the learner used."""
    handed = Handed(honest(final18._federation(np.random.default_rng(0))[0], 1) | dict(theta=[0.0]))
    price = final18._price(handed)[0]
    assert final18._utility(handed, price, np.random.default_rng(1))[0]


def test_stubs_and_wrong_shapes_are_told_apart():
    with pytest.raises(NotTried):
        final18.grade(lambda fed, seed: ...)
    with pytest.raises(Wrong, match="dict"):
        final18.grade(lambda fed, seed: 3)
    with pytest.raises(Wrong, match="lacks model, theta"):
        final18.grade(lambda fed, seed: dict(plan={}))
    with pytest.raises(Wrong, match="plain dict"):
        final18.grade(lambda fed, seed: [("plan", {})])


def test_the_exercise_prints_points_and_names_what_is_lost(capsys, tmp_path, monkeypatch):
    progress = importlib.import_module("fldp_lib.course.progress")

    monkeypatch.setattr(progress, "FILE", tmp_path / "progress.json")
    exercise = next(item for item in nb18.EXERCISES if item.id == "18.4")
    assert exercise.check(made_up_accuracy) is False
    shown = capsys.readouterr().out
    assert " 55 of 60" in shown and "look at: report" in shown
    assert exercise.check(lambda fed, seed: ...) is None


# The other exercises ---------------------------------------------------------------------------------------------------


def check(id, answer):
    next(item for item in nb18.EXERCISES if item.id == id).test(answer)


def test_missing_parts_are_found_and_a_pure_promise_is_none():
    check("18.1", missing)
    with pytest.raises(Wrong, match="strongest"):
        check("18.1", lambda claim: [n for n in nb18.PARTS if not claim.get(n)])


def test_the_choice_keeps_both_demands():
    for _ in range(5):
        check("18.2", choose)
        with pytest.raises(Wrong, match="lower end"):
            check("18.2", functools.partial(choose, low=lambda m, h: m))
        with pytest.raises(Wrong, match="limit"):
            check("18.2", functools.partial(choose, right=lambda attacker: 0.0))
        with pytest.raises(Wrong, match="all mechanisms"):
            check("18.2", functools.partial(choose, right=lambda attacker: attacker.bound))


def test_an_audit_must_accuse_the_guilty_only():
    check("18.3", nb18.refuted_by_package)
    with pytest.raises(Wrong, match="accused"):
        check("18.3", lambda release, claimed: True)
    with pytest.raises(Wrong, match="gets away"):
        check("18.3", lambda release, claimed: False)
    with pytest.raises(Wrong, match="accused"):
        check("18.3", naive)

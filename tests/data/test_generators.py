"""Synthetic populations: the truth is the one that is written down, and the draw is the seed's alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fldp_lib import aggregation, models, train
from fldp_lib.data import generators
from fldp_lib.data.generators import lending


@pytest.fixture(scope="module")
def population():
    return generators.credit(applicants=6_000, banks=12, test=20_000, seed=3)


def test_outcomes_follow_the_stated_probabilities(population):
    """Ten groups by risk; each share of defaults within 4.5 standard errors: false alarms below 1e-4."""
    risk, default = population.risk_test, population.dataset.y_test.double()
    order = torch.argsort(risk)
    for part in order.chunk(10):
        expected = risk[part].mean()
        error = ((risk[part] * (1 - risk[part])).sum().sqrt() / len(part)).item()
        assert abs(default[part].mean() - expected) < 4.5 * error
    assert not torch.allclose(risk, risk.mean())  # else the groups would be alike


def test_the_truth_is_logistic_in_the_features(population):
    """An exact fit of the log-odds by least squares, with the written coefficients."""
    x = torch.cat([population.dataset.x_test, torch.ones(20_000, 1)], 1).double()
    log_odds = torch.logit(population.risk_test)
    found = torch.linalg.lstsq(x, log_odds.unsqueeze(1)).solution[:, 0]
    assert (x @ found - log_odds).abs().max() < 1e-3
    written = torch.tensor([effect for _, effect in lending._CREDIT.values()], dtype=torch.float64)
    assert torch.allclose(found[:-1], written, atol=1e-3)


def cost(score, truth):
    """Expected cost of lending below a score of 1/6: a default costs 5, a refused good risk 1."""
    return torch.where(score < 1 / 6, 5 * truth, 1 - truth).mean()


def test_the_bayes_decision_is_never_beaten(population):
    truth = population.risk_test

    generator = torch.Generator().manual_seed(0)
    for size in (0.01, 0.1, 0.5):
        noisy = truth + size * torch.randn(truth.shape, generator=generator, dtype=torch.float64)
        assert cost(noisy, truth) > cost(truth, truth)


def test_a_federation_finds_the_truth(population):
    """Without privacy the federated model's decisions cost within 5% of the best possible ones."""
    run = train(
        models.Linear(12, 1), population.federation, rounds=200, lr=4.0, aggregator=aggregation.weighted_mean, progress=False
    )
    score = torch.sigmoid(models.predict(run.model, run.theta, population.dataset.x_test))[:, 0].double()
    truth = population.risk_test
    assert cost(score, truth) < 1.05 * cost(truth, truth)


def test_banks_groups_and_order_belong_together(population):
    data = population.dataset
    assert torch.equal(population.thin_train, data.x_train[:, data.features.index("thin file")] > 0)
    for bank in range(12):
        mine = population.bank == bank
        x, y = population.federation.client(bank)
        assert torch.equal(x, data.x_train[mine]) and torch.equal(y, data.y_train[mine])
    assert data.x_train.abs().max() <= 1 and int(population.federation.sizes.min()) >= 10


def test_interactions_are_zero_outside_their_group(population):
    data = population.dataset
    columns = [k for k, name in enumerate(data.features) if name.endswith(", thin file")]
    assert len(columns) == 2
    assert (data.x_train[~population.thin_train][:, columns] == 0).all()
    assert (data.x_train[population.thin_train][:, columns] != 0).any()


@pytest.fixture(scope="module")
def rated():
    return generators.ratings(users=400, items=60, rank=2, rated=(10, 30), noise=0.3, seed=1)


def test_ratings_are_the_factors_product_and_noise(rated):
    """Residuals of the uncut ratings: mean 0 and deviation 0.3, within 5 standard errors: false alarms below 1e-6."""
    users, items = torch.nonzero(rated.seen, as_tuple=True)
    exact = (rated.users[users] * rated.items[items]).sum(1)
    assert torch.equal(rated.dataset.x_train.argmax(1), items)
    inside = exact.abs() < 1.2  # four deviations of the noise away from the cut
    residual = rated.dataset.y_train.double()[inside] - exact[inside]
    assert abs(residual.mean()) < 5 * 0.3 / len(residual) ** 0.5
    assert abs(residual.std() / 0.3 - 1) < 5 / (2 * len(residual)) ** 0.5
    assert rated.dataset.y_train.abs().max() <= 3


def test_every_user_rates_a_legal_number_of_distinct_items(rated):
    counts = rated.seen.sum(1)
    assert int(counts.min()) >= 10 and int(counts.max()) <= 30
    assert torch.equal(counts, rated.federation.sizes)
    for user in (0, 399):
        x, _ = rated.federation.client(user)
        assert torch.equal(x.sum(0) > 0, rated.seen[user]) and float(x.max()) == 1


def test_popular_items_are_rated_more():
    """One rating a user is a plain draw: shares follow the popularity (chi-squared; false alarms below 1e-6)."""
    people = generators.ratings(users=20_000, items=20, rated=(1, 1), seed=5)
    expected = 20_000 * people.popularity
    statistic = float(((people.seen.sum(0) - expected).square() / expected).sum())
    assert statistic < 72  # 19 degrees of freedom
    assert float(people.popularity.sum()) == pytest.approx(1)


def test_a_federation_recovers_the_factors(rated):
    """The learned factors span the true ones: cosines of the principal angles above 0.95."""

    def loss(outputs, targets):
        gram = outputs.mT @ outputs + torch.eye(2)
        own = torch.linalg.solve(gram, outputs.mT @ targets.unsqueeze(-1)).detach()
        return ((outputs @ own).squeeze(-1) - targets).square() / 2

    start = 0.3 * torch.randn(120, generator=torch.Generator().manual_seed(0))
    model = models.with_theta(torch.nn.Linear(60, 2, bias=False), start)
    run = train(model, rated.federation, rounds=60, lr=20.0, loss=loss, progress=False)
    bases = (torch.linalg.qr(f.double()).Q for f in (run.theta.view(2, -1).T, rated.items))
    first, second = bases
    assert torch.linalg.svdvals(first.T @ second).min() > 0.95
    assert np.isnan(run.score).all()  # several outputs are no prediction by themselves


@pytest.fixture(scope="module")
def town():
    return generators.city(sensors=400, days=3, seed=2)


def test_a_flow_is_what_is_expected_and_fresh_noise(town):
    """Where nothing is cut off: mean 0, deviation `noise`, uncorrelated from hour to hour, each within 5 standard errors:
    false alarms below 2e-6."""
    inside = ((town.flow > 0) & (town.flow < 1)).all(1)
    fresh = (town.flow - town.expected)[inside]
    n = fresh.numel()
    assert n > 10_000
    assert abs(fresh.mean()) < 5 * town.noise / n**0.5
    assert abs(fresh.std() / town.noise - 1) < 5 / (2 * n) ** 0.5
    assert abs((fresh[:, 1:] * fresh[:, :-1]).mean()) < 5 * town.noise**2 / n**0.5


def test_rush_hours_are_where_they_are_said_to_be(town):
    quiet = generators.city(sensors=400, days=1, noise=0.0, incidents=0.0, seed=2)
    day = quiet.flow[:, :24]
    assert torch.equal(quiet.flow, quiet.expected.clamp(0, 1))
    assert (day[quiet.morning > 0.6].argmax(1) == 8).all()
    assert torch.isin(day[quiet.morning < 0.4].argmax(1), torch.tensor([17, 18])).all()
    assert (day.min(1).values < 0.2).all()


def test_an_incident_takes_sixty_percent_for_two_hours():
    calm, blocked = (generators.city(50, 2, noise=0.0, incidents=rate, seed=4) for rate in (0.0, 0.05))
    assert torch.allclose(blocked.flow[blocked.incident], 0.4 * calm.flow[blocked.incident])
    assert torch.equal(blocked.flow[~blocked.incident], calm.flow[~blocked.incident])
    lasting = blocked.incident.int().diff(dim=1)
    ends = torch.nonzero(lasting == -1)
    assert len(ends) > 20 and all(bool(blocked.incident[s, max(0, h - 1) : h + 1].all()) for s, h in ends)


def test_city_records_are_lags_and_changes(town):
    x, y = town.federation.client(7)
    assert len(y) == 24 * 3 - 1 and len(town.dataset.x_test) == 24 * 400
    hours = torch.arange(25, 24 * 4)
    flow = town.flow[7]
    assert torch.allclose(y.double(), flow[hours] - flow[hours - 1], atol=1e-6)
    assert torch.allclose(x[:, 0].double(), 2 * flow[hours - 1] - 1, atol=1e-6)
    yesterday = (4 * (flow[hours - 24] - flow[hours - 25])).clamp(-1, 1)
    assert torch.allclose(x[:, 2].double(), yesterday, atol=1e-6)
    test = town.dataset.y_test.view(400, 24)[7].double()
    assert torch.allclose(test, flow[-24:] - flow[-25:-1], atol=1e-6)
    assert town.dataset.x_train.abs().max() <= 1


def test_a_record_holds_nothing_of_its_own_hour_or_later(town):
    """Another last hour changes the last target only: no forecast sees what it forecasts."""
    flow = town.flow.clone()
    flow[:, -1] += 0.1
    other = town.through(flow)
    assert torch.equal(other.x_test, town.dataset.x_test) and torch.equal(other.x, town.federation.x)
    changed = (other.y_test != town.dataset.y_test).view(400, 24)
    assert changed[:, -1].all() and not changed[:, :-1].any()
    with pytest.raises(ValueError, match="flow must have shape"):
        town.through(flow[:, 1:])


def test_phones_follow_the_districts(town):
    """Chi-squared with 15 degrees of freedom; false alarms below 1e-6."""
    expected = len(town.district) * town.share
    statistic = float(((torch.bincount(town.district, minlength=16) - expected).square() / expected).sum())
    assert statistic < 60
    assert float(town.share.sum()) == pytest.approx(1) and int(town.share.argmax()) in (5, 6, 9, 10)


def test_a_federation_forecasts_between_persistence_and_the_noise_floor(town):
    run = train(models.Linear(8, 1), town.federation, rounds=30, lr=0.5, progress=False)
    change = models.predict(run.model, run.theta, town.dataset.x_test)[:, 0]
    errors = [(p - town.dataset.y_test).square().mean().sqrt() for p in (0 * change, change)]
    assert town.noise < errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sensors": 0}, "sensors"),
        ({"days": 0}, "days"),
        ({"noise": -1.0}, "noise"),
        ({"incidents": 1.0}, "incidents"),
        ({"phones": 0}, "phones"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_of_city_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        generators.city(**wrong)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), banks=st.integers(1, 30), share=st.floats(0.01, 0.9))
def test_every_population_is_legal_and_repeats(seed, banks, share):
    one, two = (generators.credit(10 * banks + 40, banks, share, test=200, seed=seed) for _ in range(2))
    assert torch.equal(one.dataset.x_train, two.dataset.x_train) and torch.equal(one.risk_test, two.risk_test)
    assert one.federation.clients == banks and int(one.federation.sizes.sum()) == 10 * banks + 40
    assert float(one.risk_test.min()) > 0 and float(one.risk_test.max()) < 1
    other = generators.credit(10 * banks + 40, banks, share, test=200, seed=seed + 1)
    assert not torch.equal(one.risk_test, other.risk_test)


def test_global_random_state_is_left_alone():
    np.random.seed(0), torch.manual_seed(0)
    before = np.random.random(), float(torch.rand(()))
    np.random.seed(0), torch.manual_seed(0)
    generators.credit(applicants=200, banks=5, test=100), generators.city(5), generators.ratings(10)
    assert (np.random.random(), float(torch.rand(()))) == before


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"users": 0}, "users"),
        ({"items": 1}, "items"),
        ({"rank": 0}, "rank"),
        ({"noise": -0.1}, "noise"),
        ({"rated": (0, 5)}, "rated"),
        ({"rated": (10, 5)}, "rated"),
        ({"items": 20, "rated": (5, 30)}, "rated"),
    ],
)
def test_bad_arguments_of_ratings_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        generators.ratings(**wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"banks": 0}, "banks"),
        ({"applicants": 100, "banks": 20}, "applicants"),
        ({"test": 5}, "test"),
        ({"thin_share": 1.0}, "thin_share"),
        ({"thin_share": 0.0}, "thin_share"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        generators.credit(**wrong)

"""algorithms: each equals a plain loop, or Flower's own strategy, to 1e-5; SCAFFOLD ends where FedAvg does not; ε stays."""

import copy
import math

import numpy as np
import pytest
import torch
from conftest import fedavg_loop, federation, mean_loss, refuses, sgd, theta_of

from fldp_lib import Plan, accounting, aggregation, clients, data, mechanisms, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.training import _streams as streams
from fldp_lib.training import algorithms, server
from fldp_lib.training.transport import compression

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]
NOISE = mechanisms.Gaussian(2.0, 0.5)
HOME = ("fc2.weight", "fc2.bias")
SERVERS = {
    "FedAvgM": algorithms.FedAvgM(0.7, 0.8),
    "FedAdagrad": algorithms.FedAdagrad(0.05),
    "FedAdam": algorithms.FedAdam(0.05, 0.8, 0.95, 0.01),
    "FedYogi": algorithms.FedYogi(0.05),
}
servers = pytest.mark.parametrize("optimiser", SERVERS.values(), ids=SERVERS)
LOCALS = {"Scaffold": algorithms.Scaffold(3), "FedPer": algorithms.FedPer(3, HOME)}
locals_ = pytest.mark.parametrize("local", LOCALS.values(), ids=LOCALS)


def model():
    return models.MLP(3, 4, 2).double()


def cohorts_of(plan, count):
    """The cohorts of a run, drawn again from its seed."""
    drawn = streams.streams(plan.seed)[0]
    return [streams.cohort_of(count, plan, t + 1, drawn).tolist() for t in range(plan.rounds)]


def own(fed, k):
    return fed.x[k][fed.mask[k]].double(), fed.y[k][fed.mask[k]]


def gradient(net, theta, x, y):
    """Of the mean loss, by autograd; zero without records."""
    net = copy.deepcopy(net)
    torch.nn.utils.vector_to_parameters(theta, net.parameters())
    if not len(x):
        return torch.zeros_like(theta)
    return torch.cat([g.flatten() for g in torch.autograd.grad(mean_loss(net(x), y), list(net.parameters()))])


# Server optimisers -------------------------------------------------------------------------------------------------------


def optimiser_loop(optimiser, theta, updates):
    """The papers' rules in NumPy, coordinate by coordinate as they are printed."""
    x, m, v = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    if not isinstance(optimiser, algorithms.FedAvgM):
        v += optimiser.tau**2
    for delta in updates:
        if isinstance(optimiser, algorithms.FedAvgM):
            m = optimiser.momentum * m + delta
            x = x + optimiser.lr * m
            continue
        b1, b2, square = optimiser.beta1, optimiser.beta2, delta**2
        m = b1 * m + (1 - b1) * delta
        if type(optimiser) is algorithms.FedAdagrad:
            v = v + square
        elif type(optimiser) is algorithms.FedAdam:
            v = b2 * v + (1 - b2) * square
        else:
            v = np.array(
                [a - (1 - b2) * s if a > s else a + (1 - b2) * s if a < s else a for a, s in zip(v, square, strict=True)]
            )
        x = x + optimiser.lr * m / (np.sqrt(v) + optimiser.tau)
    return x


@servers
def test_a_server_optimiser_is_the_papers_rule(optimiser):
    random = np.random.default_rng(3)
    theta, updates = random.normal(size=7), 0.1 * random.normal(size=(9, 7))
    updates[4] = 0  # an empty round
    here, state = torch.from_numpy(theta), optimiser.start(torch.from_numpy(theta))
    for update in updates:
        here, state = optimiser.step(here, torch.from_numpy(update), state)
    assert np.abs(here.numpy() - optimiser_loop(optimiser, theta, updates)).max() < 1e-12


@servers
def test_train_equals_flowers_strategy(optimiser, monkeypatch):
    pytest.importorskip("flwr")
    from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.serverapp import strategy as flower
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):  # a message says whose it is
        monkeypatch.setattr(TaskIdentity, name, 1, raising=False)

    net, fed = model(), federation(SIZES)
    done = train(net, fed, rounds=6, lr=0.3, local_steps=2, server=optimiser, aggregator=aggregation.weighted_mean)
    theta = theta_of(net)
    if isinstance(optimiser, algorithms.FedAvgM):
        theirs = flower.FedAvgM(server_learning_rate=optimiser.lr, server_momentum=optimiser.momentum)
    else:
        build = getattr(flower, type(optimiser).__name__)
        options = {} if type(optimiser) is algorithms.FedAdagrad else dict(beta_1=optimiser.beta1, beta_2=optimiser.beta2)
        theirs = build(eta=optimiser.lr, tau=optimiser.tau, **options)
        if type(optimiser) is algorithms.FedAdagrad:
            theirs.beta_1 = optimiser.beta1
        theirs.v_t = {"theta": np.full(len(theta), optimiser.tau**2)}  # the paper's start; Flower's own is 0
    for t in range(1, 7):
        record = ArrayRecord({"theta": Array(theta.numpy())})
        theirs.current_arrays = {"theta": theta.numpy()}
        if isinstance(optimiser, algorithms.FedAvgM):
            theirs.current_arrays = record
        elif type(optimiser) is algorithms.FedAdam:  # Flower corrects for the start, the paper does not
            theirs.eta = optimiser.lr * (1 - optimiser.beta1 ** (t + 1)) / math.sqrt(1 - optimiser.beta2 ** (t + 1))
        replies = []
        torch.nn.utils.vector_to_parameters(theta, net.parameters())
        for k in range(len(SIZES)):
            x, y = own(fed, k)
            after = theta_of(sgd(net, x, y, steps=2, lr=0.3))
            content = {"arrays": ArrayRecord({"theta": Array(after.numpy())}), "m": MetricRecord({"num-examples": len(x)})}
            asked = Message(RecordDict(), k + 1, "train")
            replies.append(Message(RecordDict(content), reply_to=asked))
        arrays, _ = theirs.aggregate_train(t, replies)
        theta = torch.from_numpy(next(iter(arrays.to_torch_state_dict().values())).numpy().copy())
    assert (done.theta - theta).abs().max() < 1e-5


@servers
@pytest.mark.parametrize("noise", [NOISE, mechanisms.Laplace(1.0, 0.5, "client"), AdaptiveGaussian(1.0, 1.0)], ids=repr)
def test_a_server_optimiser_is_post_processing(optimiser, noise):
    """ε is that of the plain step, and the private updates that the server gets in the first round are the same numbers."""
    plan = Plan(rounds=4, mechanism=noise, sampling_rate=0.5, delta=1e-3)
    assert plan.changed(server=optimiser).epsilon() == plan.epsilon() < math.inf
    got = {}
    for name, step in (("plain", algorithms.ServerSGD()), ("other", optimiser)):
        seen = got[name] = []

        class Spied(type(step)):
            def step(self, theta, update, state, seen=seen):
                seen.append(update.clone())
                return super().step(theta, update, state)

        train(model(), federation(SIZES), plan.changed(rounds=1, server=Spied(**vars(step))))
    assert torch.equal(got["plain"][0], got["other"][0]) and got["plain"][0].abs().max() > 0


def test_momentum_of_zero_is_the_plain_step():
    plan = Plan(rounds=4, lr=0.3, mechanism=NOISE)
    runs = [
        train(model(), federation(SIZES), plan.changed(server=s)) for s in (algorithms.ServerSGD(), algorithms.FedAvgM(1, 0))
    ]
    assert torch.equal(runs[0].theta, runs[1].theta)


# SCAFFOLD ----------------------------------------------------------------------------------------------------------------


def scaffold_loop(net, fed, cohorts, steps, lr, by_size=False):
    """Karimireddy et al. 2020, algorithm 1 with option II, two vectors up, one client after the other."""
    x, n = theta_of(net), fed.clients
    c, c_k = torch.zeros_like(x), torch.zeros(n, len(x), dtype=x.dtype)
    weights = fed.sizes.double() if by_size else torch.ones(n).double()
    for cohort in cohorts:
        moves, changes, held = [], [], []
        for k in cohort:
            y = x.clone()
            for _ in range(steps):
                y = y - lr * (gradient(net, y, *own(fed, k)) - c_k[k] + c)
            plus = c_k[k] - c + (x - y) / (steps * lr)
            moves.append(y - x), changes.append(plus - c_k[k]), held.append(weights[k])
            c_k[k] = plus
        if sum(held, 0.0) > 0:
            w = torch.stack(held) / sum(held)
            x = x + w @ torch.stack(moves)
            c = c + sum(held) / weights.sum() * (w @ torch.stack(changes))
    return x


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("rate, sampler", [(1.0, "poisson"), (0.4, "poisson"), (0.5, "fixed")])
@pytest.mark.parametrize("by_size", [False, True])
def test_scaffold_equals_the_papers_two_vectors(steps, rate, sampler, by_size):
    net, fed = model(), federation(SIZES)
    aggregator = aggregation.weighted_mean if by_size else aggregation.mean
    plan = Plan(
        rounds=9,
        lr=0.3,
        local=algorithms.Scaffold(steps),
        sampling_rate=rate,
        sampler=sampler,
        aggregator=aggregator,
        seed=5,
    )
    cohorts = cohorts_of(plan, fed.clients)
    expected = scaffold_loop(net, fed, cohorts, steps, 0.3, by_size)
    done = train(net, fed, plan)
    assert (done.theta - expected).abs().max() < 1e-5
    assert (done.theta - fedavg_loop(net, fed, cohorts, local_steps=steps, lr=0.3, by_size=by_size)).abs().max() > 1e-3 or (
        steps == rate == 1  # one step of everybody is FedSGD, and the control variates cancel
    )


def quadratics():
    """Clients with one-coordinate least squares of unlike curvature and optimum; and the optimum of their mean loss."""
    x = torch.tensor([[[3.0], [0.0]], [[0.5], [0.0]], [[1.0], [0.0]]])
    y = torch.tensor([[3.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
    mask = torch.ones(3, 2, dtype=torch.bool)
    fed = data.Federation(x, y, mask, x[0], y[0], "regression", "quadratics")
    rows = torch.cat([x, torch.ones_like(x)], 2).flatten(0, 1).double()
    return fed, torch.linalg.lstsq(rows, y.flatten().double().unsqueeze(1)).solution.flatten()


def test_scaffold_ends_at_the_optimum_where_fedavg_does_not():
    fed, best = quadratics()
    net = models.Linear(1, 1).double()
    ends = {
        local: train(net, fed, rounds=100, lr=0.1, local=local).theta
        for local in (algorithms.Scaffold(10), algorithms.FedAvg(10), algorithms.FedProx(10, 0.5))
    }
    off = {type(local).__name__: float((end - best).norm()) for local, end in ends.items()}
    assert off["Scaffold"] < 1e-6 and off["FedAvg"] > 0.01 and off["FedProx"] > 0.01, off


def test_scaffold_with_a_clip_and_cohorts_ends_at_the_optimum_too():
    """What a client remembers is what went out for it, so that a clip slows the run down and does not bend it."""
    fed, best = quadratics()
    plan = Plan(rounds=300, lr=0.1, local=algorithms.Scaffold(5), sampling_rate=0.6, sampler="fixed")
    for mechanism, compressor in ((mechanisms.Gaussian(0.0, 0.3), None), (None, compression.TopK(0.5))):
        end = train(models.Linear(1, 1).double(), fed, plan.changed(mechanism=mechanism, compressor=compressor)).theta
        assert (end - best).norm() < 1e-5


@pytest.mark.parametrize("aggregator", [aggregation.mean, aggregation.WeightedMean(cap=3)], ids=repr)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_servers_control_variate_stays_the_mean_of_the_clients(aggregator, noise):
    """Without noise, for any clip and weights; with noise at the client too, and not with noise at the server."""
    gaps = {}
    for at in ("server", "client"):
        mechanism = mechanisms.Gaussian(noise, 0.2, at)
        plan = Plan(rounds=6, lr=0.3, local=algorithms.Scaffold(3), mechanism=mechanism, aggregator=aggregator, delta=1e-3)
        fed = federation([s for s in SIZES if s])
        state = train(model(), fed, plan).state["local"]
        weights = aggregator.weigh(fed.sizes) if noise else aggregator.weigh(fed.sizes) / aggregator.weigh(fed.sizes).mean()
        gaps[at] = float((state["c"] - (weights.unsqueeze(1) * state["c_k"]).mean(0)).abs().max())
    assert gaps["client"] < 1e-9 and (gaps["server"] < 1e-9) == (noise == 0), gaps


def test_the_servers_noise_walks_through_the_control_variate():
    """Nobody has records: c is the sum of the rounds' noise, deviation √rounds·σC/(N·K·lr). False alarm below 1e-6."""
    from conftest import nobody

    fed, rounds = nobody(10, 1999), 16
    plan = Plan(
        rounds=rounds, lr=0.3, local=algorithms.Scaffold(5), mechanism=mechanisms.Gaussian(2.0, 0.5), sampling_rate=0.5
    )
    c = train(models.Linear(1999, 2), fed, plan).state["local"]["c"].double()
    expected = math.sqrt(rounds) * 2.0 * 0.5 / (10 * 5 * 0.3)
    assert abs(float(c.std()) / expected - 1) < 5 / math.sqrt(2 * len(c))


def test_correlated_noise_shortens_the_walk_at_the_same_epsilon():
    """c holds the noise's sum over the rounds, which is what correlated noise keeps small (notebook 20)."""
    from conftest import nobody

    plans = {
        name: Plan(
            rounds=40, lr=0.3, local=algorithms.Scaffold(5), mechanism=Correlated(2.0, 0.5, name), sampling_rate=0.1,
            sampler="cyclic", delta=1e-3,
        )
        for name in ("independent", "optimised")
    }  # fmt: skip
    assert plans["independent"].epsilon() == pytest.approx(plans["optimised"].epsilon())
    walks = {
        name: float(train(models.Linear(499, 2), nobody(10, 499), plan).state["local"]["c"].std())
        for name, plan in plans.items()
    }
    assert walks["optimised"] < 0.6 * walks["independent"], walks  # 0.41; over 1,000 coordinates that is 5 deviations off


@locals_
@pytest.mark.parametrize("rate", [1.0, 0.6])
def test_leaving_a_client_out_moves_each_rounds_sum_by_the_clip_at_most(local, rate, monkeypatch):
    """Brute force over clients: the same released parameters and states, each client's data there or not."""
    clip, found = 0.1, {}
    real = server.Tally.aggregate

    def spied(self, *given):
        found.setdefault("sums", []).append(self.sum.clone())
        return real(self, *given)

    monkeypatch.setattr(server.Tally, "aggregate", spied)
    fed = federation(SIZES, scale=5.0)
    plan = Plan(
        rounds=3, lr=2.0, local=local, mechanism=mechanisms.Gaussian(1.0, clip), sampling_rate=rate, delta=1e-3, seed=3
    )
    start = train(model(), fed, plan)
    moved = []
    for k in range(fed.clients):
        sums = []
        for each in (fed, fed.without(k)):  # one more round from the same released parameters and clients' states
            found.clear()
            train(model(), each, plan.changed(rounds=1), start=copy.deepcopy(start))
            sums.append(found["sums"][0])
        moved.append(float((sums[0] - sums[1]).norm()))
    assert max(moved) <= clip * (1 + 1e-5) and max(moved) > 0.9 * clip, moved
    assert moved[SIZES.index(0)] == 0


def line_of_clients(count, present=True):
    """One parameter, clients whose gradient is zero everywhere, and a first one whose gradient is beyond any clip."""
    x, y = torch.zeros(count, 1, 1), torch.zeros(count, 1)
    x[0], y[0], mask = 1.0, 1e4, torch.ones(count, 1, dtype=torch.bool)
    mask[0] = present
    return data.Federation(x, y, mask, torch.zeros(1, 1), torch.zeros(1), "regression")


@pytest.mark.parametrize("at", ["server", "shares"])
def test_what_is_released_of_all_rounds_tells_no_more_of_a_client_than_the_price(at):
    """c after 16 rounds, with a client and without: means at most √T/σ deviations apart, as ε is priced.

    The others' gradients are zero, so c is the noise and this client's messages. Clients that remember their shares take
    the noise out again: 3.5 deviations then. 60 runs a side: the measured gap is off by 0.2; false alarm below 1e-6.
    """
    plan = Plan(rounds=16, lr=0.5, local=algorithms.Scaffold(1), mechanism=mechanisms.Gaussian(4.0, 1.0, at), delta=1e-3)
    net = torch.nn.Linear(1, 1, bias=False)
    ends = [
        [float(train(net, line_of_clients(64, here), plan.changed(seed=seed), progress=False).state["local"]["c"])
         for seed in range(60 * here, 60 * here + 60)]
        for here in (False, True)
    ]  # fmt: skip
    apart = abs(np.mean(ends[1]) - np.mean(ends[0])) / np.sqrt((np.var(ends[1]) + np.var(ends[0])) / 2)
    assert 0.2 < apart < 2.0, apart


@pytest.mark.parametrize("at", ["server", "shares"])
def test_a_client_remembers_its_clipped_message_alone_where_the_sum_is_released(at):
    """c_k moves by at most C/(K·lr) a round, whatever the noise; with a report of its own it moves by the noise too."""
    plan = Plan(rounds=1, lr=0.5, local=algorithms.Scaffold(2), mechanism=mechanisms.Gaussian(50.0, 0.1, at), delta=1e-3)
    fed = federation(SIZES, scale=5.0)
    moved = train(model(), fed, plan).state["local"]["c_k"].norm(dim=1)
    assert moved.max() == pytest.approx(0.1 / (2 * 0.5), rel=1e-6) and moved[SIZES.index(0)] == 0
    report = plan.changed(mechanism=mechanisms.Gaussian(50.0, 0.1, "client"))
    assert train(model(), fed, report).state["local"]["c_k"].norm(dim=1).min() > 1


@locals_
def test_the_guarantee_names_the_state_where_clients_remember_in_it(local):
    fed, plan = federation(SIZES), Plan(rounds=1, local=local, mechanism=NOISE, delta=1e-3)
    assert ", seconds, state;" in train(model(), fed, plan).guarantee
    assert ", seconds;" in train(model(), fed, plan.changed(local=clients.FedAvg(3))).guarantee
    feedback = plan.changed(local=clients.FedAvg(3), compressor=compression.TopK(0.5))
    assert ", seconds, state;" in train(model(), fed, feedback).guarantee


@locals_
def test_epsilon_is_that_of_fedavg(local):
    for mechanism in (NOISE, mechanisms.Gaussian(1.0, 1.0, "client", "record")):
        plan = Plan(rounds=4, mechanism=mechanism, sampling_rate=0.5, batch_rate=0.5, local=clients.FedAvg(3), delta=1e-3)
        assert plan.changed(local=local).epsilon() == plan.epsilon() < math.inf


def test_two_vectors_would_cost_what_the_docstring_says():
    """Two vectors clipped to C each move their sum by √2·C: ε as with a noise multiplier √2 smaller."""
    pair = torch.tensor([0.3, -0.4, 0.0, 0.5, 0.0, 0.0])  # each half as long as the clip of 0.5
    assert float(pair.norm()) == pytest.approx(math.sqrt(2) * 0.5)
    one, two = (accounting.epsilon(mechanisms.Gaussian(z, 1.0), 20, 1.0, 1e-5) for z in (4.0, 4.0 / math.sqrt(2)))
    mu = lambda z: math.sqrt(20) / z  # noqa: E731
    assert two > one and mu(4.0 / math.sqrt(2)) == pytest.approx(math.sqrt(2) * mu(4.0))


# FedProx, FedPer -----------------------------------------------------------------------------------------------------------


def test_fedprox_without_weight_is_fedavg():
    plan = Plan(rounds=4, lr=0.3, sampling_rate=0.5)
    runs = [
        train(model(), federation(SIZES), plan.changed(local=kind)) for kind in (clients.FedAvg(3), clients.FedProx(3, 0))
    ]
    assert (runs[0].theta - runs[1].theta).abs().max() < 1e-12


def fedper_loop(net, fed, cohorts, steps, lr, home):
    x = theta_of(net)
    stays = torch.cat([torch.full((p.numel(),), name in home) for name, p in net.named_parameters()])
    mine = x.expand(fed.clients, -1).clone()
    for cohort in cohorts:
        moves = []
        for k in cohort:
            y = torch.where(stays, mine[k], x)
            for _ in range(steps):
                y = y - lr * gradient(net, y, *own(fed, k))
            moves.append(y - x), mine[k].copy_(y)
        if moves:
            x = torch.where(stays, x, x + torch.stack(moves).mean(0))
    return torch.where(stays, mine, x)


@pytest.mark.parametrize("home", [HOME, ("fc1.weight",)], ids=str)
@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_fedper_equals_a_plain_loop(home, rate):
    from fldp_lib.training import personal

    net, fed = model(), federation(SIZES)
    plan = Plan(rounds=6, lr=0.3, local=algorithms.FedPer(3, home), sampling_rate=rate, seed=2)
    expected = fedper_loop(net, fed, cohorts_of(plan, fed.clients), 3, 0.3, home)
    assert (personal.thetas(train(net, fed, plan)) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("mechanism", [None, NOISE, mechanisms.Gaussian(1.0, 1.0, "client")], ids=repr)
def test_only_what_travels_is_sent_clipped_and_noised(mechanism):
    net, fed = model(), federation(SIZES)
    plan = Plan(rounds=3, lr=0.3, local=algorithms.FedPer(2, HOME), mechanism=mechanism, delta=1e-3)
    done = train(net, fed, plan)
    stays = done.state["local"]["stays"]
    assert torch.equal(done.theta[stays], theta_of(net)[stays])
    assert (done.theta[~stays] != theta_of(net)[~stays]).all() or mechanism is None
    assert (done.bytes_up == fed.clients * 8 * int((~stays).sum())).all() and (done.bytes_down == done.bytes_up).all()


def test_a_home_part_depends_on_others_through_the_shared_part_alone():
    """In the first round not at all: with any others it is the same numbers."""
    fed = federation(SIZES)
    other = fed.without(0).without(4)
    plan = Plan(rounds=1, lr=0.3, local=algorithms.FedPer(3, HOME))
    homes = [train(model(), each, plan).state["local"]["home"] for each in (fed, other)]
    assert torch.equal(homes[0][[1, 3, 5]], homes[1][[1, 3, 5]]) and not torch.equal(homes[0][0], homes[1][0])


# What both keep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [*({"local": each} for each in LOCALS.values()), *({"server": each} for each in SERVERS.values())], ids=str
)
@pytest.mark.parametrize("mechanism", [None, NOISE], ids=repr)
def test_a_run_in_two_halves_is_the_run(options, mechanism, tmp_path):
    """By start=history, and by a checkpoint that another run goes on from."""
    plan = Plan(
        rounds=6,
        lr=0.3,
        sampling_rate=0.6,
        mechanism=mechanism,
        delta=1e-3,
        seed=9,
        **{"local": clients.FedAvg(2)} | options,
    )
    net, fed = model(), federation(SIZES)
    whole = train(net, fed, plan)
    half = train(net, fed, plan.changed(rounds=3))
    kept = {name: each.clone() for name, each in half.state["local"].items()}
    assert torch.equal(train(net, fed, plan.changed(rounds=3), start=half).theta, whole.theta)
    assert all(torch.equal(each, kept[name]) for name, each in half.state["local"].items())  # what was given stays
    path = tmp_path / "run"
    train(net, fed, plan, checkpoint=path, callback=lambda t, theta, record: t == 3)
    assert torch.equal(train(net, fed, plan, checkpoint=path).theta, whole.theta)
    refuses(
        lambda: train(net, fed, plan.changed(local=clients.FedSGD(), server=algorithms.ServerSGD()), checkpoint=path),
        ValueError,
        "checkpoint",
    )


@locals_
def test_chunks_change_nothing(local):
    fed = federation([k % 4 for k in range(40)])
    plan = Plan(rounds=3, lr=0.3, local=local, sampling_rate=0.7, seed=4)
    small, large = (train(model(), fed, plan, chunk=chunk) for chunk in (16, 48))
    assert (small.theta - large.theta).abs().max() < 1e-12
    assert (small.state["local"]["c_k" if "c_k" in small.state["local"] else "home"]).isfinite().all()


@locals_
def test_a_client_with_nan_is_dropped_and_remembers_nothing(local):
    fed = federation(SIZES)
    x = fed.x.clone()
    x[3] = 1e38  # finite, and its updates are not
    bad = data.Federation(x, fed.y, fed.mask, fed.x_test, fed.y_test, fed.task)
    with pytest.warns(UserWarning, match="NaN"):
        done = train(model().float(), bad, Plan(rounds=3, lr=0.3, local=local))
    assert done.theta.isfinite().all() and all(each.isfinite().all() for each in done.state["local"].values())


def test_json_text_and_changes_know_every_algorithm():
    plans = [Plan(rounds=3, local=each) for each in LOCALS.values()] + [
        Plan(rounds=3, server=each) for each in SERVERS.values()
    ]
    assert len({str(plan.text()) for plan in plans}) == len(plans)
    for plan in plans:
        assert Plan.from_json(plan.to_json()) == plan and Plan.from_json(plan.to_json()).text() == plan.text()
    more = plans[0].changed(local_steps=7), plans[1].changed(local_steps=7), plans[3].changed(server_lr=0.5)
    assert more[0].local == algorithms.Scaffold(7) and more[1].local == algorithms.FedPer(7, HOME)
    assert more[2].server == algorithms.FedAdagrad(0.5)
    assert plans[0].changed(proximal=0.1).local == clients.FedProx(3, 0.1)


def test_scaffold_under_secure_aggregation_is_scaffold():
    plan = Plan(rounds=3, lr=0.3, local=algorithms.Scaffold(3))
    fed = federation([s for s in SIZES if s])
    hidden = train(model(), fed, plan.changed(aggregator=aggregation.SecureMean(9.0)))
    assert (hidden.theta - train(model(), fed, plan).theta).abs().max() < 1e-4


@locals_
def test_what_cannot_be_kept_is_refused_by_name(local):
    net, fed = model(), federation(SIZES)
    workers = lambda t, theta, members: torch.zeros(len(members), len(theta))  # noqa: E731
    refuses(lambda: train(net, fed, Plan(rounds=1, local=local), workers=workers), ValueError, "local must be", "remember")
    other = train(net, fed, Plan(rounds=1, local=clients.FedAvg(3)))
    refuses(lambda: train(net, fed, Plan(rounds=1, local=local), start=other), ValueError, "start must", "local algorithm's")
    if local.summed:
        refuses(lambda: Plan(rounds=1, local=local, aggregator=aggregation.median), ValueError, "aggregator must be a sum")


def test_fedper_asks_for_names_of_the_model():
    for home in (("fc3.weight",), ("fc1.weight", "fc1.bias", *HOME)):
        refuses(
            lambda home=home: train(model(), federation(SIZES), Plan(rounds=1, local=algorithms.FedPer(2, home))),
            ValueError,
            "home",
            "fc1.weight",
        )


def test_every_algorithm_is_a_file_of_at_most_a_hundred_lines():
    import pathlib

    for path in pathlib.Path(algorithms.__file__).parent.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 100, path

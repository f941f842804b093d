"""flower_app: Flower's simulation and real processes give `train`'s numbers, and a crash neither stops them nor resets ε.

What a node answers and what the server does with it is tested without Flower, for every mechanism; Flower itself in one
simulation and two deployments, whose processes are killed. Those are skipped where Flower is missing; with
FLDP_REQUIRE_PEERS=1 a missing Flower is a failure.
"""

import json
import stat
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from conftest import federation, refuses
from deployed import installed, wait_until

from fldp_lib import Plan, accounting, aggregation, flower, models, train
from fldp_lib.flower import agreement, deployment, hub, keys, node
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.privacy.integers import Skellam
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import algorithms
from fldp_lib.training._streams import groups_of
from fldp_lib.training.transport import compression

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2, 5, 3, 1] * 2
MECHANISMS = {
    "none": None,
    "Gaussian at the server": Gaussian(1.0, 0.5),
    "Laplace at the server": Laplace(1.0, 0.5),
    "adaptive": AdaptiveGaussian(1.0, 0.5, count_noise=2.0),
    "Gaussian at the client": Gaussian(1.0, 0.5, "client"),
    "Laplace at the client": Laplace(1.0, 0.5, "client"),
    "Gaussian on records": Gaussian(1.0, 0.5, "client", "record"),
    "Laplace on records": Laplace(1.0, 0.5, "client", "record"),
}


def killed_in(number, folder):
    """Run a hub with its nodes, and kill it in the round of that number."""

    def ask(settings, t, theta, groups):
        if t == number:
            raise KeyboardInterrupt
        return {k: node.answer(folder / f"node-{k}", settings, t, theta, members) for k, members in groups.items()}

    with pytest.raises(KeyboardInterrupt):
        hub.run(folder / "server", ask, lambda line: None)


def case(folder, mechanism, nodes=2, timeout=120.0, **others):
    """A prepared folder, and what `train` makes of the same federation."""
    fed = federation(SIZES, features=5, classes=3)
    plan = Plan.of(**{"rounds": 4, "lr": 0.3, "mechanism": mechanism, "delta": 1e-3, "seed": 3, **others})
    build = "fldp_lib.training.models:MLP", (5, 4, 3)
    flower.prepare(folder, plan, *build, fed, nodes, timeout=timeout, repeatable=True)
    return folder, train(models.MLP(5, 4, 3), fed, plan)


def by_hand(folder, skip=()):
    """The hub with nodes in this process; `skip` holds pairs (round, node) that do not answer."""

    def ask(settings, t, theta, groups):
        return {
            k: node.answer(folder / f"node-{k}", settings, t, theta, members)
            for k, members in groups.items()
            if (t, k) not in skip
        }

    return hub.run(folder / "server", ask, lambda line: None)


def equal(found, expected):
    torch.testing.assert_close(found.theta, expected.theta, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.epsilon, expected.epsilon)
    np.testing.assert_array_equal(found.cohort, expected.cohort)
    assert found.guarantee == expected.guarantee


# Without Flower --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("name", MECHANISMS)
def test_nodes_and_hub_repeat_train(name, rate, tmp_path):
    folder, expected = case(tmp_path / "run", MECHANISMS[name], 3, sampling_rate=rate, local_steps=2)
    equal(by_hand(folder), expected)
    equal(flower.history(folder), expected)


@pytest.mark.parametrize(
    "others",
    [
        {"batch_rate": 0.5, "mechanism": Gaussian(1.0, 0.5, "client", "record"), "sampling_rate": 0.7},
        {"batch_rate": 0.5, "mechanism": Gaussian(1.0, 0.5)},
        {"aggregator": aggregation.WeightedMean(cap=4), "mechanism": Laplace(1.0, 0.5, "client")},
        {"aggregator": aggregation.median, "mechanism": Gaussian(1.0, 0.5, "client"), "proximal": 0.3, "local_steps": 2},
        {"aggregator": aggregation.weighted_mean, "mechanism": None, "server_lr": 0.5, "sampling_rate": 0.5},
        {"mechanism": Correlated(1.0, 0.5, "optimised"), "sampling_rate": 0.5, "sampler": "cyclic", "rounds": 6},
        {"mechanism": Correlated(1.0, 0.5, "tree"), "sampling_rate": 1 / 3, "sampler": "cyclic", "local_steps": 2},
        {"mechanism": Gaussian(1.0, 0.5, "client"), "sampling_rate": 0.5, "sampler": "cyclic", "batch_rate": 0.5},
        {"server": algorithms.FedAvgM(0.5, 0.8), "mechanism": None, "local_steps": 2},
        {"server": algorithms.FedAdam(0.05), "mechanism": Gaussian(1.0, 0.5), "sampling_rate": 0.5},
        {"server": algorithms.FedYogi(0.05), "mechanism": Laplace(1.0, 0.5, "client")},
    ],
)
def test_every_setting_reaches_nodes_and_hub(others, tmp_path):
    others = dict(others)
    folder, expected = case(tmp_path / "run", others.pop("mechanism"), 3, **others)
    equal(by_hand(folder), expected)
    equal(flower.history(folder), expected)


@pytest.mark.parametrize("seed", [3, None])
def test_a_node_answers_for_a_client_in_its_turn_only(seed, tmp_path):
    """What a client pays for is every third round: no server can ask for more."""
    turns = {"sampling_rate": 1 / 3, "sampler": "cyclic", "seed": seed}
    folder, _ = case(tmp_path / "run", Gaussian(1.0, 0.5, "client"), 1, **turns)
    agreed = agreement.read(folder / "node-0")
    theta = models.flatten(models.MLP(5, 4, 3))
    groups = [torch.nonzero(groups_of(18, 3) == group).flatten() for group in range(3)]
    for t, members in ((1, groups[1]), (1, groups[0][:1].new_tensor(range(18))), (2, groups[0])):
        refuses(lambda t=t, m=members: node.answer(folder / "node-0", agreed.settings(), t, theta, m), ValueError, "members")
    for t in range(1, 5):
        assert len(node.answer(folder / "node-0", agreed.settings(), t, theta, groups[(t - 1) % 3])) == 6


def test_a_hub_that_was_killed_goes_on_within_correlated_noise(tmp_path):
    others = {"sampling_rate": 0.5, "sampler": "cyclic", "rounds": 6}
    folder, expected = case(tmp_path / "run", Correlated(1.0, 0.5), 3, **others)

    killed_in(4, folder)
    part = flower.history(folder)
    assert part.rounds == 3 and part.total_epsilon == expected.total_epsilon > part.epsilon[-1]
    np.testing.assert_array_equal(part.epsilon, expected.epsilon[:3])
    equal(by_hand(folder), expected)


def with_body(seed):
    """A build of a model with a frozen first layer, in a module that every process could import."""

    def build(*sizes):
        model = models.MLP(*sizes, seed=0)
        body = models.MLP(*sizes, seed=seed())
        model.fc1.load_state_dict(body.fc1.state_dict())
        for p in model.fc1.parameters():
            p.requires_grad_(False)
        return model

    module = types.ModuleType("bodies")
    module.build = build
    return module


@pytest.mark.parametrize("mechanism", [None, Gaussian(1.0, 0.5), Gaussian(1.0, 0.5, "client")], ids=str)
def test_nodes_with_a_frozen_body_repeat_train_and_the_body_stays(mechanism, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bodies", with_body(lambda: 7))
    fed, plan = federation(SIZES, features=5, classes=3), Plan(rounds=3, lr=0.3, mechanism=mechanism, delta=1e-3, seed=3)
    folder = flower.prepare(tmp_path / "run", plan, "bodies:build", (5, 4, 3), fed, 2, repeatable=True)
    start = sys.modules["bodies"].build(5, 4, 3)
    found = by_hand(folder)
    equal(found, train(start, fed, plan))
    assert len(found.theta) == 4 * 3 + 3  # what trains is what is sent
    assert torch.equal(found.trained().fc1.weight, start.fc1.weight)
    assert np.load(folder / "server" / "theta.npy").shape == (15,)


def test_a_process_with_another_frozen_body_refuses_to_take_part(tmp_path, monkeypatch):
    """A body that is drawn anew by every process would be another model in each, under the same theta."""
    seeds = iter(range(100))
    monkeypatch.setitem(sys.modules, "bodies", with_body(lambda: next(seeds)))
    fed, plan = federation(SIZES, features=5, classes=3), Plan(rounds=3, lr=0.3, delta=1e-3, seed=3)
    folder = flower.prepare(tmp_path / "run", plan, "bodies:build", (5, 4, 3), fed, 2)
    refuses(lambda: by_hand(folder), ValueError, "build", "frozen", "'bodies:build'")
    agreed = agreement.read(folder / "node-0")
    request = agreed.settings() | {"body": "; frozen 0123456789abcdef"}
    refuses(
        lambda: node.answer(folder / "node-0", request, 1, torch.zeros(15), torch.tensor([0])),
        ValueError,
        "body",
        "there",
        "here",
    )


def test_each_folder_holds_its_own_shard_and_nothing_of_the_others(tmp_path):
    fed = federation(SIZES, features=5, classes=3)
    folder, _ = case(tmp_path / "run", Gaussian(1.0, 0.5), 4)
    seen, own = [], {"agreement.json", "shard.npz", "ca.pem", "key", "trusted.yaml", "own"}
    for k in range(4):
        assert {path.name for path in (folder / f"node-{k}").iterdir()} == own
        shard = agreement.arrays(folder / f"node-{k}" / "shard.npz")
        assert set(shard) == {"clients", "x", "y", "mask"}
        for name in ("x", "y", "mask"):
            assert torch.equal(shard[name], getattr(fed, name)[shard["clients"]])
        seen += shard["clients"].tolist()
    assert seen == list(range(len(SIZES)))
    server = agreement.arrays(folder / "server" / "clients.npz") | agreement.arrays(folder / "server" / "public.npz")
    assert {name: tuple(tensor.shape) for name, tensor in server.items()} == {
        "sizes": (18,), "node": (18,), "x_test": (20, 5), "y_test": (20,)
    }  # fmt: skip
    held = agreement.federation(folder / "server", agreement.read(folder / "server"))
    assert torch.equal(held.sizes, fed.sizes) and not held.x.any() and not held.y.any()


def test_private_keys_are_their_owners_only_and_the_authoritys_is_not_kept(tmp_path):
    folder, _ = case(tmp_path / "run", None)
    private = {path for path in folder.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()}
    owns = {folder / f"node-{k}" / name for k in range(2) for name in ("key", "own/server.key")}
    assert private == {folder / "server" / "server.key"} | owns
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)


def test_the_servers_certificate_is_for_this_machine_and_signed_by_the_authority(tmp_path):
    from cryptography import x509

    folder, _ = case(tmp_path / "run", None)
    authority, server = (x509.load_pem_x509_certificate((folder / "server" / name).read_bytes()) for name in
                         ("ca.pem", "server.pem"))  # fmt: skip
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


@pytest.mark.parametrize("name", ["Gaussian at the server", "Laplace at the client", "Gaussian on records"])
def test_a_node_that_does_not_answer_is_dropped_and_epsilon_is_the_plans(name, tmp_path):
    folder, expected = case(tmp_path / "run", MECHANISMS[name], 3)
    with pytest.warns(UserWarning, match="some updates were missing"):
        history = by_hand(folder, skip={(2, 1), (3, 1)})
    assert history.dropped.tolist() == [0, 6, 6, 0]
    np.testing.assert_array_equal(history.epsilon, expected.epsilon)
    assert (history.theta - expected.theta).abs().max() > 1e-4


def test_a_node_refuses_what_is_not_its_plan(tmp_path):
    folder, _ = case(tmp_path / "run", Gaussian(1.0, 0.5, "client"))
    home = folder / "node-0"
    settings, theta = agreement.read(folder / "server").settings(), torch.zeros(39)

    def ask(settings=settings, t=1, theta=theta, members=(0, 3)):
        return node.answer(home, settings, t, theta, members)

    weaker = settings | {"mechanism": {**settings["mechanism"], "noise_multiplier": 0.1}}
    refuses(lambda: ask(settings=weaker), ValueError, "mechanism is", "0.1", "1.0")
    refuses(lambda: ask(settings=settings | {"rounds": 99}), ValueError, "rounds is 99 there and 4 here")
    refuses(lambda: ask(members=(0, 9)), ValueError, "members must be some of [0, 1, 2, 3, 4, 5, 6, 7, 8]")
    refuses(lambda: ask(members=(3, 3)), ValueError, "ascending")  # the same noise must not be drawn around twice
    refuses(lambda: ask(members=()), ValueError, "members")
    refuses(lambda: ask(theta=torch.zeros(38)), ValueError, "theta")
    assert not (home / "reports.json").exists()  # what was refused is not counted


def test_a_node_counts_its_reports_itself_and_stops_at_the_plans_rounds(tmp_path):
    folder, _ = case(tmp_path / "run", Gaussian(1.0, 0.5, "client"))
    home = folder / "node-1"
    settings, theta = agreement.read(folder / "server").settings(), torch.zeros(39)

    def ask(t):
        node.answer(home, settings, t, theta, [9, 10])
        return json.loads((home / "reports.json").read_text())

    assert ask(1) == {"reports": 1, "last": 1}
    refuses(lambda: ask(1), ValueError, "round must be a new one")  # a second report of a round would be a second release
    assert ask(3) == {"reports": 2, "last": 3}
    refuses(lambda: ask(2), ValueError, "round must be a new one")
    assert ask(4) == {"reports": 3, "last": 4}
    refuses(lambda: ask(5), ValueError, "round must be a new one of 4")
    refuses(lambda: ask(0), ValueError, "round must be a new one of 4")


def test_where_the_server_adds_the_noise_a_round_may_be_asked_again(tmp_path):
    folder, _ = case(tmp_path / "run", Gaussian(1.0, 0.5))
    settings, theta = agreement.read(folder / "server").settings(), torch.zeros(39)
    first, second = (node.answer(folder / "node-0", settings, 2, theta, [1, 4]) for _ in range(2))
    assert torch.equal(first, second)
    assert json.loads((folder / "node-0" / "reports.json").read_text()) == {"reports": 1, "last": 2}


def test_without_a_seed_reports_differ_and_no_seed_is_on_disk(tmp_path):
    reports = []
    for name in "ab":
        folder, _ = case(tmp_path / name, Laplace(1.0, 0.5, "client"), seed=None)
        settings = agreement.read(folder / "server").settings()
        assert settings["seed"] is None
        reports.append(node.answer(folder / "node-0", settings, 1, torch.zeros(39), [0, 2]))
    assert not torch.isclose(*reports).any()
    assert not torch.isclose(reports[0][0], reports[0][1]).any()  # each client has its own


def test_what_this_deployment_cannot_keep_is_refused_before_anything_is_written(tmp_path):
    fed, folder = federation(SIZES, features=5, classes=3), tmp_path / "run"

    def prepare(build="fldp_lib.training.models:MLP", sizes=(5, 4, 3), nodes=3, timeout=60.0, repeatable=False, **others):
        plan = Plan.of(**{"rounds": 2, "lr": 0.1, "delta": 1e-3, **others})
        return lambda: flower.prepare(folder, plan, build, sizes, fed, nodes, timeout=timeout, repeatable=repeatable)

    for shares in (Gaussian(1.0, 1.0, "shares"), Skellam(1.0, 1.0)):
        refuses(prepare(mechanism=shares), ValueError, "shares", "SecAgg+")
    refuses(prepare(mechanism=Gaussian(1.0, 1.0), aggregator=aggregation.median), ValueError, "aggregator must be a sum")
    refuses(prepare(aggregator=aggregation.SecureMean(bound=1.0)), TypeError, "aggregator must be one of")
    refuses(prepare(aggregator=lambda updates, sizes: updates[0]), TypeError, "aggregator must be one of")
    refuses(prepare(mechanism=Gaussian(1.0, 1.0, "client")), ValueError, "seed must be None", "repeatable=True")
    refuses(prepare(mechanism=Laplace(1.0, 1.0, "client", "record"), aggregator=aggregation.WeightedMean(cap=2), seed=None),
            ValueError, "weigh all clients alike")  # fmt: skip
    refuses(prepare(compressor=compression.TopK(0.5)), ValueError, "compressor")
    for local in (algorithms.Scaffold(2), algorithms.FedPer(2, ("fc2.bias",))):
        refuses(prepare(local=local), ValueError, "local must be", "remember")
    refuses(prepare(loss=lambda outputs, targets: outputs.sum(-1)), ValueError, "loss must be None")
    refuses(lambda: flower.prepare(folder, 5, "fldp_lib:MLP", (5, 4, 3), fed), TypeError, "plan must be a Plan")
    refuses(prepare(build="MLP"), ValueError, "build must be 'module:function'")
    refuses(prepare(build="fldp_lib.training.models:Nothing"), ValueError, "build must name a function")
    refuses(prepare(sizes=(6, 4, 3)), ValueError, "model must take x")
    refuses(prepare(nodes=19), ValueError, "nodes")
    refuses(prepare(timeout=0), ValueError, "timeout")
    assert not folder.exists()
    prepare()()
    refuses(prepare(), ValueError, "folder must be new or empty")


def test_a_hub_that_was_killed_in_a_local_round_goes_on_and_never_asks_for_it_again(tmp_path):
    folder, expected = case(tmp_path / "run", Laplace(1.0, 0.5, "client"))

    killed_in(2, folder)
    before = (folder / "server" / hub.STATE).read_bytes()
    seen = flower.history(folder)
    assert seen.lost.tolist() == [False, True] and seen.epsilon[-1] == pytest.approx(expected.epsilon[1], rel=1e-5)
    assert (folder / "server" / hub.STATE).read_bytes() == before  # reading is not resuming
    history = by_hand(folder)
    assert history.lost.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(history.epsilon, expected.epsilon)


def test_the_project_file_is_where_flower_expects_it_and_names_what_is_there():
    import tomllib

    with open(deployment.PROJECT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)
    parts = project["tool"]["flwr"]["app"]["components"]
    assert parts == {"serverapp": "fldp_lib.flower.apps:server", "clientapp": "fldp_lib.flower.apps:client"}
    needed = next(line for line in project["project"]["dependencies"] if line.startswith("flwr"))
    assert needed.removeprefix("flwr") in deployment.INSTALL  # one range, in the message too


def test_without_flower_one_sentence_says_what_to_install(tmp_path):
    """In a Python that cannot find flwr: prepare works, starting says what is missing, and no traceback appears."""
    folder, _ = case(tmp_path / "run", None)
    hide = "import sys; sys.modules['flwr'] = None; import importlib.util as u; f = u.find_spec; "
    hide += "u.find_spec = lambda name, package=None: None if name == 'flwr' else f(name, package); "
    code = hide + f"from fldp_lib import flower; sys.exit(flower.main([{str(folder)!r}]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=deployment.PACKAGE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"this needs Flower, which is not installed: {deployment.INSTALL}\n"


# With Flower -----------------------------------------------------------------------------------------------------------


def processes_of(run):
    """Numbers of all running processes that a deployment started, apps and SuperExecs included."""
    return {pid for name in ("server", *run.nodes) for pid in run._offspring(name)}


def begun(folder):
    return hub.begun(folder / "server")


@installed
def test_flowers_simulation_is_train(tmp_path):
    """Noise at the client, drawn in the nodes' own processes, with a Poisson sample of clients."""
    folder, expected = case(tmp_path / "run", Gaussian(1.0, 0.5, "client"), rounds=3, sampling_rate=0.7)
    lines = []
    equal(flower.simulate(folder, lines.append), expected)
    assert "whoever knows it can subtract the noise" in lines[0]
    assert [line.split(":")[0] for line in lines[1:4]] == ["round 1/3", "round 2/3", "round 3/3"]
    assert f"ε so far {expected.total_epsilon:.3f}" in lines[3]
    assert lines[4] == expected.guarantee


@installed
def test_a_killed_server_goes_on_with_the_budget_spent_and_a_strangers_key_is_refused(tmp_path):
    """TLS and node keys, noise at the server: killed in the middle, it ends as a run without a crash."""
    folder, expected = case(tmp_path / "run", Gaussian(1.0, 0.5), rounds=4, sampling_rate=0.8)
    keys.node_keys(tmp_path / "stranger", tmp_path / "stranger.pub")
    with flower.Deployment(folder) as run:
        wait_until(lambda: begun(folder) >= 2, "round 2")
        assert len(processes_of(run)) >= 6  # SuperLink, two SuperNodes, a SuperExec each; apps come and go
        run.kill("server")
        spent = flower.history(folder)
        assert 2 <= spent.rounds < 4
        assert spent.total_epsilon == pytest.approx(expected.epsilon[spent.rounds - 1], rel=1e-5)
        run.start_server()
        run.stop("node-1")
        for times, wrong in enumerate((tmp_path / "stranger", folder / "node-0" / "key"), 1):  # unknown; another's, in use
            run.start_node("node-1", key=wrong)
            wait_until(lambda: run.processes["node-1"].poll() is not None, "the end of a node with a wrong key")
            run.stop("node-1")
            log = (folder / "logs" / "node-1.log").read_text()
            assert log.count("Failed to initialize the connection to the SuperLink") == times
        seen = (folder / "logs" / "node-1.log").read_text().count("SuperNode ID")
        run.start_node("node-1")
        wait_until(lambda: (folder / "logs" / "node-1.log").read_text().count("SuperNode ID") > seen, "node 1's return")
        run.submit()
        history = run.wait()
        left = processes_of(run)
    equal(history, expected)
    assert not history.lost.any() and not history.dropped.any()
    assert left and not processes_of(run)
    equal(flower.deploy(folder), expected)  # finished: it is only read


@installed
def test_a_killed_node_is_absent_and_a_killed_servers_local_round_is_paid_for(tmp_path):
    """Noise at the client: the run goes on without node 1, then loses a round with the server; ε is the plan's."""
    folder, expected = case(tmp_path / "run", Laplace(1.0, 0.5, "client"), timeout=75.0, rounds=4)
    with flower.Deployment(folder) as run:
        wait_until(lambda: begun(folder) >= 2, "round 2")
        run.kill("node-1")
        wait_until(lambda: begun(folder) >= 3, "round 3")
        run.kill("server")
        run.start_server()
        run.submit()
        with pytest.warns(UserWarning, match="were missing"):
            history = run.wait()
    assert history.lost.tolist() == [False, False, True, False]
    assert history.dropped.tolist() == [0, 9, 0, 9] and history.cohort.tolist() == [18, 18, 0, 18]
    np.testing.assert_array_equal(history.epsilon, expected.epsilon)
    answered = [json.loads((folder / f"node-{k}" / "reports.json").read_text())["reports"] for k in range(2)]
    assert answered[0] <= 4 and answered[1] <= 2


@installed
def test_flowers_accountant_gives_the_rdp_of_the_package():
    """Notebook 17 says so: its RDP accountant, add or remove, no amplification, 100 rounds at multiplier 40."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # click's, when Flower is imported
        from flwr import serverapp

    config = serverapp.PrivacyConfig(
        1e-5, 300, serverapp.NeighboringRelation.ADD_OR_REMOVE_ONE, serverapp.SamplingMethod.NO_AMPLIFICATION
    )
    accountant = serverapp.RdpAccountant(config)
    accountant.compose(serverapp.GaussianPrivacyEvent(40.0, 300, 300), 100)
    ours = accounting.epsilon(Gaussian(40.0, clip=1.0), 100, 1.0, 1e-5, "rdp")
    assert accountant.get_epsilon(1e-5) == pytest.approx(ours, rel=1e-6)

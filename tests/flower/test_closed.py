"""A deployment is closed: another user of the machine, who holds every certificate, gets nothing; a lying node ends nothing.

One deployment takes most of the time, and everything that can be tried while it runs is tried on it.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
import torch
from conftest import federation, refuses
from deployed import installed, wait_until

from fldp_lib import Plan, flower, models, train
from fldp_lib.flower import agreement, bundle, hub, keys, node, processes
from fldp_lib.privacy.mechanisms import Gaussian, Laplace

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:'click:DeprecationWarning"),  # when Flower is imported
]
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")

HERE = pathlib.Path(__file__).parent
SIZES = [4, 1, 0, 3, 6, 2, 5, 3, 1] * 2
MLP = "fldp_lib.training.models:MLP", (5, 4, 3)


def plan(mechanism, **others):
    return Plan.of(**{"rounds": 3, "lr": 0.3, "mechanism": mechanism, "delta": 1e-3, "seed": 3, **others})


def prepared(folder, plan, build=MLP, nodes=2, **others):
    fed = federation(SIZES, features=5, classes=3)
    return fed, flower.prepare(folder, plan, *build, fed, nodes, repeatable=True, **others)


@pytest.fixture
def place():
    """A folder in a place that all can enter, so that nothing protects what is in it but its own mode."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="fldp-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def open_to_others(folder):
    """Names of folders that are not 0700 and of files that are not 0600."""
    wanted = {stat.S_IFDIR: 0o700, stat.S_IFREG: 0o600}
    return [
        str(path.relative_to(folder))
        for path in [folder, *folder.rglob("*")]
        if not path.is_symlink() and wanted.get(stat.S_IFMT(path.stat().st_mode)) != stat.S_IMODE(path.stat().st_mode)
    ]


# Without Flower --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_prepare_writes_is_its_owners_only_whatever_the_umask(umask, tmp_path):
    before = os.umask(umask)
    try:
        _, folder = prepared(tmp_path / "run", plan(Gaussian(1.0, 0.5)))
    finally:
        os.umask(before)
    assert len(list(folder.rglob("*"))) > 25 and open_to_others(folder) == []


def test_with_noise_at_the_client_the_server_holds_no_sizes_and_no_seed(tmp_path):
    """A federation with twice the records leaves the same files at the server, but for keys and certificates."""
    held = []
    for name, sizes in (("a", SIZES), ("b", [2 * size for size in SIZES])):
        fed = federation(sizes, features=5, classes=3)
        folder = flower.prepare(
            tmp_path / name, plan(Gaussian(1.0, 0.5, "client"), seed=None), *MLP, fed, 2, theta=torch.ones(39)
        )
        public = agreement.arrays(folder / "server" / "clients.npz")
        assert list(public) == ["node"]
        held.append((public["node"].tolist(), (folder / "server" / agreement.FILE).read_text()))
        width = [agreement.arrays(folder / f"node-{k}" / "shard.npz")["x"].shape[1] for k in range(2)]
        assert width == [max(sizes)] * 2  # here both nodes hold a largest client
    assert held[0] == held[1] and '"seed": null' in held[0][1]


def test_noise_at_the_client_with_hidden_sizes_is_train_all_the_same(tmp_path):
    """What was told by the sizes, the noise of records in the global model, is not told; all else is as in `train`."""
    mechanism = Laplace(1.0, 0.5, "client", "record")
    fed, folder = prepared(tmp_path / "run", plan(mechanism))

    def ask(settings, t, theta, groups):
        return {k: node.answer(folder / f"node-{k}", settings, t, theta, members) for k, members in groups.items()}

    history = hub.run(folder / "server", ask, lambda line: None)
    expected = train(models.MLP(5, 4, 3), fed, plan(mechanism))
    torch.testing.assert_close(history.theta, expected.theta, rtol=0, atol=1e-5)
    assert np.isnan(history.noise_std).all() and np.isfinite(expected.noise_std).all()


def test_with_a_seed_the_log_names_whom_the_guarantee_does_not_bind(tmp_path):
    said = {}
    for name, mechanism in {"server": Gaussian(1.0, 0.5), "client": Laplace(1.0, 0.5, "client"), "none": None}.items():
        _, folder = prepared(tmp_path / name, plan(mechanism))
        said[name] = hub.caveat(agreement.read(folder / "server"))
    assert "every node: they" in said["server"] and "the server and every node" in said["client"] and said["none"] == ""
    fed = federation(SIZES, features=5, classes=3)
    folder = flower.prepare(tmp_path / "free", plan(Laplace(1.0, 0.5, "client"), seed=None), *MLP, fed)
    assert hub.caveat(agreement.read(folder / "server")) == ""


def test_a_second_deployment_is_refused_by_name_and_a_killed_holder_frees_the_folder(tmp_path):
    code = "import sys, pathlib; from fldp_lib.flower import processes; lock = processes.Lock(pathlib.Path(sys.argv[1])); "
    code += "print(1, flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=processes.PACKAGE, stdin=-1, stdout=-1)
    assert holder.stdout.readline() == b"1\n"
    refuses(lambda: processes.Lock(tmp_path), RuntimeError, f"process {holder.pid} is deploying it", str(tmp_path))
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lock = processes.Lock(tmp_path)
    refuses(
        lambda: processes.Lock(tmp_path), RuntimeError, f"process {os.getpid()} is deploying it"
    )  # nor twice in one process
    lock.release()
    processes.Lock(tmp_path).release()
    for stream in (holder.stdin, holder.stdout):
        stream.close()


@pytest.mark.parametrize("setting", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_the_command_line_prints_utf8_under_any_code_page(setting, tmp_path):
    """A finished folder is read and its guarantee, which has an ε in it, printed; the same for what is refused."""
    _, folder = prepared(tmp_path / "run", plan(Gaussian(1.0, 0.5)))
    ask = lambda settings, t, theta, groups: {  # noqa: E731
        k: node.answer(folder / f"node-{k}", settings, t, theta, members) for k, members in groups.items()
    }
    hub.run(folder / "server", ask, lambda line: None)
    code = "import importlib.util as u, sys; u.find_spec = lambda *a, f=u.find_spec: True if a[0] == 'flwr' else f(*a); "
    code += "from fldp_lib import flower; from fldp_lib.flower import launch; real = launch.hub.caveat; "
    code += "launch.hub.caveat = lambda agreed: real(agreed) + ' \\u03b5'; "
    code += f"sys.exit(flower.main([{str(folder)!r}]))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=processes.PACKAGE, capture_output=True, env=environment | setting
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert done.stdout.decode("utf-8").strip().endswith("subtract the noise ε")


def test_no_text_is_opened_without_its_encoding():
    """In the whole wing: every open, read_text and write_text names UTF-8 (or ASCII), or is of bytes."""
    import ast

    for path in sorted(pathlib.Path(flower.__file__).parent.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in ("open", "read_text", "write_text") and getattr(getattr(call.func, "value", None), "id", "") != "os":
                binary = any(isinstance(a, ast.Constant) and "b" in str(a.value) for a in call.args[1:])
                assert binary or any(word.arg == "encoding" for word in call.keywords), f"{path.name}:{call.lineno}"


def test_the_app_is_the_same_bytes_each_time_and_signed_by_a_key_that_is_not_kept(tmp_path):
    import base64
    import hashlib

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    _, folder = prepared(tmp_path / "run", plan(None))
    content = (folder / "server" / bundle.FILE).read_bytes()
    assert content == bundle.pack()
    signed = json.loads((folder / "server" / bundle.SIGNED).read_text(encoding="utf-8"))
    (name,) = signed.keys() - {"valid_license"}
    trusted = {(folder / f"node-{k}" / bundle.TRUSTED).read_text(encoding="utf-8") for k in range(2)}
    (line,) = trusted
    assert line.startswith(f'{name}: "ssh-ed25519 ')
    key, said = load_ssh_public_key(line.split('"')[1].encode()), json.loads(signed[name])
    signature = base64.urlsafe_b64decode(said["signature"] + "==")
    stamp = said["signed_at"].to_bytes(8, "big")
    key.verify(signature, stamp + hashlib.sha256(content).digest())
    with pytest.raises(InvalidSignature):
        key.verify(signature, stamp + hashlib.sha256(content + b" ").digest())


# With Flower -----------------------------------------------------------------------------------------------------------


class Replies:
    """A grid whose nodes answer what `lies` says, by node; one that raises does so when it is read."""

    def __init__(self, lies):
        self.lies = lies

    def get_node_ids(self):
        return list(self.lies)

    def push_messages(self, messages):
        self.sent = {f"message {message.metadata.dst_node_id}": message for message in messages}
        return list(self.sent)

    def pull_messages(self, ids):
        (name,) = ids
        return self.lies[self.sent[name].metadata.dst_node_id](self.sent[name])


@installed
def test_a_malformed_reply_counts_as_no_answer_and_the_others_stand(tmp_path, monkeypatch):
    from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict
    from flwr.supercore.task_identity import TaskIdentity

    from fldp_lib.flower import apps

    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)

    theta, rows = torch.zeros(39), np.ones((1, 39), "float32")

    def sends(array, outer="updates", inner="updates"):
        return lambda to: [Message(RecordDict({outer: ArrayRecord({inner: array})}), reply_to=to)]

    def raises(error):
        def read(to):
            raise error

        return read

    garbage = Array("float32", (1, 39), "numpy.ndarray", b"\x93NUMPY no array")
    pickled = Array(
        "object",
        (1,),
        "numpy.ndarray",
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(128),
    )
    lies = [
        sends(Array(rows)), sends(Array(np.ones((2, 39), "float32"))), sends(Array(np.ones(39, "float32"))),
        sends(Array(rows.astype("float64"))), sends(Array(rows.astype("int64"))), sends(Array(np.array(["a"]))),
        sends(garbage), sends(pickled), sends(Array("float32", (1, 39), "torch", b"")), sends(Array(rows), outer="others"),
        sends(Array(rows), inner="others"), lambda to: [Message(RecordDict(), reply_to=to)],
        lambda to: [Message(RecordDict({"updates": ConfigRecord({"updates": 1})}), reply_to=to)],
        lambda to: [Message(Error(1, "\x1b[2J" + "no " * 10_000), reply_to=to)],
        raises(ValueError("no message at all")), raises(KeyError("child")), raises(RecursionError()),
        sends(Array(np.full((1, 39), np.nan, "float32"))), sends(Array(np.full((1, 39), np.inf, "float32"))),
    ]  # fmt: skip
    server, said = tmp_path / "server", []
    server.mkdir()
    np.savez(server / "clients.npz", node=np.arange(len(lies)))
    (server / "nodes.json").write_text(json.dumps({str(k + 7): k for k in range(len(lies))}), encoding="utf-8")
    agreed = agreement.Agreement(plan(None), *MLP, 18, 6, 5, "classification", "", 5.0)
    nodes = apps._Nodes(Replies({k + 7: lie for k, lie in enumerate(lies)}), agreed, server, False, said.append)
    answers = nodes.ask({}, 1, theta, {k: torch.tensor([k]) for k in range(len(lies))})
    assert set(answers) == {0, 17, 18}  # `train` itself drops a row that is not finite
    assert torch.equal(answers[0], torch.from_numpy(rows))
    assert len(said) == len(lies) - 3 and all(line.startswith("round 1: no answer from node") for line in said)
    assert all(len(line) < 400 and line.isprintable() for line in said)


def listening(run):
    """Ports on which any process of a deployment listens, by process; and whether all are on this machine only."""
    import psutil

    pids = {pid for name in ("server", *run.nodes) for pid in run._offspring(name)}
    found = [
        c for pid in pids if psutil.pid_exists(pid) for c in psutil.Process(pid).net_connections() if c.status == "LISTEN"
    ]
    assert {connection.laddr.ip for connection in found} == {"127.0.0.1"}
    return sorted({connection.laddr.port for connection in found}), sorted(pids)


def certificates(folder):
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("ca.pem"))


def public_key(path):
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from flwr.supercore.primitives.asymmetric import public_key_to_bytes

    return public_key_to_bytes(load_ssh_public_key(path.read_bytes())).hex()


def stranger(**given):
    done = subprocess.run(
        [sys.executable, HERE / "stranger.py"], input=json.dumps(given), capture_output=True, cwd=processes.PACKAGE,
        timeout=300, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["uid"] == 65534
    return said


def begun(folder):
    return hub.begun(folder / "server")


def holding(folder, needles):
    """Files in which any of the byte strings stands."""
    return [path.name for path in folder.rglob("*") if path.is_file() and any(n in path.read_bytes() for n in needles)]


@installed
@root
def test_another_user_gets_nothing_from_a_deployment_and_a_lying_node_ends_nothing(place, monkeypatch):
    """Noise at the server, so that the nodes' updates travel without any."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(HERE)
    since = time.time()
    fed, folder = prepared(place / "run", plan(Gaussian(1.0, 0.5)), ("liar:make", (5, 4, 3)), timeout=150.0)
    agreed, start = agreement.read(folder / "server"), models.flatten(models.MLP(5, 4, 3))
    theta = torch.from_numpy(np.load(folder / "server" / "theta.npy"))
    shard = agreement.arrays(folder / "node-0" / "shard.npz")
    first = node.reports(agreed, agreed.model(), shard, 1, theta, shard["clients"])  # what node 0 sends in round 1
    assert first.shape == (9, len(start)) and first[0].abs().max() > 1e-3
    needles = [first.numpy().tobytes()[:64], first[4].numpy().tobytes()[-64:]]
    private = [shard["x"].numpy().tobytes()[:40], (folder / "node-0" / "key").read_bytes()[60:100], *needles]
    assert holding(folder, private[:2]) and not holding(folder, needles)
    known = {"certificates": certificates(folder), "public": public_key(folder / "server" / "nodes" / "node-0.pub"),
             "app": (folder / "server" / bundle.FILE).read_bytes().hex(), "since": since}  # fmt: skip
    with pytest.warns(UserWarning, match="were missing"), flower.Deployment(folder) as run:
        refuses(lambda: flower.Deployment(folder).__enter__(), RuntimeError, f"process {os.getpid()} is deploying it")
        wait_until(lambda: begun(folder) >= 1, "round 1")
        ports, pids = listening(run)
        assert len(ports) == 3  # the SuperLink's, and one of each SuperNode
        paths = [str(path) for path in [folder, *folder.rglob("*")]]
        said = stranger(ports=ports, pids=pids, paths=paths, needles=[needle.hex() for needle in private],
                        places=["/tmp", "/dev/shm", "/var/tmp"], **known)  # fmt: skip
        got = [what for what in said["got"] if not what.startswith("open to all: ")]
        assert got == [] and said["tried"] > 400
        assert {what.removeprefix("open to all: ") for what in said["got"]} <= {"/health", "/docs", "/openapi.json"}
        assert not holding(folder, needles) and open_to_others(folder) == []
        history = run.wait()
    lines = (folder / "logs" / "rounds.log").read_text(encoding="utf-8").splitlines()
    silent = [line for line in lines if "no answer from node 1" in line]
    assert [line.split(":")[0] for line in silent] == ["round 1", "round 2"] and all(line.isprintable() for line in lines)
    assert history.dropped.tolist() == [9, 9, 0]
    expected = train(models.MLP(5, 4, 3), fed, plan(Gaussian(1.0, 0.5)))
    np.testing.assert_array_equal(history.epsilon, expected.epsilon)
    assert not holding(folder, needles) and open_to_others(folder) == []


@installed
@root
def test_the_stranger_would_get_in_where_flower_runs_as_it_comes(place):
    """The same attacks on a plain flower-superlink, with the same certificates: the test above can fail."""
    keys.certificate(processes.private(place / "server"))
    keys.node_keys(place / "server" / "key", place / "server" / "key.pub")
    server, port, home = place / "server", processes.free_port(), processes.private(place / "home")
    processes.private(home / "tmp")
    command = [pathlib.Path(sys.executable).parent / "flower-superlink", "--host", "127.0.0.1", "--port", port,
               "--ssl-ca-certfile", server / "ca.pem", "--ssl-certfile", server / "server.pem", "--ssl-keyfile",
               server / "server.key", "--enable-supernode-auth", "--disable-runtime-dependency-installation",
               "--isolation", "process"]  # fmt: skip
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(list(map(str, command)), env=processes._environment(home), stdout=log, stderr=log)
    try:
        processes.until(lambda: processes.listens(port), "the SuperLink", process, place / "log")
        said = stranger(ports=[port], pids=[], paths=[], needles=[], places=[], certificates=certificates(place),
                        public=public_key(server / "key.pub"), app=bundle.pack().hex(), since=0)  # fmt: skip
    finally:
        process.kill()
        process.wait()
    got = {what.split(".")[-1] for what in said["got"]}
    assert {"StartRun", "ListRuns", "StopRun", "ListNodes", "RegisterNode", "AcquireTask"} <= got, said


@installed
def test_an_app_that_prepare_did_not_sign_is_not_run_by_a_node(tmp_path):
    """Flower's own check, on the folders that prepare wrote."""
    import yaml
    from flwr.supercore.fab import Fab

    check = importlib.import_module("flwr.supernode.start_client_internal")._verify_fab
    _, folder = prepared(tmp_path / "run", plan(None))
    trusted = yaml.safe_load((folder / "node-0" / bundle.TRUSTED).read_text(encoding="utf-8"))
    signed = json.loads((folder / "server" / bundle.SIGNED).read_text(encoding="utf-8"))
    content = (folder / "server" / bundle.FILE).read_bytes()
    assert check(Fab("", content, signed), trusted)
    assert not check(Fab("", content + b" ", signed), trusted)
    _, other = prepared(tmp_path / "other", plan(None))
    theirs = json.loads((other / "server" / bundle.SIGNED).read_text(encoding="utf-8"))
    assert not check(Fab("", content, theirs), trusted)


@installed
def test_a_deployment_ends_with_the_process_that_started_it(tmp_path):
    """Killed, so that it cannot end anything itself."""
    _, folder = prepared(tmp_path / "run", plan(None))
    code = "import sys, time; from fldp_lib import flower; run = flower.Deployment(sys.argv[1]); run.nodes = []; "
    code += "run.__enter__(); print(run.mark, flush=True); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", code, folder], cwd=processes.PACKAGE, stdout=-1, text=True)
    mark = holder.stdout.readline().strip()
    assert processes.offspring(f"{mark}:server")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    wait_until(lambda: not processes.offspring(f"{mark}:server"), "the end of the SuperLink", 60)
    processes.Lock(folder).release()  # the folder is free again

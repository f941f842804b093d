"""Starting a federation's processes, watching them, and ending every one of them. Linux and macOS."""

import contextlib
import importlib.util
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

from . import hub, keys
from . import plan as plans

PROJECT = pathlib.Path(__file__).parent / "project"
PACKAGE = pathlib.Path(__file__).resolve().parents[2]  # where every process finds fldp_lib
INSTALL = 'pip install "flwr[simulation]>=1.41,<1.42"'
MARK = "FLDP_DEPLOYMENT"  # in the environment of every process, so that none is left behind
START = 120.0  # seconds within which a process must be up


class Deployment:
    """A federation's processes on this machine: one SuperLink with the server, and a SuperNode for each node.

    All speak TLS on 127.0.0.1, and the SuperLink lets in those nodes whose public keys it knows. A node's own process
    sees its own folder; the server's state is on disk, so that a server which was killed goes on where it was.

    Use it as a context manager: leaving it ends every process.

    Args:
        folder: what `prepare` wrote.
        simulated: whether the nodes are Flower's simulation inside the server's process, without keys.

    Attributes:
        processes: running `subprocess.Popen`s by name: "server", "node-0", ….
        logs: folder of the processes' logs, and of `rounds.log`, the server's line for each round.

    Raises:
        ValueError: not a folder that `prepare` wrote.
        RuntimeError: Flower is missing; a process that does not start.

    Derived in: notebook 17.
    """

    def __init__(self, folder, simulated=False):
        need_flower()
        self.folder, self.simulated = pathlib.Path(folder).resolve(), simulated
        self.plan = plans.read(self.folder / "server")
        self.logs, self.processes, self.port = self.folder / "logs", {}, _free_port()
        self.mark, self.run = secrets.token_hex(8), None
        self.nodes = [] if simulated else sorted(path.name for path in self.folder.glob("node-*"))

    def __enter__(self):
        try:
            self.start_server()
            for name in self.nodes:
                self.start_node(name)
            self.submit()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def start_server(self):
        """Start the SuperLink and, the first time, register the nodes' public keys."""
        server, address = self.folder / "server", f"{keys.HOST}:{self.port}"
        home = server / "flower"
        home.mkdir(exist_ok=True)
        root = json.dumps(str(server / "ca.pem"))  # a string of JSON is one of TOML
        settings = f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "{address}"\nroot-certificates = {root}\n'
        (home / "config.toml").write_text(settings, encoding="utf-8")
        command = ["flower-superlink", "--ssl-ca-certfile", server / "ca.pem", "--ssl-certfile", server / "server.pem",
                   "--ssl-keyfile", server / "server.key", "--host", keys.HOST, "--port", self.port,
                   "--disable-runtime-dependency-installation"]  # fmt: skip
        command += ["--simulation"] if self.simulated else ["--enable-supernode-auth", "--database", home / "state.db"]
        self._start("server", command, home)
        _until(lambda: _listens(self.port), "the SuperLink", self.processes["server"], self.logs / "server.log")
        if not self.simulated and not (server / "nodes.json").exists():
            self._register()

    def start_node(self, name, key=None):
        """Start one node's SuperNode; `key` is the path of another private key than its own, to see it refused."""
        home = self.folder / name
        (home / "flower").mkdir(exist_ok=True)
        self._start(name, [
            "flower-supernode", "--root-certificates", home / "ca.pem", "--superlink", f"{keys.HOST}:{self.port}",
            "--auth-supernode-private-key", key or home / "key", "--host", keys.HOST, "--port", _free_port(),
            "--node-config", f"folder={json.dumps(str(home))}",
        ], home / "flower")  # fmt: skip

    def submit(self):
        """Have the SuperLink run the server's app, which goes on from its checkpoint if there is one."""
        for name in ("ended", "pid"):
            (self.folder / "server" / name).unlink(missing_ok=True)
        given = f"folder={json.dumps(str(self.folder))} simulation={str(self.simulated).lower()}"
        command = ["run", PROJECT, "here", "--run-config", given]
        if self.simulated:
            count = sum(1 for _ in self.folder.glob("node-*"))
            command += ["--federation-config", f"num-supernodes={count} client-resources-num-cpus=1"]
        self.run = _json(self._flwr(*command, "--format", "json"))["run-id"]

    def wait(self, timeout=None, tell=None):
        """Wait for the run's end and return its `History`.

        Args:
            timeout: seconds; None waits as long as it takes.
            tell: called with each line of `rounds.log` from now on.

        Raises:
            RuntimeError: the server's app ended with an error, or without a word.
            TimeoutError: the time is over.
        """
        server, lines = self.folder / "server", _Lines(self.logs / "rounds.log", tell)
        start = time.monotonic()
        while not (server / "ended").exists():
            lines.read()
            waited = time.monotonic() - start
            if timeout is not None and waited > timeout:
                raise TimeoutError(f"the run has not ended within {timeout:g} seconds; see {str(self.logs)!r}")
            pid = server / "pid"
            dead = self.processes["server"].poll() is not None or (pid.exists() and not _alive(pid))
            if (dead or (waited > START and not pid.exists())) and not (server / "ended").exists():
                raise RuntimeError(f"the server's app has died; {self._last_words()}")
            time.sleep(0.1)
        lines.read()
        error = (server / "ended").read_text(encoding="utf-8")
        if error:
            raise RuntimeError(f"the server's app ended with an error: {error}")
        return hub.history(server)

    def kill(self, name):
        """Kill a process and all that it started, as a power failure would.

        It can be started again: the server at once, a node when the SuperLink has missed two of its heartbeats, a minute
        later; until then its key counts as connected and is refused.
        """
        self._end(name, signal.SIGKILL)

    def stop(self, name):
        """End a process in good order: a node says that it leaves, and can be started again at once."""
        self._end(name, signal.SIGTERM)

    def close(self):
        """End every process that was started here, nodes first."""
        for name in sorted(self.processes, key="server".__eq__):
            self.stop(name)

    def _start(self, name, command, home):
        command = [_tool(command[0]), *map(str, command[1:])]
        environment = _environment(home) | {MARK: f"{self.mark}:{name}"}
        with open(self.logs / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def _end(self, name, how):
        """End a process and all that came of it: SuperExec and the apps outlive a SuperLink or SuperNode that is killed."""
        process = self.processes.pop(name)
        if how == signal.SIGTERM:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        while found := self._offspring(name):
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.05)
        process.wait(5)

    def _offspring(self, name):
        """Numbers of the running processes that carry the mark which this one was started with, children of children too."""
        import psutil

        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == f"{self.mark}:{name}" and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    def _register(self):
        server = self.folder / "server"
        known = {}
        for name in self.nodes:
            said = self._flwr("supernode", "register", server / "nodes" / f"{name}.pub", "here", "--format", "json")
            known[str(_json(said)["node-id"])] = int(name.removeprefix("node-"))
        (server / "nodes.json").write_text(json.dumps(known), encoding="utf-8")

    def _last_words(self):
        """What the server's app printed, which the SuperLink keeps, or else what the SuperLink did."""
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            said = self._flwr("log", self.run, "here", "--show")
            (self.logs / "error.log").write_text(said, encoding="utf-8")
            return _tail(self.logs / "error.log")
        return _tail(self.logs / "server.log")

    def _flwr(self, *arguments):
        home = self.folder / "server" / "flower"
        done = subprocess.run(
            [_tool("flwr"), *map(str, arguments)], cwd=home, env=_environment(home), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=START,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"flwr {arguments[0]} failed: {(done.stdout + done.stderr).strip()[-2000:]}")
        return done.stdout


def need_flower():
    """Raise a RuntimeError that says what to install where Flower is missing."""
    if importlib.util.find_spec("flwr") is None or not pathlib.Path(_tool("flower-superlink")).exists():
        raise RuntimeError(f"this needs Flower, which is not installed: {INSTALL}")


class _Lines:
    """The lines that a file gets from now on."""

    def __init__(self, path, tell):
        self.path, self.tell = path, tell
        self.place = path.stat().st_size if path.exists() else 0

    def read(self):
        if self.tell is None or not self.path.exists():
            return
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.place)
            for line in iter(file.readline, ""):
                self.tell(line.rstrip("\n"))
            self.place = file.tell()


def _environment(home):
    """What the processes inherit: no telemetry, no look-up of newer versions, one thread each, the package's place.

    A notebook's kernel asks its children for colours, and then what `flwr` prints as JSON is none.
    """
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
    packages = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH", "")]))
    coloured = {"FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"}
    return {name: value for name, value in os.environ.items() if name not in coloured} | {
        "PATH": path,
        "PYTHONPATH": packages,
        "PYTHONUNBUFFERED": "1",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }


def _tool(name):
    """A command of the same installation as this Python."""
    beside = pathlib.Path(sys.executable).parent / name
    return str(beside if beside.exists() else shutil.which(name) or beside)


def _json(said):
    """The JSON in what a `flwr` command printed."""
    return json.loads(said[said.index("{") : said.rindex("}") + 1])


def _free_port():
    with socket.socket() as probe:
        probe.bind((keys.HOST, 0))
        return probe.getsockname()[1]


def _listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((keys.HOST, port)) == 0


def _until(ready, what, process, log):
    end = time.monotonic() + START
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what} has not started; {_tail(log)}")
        time.sleep(0.1)


def _alive(path):
    """Whether the process whose number is in the file runs; one that has ended and waits to be asked how does not."""
    import psutil

    try:
        return psutil.Process(int(path.read_text(encoding="utf-8"))).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except ValueError:  # being written
        return True


def _tail(log):
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return f"the end of {log.name}:\n{text[-2000:]}"

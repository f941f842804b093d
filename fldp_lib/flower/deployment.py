"""Starting a federation's processes, watching them, and ending every one of them. Linux and macOS."""

import contextlib
import json
import pathlib
import re
import secrets
import shutil
import signal
import tempfile
import time

from ..training._bar import Bar
from . import agreement, bundle, hub, keys, processes
from .processes import INSTALL, MARK, PACKAGE, START, need_flower

PROJECT = bundle.PROJECT
__all__ = ["INSTALL", "MARK", "PACKAGE", "PROJECT", "Deployment", "need_flower"]


class Deployment:
    """A federation's processes on this machine: one SuperLink with the server, and a SuperNode for each node.

    All speak TLS on 127.0.0.1, and the SuperLink lets in those nodes whose public keys it knows; its control interface
    answers nobody (see `guarded`). A node's own process sees its own folder; the server's checkpoint is on disk, so that a
    server which was killed goes on where it was, and messages are in memory only. The processes end when this one does.

    Use it as a context manager: leaving it ends every process. One at a time: a second one of the same folder is refused.

    Args:
        folder: what `prepare` wrote.
        simulated: whether the nodes are Flower's simulation inside the server's process, without keys.

    Attributes:
        processes: running `subprocess.Popen`s by name: "server", "node-0", ….
        executors: the SuperExecs that belong to them, by the same names.
        host, port: where the SuperLink listens.
        logs: folder of the processes' logs, and of `rounds.log`, the server's line for each round.

    Raises:
        ValueError: not a folder that `prepare` wrote.
        RuntimeError: Flower is missing; the folder is being deployed; a process that does not start.

    Derived in: notebook 17.
    """

    def __init__(self, folder, simulated=False):
        need_flower()
        self.folder, self.simulated = pathlib.Path(folder).resolve(), simulated
        self.agreed = agreement.read(self.folder / "server")
        self.logs, self.processes, self.executors = self.folder / "logs", {}, {}
        self.host, self.port, self.mark = keys.HOST, processes.free_port(), secrets.token_hex(8)
        self.lock, self.aside = None, None
        self.nodes = [] if simulated else sorted(path.name for path in self.folder.glob("node-*"))

    def __enter__(self):
        self.lock = processes.Lock(self.folder)
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
        """Start the SuperLink, which registers the nodes' public keys; nodes that run start anew, to get to know it."""
        server, others = self.folder / "server", {}
        running = [name for name in self.nodes if name in self.processes and self.processes[name].poll() is None]
        for name in running:
            self.kill(name)
        (server / "nodes.json").unlink(missing_ok=True)
        if self.simulated:  # Ray would let in who reaches its port, and write to a folder that all can read
            self.aside = self.aside or tempfile.mkdtemp(prefix="fldp-")  # 0700; a short path, which Ray needs
            others = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_TMPDIR": self.aside}
        own = ["--simulation"] if self.simulated else ["--enable-supernode-auth"]
        self._start("server", "superlink", (self.host, self.port), [
            *own, "--host", self.host, "--port", self.port, "--disable-runtime-dependency-installation",
            "--ssl-ca-certfile", server / "ca.pem", "--ssl-certfile", server / "server.pem",
            "--ssl-keyfile", server / "server.key",
        ], server / "ca.pem", "the SuperLink", **others)  # fmt: skip
        for name in running:
            self.start_node(name)

    def start_node(self, name, key=None):
        """Start one node's SuperNode; `key` is the path of another private key than its own, to see it refused."""
        home, port = self.folder / name, processes.free_port()
        self._start(name, "supernode", (keys.HOST, port), [
            "--root-certificates", home / "ca.pem", "--superlink", f"{self.host}:{self.port}",
            "--auth-supernode-private-key", key or home / "key", "--trusted-entities", home / bundle.TRUSTED,
            "--host", keys.HOST, "--port", port, "--ssl-ca-certfile", home / "own" / "ca.pem",
            "--ssl-certfile", home / "own" / "server.pem", "--ssl-keyfile", home / "own" / "server.key",
            "--node-config", f"folder={json.dumps(str(home))}",
        ], home / "own" / "ca.pem")  # fmt: skip

    def submit(self):
        """Have the SuperLink run the server's app, which goes on from its checkpoint if there is one."""
        for name in ("ended", "pid"):
            (self.folder / "server" / name).unlink(missing_ok=True)
        given = {"folder": str(self.folder), "simulation": self.simulated}
        count = sum(1 for _ in self.folder.glob("node-*")) if self.simulated else 0
        app = {"app": bundle.FILE, "signed": bundle.SIGNED, "name": bundle.NAME}
        self.say({"config": given, "simulated": count, **app})

    def say(self, what):
        """Send the SuperLink a line on its standard input, as JSON."""
        self.processes["server"].stdin.write((json.dumps(what) + "\n").encode())
        self.processes["server"].stdin.flush()

    def wait(self, timeout=None, tell=None):
        """Wait for the run's end and return its `History`; a bar shows the rounds once two seconds have passed.

        An interruption (Ctrl-C) is a KeyboardInterrupt whose `history` has the rounds begun by then; the run itself goes on
        until its processes end.

        Args:
            timeout: seconds; None waits as long as it takes.
            tell: called with each line of `rounds.log` from now on.

        Raises:
            RuntimeError: the server's app ended with an error, or without a word.
            TimeoutError: the time is over.
        """
        server, plan = self.folder / "server", self.agreed.plan
        with contextlib.closing(Bar(plan.rounds)) as bar:

            def told(line):
                if done := re.match(r"round (\d+)/", line):
                    bar.step(int(done[1]) - bar.done)
                if tell is not None:
                    tell(line)

            try:
                self._ended(server, timeout, processes.Lines(self.logs / "rounds.log", told))
            except KeyboardInterrupt as stop:
                with contextlib.suppress(ValueError):  # no round has begun
                    stop.history = hub.history(server)
                    stop.add_note(
                        f"{stop.history.rounds} of {plan.rounds} rounds have begun: sys.last_value.history holds them"
                    )
                raise
        return hub.history(server)

    def _ended(self, server, timeout, lines):
        start = time.monotonic()
        while not (server / "ended").exists():
            lines.read()
            waited = time.monotonic() - start
            if timeout is not None and waited > timeout:
                raise TimeoutError(f"the run has not ended within {timeout:g} seconds; see {str(self.logs)!r}")
            dead = self.processes["server"].poll() is not None or hub.stopped(server)
            if (dead or (waited > START and not (server / "pid").exists())) and not (server / "ended").exists():
                raise RuntimeError(f"the server's app has died; {processes.tail(self.logs / 'server.log')}")
            time.sleep(0.1)
        lines.read()
        error = (server / "ended").read_text(encoding="utf-8")
        if error:
            raise RuntimeError(f"the server's app ended with an error: {error}")

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
        if self.aside is not None:
            shutil.rmtree(self.aside, ignore_errors=True)
        if self.lock is not None:
            self.lock.release()
            self.lock = None

    def _start(self, name, role, address, arguments, authority, what=None, **others):
        """Start a SuperLink or SuperNode, and the SuperExec that starts its apps; they share a secret made here."""
        folder, (host, port) = self.folder / name, address
        home = processes.private(folder / "flower")
        processes.private(home / "tmp", empty=True)
        keys.secret(home / "secret", secrets.token_bytes(32))
        log, mark = self.logs / f"{name}.log", f"{self.mark}:{name}"
        shared = ["--superexec-auth-secret-file", home / "secret"]
        isolated = [*arguments, "--isolation", "process", *shared]
        self.processes[name] = processes.start(role, folder, isolated, home, log, mark, **others)
        if what is not None:
            processes.until(lambda: processes.listens(port, host), what, self.processes[name], log)
        shared += ["--runtime-api-address", f"{host}:{port}", "--root-certificates", authority]
        self.executors[name] = processes.start("superexec", folder, shared, home, log, mark, **others)

    def _end(self, name, how):
        found = [self.executors[name], self.processes[name]] if name in self.executors else [self.processes[name]]
        processes.end(found, f"{self.mark}:{name}", how)

    def _offspring(self, name):
        return processes.offspring(f"{self.mark}:{name}")

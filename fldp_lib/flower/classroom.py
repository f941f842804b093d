"""A classroom federation: each learner's notebook is a client, the instructor's is the server with a board that all see.

    room = classroom.open(plan, "fldp_lib.training.models:Linear", (2, 1), federation, seats=5)      # the instructor
    seat = classroom.join("127.0.0.1:9443", "ABCD-EFGH-…")                                           # each learner
    room.start()

The room is a deployment as in notebook 17: Flower's SuperLink over TLS, which knows each node by a key of its own. A class
code brings the keys: it pins the server's certificate and carries a secret that lets one in while seats are left. A
learner's notebook starts no process: its node is a thread that answers Flower's messages by the same code as a node's.

**Who is trusted.** With noise at the server the instructor, who sees every update, clips it and adds the noise; the board
shows only what is released. With noise at the client nobody but the learner. Where the room deals the data it has them
anyway; a learner who brings data (`join(…, data=(x, y))`) sends none of them, only their number.

**What the code is worth.** Whoever has it and is early gets a seat, and sends what he likes for that seat's clients: clipped
where the noise is at the server, believed within that. Ten wrong codes shut the door until `renew`; a room that has begun
lets nobody new in. Everybody in it is told the plan, the number of clients, and how many records the largest one has.
What a learner's kernel runs is the package installed there: the room names a model of the course and a plan in words, and
sends no code.

**Who comes back.** A seat's key stays in its user's own state folder (`kept`) until the seat is left, so that `join` from a
restarted kernel takes up the same seat, also in a room that has begun. The server lets a key in once at a time.
"""

import pathlib
import shutil
import tempfile
import threading

from .. import checks
from ..training.plan import Plan
from . import agreement, board, codes, folders, hub, keys, processes
from .deployment import Deployment
from .roll import Roll
from .seat import Seat

DAYS = 2  # for which a room's certificate holds

__all__ = ["Room", "Seat", "join", "open"]


def join(address, code, data=None, *, name=None, plan=None, model=None):
    """Take a seat in a room and answer its rounds from this notebook, in the background.

    Where an earlier kernel of this user had a seat in the room and ended, that seat is taken up again, in a room that has
    begun or made a new code too. It answers from the next round on, and no round twice.

    Args:
        address: the room's, HOST:PORT.
        code: the class code; case, spaces and hyphens do not matter.
        data: own records, a pair of x (records × features, the room's features in the room's units) and y (records,); None
            takes a share of the room's data. A seat that is taken up again keeps its records: None, or the same ones.
        name: what the board calls this seat; None takes the seat's number. Whose seat is taken up again, where this user
            has several.
        plan: the `Plan` that this learner agrees to, compared with the room's; None takes the room's, which is shown.
        model: "module:function" that the room may have called here beside the course's own models.

    Returns:
        A `Seat`; `seat.leave()` gives it up. The end of the kernel only ends the answers.

    Raises:
        TypeError, ValueError: an argument out of range; the room refuses: a wrong code, no seat left, a run that has begun;
            another plan, a model that was not agreed to; a name whose seat a running kernel has, or another one than that of
            a seat which is kept; other data than such a seat began with.
        ConnectionError: nobody answers at the address, or another server than the code's; another kernel is in with the
            seat's key.
        RuntimeError: Flower is missing.

    Derived in: notebook 17.
    """
    seat = Seat(address, code, data, name, plan, model)
    seat.show()
    return seat


def open(plan, build, sizes, federation, seats=5, *, address="127.0.0.1:0", folder=None, timeout=10.0, repeatable=False):
    """Open a room: start its server, which lets in who has the class code.

    Args:
        plan: a `Plan`, with `seed=None` unless `repeatable`.
        build, sizes: the model, as in `prepare`; a "fldp_lib.training.models:…" needs no consent of the learners'.
        federation: a `data.Federation`, dealt out to the seats in order. Learners can bring their own data where it has as
            many clients as seats: at most as many records as its largest client has.
        seats: how many learners the room holds, from 1 to the number of clients.
        address: HOST:PORT by which the learners' machines reach this one; port 0 takes a free one.
        folder: a new folder for the room's files, which only this user can read; None takes one that goes with the room.
        timeout: seconds after which a learner who has not answered is absent in a round, positive.
        repeatable: whether the plan may have a seed: everybody in the room can then subtract the noise, for tests.

    Returns:
        A `Room`.

    Raises:
        TypeError, ValueError: an argument out of range, what `prepare` refuses, or a seed.
        RuntimeError: Flower is missing, or its SuperLink does not start, as where the address is not this machine's.

    Derived in: notebook 17.
    """
    return Room(plan, build, sizes, federation, seats, address, folder, timeout, repeatable)


class Room:
    """The instructor's side of a classroom; `open` makes one. Use it as a context manager, or close it.

    Attributes:
        address, code: what learners type.
        plan: the `Plan`.
        seats: how many learners the room holds.
        folder: of the room's files; `folder / "logs"` has the processes' logs.
    """

    def __init__(self, plan, build, sizes, federation, seats, address, folder, timeout, repeatable):
        processes.need_flower()
        host, port = codes.place(address)
        checks.flag("repeatable", repeatable), checks.kind("plan", plan, Plan, "a Plan")
        if plan.seed is not None and not repeatable:
            raise ValueError(
                f"seed must be None in a classroom, got {plan.seed}: every learner gets the plan, and could subtract the "
                "noise; repeatable=True takes it all the same, for tests"
            )
        self._temporary = folder is None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fldp-room-") if folder is None else folder).resolve()
        self._deployment = self._handle = None
        self._shut = threading.Event()
        try:
            folders.prepare(
                self.folder, plan, build, sizes, federation, checks.whole("seats", seats, at_least=1), timeout=timeout,
                repeatable=repeatable,
            )  # fmt: skip
            self.plan, self.seats, server = plan, seats, self.folder / "server"
            self._own = federation.clients == seats
            self._bare(server, host)
            self.code, digest = codes.make((server / "server.pem").read_text(encoding="utf-8"))
            self._roll = Roll(self.folder, agreement.read(server), digest, self._own)
            self._deployment = Deployment(self.folder)
            self._deployment.nodes, self._deployment.host = [], host
            self._deployment.port = port or processes.free_port(host)
            self.address = f"{host}:{self._deployment.port}"
            self._deployment.lock = processes.Lock(self.folder)
            self._deployment.start_server()
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        return f"room at {self.address}, code {self.code}: {board._plain(board.sentence(self.state()))}"

    def state(self):
        """Return what the board shows, as a dict: who is there, and what each round released."""
        return {"address": self.address, "closed": self._shut.is_set(), **self._roll.read()}

    def show(self):
        """Show the address, the code and the board, which follows the run."""
        print(f"address {self.address}\ncode    {self.code}")
        self._handle = board.shown(board.room(self.state()))

    def renew(self):
        """Make a new class code in place of the old one, and count wrong ones anew; seats that are taken stay."""
        self.code, digest = codes.make((self.folder / "server" / "server.pem").read_text(encoding="utf-8"))
        self._deployment.say({"digest": digest})

    def start(self):
        """Begin the run: nobody new is let in any more, and seats left empty are absent in every round.

        A run that stopped, as where nobody answered a round, goes on from there. That round is asked for again where the
        noise is at the server, and is lost and paid for where it is at the clients: their reports may be out.

        Raises:
            RuntimeError: nobody is here, or the run goes on or has ended.
        """
        state = self.state()
        if state["begun"] and not state["stopped"]:
            raise RuntimeError("the room has begun")
        if not state["taken"]:
            raise RuntimeError("the room is empty; nobody has joined")
        if not state["begun"]:
            self._roll.settle()
        self._deployment.submit()

    def wait(self, timeout=None, tell=None):
        """Wait for the run's end and return its `History`; arguments and errors as in `Deployment.wait`."""
        return self._deployment.wait(timeout, tell)

    def history(self):
        """Return the `History` of what the run has done so far.

        Raises:
            ValueError: no round has begun.
        """
        return hub.history(self.folder / "server")

    def close(self):
        """End the room and every process of it; learners' seats end when they notice. A temporary folder is deleted."""
        self._shut.set()
        if self._deployment is not None:
            self._draw()
            self._deployment.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _bare(self, server, host):
        """A certificate for the host, and none of the nodes' secrets: each node makes its own key when it takes its seat."""
        keys.certificate(server, DAYS, (host, keys.HOST))
        for path in [*(server / "nodes").iterdir(), *self.folder.glob("node-*/key"), *self.folder.glob("node-*/*.pem")]:
            path.unlink()
        for path in self.folder.glob("node-*/own"):
            shutil.rmtree(path)

    def _watch(self):
        while not self._shut.wait(0.4):
            if self._handle is not None and self._roll.changed():
                self._draw()

    def _draw(self):
        if self._handle is not None:
            board.again(self._handle, board.room(self.state()))

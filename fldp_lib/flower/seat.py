"""A learner's seat in a classroom: the client that answers for one learner's records, in a thread of the notebook."""

import atexit
import base64
import pathlib
import shutil
import tempfile
import threading

import numpy as np
import torch

from .. import checks, data
from ..training import _terms as terms
from ..training.plan import Plan
from . import agreement, board, codes, enrolment, folders, keys, processes

MODELS = ("fldp_lib.training.models", "fldp_lib.training.text_models")  # what a room may name without being asked for


class Seat:
    """A place in a room, and the client that answers from it; `classroom.join` makes one.

    The private key is in memory only. What a node keeps on disk, the plan, the records and the count of its answers, lies
    in a new folder that only this user can enter, and goes with the seat.

    Attributes:
        number, name: of the seat, from 0, and what the room calls it.
        agreed: the `agreement.Agreement`, the plan among it.
        records: number of records.
        rounds: rounds answered, one dict each: round, seconds, numbers (what was sent), norm (of the update).
        refused: what was asked and refused, with the reasons.
        ended: why the seat was left, "" while it is taken.
    """

    def __init__(self, address, code, records, name, plan, model):
        processes.need_flower()
        if name is not None:
            checks.text("name", name, some=True)
        if plan is not None:
            checks.kind("plan", plan, Plan, "a Plan, or None")
        from . import fleet

        codes.place(address), codes.read(code)
        key, brought = fleet.Key(), {} if records is None else {"records": len(_pair(records)[0])}
        self.address, self.rounds, self.refused, self.ended = address, [], [], ""
        self._handle, self._gone, self._line, self._lock = None, threading.Event(), None, threading.Lock()
        self.folder = processes.private(pathlib.Path(tempfile.mkdtemp(prefix="fldp-seat-")))
        try:
            offered = codes.ask(address, code, enrolment.PATH)
            self._read(offered, records, plan, model)
            given = codes.ask(address, code, enrolment.PATH, public=key.text, name=name, **brought)
            if given["agreement"] != offered["agreement"]:
                raise ValueError("plan must be the same from question to question; the room has changed it")
            self.number, self.name = given["seat"], given["name"]
            self._keep(given["share"], records)
            self._line = fleet.Line(address, given["authority"], key, self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        atexit.register(self.leave)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def leave(self):
        """Stop answering, tell the room so, and delete what lies on disk; the rounds answered stay paid for."""
        self._gone.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        atexit.unregister(self.leave)

    def show(self):
        """Show what the seat sends, and what it never sends; the picture follows the rounds."""
        self._handle = board.shown(self.page())

    def page(self):
        """Return the same as HTML."""
        return board.seat(self)

    def __repr__(self):
        state = self.ended or "taken"
        return f"seat {self.number + 1} ({self.name}) at {self.address}: {len(self.rounds)} rounds answered, {state}"

    def _read(self, offered, records, plan, model):
        """Take over what the room has agreed on, if this learner would."""
        keys.secret(self.folder / agreement.FILE, offered["agreement"].encode())
        self.agreed = agreement.read(self.folder)
        if plan is not None and plan != self.agreed.plan:
            raise ValueError(f"plan must be the room's; there it is {self.agreed.plan}")
        build = self.agreed.build
        if build != model and build.partition(":")[0] not in MODELS:
            raise ValueError(
                f"model must be {build!r} to let the room have that function called here; without `model`, a room may name "
                "models of the course only"
            )
        self.model = self.agreed.model()
        if records is not None:
            if not offered["own"]:
                raise ValueError("data must be None in this room: a seat there is for the records of several clients")
            x, y = _pair(records)
            mask = torch.ones(1, len(x), dtype=torch.bool)
            kept = data.Federation(x.unsqueeze(0), y.unsqueeze(0), mask, x, y, self.agreed.task)
            terms.check_fit(self.model, kept, self.agreed.plan.loss)

    def _keep(self, share, records):
        """Write the seat's records to its folder, its own or its share of the room's."""
        if records is None:
            keys.secret(self.folder / "shard.npz", base64.b64decode(share))
        else:
            (x, y), width = _pair(records), max(self.agreed.samples, len(records[0]))
            held = {"x": x.new_zeros(1, width, x.shape[1]), "y": y.new_zeros(1, width)}
            held["mask"] = torch.zeros(1, width, dtype=torch.bool)
            for name, part in (("x", x), ("y", y), ("mask", torch.ones(len(x), dtype=torch.bool))):
                held[name][0, : len(x)] = part
            arrays = {name: part.numpy() for name, part in held.items()}
            folders.save(self.folder / "shard.npz", np.savez, clients=np.array([self.number]), **arrays)
        self.shard = agreement.arrays(self.folder / "shard.npz")
        self.records = int(self.shard["mask"].sum())

    def _follow(self):
        try:
            self.ended = self._line.follow(self._told, self._gone)
        except Exception as error:
            self.ended = f"{type(error).__name__}: {error}"
        finally:
            self._line.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._draw()

    def _told(self, request, reply, seconds):
        t = int(request.content["request"]["round"])
        if reply.has_error():
            self.refused.append({"round": t, "why": reply.error.reason})
        else:
            theta, updates = (
                record.content[name][name].numpy() for record, name in ((request, "theta"), (reply, "updates"))
            )
            self.theta, self.update = torch.from_numpy(theta.copy()), torch.from_numpy(updates.mean(0))
            norm = float(np.linalg.norm(updates, axis=1).mean())
            self.rounds.append({"round": t, "seconds": seconds, "numbers": updates.size, "norm": norm})
        self._draw()

    def _draw(self):
        if self._handle is not None:
            board.again(self._handle, self.page())


def _pair(records):
    """Own data as (x (records × features), y (records,)), floats and the task's targets."""
    if not isinstance(records, (tuple, list)) or len(records) != 2:
        raise TypeError(f"data must be None or a pair (x, y) of records, got {checks.shown(records)}")
    x, y = (torch.as_tensor(part) for part in records)
    if x.ndim != 2 or y.shape != x.shape[:1] or not len(x):
        raise ValueError(f"data must be x (records × features) and y (records,), got {tuple(x.shape)} and {tuple(y.shape)}")
    return checks.finite("data", x.float()), y if not y.is_floating_point() else y.float()

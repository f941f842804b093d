"""A learner's seat in a classroom: the client that answers for one learner's records, in a thread of the notebook."""

import atexit
import base64
import threading

import numpy as np
import torch

from .. import checks, data
from ..training import _terms as terms
from ..training.plan import Plan
from . import agreement, board, codes, enrolment, folders, kept, keys, processes

MODELS = ("fldp_lib.training.models", "fldp_lib.training.text_models")  # what a room may name without being asked for


class Seat:
    """A place in a room, and the client that answers from it; `classroom.join` makes one.

    What a node keeps on disk, its private key, the plan, the records and the count of its answers, lies in a folder that
    only this user can enter (see `kept`). It goes when the seat is left; if the kernel ends before, the next one of this
    user takes the seat up again from it.

    Attributes:
        number, name: of the seat, from 0, and what the room calls it.
        again: whether an earlier kernel had the seat.
        agreed: the `agreement.Agreement`, the plan among it.
        records: number of records.
        rounds: rounds answered by this kernel, one dict each: round, seconds, numbers (what was sent), norm (of the update).
        refused: what was asked and refused, with the reasons.
        ended: why the seat was left, "" while it is taken.
    """

    def __init__(self, address, code, records, name, plan, model):
        processes.need_flower()
        if name is not None:
            checks.text("name", name, some=True)
        if plan is not None:
            checks.kind("plan", plan, Plan, "a Plan, or None")
        records = None if records is None else _pair(records)
        codes.place(address)
        room, _ = codes.read(code)
        self.address, self.rounds, self.refused, self.ended = address, [], [], ""
        self._handle, self._gone, self._line, self._over = None, threading.Event(), None, False
        self._kept = kept.take(room, name)
        self.folder, self.again = self._kept.folder, bool(self._kept.said)
        try:
            given = (self._return if self.again else self._enter)(address, code, records, name, plan, model)
            self.number, self.name, self._line = given["number"], given["names"][0], self._dial(address)
        except BaseException:
            self._kept.release(forget=not self._kept.said)
            raise
        atexit.register(self._rest)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def leave(self):
        """Stop answering for good, tell the room so, and delete what lies on disk; the rounds answered stay paid for."""
        self._over = True
        self._rest()
        self._kept.release(forget=True)
        atexit.unregister(self._rest)

    def _rest(self):
        """Stop answering and tell the room so; unless it was left or all is over, the seat is kept for the next kernel."""
        self._gone.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def show(self):
        """Show what the seat sends, and what it never sends; the picture follows the rounds."""
        self._handle = board.shown(self.page())

    def page(self):
        """Return the same as HTML."""
        return board.seat(self)

    def __repr__(self):
        state = self.ended or "taken"
        return f"seat {self.number + 1} ({self.name}) at {self.address}: {len(self.rounds)} rounds answered, {state}"

    def _enter(self, address, code, records, name, plan, model):
        """Take a new seat, and keep what a later kernel needs to take it up again; return the same."""
        from . import fleet

        offered = codes.ask(address, code, enrolment.PATH)
        keys.secret(self.folder / agreement.FILE, offered["agreement"].encode())
        self._agree(plan, model)
        if records is not None:
            self._check(records, offered["own"])
        key, brought = fleet.Key(), {} if records is None else {"own": True}
        if records is not None and offered["most"] is not None:  # else their number stays here too
            brought["records"] = len(records[0])
        given = codes.ask(address, code, enrolment.PATH, public=key.text, name=name, **brought)
        if given["agreement"] != offered["agreement"]:
            raise ValueError("plan must be the same from question to question; the room has changed it")
        keys.secret(self.folder / "key", key.pem())
        keys.secret(self.folder / "ca.pem", given["authority"].encode())
        self._hold(given["seat"], given["share"], records)
        names = [given["name"]] + ([name] if name and name != given["name"] else [])
        self._kept.write(number=given["seat"], names=names, own=records is not None)
        return self._kept.said

    def _return(self, address, code, records, name, plan, model):
        """Take up the seat that is kept; the records stay those that it began with."""
        said = self._kept.said
        self._agree(plan, model)
        self._read()
        if records is not None:
            held = [self.shard[part][self.shard["mask"]] for part in ("x", "y")]
            if not said["own"] or not all(
                torch.equal(one.to(other), other) for one, other in zip(records, held, strict=True)
            ):
                raise ValueError(
                    f"data must be None, or the {self.records} records that the seat of {said['names'][0]!r} began with: it "
                    "is taken up again, and its records are kept"
                )
        self._kept.write(**said)
        return said

    def _dial(self, address):
        from . import fleet

        key, authority = (self.folder / name for name in ("key", "ca.pem"))
        return fleet.Line(
            address, authority.read_text(encoding="utf-8"), fleet.Key(key.read_bytes()), self.folder, self.again
        )

    def _agree(self, plan, model):
        """Read what the room has agreed on, if this learner would."""
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

    def _check(self, records, own):
        """Refuse records that do not fit the room."""
        if not own:
            raise ValueError("data must be None in this room: a seat there is for the records of several clients")
        x, y = records
        mask = torch.ones(1, len(x), dtype=torch.bool)
        brought = data.Federation(x.unsqueeze(0), y.unsqueeze(0), mask, x, y, self.agreed.task)
        terms.check_fit(self.model, brought, self.agreed.plan.loss)

    def _hold(self, number, share, records):
        """Write the seat's records to its folder, its own or its share of the room's."""
        if records is None:
            keys.secret(self.folder / "shard.npz", base64.b64decode(share))
        else:
            (x, y), width = records, max(self.agreed.samples, len(records[0]))
            held = {"x": x.new_zeros(1, width, x.shape[1]), "y": y.new_zeros(1, width)}
            held["mask"] = torch.zeros(1, width, dtype=torch.bool)
            for name, part in (("x", x), ("y", y), ("mask", torch.ones(len(x), dtype=torch.bool))):
                held[name][0, : len(x)] = part
            arrays = {name: part.numpy() for name, part in held.items()}
            folders.save(self.folder / "shard.npz", np.savez, clients=np.array([number]), **arrays)
        self._read()

    def _read(self):
        self.shard = agreement.arrays(self.folder / "shard.npz")
        self.records = int(self.shard["mask"].sum())

    def _follow(self):
        try:
            self.ended = self._line.follow(self._told, self._gone)
        except Exception as error:
            self.ended = f"{type(error).__name__}: {error}"
        finally:
            self._line.close()
            self._kept.release(forget=self._over)
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
            self._over = self._over or t == self.agreed.plan.rounds
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

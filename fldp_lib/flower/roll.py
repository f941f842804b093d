"""A room's roll, from the files that the server writes: who has which seat, and what each round has released."""

import json

import numpy as np

from . import agreement, enrolment, folders, hub, keys


class Roll:
    """What the instructor's notebook knows of the room.

    Args:
        folder: `pathlib.Path` of the room, prepared.
        agreed: the `agreement.Agreement`.
        digest: of the code's secret; with it the rules of enrolment are written.
        own: whether learners may bring their own data.
    """

    def __init__(self, folder, agreed, digest, own):
        self.server, self.agreed = folder / "server", agreed
        self.seats = len(list(folder.glob("node-*")))
        public, plan = agreement.arrays(self.server / "public.npz"), agreed.plan
        self.fixed = {
            "seats": self.seats, "plan": plan, "task": agreed.task, "model": agreed.model(), **public,
            "planned": [plan.epsilon(t) for t in range(1, plan.rounds + 1)] if plan.private else [],
            "epsilon": plan.epsilon() if plan.private else None,
            "drawn": plan.private and plan.sampler == "poisson" and plan.sampling_rate < 1,
        }  # fmt: skip
        self._last = None
        most = None if agreed.local and plan.seed is None else agreed.samples  # None: the server is told no number
        rules = {"digest": digest, "seats": self.seats, "own": own, "most": most}
        keys.secret(self.server / enrolment.RULES, json.dumps(rules).encode())

    def read(self):
        """Return all of it as a dict; see `board`. Where ε counts on a secret draw of clients, who answered is not in it."""
        roster = {"taken": [], "wrong": 0, "begun": False, "shut": False}
        path = self.server / enrolment.ROSTER
        if path.exists():
            roster = json.loads(path.read_text(encoding="utf-8"))
        names = [f"seat {k + 1}" for k in range(self.seats)]
        for seat in roster["taken"]:
            names[seat["seat"]] = seat["name"]
        return roster | self.fixed | {"names": names, "seen": self._seen(), "stopped": hub.stopped(self.server)}

    def changed(self):
        """Whether something has changed since the last time."""
        paths = [self.server / name for name in (enrolment.ROSTER, hub.SEEN)]
        now = [path.stat().st_mtime_ns for path in paths if path.exists()], hub.stopped(self.server)
        before, self._last = self._last, now
        return now != before

    def settle(self):
        """Write down how many records each client has, now that everybody is there who brings some."""
        brought = {seat["seat"]: seat["records"] for seat in self.read()["taken"] if seat["own"]}
        path = self.server / "clients.npz"
        held = {name: part.numpy() for name, part in agreement.arrays(path).items()}
        if brought and "sizes" in held:
            for seat, records in brought.items():
                held["sizes"][held["node"] == seat] = records
            folders.save(path, np.savez, **held)

    def _seen(self):
        """The rounds, each once, in order; a line that is being written is left for the next time."""
        path, rounds = self.server / hub.SEEN, {}
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []:
            if line.endswith("\n"):
                said = json.loads(line)
                if self.fixed["drawn"]:  # ε counts on nobody's knowing who was in a round, and how many were
                    del said["asked"], said["answered"]
                rounds[said["round"]] = said
        return [rounds[t] for t in sorted(rounds)]

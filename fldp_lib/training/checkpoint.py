"""A run's state on disk, so that a run that was killed goes on with the budget it has spent, never with a new one.

    history = train(model, federation, plan, checkpoint="~/runs/first")  # again after a crash: goes on

The state is written after every round, before anything of the new parameters leaves the process. It is two files, the
one that is named and `….rounds` (see `_journal`), with `….lock` beside them while a run holds them: a second run on the
same path, in this process or another, is refused. A file that was cut, changed or damaged, or is another run's, is refused.

What a crash costs follows from what had left. With noise at the server nothing of an unfinished round was released: it is
repeated and counts once. A client's own report, noisy as it is, has left the client before the server can use it: where
clients are other processes, the beginning of such a round is written down first, and a run that finds a round begun and
not finished counts it as lost: paid for, and empty.

What this does not protect. The state holds the streams that the next rounds' noise is drawn from: whoever reads it can
subtract that noise, so the files are their owner's alone (mode 0600), and copies are as secret. Whoever puts back an older
copy of both files, or runs two copies in two places, spends the later rounds twice, and no file can tell. What an
aggregator, a loss or a callback remembers from round to round is not in it.
"""

import math
import secrets

import torch

from .. import checks


def about(model, federation, plan, workers=None):
    """Return what a run is, as text by name: two runs that say the same may share a checkpoint.

    Args:
        model: an `nn.Module`; with which parameters the run starts, `Checkpoint.resume` is told.
        federation: a `Federation`.
        plan: a `Plan`; its `text()` says all its terms, of which `rounds` may grow, but for correlated noise.
        workers: as in `server.train`.

    Raises:
        ValueError: a part of the plan has no text that is the same in every process.
    """
    from . import _fingerprint

    fed = federation
    said = {name: text for name, text in plan.text().items() if name != "rounds" or plan.correlated}
    said["workers"] = "none" if workers is None else "some"
    said["model"] = _fingerprint.model_text(model)
    said["clients"], said["task"] = str(fed.clients), fed.task
    said["data"] = _fingerprint.digest([fed.x, fed.y, fed.mask, fed.x_test, fed.y_test])
    return said


def begun(path):
    """Return how many rounds the run at a path has begun, 0 where there is none; the run may be going on.

    Raises:
        ValueError: there is something, and it is no checkpoint.
    """
    from . import _journal, _lock

    head = _journal.read_head(_lock.place(path))
    return 0 if head is None else checks.whole("begun", head["state"].get("begun"), at_least=0)


def copy(path, folder):
    """Copy a checkpoint, of a run that may be going on, to be read and never trained on; return the copy's path.

    Args:
        path: of the checkpoint.
        folder: an existing one, for the copy's two files, their owner's alone.

    Raises:
        ValueError: there is no checkpoint at the path.
    """
    from . import _journal, _lock

    path = _lock.place(path)
    return _journal.copy(path, _lock.place(folder) / path.name)


class Checkpoint:
    """One run's files, and the parts of the run that they hold. The lock is taken here and given back by `close`.

    Args:
        path: of the file; ~ is expanded, its folder made if need be; None writes and finds nothing.
        plan: of the run, from `about`; None where there is no path.
        history: the run's `History`; records that it has already are an earlier run's, and not part of this file.
        generators: the run's streams.
        clipping, channel: an `adaptive.Clipping`, a `compression.Channel`.
        leaves: whether private reports leave the clients' processes before the round ends.
        server, local: the algorithms' states, tensors by name, or None; kept up to date by the round loop in `server` and
            `local` (in which is what clients remember of their own records).

    Raises:
        TypeError, ValueError: a path that cannot be used, or that another run holds.
    """

    def __init__(self, path, plan, history, generators, clipping, channel, leaves, server=None, local=None):
        self.plan, self.history, self.leaves = dict(plan or {}), history, leaves
        self.generators, self.clipping, self.channel = list(generators), clipping, channel
        self.server, self.local = server or {}, local or {}
        self.done = self.found = 0  # rounds finished, and begun by an earlier process
        self.earlier, self.start = len(history.records), ""
        self.files = None
        if path is not None:  # what only a run with a file needs is imported by it
            from . import _journal, _lock

            self.files = _journal.Journal(_lock.place(path))

    @property
    def state(self):
        """What another run goes on from (`restore`): streams, clip or noise, remainders, the algorithms' states."""
        return {
            "generators": [generator.get_state() for generator in self.generators],
            "clip": float(self.clipping.mechanism.clip),
            "noise": getattr(self.clipping.mechanism, "state", None),
            "rest": self.channel.rest,
            "server": self.server,
            "local": self.local,
        }

    def restore(self, state):
        """Take up the `state` of a run that has ended, before `resume`.

        Raises:
            ValueError: the state is none, or of a run with other streams, parameters or parts.
        """
        self._take(state, "start must have the state of a run like this one, to go on from it")
        if self.files is not None:  # the same run, resumed, says the same
            from . import _journal

            self.start = f" after {self.earlier} rounds, in the state {_journal.frame(state, b'')[-1].hex()[:16]}"

    def resume(self, theta, rounds):
        """Put the run where the file left it; return the parameters (parameters,), those given where there is no file.

        Raises:
            ValueError: the file is of another run, has spent more than `rounds`, or is not as it was written.
        """
        if self.files is None:
            return theta
        from . import _fingerprint

        self.plan["start"] = _fingerprint.digest([theta]) + self.start
        found = self.files.load()
        if found is None:  # written at once: a place that cannot be written to shows before a round is spent
            self.history.theta = theta.cpu()
            self._write({"run": secrets.token_hex(16)}, begun=0)
            return theta
        state, entries = found
        wrong = f"checkpoint must be a file that train wrote, and what {str(self.files.path)!r} holds does not agree"
        try:
            self._fits(state["plan"], state["begun"], rounds)
            records = [entry["record"] for entry in entries if "record" in entry]
            done, spent = _counted(entries)
            if (state["done"], state["begun"]) != (done, spent):
                raise ValueError(f"{wrong}: {state['done']} rounds done, {state['begun']} begun, and {done} records")
            kept = state["theta"]
            if kept.shape != theta.shape or kept.dtype != theta.dtype or not all(isinstance(each, dict) for each in records):
                raise TypeError
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(wrong) from error
        self._take(state, wrong)
        self.history.theta = kept
        self.history.records += records
        self.done, self.found = done, spent if self.leaves else 0
        return kept.to(theta)

    def begin(self, t, cohort):
        """Begin round t; return its cohort, empty if an earlier process began the round and its reports are lost."""
        if self.lost(t):
            return cohort[:0]
        if self.files is not None and self.leaves:
            self._write({"begun": t}, begun=t)
        return cohort

    def lost(self, t):
        """Say whether an earlier process began round t and did not finish it, after reports had left the clients."""
        return t <= self.found

    def end(self, t):
        """Write the state after round t."""
        self.done = t
        if self.files is not None:
            record = self.history.records[-1]
            record = {**record, "loss": record["loss"], "score": record["score"]}  # computed when they are looked up
            self._write({"record": record}, begun=t)

    def close(self):
        """Give the lock back."""
        if self.files is not None:
            self.files.close()

    def _write(self, entry, begun):
        theta = self.history.theta
        self.files.commit(entry, {**self.state, "plan": self.plan, "done": self.done, "begun": begun, "theta": theta})

    def _take(self, state, wrong):
        """Put streams, clip, remainders and server where a state has them, once all of it is known to fit."""
        rest, parts = self.channel.rest, {part: getattr(self, part) for part in ("server", "local")}
        try:
            told, clip = state["generators"], state["clip"]
            for each in told:
                torch.Generator().set_state(each)
            if len(told) != len(self.generators) or not (isinstance(clip, float) and clip > 0) or math.isnan(clip):
                raise ValueError("streams or clip")
            if (rest is None) != (state["rest"] is None) or (rest is not None and rest.shape != state["rest"].shape):
                raise ValueError("remainders")
            if any(_shapes(state[part]) != _shapes(here) for part, here in parts.items()):
                raise ValueError("the algorithms' states")
            noised = self.clipping.restored(clip, state.get("noise"))
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{wrong}: {type(error).__name__}: {error}") from error
        for generator, each in zip(self.generators, told, strict=True):
            generator.set_state(each)
        if rest is not None:
            rest.copy_(state["rest"])
        self.clipping.mechanism = noised
        for part, here in parts.items():
            setattr(self, part, {name: each.to(here[name], copy=True) for name, each in state[part].items()})

    def _fits(self, there, spent, rounds):
        from . import _fingerprint

        name, here = str(self.files.path), self.plan
        differ = [key for key in {**here, **there} if here.get(key) != there.get(key)]
        if differ:
            pairs = [(key, *_fingerprint.apart(there.get(key), here.get(key))) for key in differ]
            told = "; ".join("{} is {} there and {} here".format(*pair) for pair in pairs)
            raise ValueError(f"checkpoint must belong to this run, and {name!r} does not: {told}")
        if checks.whole("begun", spent, at_least=0) > rounds:
            raise ValueError(f"rounds must be at least the {spent} that {name!r} has spent, got {rounds}")


def _counted(entries):
    """Rounds that entries say were done, and begun: a run begins, then each round begins, if that is written, and ends."""
    done = spent = 0
    for number, entry in enumerate(entries):
        kind = next(iter(entry)) if len(entry) == 1 else None
        if (kind == "run") != (number == 0) or (kind == "begun" and (entry["begun"] != done + 1 or spent != done)):
            raise KeyError("entries")
        if kind == "record":
            done, spent = done + 1, done + 1
        elif kind == "begun":
            spent = entry["begun"]
        elif kind != "run":
            raise KeyError("entries")
    return done, spent


def _shapes(tensors):
    return {name: tuple(each.shape) for name, each in tensors.items()}

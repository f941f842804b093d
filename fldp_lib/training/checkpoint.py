"""A run's state on disk, so that a run that was killed goes on with the budget it has spent, never with a new one.

The state is written after every round and before anything of the new parameters leaves the process, into a second file
that then takes the first one's place: a reader finds one state or the other, whole.

What a crash costs follows from what had left. With noise at the server nothing of an unfinished round was released: it is
repeated and counts once. A client's own report, noisy as it is, has left the client before the server can use it: where
clients are other processes, the beginning of such a round is written down first, and a run that finds a round begun and
not finished counts it as lost: paid for, and empty.
"""

import hashlib
import os
import pathlib
import pickle
from dataclasses import replace

import torch

FORMAT = 1


def about(model, federation, plan, workers=None):
    """Return what a run is, as text by name: two runs that say the same may share a checkpoint.

    Args:
        model: an `nn.Module` with the start's parameters.
        federation: a `Federation`.
        plan: a `Plan`.
        workers: as in `server.train`.
    """
    said = {name: text for name, text in plan.text().items() if name != "rounds"}
    said["workers"] = "none" if workers is None else "some"
    said["model"] = f"{model!r} {[(name, tuple(p.shape)) for name, p in model.named_parameters()]}"
    said["start"] = _digest(model.parameters())
    said["clients"] = str(federation.clients)
    said["data"] = _digest([federation.x, federation.y, federation.mask, federation.x_test, federation.y_test])
    return said


class Checkpoint:
    """One run's file, and the parts of the run that it holds.

    Args:
        path: of the file; None writes and finds nothing.
        plan: of the run, from `plan`.
        history: the run's `History`.
        generators: the run's streams.
        clipping: an `adaptive.Clipping`.
        channel: a `compression.Channel`.
        leaves: whether private reports leave the clients' processes before the round ends.

    Raises:
        ValueError: the file belongs to another plan, or is no checkpoint.
    """

    def __init__(self, path, plan, history, generators, clipping, channel, leaves):
        self.path = None if path is None else pathlib.Path(path)
        self.plan, self.history, self.leaves = plan, history, leaves
        self.generators, self.clipping, self.channel = list(generators), clipping, channel
        self.server_state = {}  # tensors by name, as the server's algorithm left them
        self.done = self.found = 0  # rounds finished, and begun by an earlier process

    def resume(self, theta, rounds):
        """Put the run where the file left it; return the parameters (parameters,), those given where there is no file."""
        if self.path is None:
            return theta
        state = _read(self.path) if self.path.exists() else None
        if state is None:
            self.history.theta = theta.cpu()
        else:
            self._fits(state, rounds)
            self.restore(state)
            self.history.theta = state["theta"]
            self.history.records += [
                {**record, "update_norms": record["update_norms"].numpy()} for record in state["records"]
            ]
            self.done, self.found = state["done"], state["begun"] if self.leaves else 0
        self.saved = self._state()
        return self.history.theta.to(theta)

    def restore(self, state):
        """Put streams, an adaptive clip, a compressor's remainders and the server's state where `state` has them."""
        for generator, told in zip(self.generators, state["generators"], strict=True):
            generator.set_state(told)
        if state["rest"] is not None and self.channel.rest is not None:
            self.channel.rest.copy_(state["rest"])
        if self.clipping.adaptive:
            self.clipping.mechanism = replace(self.clipping.mechanism, clip=state["clip"])
        self.server_state = {name: tensor.clone() for name, tensor in state["server"].items()}

    @property
    def state(self):
        """What `restore` takes: tensors and numbers by name."""
        return {
            "generators": [generator.get_state() for generator in self.generators],
            "clip": self.clipping.mechanism.clip,
            "rest": None if self.channel.rest is None else self.channel.rest.clone(),
            "server": self.server_state,
        }

    def begin(self, t, cohort):
        """Begin round t; return its cohort, empty if an earlier process began the round and its reports are lost."""
        if self.lost(t):
            return cohort[:0]
        if self.path is not None and self.leaves:
            _write(self.path, {**self.saved, "begun": t})
        return cohort

    def lost(self, t):
        """Say whether an earlier process began round t and did not finish it, after reports had left the clients."""
        return t <= self.found

    def end(self, t):
        """Write the state after round t."""
        if self.path is not None:
            self.done = t
            self.saved = self._state()
            _write(self.path, self.saved)

    def _state(self):
        return {
            "format": FORMAT,
            "plan": self.plan,
            "done": self.done,
            "begun": self.done,
            "theta": self.history.theta,
            "records": [_plain(record) for record in self.history.records],
            **self.state,
        }

    def _fits(self, state, rounds):
        name, here, there = str(self.path), self.plan, state["plan"]
        differ = [key for key in {**here, **there} if here.get(key) != there.get(key)]
        if differ:
            told = "; ".join(f"{key} is {there.get(key)} there and {here.get(key)} here" for key in differ)
            raise ValueError(f"checkpoint must belong to this run, and {name!r} does not: {told}")
        if state["begun"] > rounds:
            raise ValueError(f"rounds must be at least the {state['begun']} that {name!r} has spent, got {rounds}")


def _plain(record):
    """A round's record with its loss and score, in types that a file may hold without code."""
    record = {**record, "loss": record["loss"], "score": record["score"]}
    return {**record, "update_norms": torch.as_tensor(record["update_norms"])}


def _write(path, state):
    """Write to a second file, only its owner's to read, and put it in the first one's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    if os.name == "posix":  # the name, too, must survive
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _read(path):
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # nothing in the file is run
        known = state["format"] == FORMAT
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"checkpoint must be a file that train wrote, and {str(path)!r} is not") from error
    if not known:
        raise ValueError(f"checkpoint must be of format {FORMAT}, got {state['format']} in {str(path)!r}")
    return state


def _digest(tensors):
    """A short fingerprint of values and shapes."""
    total = hashlib.sha256()
    for tensor in tensors:
        tensor = tensor.detach().cpu().contiguous()
        total.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        total.update(tensor.numpy().tobytes())
    return total.hexdigest()[:16]

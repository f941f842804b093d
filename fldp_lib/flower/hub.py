"""The server's side: `server.train` with workers that are nodes, and what it tells while it runs."""

import json
import math
import os
import pathlib
import tempfile
from dataclasses import replace

import numpy as np
import torch

from ..training import checkpoint, models
from ..training.server import train
from . import agreement, processes

STATE = "run.pt"  # the checkpoint in the server's folder
SEEN = "seen.jsonl"  # what was released, round by round, for who watches; a line each
FEW = 1000  # parameters up to which they stand in it


def run(folder, ask, tell=print):
    """Run, or go on with, the federation whose server's folder this is.

    Args:
        folder: the server's.
        ask: called once a round with (settings, round, theta (parameters,), members by node number); returns updates by
            node number, of those that answered.
        tell: called with a line of text for each round, and at the end.

    Returns:
        A `History`.
    """
    folder = pathlib.Path(folder)
    agreed, node = agreement.read(folder), agreement.arrays(folder / "clients.npz")["node"]
    plan = agreed.plan
    tell(_on_noise(plan))
    here = {}

    def workers(t, theta, members):
        groups = {int(k): members[node[members] == k] for k in node[members].unique()}
        answers = ask(agreed.settings(), t, theta, groups)
        here.update(asked=sorted(groups), answered=[])
        updates = torch.full((len(members), len(theta)), torch.nan, dtype=theta.dtype)
        for k, rows in answers.items():
            fits = k in groups and isinstance(rows, torch.Tensor) and rows.shape == (len(groups[k]), len(theta))
            if fits and rows.dtype == theta.dtype:
                updates[node[members] == k] = rows
                here["answered"].append(k)
            else:
                tell(f"round {t}: what node {k} sent has another form than was asked for, and is left out")
        return updates

    def report(t, theta, record):
        spent = plan.epsilon(t) if plan.private else None
        told = "no ε" if spent is None else f"ε so far {spent:.3f}"
        tell(f"round {t}/{plan.rounds}: {_round(agreed, record)}, {told}")
        released = theta.tolist() if len(theta) <= FEW else None
        _see(folder / SEEN, {"round": t, "score": float(record["score"]), "epsilon": spent, "theta": released, **here})

    history = _train(folder, agreed, workers, report, folder / STATE)
    tell(history.guarantee)
    if caveat(agreed):
        tell(caveat(agreed))
    return history


def caveat(agreed):
    """Return whom a run's guarantee does not bind, as a sentence; "" if it stands as it is."""
    if not agreed.plan.private or agreed.plan.seed is None:
        return ""
    who = "the server and every node" if agreed.local else "every node"
    return f"with seed {agreed.plan.seed} this does not bind who knows the seed, {who}: they can subtract the noise"


def history(folder):
    """Return the `History` of the rounds that a server's folder holds, a round that was only begun counted as lost.

    Raises:
        ValueError: no round was begun.
    """
    folder = pathlib.Path(folder)
    agreed, rounds = agreement.read(folder), begun(folder)
    if not rounds:
        raise ValueError(f"folder must hold a run of at least one round, and {str(folder)!r} holds none")

    def nobody(t, theta, members):
        raise AssertionError("a finished round asks nobody")

    with tempfile.TemporaryDirectory() as aside:  # 0700; the run may be going on: its file is read, and not written
        copy = checkpoint.copy(folder / STATE, aside)
        rounds = checkpoint.begun(copy)
        if not agreed.plan.correlated:  # whose noise is for all of its plan's rounds
            agreed = replace(agreed, plan=replace(agreed.plan, rounds=rounds))
        return _train(folder, agreed, nobody, None, copy, rounds)


def begun(folder):
    """Return how many rounds the run in a server's folder has begun."""
    return checkpoint.begun(pathlib.Path(folder) / STATE)


def stopped(folder):
    """Return why the run in a server's folder ended before its last round; "" if it goes on, is whole or has not begun."""
    folder = pathlib.Path(folder)
    dead = (folder / "pid").exists() and not processes.alive(folder / "pid")
    if (folder / "ended").exists():
        return (folder / "ended").read_text(encoding="utf-8")
    return "the server's app has died" if dead else ""


def _train(folder, agreed, workers, callback, state, until=None):
    plan, model = agreed.plan, agreed.model()
    model = models.with_theta(model, torch.from_numpy(np.load(folder / "theta.npy", allow_pickle=False)))
    done = train(
        model, agreement.federation(folder, agreed), plan, workers=workers, checkpoint=state, callback=callback,
        progress=False, device="cpu", until=until,
    )  # fmt: skip
    if agreed.local and plan.mechanism.unit == "record":  # it follows from the clients' sizes, which are not here
        for record in done.records:
            record["noise_std"] = math.nan
    return done


def _on_noise(plan):
    if not plan.private:
        return "no noise is added: nothing here is private"
    if plan.seed is not None:
        return f"seed {plan.seed}: whoever knows it can subtract the noise; for tests and teaching"
    return "no seed: each process draws from its system's entropy; noise in floating point, not release-grade"


def _see(path, what):
    """Add a line to a file that only its owner can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def _round(agreed, record):
    if record["lost"]:
        return "lost with the server that began it, and paid for"
    score = f"{'R²' if agreed.task == 'regression' else 'accuracy'} {record['score']:.3f}"
    return f"{record['cohort'] - record['dropped']} of {record['cohort']} clients answered, {score}"

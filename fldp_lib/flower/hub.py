"""The server's side: `server.train` with workers that are nodes, and what it tells while it runs."""

import pathlib
import tempfile

import numpy as np
import torch

from ..training import checkpoint, models
from ..training.server import train
from . import plan as plans

STATE = "run.pt"  # the checkpoint in the server's folder


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
    plan, node = plans.read(folder), plans.arrays(folder / "clients.npz")["node"]
    tell(_on_noise(plan))

    def workers(t, theta, members):
        groups = {int(k): members[node[members] == k] for k in node[members].unique()}
        answers = ask(plan.settings(), t, theta, groups)
        updates = torch.full((len(members), len(theta)), torch.nan, dtype=theta.dtype)
        for k, rows in answers.items():
            if k in groups and rows.shape == (len(groups[k]), len(theta)):
                updates[node[members] == k] = rows.to(theta)
            else:
                tell(f"round {t}: what node {k} sent has another shape than was asked for, and is left out")
        return updates

    def report(t, theta, record):
        tell(f"round {t}/{plan.rounds}: {_round(plan, record)}, {_spent(plan, t)}")

    history = _train(folder, plan, plan.rounds, workers, report, folder / STATE)
    tell(history.guarantee)
    return history


def history(folder):
    """Return the `History` of the rounds that a server's folder holds, a round that was only begun counted as lost.

    Raises:
        ValueError: no round was begun.
    """
    folder = pathlib.Path(folder)
    plan, rounds = plans.read(folder), begun(folder)
    if not rounds:
        raise ValueError(f"folder must hold a run of at least one round, and {str(folder)!r} holds none")

    def nobody(t, theta, members):
        raise AssertionError("a finished round asks nobody")

    with tempfile.TemporaryDirectory() as aside:  # the run may be going on: its file is read, and not written
        copy = checkpoint.copy(folder / STATE, aside)
        return _train(folder, plan, checkpoint.begun(copy), nobody, None, copy)


def begun(folder):
    """Return how many rounds the run in a server's folder has begun."""
    return checkpoint.begun(pathlib.Path(folder) / STATE)


def _train(folder, plan, rounds, workers, callback, state):
    model = plan.model()
    model = models.with_theta(model, torch.from_numpy(np.load(folder / "theta.npy", allow_pickle=False)))
    return train(
        model, plans.federation(folder, plan), rounds=rounds, workers=workers, checkpoint=state,
        callback=callback, progress=False, device="cpu", **plan.training,
    )  # fmt: skip


def _on_noise(plan):
    if plan.mechanism is None or not plan.mechanism.private:
        return "no noise is added: nothing here is private"
    if plan.seed is not None:
        return f"seed {plan.seed}: whoever knows it can subtract the noise; for tests and teaching"
    return "no seed: each process draws from its system's entropy; noise in floating point, not release-grade"


def _round(plan, record):
    if record["lost"]:
        return "lost with the server that began it, and paid for"
    score = f"{'R²' if plan.task == 'regression' else 'accuracy'} {record['score']:.3f}"
    return f"{record['cohort'] - record['dropped']} of {record['cohort']} clients answered, {score}"


def _spent(plan, t):
    if plan.mechanism is None or not plan.mechanism.private:
        return "no ε"
    return f"ε so far {plan.run().epsilon(t):.3f}"

"""A federation as processes, on Flower: what lies on whose disk, what a node answers, what the server does.

    folder = flower.prepare("demo", "fldp_lib.training.models:MLP", (64, 32, 10), fed, rounds=5, lr=0.5, mechanism=mech)
    history = flower.deploy(folder)

`launch` is the way in, from a shell `python -m fldp_lib.flower FOLDER`. `plan` writes and reads the folders, `keys` the
certificates; `node` and `hub` are the two sides, without Flower; `apps` is what Flower loads on either side, and
`deployment` starts and ends the processes.
"""

from .launch import Deployment, deploy, history, main, prepare, simulate

__all__ = ["Deployment", "deploy", "history", "main", "prepare", "simulate"]

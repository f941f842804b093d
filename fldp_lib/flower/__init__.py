"""A federation as processes, on Flower: what lies on whose disk, what a node answers, what the server does.

    plan = Plan(rounds=5, lr=0.5, mechanism=noise, seed=None)
    folder = flower.prepare("demo", plan, "fldp_lib.training.models:MLP", (64, 32, 10), federation)
    history = flower.deploy(folder)

`launch` is the way in, from a shell `python -m fldp_lib.flower FOLDER`. `folders` writes the folders, `agreement` reads
them, `keys` and `bundle` make certificates, keys and the signed app; `node` and `hub` are the two sides, without Flower;
`apps` is what Flower loads on either side, `guarded` runs Flower's processes with what stands open in them shut, and
`processes` and `deployment` start and end them. `classroom` is a room in which notebooks are the nodes: the instructor opens
it, each learner joins in one line, with the address and a code.

**What a node trusts.** Its own folder: the plan in it, against which every request is compared; its records; its count of
reports. The package and the Flower that are installed where it runs. The app that was signed when the folders were
written, by a key that was not kept: no other is run, whatever the server sends. The certificate authority, whose key was not
kept either: it answers to no other server. And whoever can act as the user whose folder it is, or as root.

**What the server can do.** Ask each node, once a round (where the noise is the server's: again, if it was killed) and for no
more rounds than the plan has, for the clients of its choice, from parameters of its choice, which need not be an honest
average. Where noise is added at the client it gets noisy reports and nothing else: no sizes, no seed, no record; the
guarantee holds against it, unless `prepare` was told to take a seed (`repeatable=True`). Where the server adds the noise it
sees every update, and is trusted with them: they stand in its memory, and in no file. It cannot run code on a node, nor have
it answer another plan. It can stop, drop nodes, and publish what it likes.

**What a node can do.** Send what it likes for its own clients: one whose reply has no meaning counts as absent, one that
lies within the form is believed, and clipped where noise is at the server. With a seed in the plan it can subtract the
noise.

**What an outsider can do.** Somebody with an account on the machine who holds every certificate and every public key
reaches the ports and learns that they are open; `/health` and the list of Flower's interfaces answer all. Everything else
asks for what only the deployer's files hold: a node's private key, a secret for taking tasks, a task's token; the control
interface, by which runs would be submitted, listed and stopped, answers nobody at all. Folders are entered, and files read,
by their owner only. An outsider can still send so many requests that the machine does nothing else: nothing here limits
that.

**What this does not protect.** One user's processes are open to each other: on one machine, run by one person, the nodes are
apart by what the programs do and by nothing else. The simulation has no nodes with keys. Root reads everything.
"""

from .launch import Deployment, deploy, history, main, prepare, simulate

__all__ = ["Deployment", "deploy", "history", "main", "prepare", "simulate"]

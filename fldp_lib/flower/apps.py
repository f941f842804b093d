"""What Flower loads: the ServerApp and the ClientApp. Importing this module takes Flower."""

import json
import os
import pathlib
import time
import traceback

import httpx
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

from . import agreement, hub, node

START = 120.0  # seconds for which the first start waits for all nodes, or two of the rounds' timeouts if that is less
RESTART = 15.0  # the same where a run goes on: a node may be gone for good
GRACE = 5.0  # seconds, and a part of the timeout, that a node which missed the last round is waited for after all others
PART = 12
POLL = 0.2

server = ServerApp()
client = ClientApp()


@server.main()
def main(grid, context):
    """Run the federation whose folder the run's settings name, and leave how it ended in the server's folder."""
    folder = pathlib.Path(context.run_config["folder"])
    simulated = context.run_config["simulation"]
    here = folder / "server"
    (here / "pid").write_text(str(os.getpid()), encoding="utf-8")
    with open(folder / "logs" / "rounds.log", "a", encoding="utf-8", buffering=1) as log:

        def tell(line):
            print(line, flush=True)
            log.write(line + "\n")

        try:
            nodes = _Nodes(grid, agreement.read(here), here, simulated, tell)
            hub.run(here, nodes.ask, tell)
        except Exception as error:
            (folder / "logs" / "error.log").write_text(traceback.format_exc(), encoding="utf-8")
            _end(here, f"{type(error).__name__}: {error}")
            raise
        _end(here, "")


def _end(here, how):
    """Leave word of the end, all of it at once: whoever waits may look at any moment."""
    (here / "ended.part").write_text(how, encoding="utf-8")
    os.replace(here / "ended.part", here / "ended")


@client.train()
def train(message, context):
    """Answer one request, out of this node's own folder, and leave a line in its log."""
    reply, folder = answer(message, context), _folder(context)
    request = message.content["request"]
    print(f"{folder.name}: round {request['round']}, {len(request['members'])} clients, answer {_count(folder)}", flush=True)
    return reply


def answer(message, context):
    """Return the reply to one request of the server's, out of this node's own folder."""
    request = message.content["request"]
    theta = torch.from_numpy(message.content["theta"]["theta"].numpy())
    t, members = int(request["round"]), torch.tensor(request["members"])
    updates = node.answer(_folder(context), json.loads(request["settings"]), t, theta, members)
    return Message(RecordDict({"updates": _record("updates", updates)}), reply_to=message)


@client.query()
def who(message, context):
    """Tell the node's number: for a simulation, whose nodes have no keys to know them by."""
    return Message(
        RecordDict({"node": ConfigRecord({"number": int(context.node_config["partition-id"])})}), reply_to=message
    )


class _Nodes:
    """The nodes as Flower's grid knows them, by number.

    Args:
        grid: Flower's.
        agreed: the `Agreement`.
        folder: the server's.
        simulated: whether nodes have to be asked for their numbers; else they are known by their keys.
        tell: called with a line of text.
    """

    def __init__(self, grid, agreed, folder, simulated, tell):
        self.grid, self.timeout, self.tell, self.number, self.absent = grid, agreed.timeout, tell, {}, set()
        clients = agreement.arrays(folder / "clients.npz")["node"]
        count = int(clients.max()) + 1
        if not simulated:  # a classroom may begin with seats left empty
            known = json.loads((folder / "nodes.json").read_text(encoding="utf-8"))
            self.number = {int(node_id): number for node_id, number in known.items()}
        wait = RESTART if hub.begun(folder) else min(START, max(RESTART, 2 * agreed.timeout))
        end = time.monotonic() + wait
        while len(ids := list(grid.get_node_ids())) < (len(self.number) or count) and time.monotonic() < end:
            time.sleep(POLL)
        if not ids:
            raise RuntimeError("no node has connected")
        if simulated:
            asked = {node_id: Message(RecordDict(), node_id, "query") for node_id in ids}
            self.number = {i: int(reply.content["node"]["number"]) for i, reply in self._replies(asked, START)}
        if late := set(range(count)) - {self.number.get(node_id) for node_id in ids}:
            tell(f"not connected: node {', '.join(map(str, sorted(late)))}")
        self.absent = late

    def ask(self, settings, t, theta, groups):
        """Send each node that has a member of the cohort its request; return the updates that came back in time."""
        record, about = _record("theta", theta), json.dumps(settings)
        messages = {}
        for node_id, k in self.number.items():
            if k in groups:
                request = ConfigRecord({"round": t, "members": groups[k].tolist(), "settings": about})
                content = RecordDict({"theta": record, "request": request})
                messages[k] = Message(content, node_id, "train", ttl=self.timeout, group_id=str(t))
        answers, why = {}, {}
        for k, reply in self._replies(messages, self.timeout):
            if isinstance(reply, Exception):
                why[k] = f" that can be read: {_short(reply)}"
            elif reply.has_error():
                why[k] = f": {_short(reply.error.reason)}"
            else:
                answers[k], why[k] = _updates(reply, len(groups[k]), theta)
        answers = {k: updates for k, updates in answers.items() if updates is not None}
        silent = set(groups) - set(answers)
        for k in sorted(silent):
            self.tell(f"round {t}: no answer from node {k}{why.get(k, '')}")
        self.absent = (self.absent | silent) - set(answers)
        if self.absent >= set(self.number.values()):  # rather than spend the budget on rounds of nothing but noise
            raise RuntimeError(f"no node answers any more, in round {t}; started again, the run goes on from there")
        return answers

    def _replies(self, messages, timeout):
        """Yield (key, reply) until all are there, or the time is over; who missed the last round gets little of it.

        A reply is a `Message`, or the exception that reading it raised.
        """
        pushed = zip(self.grid.push_messages(messages.values()), messages, strict=True)
        waiting = {message_id: key for message_id, key in pushed if message_id is not None}
        end, hurried = time.monotonic() + timeout, False
        while waiting and time.monotonic() < end:
            for message_id in list(waiting):  # one at a time, since one that cannot be read must not hide the others
                try:
                    replies = list(self.grid.pull_messages([message_id]))
                except httpx.HTTPError:  # the SuperLink has gone
                    raise
                except Exception as error:
                    replies = [error]
                for reply in replies[:1]:
                    yield waiting.pop(message_id), reply  # an error may come from the SuperLink itself
            if not hurried and set(waiting.values()) <= self.absent:
                hurried, end = True, min(end, time.monotonic() + min(GRACE, timeout / PART))
            time.sleep(POLL)


def _updates(reply, members, theta):
    """What a node sent as (members × parameters), or None; and what is wrong with it. Nothing in it is trusted."""
    try:
        sent = reply.content["updates"]["updates"].numpy()
        shape, kind = tuple(sent.shape), str(sent.dtype)
        if (shape, kind) != ((members, len(theta)), "float32"):
            return None, f" of the form asked for: float32 {(members, len(theta))}, got {_short(kind)} {_short(shape)}"
        return torch.from_numpy(sent.copy()), ""
    except Exception as error:
        return None, f" that can be read: {_short(error)}"


def _short(said):
    """Words of another process, on one line and within a length; none of its characters reaches a terminal as a command."""
    text = f"{type(said).__name__}: {said}" if isinstance(said, Exception) else str(said)
    return "".join(letter if letter.isprintable() else "?" for letter in text[:300])


def _record(name, tensor):
    return ArrayRecord({name: Array(tensor.numpy())})


def _folder(context):
    """The node's folder: in a deployment its own process was told, and the server is not asked; not so in a simulation."""
    if "folder" not in context.node_config:
        return pathlib.Path(context.run_config["folder"]) / f"node-{context.node_config['partition-id']}"
    return pathlib.Path(context.node_config["folder"])


def _count(folder):
    said = json.loads((folder / "reports.json").read_text(encoding="utf-8"))
    return f"{said['reports']} of {agreement.read(folder).plan.rounds}"

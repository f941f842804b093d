"""Learners in the tests of a classroom: real kernels, each with a state folder of its own, and what is run in them."""

import contextlib
import json
import os

from fldp_lib.flower import processes


class Notebook:
    """A kernel of its own; what is run in it prints one line of JSON at the end.

    Args:
        home: path of the folder where its user's programs keep their state.
    """

    def __init__(self, home):
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name="python3")
        own = {"PYTHONPATH": str(processes.PACKAGE), "OMP_NUM_THREADS": "1", "XDG_STATE_HOME": str(home)}
        self.manager.start_kernel(env=os.environ | own)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.pid = self.manager.provisioner.process.pid

    def begin(self, code):
        """Have it run the code."""
        self.asked = self.client.execute(code)

    def said(self, timeout=180):
        """What the code printed last, once it is through."""
        texts = []
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            kind, content = message["header"]["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != self.asked:
                continue
            assert kind != "error", "\n".join(content["traceback"])
            if kind == "stream":
                texts.append(content["text"])
            if kind == "status" and content["execution_state"] == "idle":
                return json.loads("".join(texts).splitlines()[-1])

    def end(self):
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@contextlib.contextmanager
def kernels(homes):
    """A kernel for each state folder; every one of them ends."""
    several = [Notebook(home) for home in homes]
    try:
        for notebook in several:
            notebook.client.wait_for_ready(timeout=120)
        yield several
    finally:
        for notebook in several:
            notebook.end()


def at_once(notebooks, codes):
    """What several notebooks say of a code each, which they run at the same time."""
    for notebook, code in zip(notebooks, codes, strict=True):
        notebook.begin(code)
    return [notebook.said() for notebook in notebooks]


JOIN = """import json
from fldp_lib.flower import classroom
seat = classroom.join({address!r}, {code!r}, name={name!r})
print(json.dumps({{"seat": seat.number, "folder": str(seat.folder), "records": seat.records}}))"""
LEFT = """kept = seat.folder.exists(); seat.leave(); import threading
names = [thread.name for thread in threading.enumerate() if "_follow" in thread.name]
print(json.dumps({"rounds": [line["round"] for line in seat.rounds], "refused": seat.refused, "ended": seat.ended,
                  "kept": kept, "left": seat.folder.exists(), "threads": names}))"""

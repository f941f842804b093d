"""One thread while an explorer computes: its matrices are small, and a second thread spends its time waiting for work."""

import contextlib
import sys

__all__ = ["one"]


@contextlib.contextmanager
def one():
    """Let torch compute with one thread inside the block: beside other work, what takes it 0.05 s took two 0.2 to 0.8 s."""
    torch = sys.modules.get("torch")  # what does not use it does not load it
    before = None if torch is None else torch.get_num_threads()
    if before in (None, 1):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""Importing large packages without a search for garbage among what stays."""

import contextlib
import gc

__all__ = ["kept"]


@contextlib.contextmanager
def kept():
    """Let imports inside the block run without Python's cyclic collector, and keep what they made out of its later searches.

    Torch's import makes 170,000 objects, none of which ever goes; searching them time and again took a quarter of its time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()

"""A bar for long work: it appears once two seconds have passed, where somebody may look; TQDM_DISABLE hides it."""

import os
import sys
import time


class Bar:
    """A tqdm bar that appears once the work has taken two seconds; tqdm is imported only then.

    Args:
        total: steps in all.
        wanted: whether there is one at all.
        unit: what a step is.
    """

    def __init__(self, total, wanted=True, unit="round"):
        self.total, self.unit = total, unit
        self.wanted = wanted and not os.environ.get("TQDM_DISABLE")  # tqdm's bar of notebooks does not ask
        self.done, self.within, self.start, self.bar = 0, 0.0, time.monotonic(), None

    def step(self, count=1):
        """So many more steps are done."""
        parts, self.done, self.within = self.within, self.done + count, 0.0
        self._moved(0 if parts else count)

    def part(self, share):
        """Such a share of the next step, in (0, 1), is done as well: a bar of long steps moves within them."""
        self.within += share
        self._moved(0)

    def _moved(self, count):
        if self.bar is not None:
            if not count:  # between two steps, or at the end of one that came in parts
                self.bar.n = round(self.done + self.within, 2) if self.within else self.done
            self.bar.update(count)
        elif self.wanted and time.monotonic() - self.start > 2 and self.done < self.total:
            self.wanted = _watched()
            if self.wanted:
                from tqdm.auto import tqdm

                self.bar = tqdm(total=self.total, initial=self.done, unit=self.unit, leave=False)

    def close(self):
        """Take it away."""
        if self.bar is not None:
            self.bar.close()


def _watched():
    """Whether somebody may look: not where a notebook runs by itself, as nbclient and nbval have it, and nobody can answer.

    A bar would stay there as an output that the cell does not have.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    return kernel is None or kernel.get_parent().get("content", {}).get("allow_stdin", True)

"""A bar for long work: it appears once two seconds have passed, on standard error; TQDM_DISABLE hides it."""

import os
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
        self.done, self.start, self.bar = 0, time.monotonic(), None

    def step(self, count=1):
        """So many more steps are done."""
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        elif self.wanted and time.monotonic() - self.start > 2 and self.done < self.total:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.total, initial=self.done, unit=self.unit, leave=False)

    def close(self):
        """Take it away."""
        if self.bar is not None:
            self.bar.close()

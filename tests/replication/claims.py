"""Claims of the notebooks, as functions of a block of seeds: what a sentence says, measured on seeds that no notebook uses.

A claim names its sentence by a fragment that stands, letter for letter, in the notebook's text, so that neither changes
alone. It returns what was measured and whether the sentence holds. A claim that fails on a block is reworded, not the block
changed.
"""

import importlib
import json
import pathlib
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BLOCKS = (0, 1, 2, 3)  # what the command takes
TESTED = BLOCKS[:2]  # what `pytest` takes, of the quick claims
FIRST, WIDTH = 1_000_000, 10_000  # notebooks use seeds below 10,000


@dataclass(frozen=True)
class Claim:
    """One sentence of a notebook and what replicates it.

    Args:
        notebook: its number, such as "05".
        sentence: a fragment of one of its Markdown cells, verbatim, in one line.
        measure: called with a block, an integer >= 0; returns (numbers by name, whether the sentence holds).
        quick: whether a block takes at most about 1.5 s of one core.
        often: the share of blocks in which the sentence says that it holds; 1 is every block.
    """

    notebook: str
    sentence: str
    measure: object
    quick: bool = True
    often: float = 1.0

    @property
    def name(self):
        return self.measure.__name__


@dataclass(frozen=True)
class Found:
    """What one claim came to in one block."""

    claim: Claim
    block: int
    numbers: dict
    holds: bool
    seconds: float


CLAIMS = {}  # of a notebook: a list of its claims, in the order written


def claim(notebook, sentence, quick=True, often=1.0):
    """Make a function of a block the replication of a sentence; see `Claim`."""

    def register(measure):
        known = CLAIMS.setdefault(notebook, [])
        if any(other.name == measure.__name__ for other in known):
            raise ValueError(f"two claims of notebook {notebook} are called {measure.__name__}")
        known.append(Claim(notebook, sentence, measure, quick, often))
        return measure

    return register


def seeds(block, count):
    """Return `count` seeds of a block, at most 10,000; no two blocks share one, and no notebook uses any."""
    if not (isinstance(block, int) and block >= 0 and 0 < count <= WIDTH):
        raise ValueError(f"a block is an integer >= 0 with 1 to {WIDTH:,} seeds, got block {block!r} and {count!r} seeds")
    return list(range(FIRST + WIDTH * block, FIRST + WIDTH * block + count))


def of(notebook):
    """Return a notebook's claims."""
    importlib.import_module(f"tests.replication.nb{notebook}")
    return list(CLAIMS.get(notebook, []))


def notebooks():
    """Return the numbers of the notebooks that have a module of claims."""
    return sorted(path.stem[2:] for path in pathlib.Path(__file__).parent.glob("nb[0-9][0-9]*.py"))


def replicate(claim, block):
    """Measure one claim on one block.

    Raises:
        Whatever the measurement raises; TypeError where it does not return numbers and a verdict.
    """
    start = time.process_time()
    numbers, holds = claim.measure(block)
    if not isinstance(numbers, dict) or holds not in (True, False):
        raise TypeError(f"{claim.name} must return (numbers by name, True or False), got {numbers!r}, {holds!r}")
    return Found(claim, block, numbers, bool(holds), time.process_time() - start)


def measured(notebook, name, block):
    """Measure a claim by name: what a worker of the command does. It returns numbers, verdict and seconds."""
    import torch

    torch.set_num_threads(1)
    (found,) = [claim for claim in of(notebook) if claim.name == name]
    found = replicate(found, block)
    return found.numbers, found.holds, found.seconds


def stands(claim):
    """Whether the claim's sentence stands in the text of its notebook."""
    (path,) = (ROOT / "notebooks").glob(f"{claim.notebook}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any(claim.sentence in "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def enough(found):
    """Whether a claim held in as many of its blocks as its sentence says."""
    held = sum(one.holds for one in found)
    return held >= found[0].claim.often * len(found) - 1e-9


def table(found):
    """What was found, as lines of text: claim, block, verdict, numbers, seconds; then what did not hold."""
    lines = []
    for one in found:
        numbers = ", ".join(f"{name} {_short(value)}" for name, value in one.numbers.items())
        verdict = "holds" if one.holds else "FAILS"
        lines.append(
            f"{one.claim.notebook} {one.claim.name:44} block {one.block:<4} {verdict}  {one.seconds:5.1f} s  {numbers}"
        )
    return "\n".join(lines)


def _short(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_short, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) or hasattr(value, "item") else str(value)

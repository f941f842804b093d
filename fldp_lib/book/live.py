"""The book's explorers: each writes a page of its own, over as many states as there is time for, in two processes."""

import itertools
import json
import math
import os
import pathlib
import time

from ..interactive import views
from .made import calls, explorers

FINEST = 15  # values of a slider on a page, at most
WEIGHT = 1_000_000  # bytes of a page's pictures, about, at most


def measured(explorer):
    """Return the seconds and the bytes that one state of an explorer's page takes, from its start and two ends.

    Args:
        explorer: an `explorers.Explorer`.
    """
    columns = views.grid_of(explorer, 2, {}).values()
    ends = [{**explorer.state, **dict(zip(explorer.controls, values, strict=True))}
            for values in (tuple(c[0] for c in columns), tuple(c[-1] for c in columns))]  # fmt: skip
    first = views.run(explorer, explorer.state)  # what several states have in common is computed here
    start = time.process_time()
    drawn = [first, *(views.run(explorer, state) for state in ends)]
    pieces = {piece for layouts, _ in drawn for layout in layouts for piece in layout}
    return max(time.process_time() - start, 1e-4) / 2, sum(len(piece.encode()) for piece in pieces) / 3


def grids(explorer, states):
    """Choose the values of an explorer's controls on its page.

    Args:
        explorer: an `explorers.Explorer`.
        states: how many there may be, at least 1.

    Returns:
        `points`, `together` for `export_html`, and how many states that makes: the finest even grid that fits, from 15
        values a slider down to 3, which are both ends and the start; else 3, with as many controls as fit away from the
        start at once, but one at least.
    """
    for points in range(FINEST, 2, -1):
        sizes = [len(column) for column in views.grid_of(explorer, points, {}).values()]
        if math.prod(sizes) <= states:
            return points, None, math.prod(sizes)
    counts = [1]  # of states in which so many controls stand away from the start
    for size in sizes:
        counts = [a + b * (size - 1) for a, b in zip([*counts, 0], [0, *counts], strict=True)]
    within = list(itertools.accumulate(counts))
    together = max((k for k in range(1, len(sizes)) if within[k] <= states), default=1)
    return 3, together, within[together]


def pairs(explorer):
    """Return how many states let any two of an explorer's controls leave their start, with 3 values each."""
    rest = [len(column) - 1 for column in views.grid_of(explorer, 3, {}).values()]
    return 1 + sum(rest) + sum(a * b for a, b in itertools.combinations(rest, 2))


def browsed(explorer):
    """Whether an explorer's page computes by itself, at any setting, so that no state is computed beforehand."""
    return getattr(explorer, "browser", None) is not None


def export(explorer, path, states=views.STATES):
    """Write an explorer's page.

    Args:
        explorer: an `explorers.Explorer`.
        path: the file to write.
        states: how many it may hold, at most; of no meaning where the page computes by itself.

    Returns:
        What the book says of it: its title, the alternative text of its picture, how many states were computed beforehand
        (None: the page computes at any setting), and why there is no page, or "".
    """
    told = {"title": explorer.title, "alt": f"{explorer.title}. {explorer.sentence}", "problem": "", "states": None}
    if browsed(explorer):
        explorer.export_html(path)
        return told
    while True:
        points, together, told["states"] = grids(explorer, states)
        try:
            explorer.export_html(path, points, together)
            return told
        except ValueError as error:
            if together == 1:
                return {**told, "problem": str(error), "states": 0}
            states = told["states"] // 2


def work(tasks, said, folder, budget):
    """Make explorers and write their pages, beside other workers: first all are made, then those that cost least come first.

    Args:
        tasks: a queue of notebooks' paths; None ends it.
        said: a queue that gets ("step", None) for each explorer made and each page written, and in the end ("told", answers)
            with what `export` returned by (notebook's number, place), or ("failed", message).
        folder: where the pages go, as NN_0.html, NN_1.html, ….
        budget: seconds of computing to take, about; what is left is shared among the pages that are left, as `pairs` says.
    """
    import torch

    torch.set_num_threads(1)
    os.environ["TQDM_DISABLE"] = "1"
    at = "the beginning"
    try:
        told, waiting = {}, []
        for path in iter(tasks.get, None):
            at, number = path, pathlib.Path(path).stem.split("_")[0]
            notebook = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
            for place, explorer in enumerate(explorers(notebook, pathlib.Path(path).parent)):
                page = folder / f"{number}_{place}.html"
                if browsed(explorer):
                    told[number, place] = export(explorer, page)
                    said.put(("step", None))
                else:
                    seconds, weight = measured(explorer)
                    most = max(1, min(views.STATES, int(WEIGHT / max(weight, 1))))
                    share = min(pairs(explorer), most)  # of the time
                    waiting.append((most * seconds / share, number, place, explorer, page, seconds, most, share))
                said.put(("step", None))
        waiting.sort(key=lambda job: job[:3])
        for done, (_, number, place, explorer, page, seconds, most, share) in enumerate(waiting):
            at = page.name
            mine = (budget - time.process_time()) * share / sum(job[-1] for job in waiting[done:])
            told[number, place] = export(explorer, page, max(1, min(most, int(mine / seconds))))
            said.put(("step", None))
        said.put(("told", told))
    except BaseException as error:
        said.put(("failed", f"{at}: {error!r}"))
        raise


def export_all(paths, folder, step, seconds):
    """Write the pages of all explorers of some notebooks, in two processes.

    Args:
        paths: the notebooks.
        folder: where the pages go, as NN_0.html, NN_1.html, ….
        step: called with 1 twice for each explorer.
        seconds: of computing that each process takes, about; on two free cores they pass as time.

    Returns:
        For each notebook's number, what `export` returned for each of its explorers.

    Raises:
        RuntimeError: an explorer could not be made, or its page not be written.
    """
    import multiprocessing
    import queue

    spawn = multiprocessing.get_context("spawn")
    tasks, said = spawn.Queue(), spawn.Queue()
    read = {path: calls(json.loads(path.read_text(encoding="utf-8"))) for path in paths}
    for path in [*sorted(paths, key=lambda path: (None not in read[path], -len(read[path]))), None, None]:
        tasks.put(path and str(path))
    workers = [spawn.Process(target=work, args=(tasks, said, folder, seconds), daemon=True) for _ in range(2)]
    before, told = os.environ.get("OMP_NUM_THREADS"), {}
    os.environ["OMP_NUM_THREADS"] = "1"  # a process that starts takes it along: threads that wait for each other are slow
    try:
        for worker in workers:
            worker.start()
        for _ in range(2):
            kind = "step"
            while kind == "step":
                try:
                    kind, answer = said.get(timeout=5)
                except queue.Empty:
                    if any(worker.exitcode for worker in workers):
                        raise RuntimeError("a process that writes explorers' pages has ended") from None
                    continue
                if kind == "step":
                    step(1)
            if kind == "failed":
                raise RuntimeError(f"an explorer has no page: {answer}")
            told |= answer
    finally:
        for worker in workers:
            worker.terminate()
        os.environ.pop("OMP_NUM_THREADS") if before is None else os.environ.update(OMP_NUM_THREADS=before)
    return {
        path.stem.split("_")[0]: [told[path.stem.split("_")[0], place] for place in range(len(read[path]))] for path in paths
    }

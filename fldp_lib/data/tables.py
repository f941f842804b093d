"""Your own data: a table in which one column names the client, and what is publicly known of every other column.

Nothing about a column is taken from its records, neither bounds nor levels nor classes: a minimum of private data would be a
release of its own. A message shows the value at fault, and a warning a share of the records: both are for whoever holds the
table, and not for release.
"""

import csv
import os
import warnings

import numpy as np

from .. import checks
from . import _columns, _dealt
from .federation import Dataset
from .forms import names
from .splits import federate, scaled

TESTS = ("clients", "records")
BEYOND = 0.01  # share of a column beyond its bounds, of which its holder is told


class _Lines(dict):
    """A file's columns (lists of texts), its name, and the numbers of its records' lines."""

    title, numbers = "frame", ()

    def where(self, n):
        return f"line {self.numbers[n]}"


def from_csv(
    path, client, target, bounds, levels=None, classes=None, log=(), ignore=(), test="clients", test_share=0.2, seed=0,
    most=None, delimiter=",",
):  # fmt: skip
    """Read a file of records, a line each below a line of names, as a federation.

    Args:
        path: the file, in UTF-8. Spaces around a cell do not count, nor do empty lines.
        client, target, bounds, levels, classes, log, ignore, test, test_share, seed, most: as in `from_frame`.
        delimiter: what stands between cells, one character.

    Returns:
        A `Federation`, as `from_frame` makes it.

    Raises:
        TypeError, ValueError: as in `from_frame`, by the file's lines; no records, or lines of different length.
        OSError: no such file.

    Derived in: notebook 08.
    """
    checks.kind("path", path, (str, os.PathLike), "the file's path")
    if len(checks.text("delimiter", delimiter)) != 1 or delimiter in '\r\n" ':
        raise ValueError(f"delimiter must be one character that stands between cells, such as ',' or ';', got {delimiter!r}")
    if os.path.isdir(path):
        raise ValueError(f"path must be a file, got the folder {os.fspath(path)!r}")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"path must be a file of text in UTF-8, got {os.fspath(path)!r}: {error}") from None
    if len(lines) < 2:
        raise ValueError(f"path must be a file with a line of names and records below it, got {len(lines)} lines in it")
    (_, head), *rows = lines
    other = next((mark for mark in ";\t|," if len(head) == 1 and mark in head[0]), None)
    if other:
        raise ValueError(f"delimiter must be what stands between the names, {other!r} in {head[0]!r}; got {delimiter!r}")
    for line, row in rows:
        if len(row) != len(head):
            raise ValueError(f"path must be a file with {len(head)} cells in every line, but line {line} has {len(row)}")
    columns = [list(column) for column in zip(*(row for _, row in rows), strict=True)]
    table = _Lines(zip(_columns.head(head), columns, strict=True))
    table.title, table.numbers = os.path.basename(path), [line for line, _ in rows]
    return from_frame(table, client, target, bounds, levels, classes, log, ignore, test, test_share, seed, most)


def from_frame(
    frame, client, target, bounds, levels=None, classes=None, log=(), ignore=(), test="clients", test_share=0.2, seed=0,
    most=None,
):  # fmt: skip
    """Make a federation of a table whose rows say whose they are.

    Args:
        frame: a pandas DataFrame, or a dict from names to columns of one length; a row is a record.
        client: the column that names the client: whole numbers, or text.
        target: the column to be predicted, another one.
        bounds: a dict from each column of numbers to its public (low, high); what lies beyond is set to the bound, and
            low … high becomes -1 … 1 (the target of a regression 0 … 1).
        levels: a dict from each column of categories to the public list of all that can occur; a level becomes an
            indicator, 0 or 1.
        classes: the public list of all classes; None makes it a regression, whose target needs bounds.
        log: columns, with positive bounds, that are mapped on a logarithmic scale.
        ignore: columns to leave out, of which nothing else is said. Every other one must be in `bounds` or `levels`.
        test: "clients": whole clients are held out; their records are the test set, and are nobody's in the federation, so
            that a score costs no client of it anything. "records": a share of each client's own records is. No guarantee
            covers records that are held out, or a score on them.
        test_share: in (0, 1): the probability with which each client is held out, by a hash of its id and of the seed; or
            the share of each client's records, rounded up, of which one stays. So one client decides nothing about another.
        seed: of these choices and of `most`'s, at least 0.
        most: at most so many training records a client, at least 1: a random choice of its own; None keeps all.

    Returns:
        A `Federation`. Clients are the ids in order, named in `owners` where these are not 0, 1, 2, …; features stand in
        the table's order, a column's levels beside each other.

    Raises:
        TypeError, ValueError: a column without public bounds or levels; a value that is missing, no number, not finite, no
            level or no class, with its column and row (counted from 0 in a frame); ids that are two spellings of one ("ab"
            and "AB", "07" and "7") or too large for a float; columns of one name or of different lengths; fewer than two
            clients, none that is held out, none that stays, or, where `test` is "records", a client with a single record.

    Warns:
        UserWarning: more than 1% of a column's records lie beyond its bounds; not for release.

    Derived in: notebook 08.
    """
    table = _table(frame)
    where = getattr(table, "where", "row {}".format)
    checks.one_of("client", client, table), checks.one_of("target", target, table)
    if client == target:
        raise ValueError(f"target must be another column than client's, got {target!r} for both")
    checks.one_of("test", test, TESTS), checks.real("test_share", test_share, above=0, below=1)
    checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST)
    if most is not None:
        checks.whole("most", most, at_least=1)
    bounds = _columns.rules("bounds", bounds, table)
    levels = _columns.rules("levels", {} if levels is None else levels, table)
    levels = {name: _columns.levels(f"levels[{name!r}]", words) for name, words in levels.items()}
    classes = None if classes is None else _columns.levels("classes", classes)
    ignore = [checks.one_of("ignore", name, table) for name in names("ignore", ignore)]
    features = [name for name in table if name not in (client, target, *ignore)]
    _complete(features, client, target, bounds, levels, classes, ignore)
    log = [checks.one_of("log", name, bounds) for name in names("log", log)]

    def mapped(name):
        scale = "log" if name in log else "linear"
        found, (low, high) = _columns.numbers(name, table[name], where), _columns.pair(name, bounds[name], scale)
        beyond = np.mean((found < low) | (found > high))
        if beyond > BEYOND:
            warnings.warn(
                f"column {name!r} has {beyond:.1%} of its records beyond its bounds, {low:g} … {high:g}, and they were set "
                "to these: is it the unit, or a number that stands for nothing? This share is for whoever holds the table, "
                "not for release",
                stacklevel=4 if isinstance(frame, _Lines) else 3,
            )
        return scaled(found, (low, high), scale)

    parts = []  # (n × 1) of numbers, (n × levels) of categories
    for name in features:
        if name in levels:
            place = _columns.places(name, table[name], levels[name], f"levels[{name!r}]", where)
            parts.append(np.eye(len(levels[name]))[place])
        else:
            parts.append(mapped(name)[:, None])
    x, owner = np.hstack(parts).astype(np.float32), _columns.ids(client, table[client], where)  # (n × d), (n,)
    if classes is None:
        y = ((mapped(target) + 1) / 2).astype(np.float32)
    else:
        y = _columns.places(target, table[target], classes, "classes", where)
    inside = _inside(owner, test, test_share, seed)
    kept = np.flatnonzero(inside)
    if most is not None:
        ids, number, sizes = np.unique(owner[inside], return_inverse=True, return_counts=True)
        kept = kept[_dealt.records(ids, number, sizes - most, seed, "most")]
    title, task = getattr(table, "title", "frame"), "classification" if classes else "regression"
    dataset = Dataset(title, x[inside], y[inside], x[~inside], y[~inside], task, title, classes=classes or ())
    return federate(x[kept], y[kept], owner[kept], dataset)


def _table(frame):
    """A table as a dict of lists of one length."""
    if isinstance(frame, _Lines):
        return frame
    if isinstance(frame, dict):
        head, columns = list(frame), list(frame.values())
    elif hasattr(frame, "columns") and hasattr(frame, "iloc"):
        head = list(frame.columns)
        columns = [frame.iloc[:, place] for place in range(len(head))]  # by place: two may have one name
    else:
        raise TypeError(f"frame must be a pandas DataFrame or a dict of columns, got {checks.shown(frame)}")
    table = dict.fromkeys(_columns.head(head))
    for name, column in zip(head, columns, strict=True):
        found = column.tolist() if hasattr(column, "tolist") else column
        if not isinstance(found, (list, tuple)):
            raise TypeError(f"frame must have a list of values in column {name!r}, got {checks.shown(column)}")
        table[name] = list(found)
    sizes = {name: len(column) for name, column in table.items()}
    if len(set(sizes.values())) != 1 or not max(sizes.values()):
        raise ValueError(f"frame must have columns of one length, 1 at least, got {checks.shown(sizes)}")
    return table


def _complete(features, client, target, bounds, levels, classes, ignore):
    """Refuse columns of which nothing is publicly known, and what is said of one that has it by another argument."""
    needed = [name for name in ignore if name in (client, target, *bounds, *levels)]
    if needed:
        raise ValueError(
            f"ignore must name columns that no other argument names, got {needed[0]!r}, the client's, the target, or one of "
            "bounds and levels"
        )
    both = [name for name in bounds if name in levels]
    if both:
        raise ValueError(f"bounds must name columns of numbers and levels those of categories, got {both[0]!r} in both")
    for name, said in ((client, (*bounds, *levels)), (target, levels if classes is None else (*bounds, *levels))):
        if name in said:
            raise ValueError(
                f"bounds and levels must be about features, and bounds about a regression's target; got {name!r}"
            )
    if not features:
        raise ValueError("bounds and levels must be about one feature at least, got a table with none but client and target")
    bare = [name for name in features if name not in bounds and name not in levels]
    if classes is None and target not in bounds:
        bare.append(f"{target} (the target; a classification has classes)")
    if bare:
        raise ValueError(
            "bounds must give each column of numbers its public (low, high), levels each other one its public list, unless "
            f"ignore names it; got nothing for {', '.join(bare[:5])}{' and more' if len(bare) > 5 else ''}. {_columns.WHY}"
        )


def _inside(owner, test, share, seed):
    """Which records train (n,), bool; the others test."""
    ids, number, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    if len(ids) < 2:
        raise ValueError(f"client must name a column with two clients' ids at least, got the one id {ids[0]!s} in it")
    if test == "clients":
        stay = _dealt.clients(ids, share, seed)
        if stay.all() or not stay.any():
            raise ValueError(
                f"test_share must hold out one client at least and leave one: got {share:g}, by which and by seed {seed} "
                f"{len(ids) - stay.sum()} of {len(ids)} are held out, each with that probability; take another seed or share"
            )
        return stay[number]
    if sizes.min() < 2:
        raise ValueError(
            "test must be 'clients', which holds out whole clients, where a client has a single record: that one can train "
            f"or test, not both; got 'records', and client {ids[sizes.argmin()]!s} has one"
        )
    held = np.minimum(np.ceil(share * sizes).astype(int), sizes - 1)
    return _dealt.records(ids, number, held, seed, "test")

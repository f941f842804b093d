"""Which accountant prices which mechanism under which sampler: asked of `Plan`, cell by cell, with what it refuses."""

import html
import math
from dataclasses import dataclass, fields
from functools import lru_cache

from ... import Plan, accounting
from ...privacy import mechanisms
from ...training import _json, _terms
from ._kit import _

ROUNDS, RATE = 20, 0.1
GIVEN = {"epsilon": 1.0, "noise_multiplier": 4.0, "clip": 1.0}  # of what a mechanism has to be told


@dataclass(frozen=True)
class Table:
    """Rows by columns, with the refusals below; shown by notebooks.

    Args:
        columns: headings, the rows' own first.
        rows: cells of each row, the heading first.
        notes: refusals, each said once; cells name them by a letter.
    """

    columns: tuple
    rows: tuple
    notes: tuple

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag} style='text-align:left'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        body = "".join(line(row, "td") for row in self.rows)
        return f"<table>{line(self.columns, 'th')}{body}</table><ol type='a'>{notes}</ol>"

    def __repr__(self):
        letters = (f"({chr(97 + k)}) {note}" for k, note in enumerate(self.notes))
        return "\n".join([*(" | ".join(row) for row in (self.columns, *self.rows)), *letters])


def built():
    """Return the mechanisms that a plan can be written down with, each in every place that it takes: name to mechanism."""
    found = {}
    for kind in _json.KINDS:
        if not issubclass(kind, mechanisms.Placed):
            continue
        names = {field.name for field in fields(kind)}
        places = [(at, "client") for at in mechanisms.PLACES] + [("client", "record")]
        for at, unit in places if "at" in names else [(None, None)]:
            terms = {name: value for name, value in GIVEN.items() if name in names} | (
                {"at": at, "unit": unit} if at else {}
            )
            try:
                mechanism = kind(**terms)
            except ValueError:  # a place that this mechanism does not take
                continue
            place = "record" if mechanism.unit == "record" else mechanism.at
            found[f"{kind.__name__}, {place}"] = mechanism
    return found


def asked(mechanism, rate, sampler, method):
    """Return ε of a plan, or the words with which it is refused."""
    try:
        plan = Plan(ROUNDS, mechanism=mechanism, sampling_rate=rate, sampler=sampler)
        return plan.epsilon(method=method)
    except (ValueError, NotImplementedError) as refusal:
        return str(refusal)


@lru_cache(maxsize=1)
def table():
    """Return the `Table` of every mechanism under every sampler, priced by every accountant."""
    notes = []

    def cell(mechanism, rate, sampler):
        told = {method: asked(mechanism, rate, sampler, method) for method in accounting.METHODS}
        priced = {m: e for m, e in told.items() if not isinstance(e, str)}
        words = [
            f"{m} {e:.2f}" if math.isfinite(e) else f"{m} ∞" for m, e in sorted(priced.items(), key=lambda pair: pair[1])
        ]
        refused = {}
        for method, refusal in told.items():
            if isinstance(refusal, str):
                notes.extend([refusal] * (refusal not in notes))
                refused.setdefault(chr(97 + notes.index(refusal)), []).append(method)
        for letter, methods in refused.items():
            words += [f"{_('none')} ({letter})" if len(methods) == len(told) else f"{', '.join(methods)} ({letter})"]
        return ", ".join(words)

    samplers = [(1.0, "poisson"), *((RATE, sampler) for sampler in _terms.SAMPLERS)]
    rows = [(name, *(cell(mechanism, *each) for each in samplers)) for name, mechanism in built().items()]
    heads = (_("mechanism, where"), _("everybody, every round"), *(f"{sampler}, 1/10" for sampler in _terms.SAMPLERS))
    return Table(heads, tuple(rows), tuple(notes))

"""A ledger: the budget of one set of clients or records, spent entry by entry."""

import math
from dataclasses import dataclass, field

from .. import checks
from . import accountants, attacker, integers, mechanisms, pricing


@dataclass
class Ledger:
    """The budget of one set of clients or records, spent entry by entry; the total is composed, not added.

    Args:
        delta: δ of the total, in (0, 1).

    `print(ledger)` is a table. Entries must share one adjacency: an ε for adding a client, one for replacing a client's
    data and one for a record are different promises and do not compose. All entries are taken to have noise of their own:
    two runs with one seed draw the same, and their difference has none.

    Derived in: notebook 07b.
    """

    delta: float = 1e-5
    entries: list = field(default_factory=list)

    def __post_init__(self):
        self.delta = checks.real("delta", self.delta, above=0, below=1)

    def spend(self, mechanism, rounds=1, sampling_rate=1.0, note=""):
        """Write down a mechanism used for a number of rounds; arguments as in `epsilon`. Returns the ledger."""
        rounds, rate, _ = pricing.terms(mechanism, rounds, sampling_rate, self.delta)
        if not isinstance(note, str):
            raise TypeError(f"note must be text, got {note!r} ({type(note).__name__})")
        alone = 0.0 if not rounds else _total(_parts([(mechanism, rounds, rate)]), self.delta)
        relations = {m.adjacency for m in [*(entry[0] for entry in self.entries), mechanism] if m is not None}
        if len(relations) > 1:
            raise ValueError(f"mechanism must have the ledger's adjacency; got {' and '.join(sorted(relations))}")
        if rounds:
            self.entries.append((mechanism, rounds, rate, note, alone))
        return self

    @property
    def epsilon(self):
        """Total ε of all entries at the ledger's δ, the tightest that is valid."""
        return _total(_parts(self.entries), self.delta)

    @property
    def parts(self):
        """The entries as they are priced, equal ones together: a tuple of (mechanism, rate, rounds); None without noise."""
        return _parts(self.entries)

    def attacker(self):
        """Return what an attacker can do who has seen all entries' releases: an `attacker.Attacker`."""
        return attacker.of_parts(self.parts, self.delta)

    def __str__(self):
        head = f"{'mechanism':<34}{'rounds':>7}{'rate':>7}{'ε alone':>10}{'ε so far':>10}  note"
        lines = [head, "-" * len(head)]
        for count, (mechanism, rounds, rate, note, alone) in enumerate(self.entries, 1):
            name = "none" if mechanism is None else _name(mechanism)
            so_far = _total(_parts(self.entries[:count]), self.delta)
            lines.append(f"{name:<34}{rounds:>7}{rate:>7.2f}{alone:>10.3f}{so_far:>10.3f}  {note}")
        unit = next((m.adjacency for m, *_ in self.entries if m is not None), "–")
        return "\n".join([*lines, f"total ε = {self.epsilon:.3f} at δ = {self.delta:g}; neighbours: {unit}"])


def _parts(entries):
    """Entries as they are priced, equal ones together: the same mechanism at two rates stays two parts."""
    merged = {}
    for mechanism, rounds, rate, *_ in entries:
        if mechanism is None or not mechanism.private:
            return None
        key = pricing.priced(mechanism, rate)
        merged[key] = merged.get(key, 0) + rounds
    return tuple((*priced, rounds) for priced, rounds in merged.items())


def _total(parts, delta):
    if not parts:
        return 0.0 if parts == () else math.inf
    return accountants.tightest(parts, delta)[0]


def _name(mechanism):
    if isinstance(mechanism, mechanisms.Gaussian):
        kind = "Skellam" if isinstance(mechanism, integers.Skellam) else "Gaussian"
        return f"{kind} σ={mechanism.noise_multiplier:.4g} at {mechanism.at}"
    return f"{type(mechanism).__name__} ε₁={mechanism.epsilon:.4g} at {mechanism.at}"

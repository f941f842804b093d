"""What an attacker can do with a release."""

from dataclasses import dataclass

from . import accounting


@dataclass(frozen=True)
class Attacker:
    """Stands in."""

    even_odds: float


def of(mechanism, rounds=1, sampling_rate=1.0, delta=1e-5):
    """Stand in."""
    return Attacker((1 + accounting.delta_of(mechanism, 0.0, max(1, rounds), sampling_rate)) / 2)

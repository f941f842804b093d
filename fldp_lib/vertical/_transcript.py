"""What was sent in a protocol, and what it found. For `matching` alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """Points that one party sent to another.

    Args:
        sender, receiver: names.
        what: in words.
        points: 32 bytes each, or positions in an earlier list.
    """

    sender: str
    receiver: str
    what: str
    points: tuple

    def __str__(self):
        return f"{self.sender} → {self.receiver}: {len(self.points)} {self.what}"


@dataclass(frozen=True)
class Matched:
    """What a protocol found, and everything that was sent.

    Args:
        ids: identifiers that all have, sorted.
        messages: in the order of sending.
    """

    ids: tuple
    messages: tuple

    def seen_by(self, name):
        """Return the messages that this party received."""
        return [message for message in self.messages if message.receiver == name]

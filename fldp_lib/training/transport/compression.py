"""Fewer bytes for an update: top-k, random-k, stochastic quantisation; error feedback; bytes as really encoded.

A compressor turns each update into a message and back. `compress` does so for many clients at once and returns what the
server decodes; `encode` and `decode` are the message itself, one client's bytes. Every message of a compressor has the same
length, so that the length tells nothing about the data.

Under differential privacy there are two orders, and `train` takes the one that keeps the guarantee. A client's own noisy
report (`at="client"`, or noise at the record) is compressed after the noise, which is post-processing. Where the server
adds the noise, the decoded message is clipped like any update, so that its contribution to the sum stays within C. Error
feedback keeps a client's remainder at the client: it changes what that client sends later, within the same C, and nobody
else's messages, so that the rounds compose as before; so do the coins of `Quantise`, which every client has of its own. With
Poisson sampling the round's coin is still fresh, and a mixture of bounded contributions is no easier to recognise than the
worst of them.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from .messages import check_rows, check_vector, coins, entries, pack, unpack, whole, width


@dataclass(frozen=True)
class TopK:
    """Send the k entries of largest magnitude and their places.

    The message: the values as float32; the places as a bitmap or as packed numbers, whichever is shorter. Where the places
    are seen by somebody who should not, they tell what the client's data touch (notebook 11).

    Args:
        share: of the entries that is sent, in (0, 1]; rounded up to whole entries.
        error_feedback: whether a client adds what it did not send to its next update.

    Derived in: notebook 13.
    Source: Stich, Cordonnier & Jaggi 2018; Seide et al. 2014 (error feedback).
    """

    share: float = 0.01
    error_feedback: bool = True

    def __post_init__(self):
        checks.real("share", self.share, above=0, at_most=1), checks.flag("error_feedback", self.error_feedback)

    def kept(self, length):
        """Number of entries sent of a vector of that length."""
        return max(1, math.ceil(self.share * entries(length) - 1e-9))

    def compress(self, rows, seed=0, members=None):
        """Return what the server decodes (clients × parameters)."""
        check_rows(rows, seed, members)
        places = self._places(rows)
        return torch.zeros_like(rows).scatter(1, places, rows.gather(1, places))

    def encode(self, vector, seed=0, member=0):
        """Return one client's message for a vector (parameters,) as bytes."""
        check_vector(vector, seed, member)
        places = self._places(vector.unsqueeze(0))[0].sort().values
        if self._bitmap(len(vector)):
            flags = np.zeros(len(vector), dtype=bool)
            flags[places.numpy()] = True
            where = np.packbits(flags).tobytes()
        else:
            where = pack(places.numpy(), width(len(vector)))
        return where + vector[places].numpy().astype("<f4").tobytes()

    def decode(self, message, length):
        """Return the vector (length,) that a message stands for; ValueError where it stands for none."""
        count, message = self.kept(length), whole(message, self.size(length))
        where, values = message[: -4 * count], np.frombuffer(message[-4 * count :], "<f4")
        if self._bitmap(length):
            places = np.flatnonzero(np.unpackbits(np.frombuffer(where, np.uint8))[:length])
        else:
            places = unpack(where, width(length), count)
        if len(np.unique(places)) != count or places.max() >= length:
            raise ValueError(f"message must name {count} different places below {length}, got {places[:20].tolist()}")
        vector = torch.zeros(length, device="cpu")
        vector[torch.from_numpy(places.astype(np.int64))] = torch.from_numpy(values.copy())
        return vector

    def size(self, length):
        """Return the bytes of a message for a vector of that length."""
        return 4 * self.kept(length) + min(self._encodings(length))

    def _places(self, rows):
        """Places of the largest magnitudes (clients × k), in no order."""
        return rows.abs().topk(self.kept(rows.shape[1]), sorted=False).indices

    def _encodings(self, length):
        """Bytes of the places as a bitmap, and as packed numbers."""
        return math.ceil(length / 8), math.ceil(self.kept(length) * width(length) / 8)

    def _bitmap(self, length):
        bitmap, packed = self._encodings(length)
        return bitmap <= packed


@dataclass(frozen=True)
class RandomK:
    """Send k entries that the round's seed chooses, the same for all clients; the message is the seed and the values.

    The choice does not depend on the data. Nothing is scaled up: the mean message is k/parameters of the mean update.

    Args:
        share, error_feedback: as in `TopK`.

    Derived in: notebook 13.
    Source: Konečný et al. 2016; Stich, Cordonnier & Jaggi 2018.
    """

    share: float = 0.01
    error_feedback: bool = True

    __post_init__ = TopK.__post_init__
    kept = TopK.kept

    def compress(self, rows, seed=0, members=None):
        """Return what the server decodes (clients × parameters)."""
        check_rows(rows, seed, members)
        mask = torch.zeros(rows.shape[1], dtype=torch.bool, device=rows.device)
        mask[self._places(rows.shape[1], seed).to(rows.device)] = True
        return rows.where(mask, 0)

    def encode(self, vector, seed=0, member=0):
        """Return one client's message for a vector (parameters,) as bytes."""
        check_vector(vector, seed, member)
        values = vector[self._places(len(vector), seed)]
        return int(seed).to_bytes(8, "little") + values.numpy().astype("<f4").tobytes()

    def decode(self, message, length):
        """Return the vector (length,) that a message stands for; ValueError where it stands for none."""
        message, vector = whole(message, self.size(length)), torch.zeros(length, device="cpu")
        places = self._places(length, int.from_bytes(message[:8], "little"))
        vector[places] = torch.from_numpy(np.frombuffer(message[8:], "<f4").copy())
        return vector

    def size(self, length):
        """Return the bytes of a message for a vector of that length."""
        return 8 + 4 * self.kept(length)

    def _places(self, length, seed):
        return torch.randperm(length, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")[: self.kept(length)]


@dataclass(frozen=True)
class Quantise:
    """Send every entry in a few bits: a multiple of the largest magnitude, rounded at random, so that the mean is exact.

    The coins of a rounding are a function of the round's seed, the client's number and the entry: no other client, there or
    not, changes them.

    The message: the largest magnitude as float32, then 2^bits − 1 levels from −1 to 1, packed.

    Args:
        bits: of an entry, 2 … 16.
        error_feedback: as in `TopK`; an unbiased message can do without.

    Derived in: notebook 13.
    Source: Alistarh et al. 2017 (QSGD, here with the maximum norm).
    """

    bits: int = 4
    error_feedback: bool = False

    def __post_init__(self):
        checks.whole("bits", self.bits, at_least=2, at_most=16), checks.flag("error_feedback", self.error_feedback)

    @property
    def steps(self):
        """Levels above 0."""
        return 2 ** (self.bits - 1) - 1

    def compress(self, rows, seed=0, members=None):
        """Return what the server decodes (clients × parameters); `members` are the clients' numbers, 0 … by default."""
        check_rows(rows, seed, members)
        members = torch.arange(len(rows), device="cpu") if members is None else members
        scale, level = self._levels(rows, seed, members)
        return (scale / self.steps * level).to(rows.dtype)

    def encode(self, vector, seed=0, member=0):
        """Return the message of client `member` for a vector (parameters,) as bytes; `seed` is of the round."""
        check_vector(vector, seed, member)
        scale, level = self._levels(vector.unsqueeze(0), seed, torch.tensor([member], device="cpu"))
        return scale.numpy().astype("<f4").tobytes() + pack(level[0].numpy().astype(np.int64) + self.steps, self.bits)

    def decode(self, message, length):
        """Return the vector (length,) that a message stands for; ValueError where it stands for none."""
        message = whole(message, self.size(length))
        scale = torch.from_numpy(np.frombuffer(message[:4], "<f4").copy())
        level = torch.from_numpy(unpack(message[4:], self.bits, length) - self.steps)
        return scale / self.steps * level.float()

    def size(self, length):
        """Return the bytes of a message for a vector of that length."""
        return 4 + math.ceil(entries(length) * self.bits / 8)

    def _levels(self, rows, seed, members):
        """The largest magnitude (clients × 1) and whole levels (clients × parameters) in −steps … steps."""
        scale = rows.abs().amax(1, keepdim=True)
        exact = rows / scale.clamp(min=torch.finfo(rows.dtype).tiny) * self.steps
        low = exact.floor()
        level = low + (coins(seed, members.to(rows.device), rows.shape[1]) < exact - low)
        return scale, level.clamp(-self.steps, self.steps)


class Channel:
    """What lies between the clients and the server in one run: a compressor, its seeds, and the clients' remainders.

    Args:
        compressor: a `TopK`, `RandomK` or `Quantise`, or None for plain float messages.
        clients: number of clients; with error feedback each has a remainder in memory (clients × parameters).
        theta: the parameters (parameters,), for their number and type.
        seeds: a `torch.Generator` on the CPU, the run's stream of messages.

    Derived in: notebook 13.
    """

    def __init__(self, compressor, clients, theta, seeds):
        self.compressor, self.seeds = compressor, seeds
        feedback = compressor is not None and compressor.error_feedback
        self.rest = torch.zeros(clients, len(theta), dtype=theta.dtype, device=theta.device) if feedback else None
        self.plain = theta.numel() * theta.element_size()  # bytes of a model, and of an update that is not compressed
        self.bytes = self.plain if compressor is None else compressor.size(theta.numel())
        self.open()

    def open(self):
        """Begin a round: draw its seed, which clients and server share. Returns the channel."""
        self.seed = int(torch.randint(2**62, (), generator=self.seeds, device="cpu"))
        return self

    def send(self, updates, members):
        """Return what the server decodes of the members' updates (members × parameters); remainders stay behind.

        An update that is not finite is passed on as it is, for `mechanisms.clip_rows` to drop, and leaves no remainder.
        """
        if self.compressor is None:
            return updates
        rest = self.rest[members] if self.rest is not None else 0
        wanted = updates + rest
        sent = self.compressor.compress(wanted, self.seed, members)
        finite = updates.isfinite().all(1, keepdim=True)
        if self.rest is not None:
            self.rest[members] = (wanted - sent).where(finite, rest).to(self.rest.dtype)
        return sent.where(finite, updates)

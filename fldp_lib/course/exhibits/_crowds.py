"""Clients with one record each, ready for many runs at once: all of them, or in each run only those who are present."""

import contextlib
from dataclasses import dataclass
from functools import lru_cache

import torch

from ... import data
from ._clouds import with_one


@contextlib.contextmanager
def flushed():
    """Numbers below 1e-38 are zero inside: much noise makes softmax full of them, and each costs a hundred others."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@dataclass(frozen=True, eq=False)
class Crowd:
    """Clients with one record each: features and a 1 (65 × n), classes (10 × 1 × n), squared lengths (n,); test records."""

    federation: object

    def __post_init__(self):
        fed = self.federation
        for name, x in (("x", fed.x[:, 0]), ("x_test", fed.x_test)):
            object.__setattr__(self, name, with_one(x.float()).T.contiguous())
        object.__setattr__(self, "square", self.x.square().sum(0))
        object.__setattr__(self, "hot", torch.nn.functional.one_hot(fed.y[:, 0], 10).float().T[:, None].contiguous())

    def __len__(self):
        return self.x.shape[1]

    def outputs(self, theta, test=False):
        """The model's outputs (10 × runs × n) for theta (10 × runs × 65)."""
        x = self.x_test if test else self.x
        return (theta.view(-1, 65) @ x).view(10, -1, x.shape[1])

    def sums(self, lack):
        """Each run's sum of the records, each times what its outputs lack (10 × runs × 65), for lacks (10 × runs × n)."""
        return (lack.view(-1, len(self)) @ self.x.T).view(10, -1, 65)


class Seated:
    """The clients of a crowd that are present in each run (runs × n), the others left out; empty seats are records of 0."""

    def __init__(self, crowd, present):
        places = present.sort(dim=1, descending=True, stable=True).indices[:, : int(present.sum(1).max())]  # runs × seats
        taken = present.gather(1, places)
        records = torch.cat([crowd.x.T, torch.zeros(1, 65)])
        self.records = records[places.where(taken, len(crowd))]  # runs × seats × 65
        self.x = self.records.transpose(1, 2).contiguous()
        self.square, self.hot = crowd.square[places] * taken, crowd.hot[:, 0, places].contiguous()

    def outputs(self, theta):
        """As a crowd's (10 × runs × seats)."""
        return torch.bmm(theta.transpose(0, 1), self.x).transpose(0, 1)

    def sums(self, lack):
        """As a crowd's (10 × runs × 65)."""
        return torch.bmm(lack.transpose(0, 1), self.records).transpose(0, 1)


@lru_cache(maxsize=1)
def images():
    """The pictures of digits, 1,437 to train on; read once for all exhibits."""
    return data.load("digits")


@lru_cache(maxsize=1)
def digits():
    """The digits' training images, one a client."""
    return data.split(images(), 1_437)


@lru_cache(maxsize=64)
def crowd(count=1_437, seed=1):
    """So many clients drawn from the digits."""
    if count == 1_437:
        return Crowd(digits())
    chosen = torch.randperm(1_437, generator=torch.Generator().manual_seed(seed))[:count]
    return Crowd(digits().select(chosen))


@lru_cache(maxsize=32)
def seats(crowd, present):
    """Where the clients of each run are few: those alone, None; else all, and who is present as numbers."""
    few = present is not None and float(present.float().mean()) < 0.7
    return (Seated(crowd, present), None) if few else (crowd, None if present is None else present.float())

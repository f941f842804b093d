"""A run's random streams: cohorts, mini-batches, noise and messages, each with a generator of its own."""

import functools
import math
import secrets

import numpy as np
import torch

COHORTS, BATCHES, NOISE = range(3)
DEAL = 4  # with 0, what the groups of a cyclic sampler are dealt by, in every run
MESSAGES = 2**31  # where torch's own seeds of the fourth stream begin
OWN = 2**29  # seeds below this are torch's: no two streams meet there, and results published with them stay


def streams(seed):
    """Return the four generators of a run: of cohorts, mini-batches, noise, and what clients and server share in messages.

    torch keeps 32 bits of a seed. Below 2²⁹ the four streams have 32-bit seeds that never meet; from there on their whole
    states are derived by a hash of seed and stream (`numpy.random.SeedSequence`).

    Args:
        seed: a whole number, at least 0, from which a run can be repeated, and its noise subtracted by whoever knows it;
            or None for the operating system's entropy.

    Returns:
        Four `torch.Generator`s on the CPU.

    Derived in: notebook 05.
    """
    if seed is None:
        return [unpredictable() for _ in range(4)]
    if seed < OWN:
        return [torch.Generator("cpu").manual_seed(s) for s in (*(3 * seed + k for k in range(3)), MESSAGES + seed)]
    words = (np.random.SeedSequence((seed, stream)).generate_state(624) for stream in range(4))
    return [_generator(each) for each in words]


def unpredictable():
    """Return a generator whose whole state comes from the operating system.

    torch keeps 32 bits of a seed, few enough to be tried one by one; here all 624 words of the Mersenne Twister are
    random. It is still a Mersenne Twister and floating-point noise: not release-grade.
    """
    return _generator(np.frombuffer(secrets.token_bytes(4 * 624), "<u4"))


def _generator(words):
    generator = torch.Generator("cpu").manual_seed(0)
    state = generator.get_state()  # a seed, two counters, then 624 words of 32 bits in 64, then normal variables left over
    state[24 : 24 + 8 * 624] = torch.from_numpy(words.astype("<u8").view(np.uint8))
    generator.set_state(state)
    return generator


def coins(count, rate, generator):
    """Toss one coin a client: True with the given probability, or a little less, never more, so that ε stays a bound.

    A uniform number has 24 bits as float32, which is too coarse for small rates; those take 53.

    Args:
        count: number of coins.
        rate: probability in (0, 1].
        generator: a `torch.Generator` on the CPU.

    Returns:
        Booleans (count,).
    """
    kind, bits = (torch.float32, 24) if rate >= 2**-10 else (torch.float64, 53)
    uniform = torch.rand(count, generator=generator, dtype=kind, device="cpu")
    return uniform < math.floor(rate * 2**bits) / 2**bits


@functools.lru_cache(maxsize=8)
def groups_of(clients, groups):
    """Deal clients into groups that take turns, as equal in size as can be; return each client's group (clients,), from 0.

    Which group a client is in is public. So it is dealt alike in every run, by a constant that everybody knows: a deal by
    the run's seed would let whoever sees the turns try seeds until one fits, and subtract the noise.
    """
    words = np.random.SeedSequence((0, DEAL)).generate_state(624)
    dealt = torch.randperm(clients, generator=_generator(words), device="cpu")
    return torch.empty_like(dealt).index_copy_(0, dealt, torch.arange(clients, device="cpu") % groups)


def cohort_of(clients, plan, t, generator):
    """Draw who takes part in a round.

    Args:
        clients: number of clients.
        plan: a `Plan`, for its sampler and its rate or groups.
        t: number of the round, from 1, whose turn it is in a cyclic sampler.
        generator: a `torch.Generator` on the CPU, of the cohorts that are drawn.

    Returns:
        Client numbers, ascending (cohort,).
    """
    rate = plan.sampling_rate
    if rate == 1:
        return torch.arange(clients, device="cpu")
    if plan.sampler == "cyclic":
        return torch.nonzero(groups_of(clients, plan.groups) == (t - 1) % plan.groups).flatten()
    if plan.sampler == "fixed":
        drawn = torch.randperm(clients, generator=generator, device="cpu")
        return drawn[: max(1, round(rate * clients))].sort().values
    return torch.nonzero(coins(clients, rate, generator)).flatten()

"""How many clients are in memory at once, and on how many threads: decided by the machine that runs, not by the results.

A chunk's tensors are written and read again in every local step, so that they should lie near the processor; but each
operation costs some microseconds however small it is, so that a chunk should not be too small either. Measured with 2 MiB of
L2 a core, the time of a step is flat from two to eight times that, and grows on both sides. On a GPU, where every launch
costs and memory is fast, a chunk is as large as a share of the free memory allows.
"""

import contextlib
import functools
import math
import pathlib

import torch

from .. import checks
from ..privacy.mechanisms import STREAM
from . import models

CACHE = 2**20  # bytes of L2 where the operating system does not say
TIMES = 4  # a chunk's tensors, in units of L2
LEAST = 2**22  # multiplications in one pass of a chunk, below which an operation's own cost shows, and threads do not pay
MOST = 2**30  # bytes of a chunk on a GPU: it is busy with less
ONE = 2**26  # bytes of a chunk on a CPU at most


def size(model, federation, per_record=None, chunk=None):
    """Return how many clients to train at once: a multiple of 16, the same whichever clients take part.

    Args:
        model: what is trained.
        federation: a `Federation`, on the computing device.
        per_record: a record-level mechanism, under which every record has a gradient of its own; or None.
        chunk: what the caller asked for, at least 1; None chooses.

    Raises:
        TypeError, ValueError: `chunk` is no whole number from 1 on.
    """
    if chunk is not None:
        return STREAM * math.ceil(checks.whole("chunk", chunk, at_least=1) / STREAM)
    each = federation.x.element_size() * client_numbers(model, federation, per_record)  # bytes of one client
    if federation.x.is_cuda:
        fit = min(torch.cuda.mem_get_info(federation.x.device)[0] // 8, MOST) // each
    else:
        least = math.ceil(LEAST / _multiplications(model, federation))
        fit = min(max(TIMES * _cache() * torch.get_num_threads() // each, least), max(1, ONE // each))
    return STREAM * max(1, round(fit / STREAM))


def part(federation, members):
    """Return the federation of the members (ascending numbers): without a copy where they follow each other."""
    if len(members) == federation.clients:
        return federation
    first, last = int(members[0]), int(members[-1])
    if last - first + 1 != len(members):
        return federation.select(members)
    return federation._with(**{name: getattr(federation, name)[first : last + 1] for name in ("x", "y", "mask")})


def client_numbers(model, federation, per_record=None):
    """Return about how many numbers one client's training keeps: parameters, records, and the activations between."""
    parameters, samples, features = models.count(model), _samples(federation), federation.x.shape[2]
    if per_record:
        return 2 * parameters * (samples + 1) + samples * (features + record_numbers(model, federation))
    widths = sum(p.shape[0] for p in model.parameters())  # outputs of each layer, and its biases
    graph = 1 if models.offers(model, "factors") else 4  # what autograd keeps besides
    between = max(graph * widths, record_numbers(model, federation))
    return parameters * (1 + graph) + samples * (features + between)


def record_numbers(model, federation):
    """Return how many numbers autograd keeps of one record's way through the model, found by sending a public one through.

    A recurrent layer keeps some for every step, a convolution for every place: no parameter's shape says how often.
    """
    kept, fixed = {}, {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor):
        kept[id(tensor)] = tensor  # held, so that no address comes twice
        return tensor

    x = federation.x_test[:1].to(next(model.parameters()))
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x)
    stores = {each.untyped_storage().data_ptr(): each.numel() for each in kept.values()}
    return sum(numbers for place, numbers in stores.items() if place not in fixed)


@contextlib.contextmanager
def threads(chunk, federation, model):
    """One thread for small work: threads that wait for each other cost more than they bring, above all on a busy machine."""
    before = torch.get_num_threads()
    small = min(chunk, federation.clients) * _multiplications(model, federation) < LEAST  # in one pass
    torch.set_num_threads(1 if small else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _samples(federation):
    return max(1, federation.x.shape[1])


def _multiplications(model, federation):
    """About how many one client's records take: one for each parameter, frozen ones too, if each is used once."""
    return _samples(federation) * sum(p.numel() for p in model.parameters())


@functools.cache
def _cache():
    """Bytes of a core's own cache (L2), where Linux says so."""
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with contextlib.suppress(OSError, ValueError):
            if (index / "level").read_text().strip() == "2":
                return _bytes((index / "size").read_text())
    return CACHE


def _bytes(text):
    """Read a size such as "2048K"."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    return int(number) * 1024 ** (1 + "KMG".index(unit)) if unit in "KMG" else int(text)

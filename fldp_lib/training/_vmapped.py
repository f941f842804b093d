"""Any module under many parameter vectors at once, by `torch.func.vmap`, with what each client is kept to its own."""

import contextlib

import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode


def vmapped(model, names, parameters, x):
    """Return outputs (clients × samples × out) of client k's data through client k's parameters.

    Args:
        model: an `nn.Module`; what is not named is the same for all clients: frozen parameters, buffers.
        names: of the parameters that differ from client to client.
        parameters: one tensor (clients × shape) for each name.
        x: (clients × samples × features).
    """

    def one(tensors, data):
        return functional_call(model, dict(zip(names, tensors, strict=True)), (data,))

    with OwnRows(), _attention(model):
        return vmap(one)(tuple(parameters), x)


class OwnRows(TorchFunctionMode):
    """Looks up each code in the client's own table.

    Under vmap the tables lie one after the other: a code beyond the last row would be read, and moved, in the next client's,
    and the row for padding, which stays as it is, would be the first client's alone. Here a code beyond is a row of NaN, and
    padding is every client's.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is not F.embedding:
            return func(*args, **kwargs)
        given = list(args) + [kwargs.pop(name) for name in ("input", "weight")[len(args) :]]
        codes, table, *rest = given
        padding = rest.pop(0) if rest else kwargs.pop("padding_idx", None)
        inside = (codes >= 0) & (codes < table.shape[-2])
        rows = func(codes.where(inside, 0), table, None, *rest, **kwargs).where(inside.unsqueeze(-1), torch.nan)
        if padding is None:
            return rows
        return rows.detach().where((codes == padding % table.shape[-2]).unsqueeze(-1), rows)


@contextlib.contextmanager
def _attention(model):
    """Attention as the matrix products that it is: torch's fused kernels would be called client by client."""
    fused = any(isinstance(part, (nn.MultiheadAttention, nn.TransformerEncoderLayer)) for part in model.modules())
    before = torch.backends.mha.get_fastpath_enabled()
    if fused:
        torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        if fused:
            torch.backends.mha.set_fastpath_enabled(before)

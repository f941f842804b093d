"""A layer with an adapter of low rank: what `adapters.add` puts in a layer's place."""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from .recurrent import GRU, LSTM, RNN

KINDS = (nn.Linear, nn.Embedding, GRU, LSTM, RNN)


class LowRank(nn.Module):
    """A layer with W + scale·B·A in the place of each weight matrix W (rows × columns), A (r × columns), B (rows × r).

    Args:
        body: an `nn.Linear`, `nn.Embedding`, or the package's GRU, LSTM or RNN; its tensors are kept, frozen or not.
        rank: r, at least 1.
        scale: α/r.
        generator: draws A, normal with variance 1/columns; B is zero.
    """

    def __init__(self, body, rank, scale, generator):
        super().__init__()
        self.body, self.scale, self.rank = body, scale, rank
        for name, w in self.matrices():
            a = torch.randn(rank, w.shape[1], generator=generator, dtype=torch.float32, device="cpu") * w.shape[1] ** -0.5
            self.register_parameter(f"{name}_a", nn.Parameter(a.to(w)))
            self.register_parameter(f"{name}_b", nn.Parameter(w.new_zeros(w.shape[0], rank)))

    def matrices(self):
        """Return (name, weight) of what has an adapter."""
        return [(name, p) for name, p in self.body.named_parameters(recurse=False) if p.ndim == 2]

    def pair(self, name):
        """Return A and B of one weight."""
        return getattr(self, f"{name}_a"), getattr(self, f"{name}_b")

    def moved(self, name):
        """Return W + scale·B·A."""
        a, b = self.pair(name)
        return torch.addmm(getattr(self.body, name), b, a, alpha=self.scale)

    def forward(self, x, *rest):
        if isinstance(self.body, nn.Linear):  # thin products: no client's W is ever built
            a, b = self.pair("weight")
            return self.body(x) + self.scale * F.linear(F.linear(x, a), b)
        if isinstance(self.body, nn.Embedding):
            a, b = self.pair("weight")
            return self.body(x) + self.scale * F.embedding(x, b, self.body.padding_idx) @ a
        whole = {name: self.moved(name) for name, _ in self.matrices()}  # used at every step: built once
        return functional_call(self.body, whole, (x, *rest))

    def merged(self):
        """Return the body with the products folded in; the body is changed."""
        with torch.no_grad():
            for name, w in self.matrices():
                w.copy_(self.moved(name))
        return self.body

    @property
    def weight(self):
        """W + scale·B·A, for a layer that reads its part's weight rather than calling it."""
        return self.moved("weight")

    @property
    def bias(self):
        return self.body.bias

    @property
    def num_embeddings(self):
        return self.body.num_embeddings

    def extra_repr(self):
        return f"rank={self.rank}, scale={self.scale:g}"

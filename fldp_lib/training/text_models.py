"""Models of the next character: from a window of L characters' codes to a score for each character that may follow.

x (samples × L) holds codes 0, 1, …, V−1 as floats, as a `Federation` has them, and y (samples,) the next character's code:
a record is a window, and the task a classification into V classes. Both models train stacked, all clients at once, with
the backward pass written out.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .. import checks
from . import models
from .recurrent import GRU

SIGMOID, TANH = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input  # ∂ before from ∂ after


class CharMLP(nn.Module):
    """The characters' embeddings side by side, an affine map, ReLU, and an affine map: for windows of one length.

    Args:
        symbols: number V of characters, at least 2.
        window: length L of a window, at least 1.
        hidden: width of the hidden layer, at least 1.
        embed: numbers that stand for a character, at least 1.
        seed: of the first weights.

    Derived in: notebook 23.
    Source: Bengio, Ducharme, Vincent & Jauvin 2003 (without the direct connections).
    """

    def __init__(self, symbols, window, hidden=64, embed=8, seed=0):
        super().__init__()
        checks.whole("window", window, at_least=1), checks.whole("hidden", hidden, at_least=1)
        self.embed = _table(symbols, embed, seed)
        self.fc1 = models.Linear(window * embed, hidden, seed + 1).fc
        self.fc2 = models.Linear(hidden, symbols, seed + 2).fc

    def whole(self):
        """Whether the layers are those that `stacked` and `factors` are about."""
        return models.made_of(self, (nn.Embedding, 1), (nn.Linear, 2), (nn.Linear, 2)) and _plain(self.embed)

    def forward(self, x):
        e = self.embed(_codes(x, self.embed.num_embeddings))  # samples × L × embed
        return self.fc2(torch.relu(self.fc1(e.flatten(1))))

    def stacked(self, parameters, x):
        table, w1, b1, w2, b2 = parameters
        e = _looked_up(table, _codes(x, table.shape[1])).flatten(2)  # clients × samples × L·embed
        hidden = torch.baddbmm(b1.unsqueeze(1), e, w1.transpose(1, 2)).relu()
        return torch.baddbmm(b2.unsqueeze(1), hidden, w2.transpose(1, 2))  # clients × samples × V

    def factors(self, parameters, x, slope, room):
        """Return each parameter tensor's gradient as two factors; arguments as in `models.Linear.factors`.

        `models.MLP.factors` with the embeddings E (samples × L·embed) for X; ∂loss/∂E = (∂loss/∂(E·W₁ᵀ + b₁))·W₁, of which
        each character's row takes the sum over where it stands: a product with the codes as indicators (V × samples·L).

        Derived in: notebook 23.
        """
        table, w1, b1, w2, b2 = parameters
        x = _codes(x, table.shape[1])
        clients, samples, window = x.shape
        e = _looked_up(table, x).flatten(2)  # clients × samples × L·embed
        wide, narrow = (clients, samples, b1.shape[1]), (clients, b2.shape[1], samples)
        h = torch.baddbmm(b1.unsqueeze(1), e, w1.transpose(1, 2), out=room("h", wide, e)).relu_()
        z = torch.baddbmm(b2.unsqueeze(2), w2, h.transpose(1, 2), out=room("z", narrow, e))
        d = slope(z)  # clients × V × samples
        back = torch.bmm(d.transpose(1, 2), w2, out=room("back", wide, e))
        back = torch.ops.aten.threshold_backward.grad_input(back, h, 0, grad_input=back)  # clients × samples × hidden
        moved = torch.bmm(back, w1, out=room("moved", e.shape, e)).view(clients, samples * window, -1)
        which = _indicators(x.view(clients, -1), table.shape[1], e, room)
        back, ones = back.transpose(1, 2), room("ones", (clients, samples, 1), e).fill_(1)
        return [(which, moved), (back, e), (back, ones), (d, h), (d, ones)]


class CharGRU(nn.Module):
    """Embedding, a GRU that reads the window from its first character to its last, and an affine map of its last state.

    Args:
        symbols: number V of characters, at least 2.
        hidden: length of the state, at least 1.
        embed: numbers that stand for a character, at least 1.
        seed: of the first weights.

    Derived in: notebook 23.
    Source: Cho et al. 2014 (the unit).
    """

    def __init__(self, symbols, hidden=64, embed=8, seed=0):
        super().__init__()
        self.embed = _table(symbols, embed, seed)
        self.rnn = GRU(embed, hidden, batch_first=True, seed=seed + 1)
        self.out = models.Linear(hidden, symbols, seed + 2).fc

    def whole(self):
        """Whether the layers are those that `stacked` and `factors` are about."""
        kinds = (nn.Embedding, 1), (GRU, 4), (nn.Linear, 2)
        return models.made_of(self, *kinds) and _plain(self.embed) and self.rnn.num_layers == 1

    def forward(self, x):
        _, last = self.rnn(self.embed(_codes(x, self.embed.num_embeddings)))
        return self.out(last[-1])

    def stacked(self, parameters, x):
        table, w_ih, w_hh, b_ih, b_hh, w, b = parameters
        x = _codes(x, table.shape[1])
        given = torch.baddbmm(b_ih.unsqueeze(1), table, w_ih.transpose(1, 2))  # clients × V × 3·hidden: a row a character
        h, w_hh, b_hh = x.new_zeros(*x.shape[:2], w_hh.shape[2], dtype=table.dtype), w_hh.transpose(1, 2), b_hh.unsqueeze(1)
        for now in x.unbind(2):  # clients × samples
            now, held = _looked_up(given, now), torch.baddbmm(b_hh, h, w_hh)
            width = h.shape[2]
            gates = torch.sigmoid(now[..., : 2 * width] + held[..., : 2 * width])
            r, z = gates.chunk(2, -1)
            n = torch.tanh(now[..., 2 * width :] + r * held[..., 2 * width :])
            h = n + z * (h - n)  # clients × samples × hidden
        return torch.baddbmm(b.unsqueeze(1), h, w.transpose(1, 2))  # clients × samples × V

    def factors(self, parameters, x, slope, room):
        """Return each parameter tensor's gradient as two factors; arguments as in `models.Linear.factors`.

        Back through time: of ∂loss/∂h at a step follow those of n, z and r before their tanh and σ, P (3·hidden for what is
        given, and for what is held), and ∂loss/∂h of the step before, z⊙∂h + P·W_hh. All steps' P side by side, times what
        the weight was multiplied with, are the gradients.

        Derived in: notebook 23.
        Source: Werbos 1990 (back through time).
        """
        table, w_ih, w_hh, b_ih, b_hh, w, b = parameters
        x = _codes(x, table.shape[1])
        clients, samples, steps = x.shape
        width, e = w_hh.shape[2], _looked_up(table, x.transpose(1, 2).reshape(clients, -1))  # clients × L·samples × embed

        def kept(name, columns):
            return room(name, (clients, steps, samples, columns), e)  # a step at a time, all steps as rows of one matrix

        given, held, states = kept("given", 3 * width), kept("held", 3 * width), kept("states", width)
        torch.baddbmm(b_ih.unsqueeze(1), e, w_ih.transpose(1, 2), out=given.view(clients, -1, 3 * width))
        across, bias, h = w_hh.transpose(1, 2), b_hh.unsqueeze(1), room("h", (clients, samples, width), e).zero_()
        for t in range(steps):
            states[:, t] = h
            torch.baddbmm(bias, h, across, out=held[:, t])
            gates = given[:, t, :, : 2 * width].add_(held[:, t, :, : 2 * width]).sigmoid_()
            n = given[:, t, :, 2 * width :].addcmul_(gates[..., :width], held[:, t, :, 2 * width :]).tanh_()
            h = torch.lerp(n, h, gates[..., width:])  # clients × samples × hidden
        d = slope(torch.baddbmm(b.unsqueeze(2), w, h.transpose(1, 2), out=room("z", (clients, len(b[0]), samples), e)))
        last, back = h, torch.bmm(d.transpose(1, 2), w, out=room("back", h.shape, e))
        through, some = room("through", h.shape, e), room("some", h.shape, e)
        for t in reversed(range(steps)):
            (r, z, n), (held_r, held_z, held_n) = given[:, t].chunk(3, -1), held[:, t].chunk(3, -1)
            torch.mul(back, z, out=through)  # ∂h on the way to the step before
            SIGMOID(torch.sub(states[:, t], n, out=some).mul_(back), z, grad_input=z)  # z now holds its ∂, as n and r will
            TANH(torch.sub(back, through, out=some), n, grad_input=n)
            torch.mul(n, held_n, out=some), torch.mul(n, r, out=held_n), SIGMOID(some, r, grad_input=r)
            held_r.copy_(r), held_z.copy_(z)
            back = torch.baddbmm(through, held[:, t], w_hh, out=back)
        rows = clients, steps * samples, -1
        given, held, states = given.view(rows), held.view(rows), states.view(rows)
        moved = torch.bmm(given, w_ih, out=room("moved", e.shape, e))
        which = _indicators(x.transpose(1, 2).reshape(clients, -1), table.shape[1], e, room)
        ones, long = room("ones", (clients, samples, 1), e).fill_(1), room("long", (clients, steps * samples, 1), e).fill_(1)
        given, held = given.transpose(1, 2), held.transpose(1, 2)
        return [(which, moved), (given, e), (held, states), (given, long), (held, long), (d, last), (d, ones)]


def _codes(x, symbols):
    """Return codes as whole numbers, int64.

    Args:
        x: codes, floats or whole numbers.
        symbols: number V of characters.

    Raises:
        ValueError: a number that is no code from 0 to V−1. (Under `torch.func.vmap` nobody can look, and such a character's
            row is NaN.)
    """
    found = x.long()
    try:
        wrong = bool(((found < 0) | (found >= symbols) | (found.to(x.dtype) != x)).any())
    except RuntimeError:  # under vmap, where no value can be looked at
        return found
    if wrong:
        raise ValueError(
            f"x must be characters' codes, whole numbers from 0 to {symbols - 1}, got {x.min():g} to {x.max():g}"
        )
    return found


def _table(symbols, embed, seed):
    """An embedding with torch's own law, standard normal."""
    checks.whole("symbols", symbols, at_least=2), checks.whole("embed", embed, at_least=1)
    checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST - 2)
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(symbols, embed, generator=generator, dtype=torch.float32, device="cpu")
    return nn.Embedding(symbols, embed, _weight=rows)


def _plain(table):
    return table.padding_idx is None and table.max_norm is None and not table.scale_grad_by_freq


def _looked_up(tables, x):
    """Each client's rows of its own table (V × columns): of codes x (clients × …) → (clients × … × columns)."""
    clients, symbols, columns = tables.shape
    first = torch.arange(0, clients * symbols, symbols, device=x.device).view(-1, *[1] * (x.ndim - 1))
    return F.embedding(x + first, tables.reshape(clients * symbols, columns))


def _indicators(x, symbols, like, room):
    """Which character stands where: x (clients × places) → (clients × V × places) of 0 and 1."""
    which = room("which", (len(x), symbols, x.shape[1]), like).zero_()
    return which.scatter_(1, x.unsqueeze(1), 1)

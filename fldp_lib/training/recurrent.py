"""Recurrent layers in plain torch, which many clients' parameters go through at once, unlike torch's own.

`torch.func.vmap` has no rule for `nn.GRU`, `nn.LSTM` and `nn.RNN`, whose time steps run inside one kernel. Here a step is a
line, and the parameters have torch's names, shapes and order: `rewrite` puts these layers into a model's copy, whose theta,
outputs and gradients stay the same.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .. import checks


def gru(given, held, h):
    """Return a GRU's next state (samples × hidden): n + z⊙(h − n), with r, z = σ(given + held), n = tanh(given + r⊙held).

    Args:
        given: W_ih·x + b_ih (samples × 3·hidden), for r, z and n in this order.
        held: W_hh·h + b_hh, likewise.
        h: the state (samples × hidden).

    Source: Cho et al. 2014, in torch's arrangement.
    """
    r, z, n = given.chunk(3, -1)
    held_r, held_z, held_n = held.chunk(3, -1)
    n = torch.tanh(n + torch.sigmoid(r + held_r) * held_n)
    return n + torch.sigmoid(z + held_z) * (h - n)


def lstm(given, held, state):
    """Return an LSTM's next (h, c), each (samples × hidden); the four gates are i, f, g and o, arguments as in `gru`."""
    i, f, g, o = (given + held).chunk(4, -1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class Recurrent:
    """What `GRU`, `LSTM` and `RNN` do beside holding torch's parameters: a loop over layers, directions and time.

    Takes x (samples × time × inputs) with `batch_first`, else (time × samples × inputs), and a first state or none, and
    returns what torch's layer returns: the outputs of the last layer, and the last states (layers·directions × samples ×
    hidden), for an LSTM a pair of them.
    """

    def forward(self, x, state=None):
        if x.ndim != 3:
            raise ValueError(
                f"x must be (samples, time, inputs), or (time, samples, inputs) without batch_first; got {x.shape}"
            )
        x = x.movedim(1, 0) if self.batch_first else x  # time × samples × inputs
        pair, ways = self.mode == "LSTM", 2 if self.bidirectional else 1
        if state is None:
            zeros = x.new_zeros(self.num_layers * ways, x.shape[1], self.hidden_size)
            state = (zeros, zeros) if pair else zeros
        ends = []
        for layer in range(self.num_layers):
            outs = []
            for way in range(ways):
                first = tuple(s[layer * ways + way] for s in state) if pair else state[layer * ways + way]
                out, end = self._run(x.flip(0) if way else x, first, f"_l{layer}{'_reverse' * way}")
                outs.append(out.flip(0) if way else out), ends.append(end)
            x = torch.cat(outs, -1)  # time × samples × ways·hidden
        last = tuple(map(torch.stack, zip(*ends, strict=True))) if pair else torch.stack(ends)
        return (x.movedim(0, 1) if self.batch_first else x), last

    def _run(self, x, state, suffix):
        """One layer in one direction: outputs (time × samples × hidden) and the last state."""
        w_ih, w_hh = getattr(self, f"weight_ih{suffix}"), getattr(self, f"weight_hh{suffix}")
        b_ih, b_hh = (getattr(self, f"bias_{kind}{suffix}") if self.bias else None for kind in ("ih", "hh"))
        given, outs = F.linear(x, w_ih, b_ih), []  # all times at once
        for now in given.unbind(0):
            h = state[0] if self.mode == "LSTM" else state
            state = self._step(now, F.linear(h, w_hh, b_hh), state)
            outs.append(state[0] if self.mode == "LSTM" else state)
        return torch.stack(outs), state

    def _step(self, given, held, state):
        if self.mode == "GRU":
            return gru(given, held, state)
        if self.mode == "LSTM":
            return lstm(given, held, state)
        return torch.tanh(given + held) if self.mode == "RNN_TANH" else torch.relu(given + held)


class _Layer(Recurrent, nn.Module):
    """A layer with the parameters and settings of torch's layer of the same name.

    Args:
        inputs, hidden: sizes, at least 1.
        layers: number of layers, at least 1.
        batch_first: whether x is (samples × time × inputs); torch's default is False, and so is this one.
        bidirectional, bias: as in torch.
        seed: of the first parameters, uniform on ±1/√hidden, as torch's.
    """

    like = None

    def __init__(self, inputs, hidden, layers=1, *, batch_first=False, bidirectional=False, bias=True, seed=0):
        super().__init__()
        checks.whole("inputs", inputs, at_least=1), checks.whole("hidden", hidden, at_least=1)
        checks.whole("layers", layers, at_least=1), checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST)
        for name, value in {"batch_first": batch_first, "bidirectional": bidirectional, "bias": bias}.items():
            checks.flag(name, value)
        with torch.device("meta"):  # draws nothing, allocates nothing
            twin = self.like(inputs, hidden, layers, batch_first=batch_first, bidirectional=bidirectional, bias=bias)
        generator, bound = torch.Generator().manual_seed(seed), hidden**-0.5
        for name, p in twin.named_parameters():
            drawn = torch.empty(p.shape, device="cpu").uniform_(-bound, bound, generator=generator)
            self.register_parameter(name, nn.Parameter(drawn))
        self._take(twin)

    def _take(self, twin):
        for name in ("mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional"):
            setattr(self, name, getattr(twin, name))

    @classmethod
    def of(cls, layer):
        """Return this layer with the parameters of one of torch's, the very same tensors.

        Raises:
            ValueError: it has dropout, which draws from torch's global random state, or a projection.
        """
        for name in ("dropout", "proj_size"):
            if value := getattr(layer, name):
                raise ValueError(f"model must have recurrent layers without {name}, got {type(layer).__name__} with {value}")
        new = cls.__new__(cls)
        nn.Module.__init__(new)
        for name, p in layer.named_parameters(recurse=False):
            new.register_parameter(name, p)
        new._take(layer)
        return new.train(layer.training)

    def extra_repr(self):
        more = "".join(f", {name}=True" for name in ("batch_first", "bidirectional") if getattr(self, name))
        return f"{self.input_size}, {self.hidden_size}, layers={self.num_layers}{more}"


class GRU(_Layer):
    __doc__, like = _Layer.__doc__.replace("A layer", "A GRU layer", 1), nn.GRU


class LSTM(_Layer):
    __doc__, like = _Layer.__doc__.replace("A layer", "An LSTM layer", 1), nn.LSTM


class RNN(_Layer):
    __doc__, like = _Layer.__doc__.replace("A layer", "An RNN layer", 1), nn.RNN
    __doc__ += """    nonlinearity: "tanh" or "relu"."""

    def __init__(self, inputs, hidden, layers=1, *, nonlinearity="tanh", **settings):
        checks.one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(inputs, hidden, layers, **settings)
        self.mode = f"RNN_{nonlinearity.upper()}"


class Cell(nn.Module):
    """One step of a recurrent layer, with the parameters of torch's cell.

    Args:
        cell: an `nn.GRUCell`, `nn.LSTMCell` or `nn.RNNCell`, whose very tensors it takes.
    """

    def __init__(self, cell):
        super().__init__()
        self.mode, self.hidden_size = type(cell).__name__, cell.hidden_size
        self.nonlinearity = getattr(cell, "nonlinearity", None)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            self.register_parameter(name, getattr(cell, name))

    def forward(self, x, state=None):
        if state is None:
            state = x.new_zeros(*x.shape[:-1], self.hidden_size)
            state = (state, state) if self.mode == "LSTMCell" else state
        h = state[0] if self.mode == "LSTMCell" else state
        given, held = F.linear(x, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh)
        if self.mode == "GRUCell":
            return gru(given, held, state)
        if self.mode == "LSTMCell":
            return lstm(given, held, state)
        return torch.tanh(given + held) if self.nonlinearity == "tanh" else torch.relu(given + held)


LAYERS = {nn.GRU: GRU.of, nn.LSTM: LSTM.of, nn.RNN: RNN.of, nn.GRUCell: Cell, nn.LSTMCell: Cell, nn.RNNCell: Cell}


def rewrite(model):
    """Return a copy of a model with the package's recurrent layers in the place of torch's.

    Args:
        model: an `nn.Module`.

    Returns:
        A module of the same class, or the layer itself; parameters have the names, order and values that they had.

    Raises:
        TypeError, ValueError: no module; a recurrent layer with dropout, with a projection, or of a subclass.

    Derived in: notebook 23.
    """
    model = copy.deepcopy(checks.kind("model", model, nn.Module, "a torch.nn.Module"))

    done = {}  # a layer in two places stays one

    def plain(layer):
        if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
            if type(layer) not in LAYERS:
                raise ValueError(f"model must have recurrent layers of torch's own classes, got {type(layer).__name__}")
            if layer not in done:
                done[layer] = LAYERS[type(layer)](layer)
            return done[layer]
        for name, child in layer._modules.items():
            if child is not None:
                layer._modules[name] = plain(child)
        return layer

    return plain(model)

"""The two kinds of parties in a split model, each with what it alone holds, and the messages they exchange.

A `Bottom` holds columns and weights: it sends h = clip(act(x·W + b)) + noise and gets ∂loss/∂h back. The `Holder` has the
labels, the top, and a bottom of its own, which sends nothing: it gets all h, and returns each patient's ∂loss/∂h. For
`split` and `run` alone.
"""

import hashlib
import math

import torch

from ..privacy import clipping, mechanisms

ACTIVATIONS = {"tanh": torch.tanh, "linear": lambda z: z}


def stream(seed, *words):
    """Return a generator of its own for each purpose."""
    digest = hashlib.sha256(" ".join(map(str, (seed, *words))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def logits(table_y, z):
    """Return each patient's cross-entropy (n,) of logits z (n,) against labels (n,)."""
    return torch.nn.functional.binary_cross_entropy_with_logits(z, table_y, reduction="none")


def reported(rows, response, generator):
    """Return the signs of each row (n × k, ±1) as reported by randomised response: one of 2^k patterns."""
    powers = 2 ** torch.arange(rows.shape[1])
    pattern = ((rows > 0).long() * powers).sum(1)
    told = response.randomise(pattern, generator)
    return (told.unsqueeze(1) // powers % 2 * 2 - 1).double()


def noisy(rows, noise, generator):
    """Return rows clipped and with noise added (n × k), and the factor (n, 1) each was scaled by."""
    if noise is None:
        return rows, None
    clipped, norms = clipping.clip_rows(rows, noise.clip)
    factor = (norms / noise.clip).clamp(min=1).reciprocal().unsqueeze(1)
    if noise.private:
        clipped = clipped + noise.noise(clipped.shape, generator)
    return clipped, factor


class Descent:
    """Gradient descent with momentum, as torch.optim.SGD; post-processing of the gradients it is given."""

    def __init__(self, weights, lr, momentum):
        self.weights, self.lr, self.momentum = weights, lr, momentum
        self.pace = [torch.zeros_like(weight) for weight in weights]

    def step(self, gradients):
        for weight, pace, gradient in zip(self.weights, self.pace, gradients, strict=True):
            pace.mul_(self.momentum).add_(gradient)
            weight.sub_(pace, alpha=self.lr)


class Bottom:
    """One party's columns and its part of the model.

    Args:
        x: columns (n × d), double.
        weights: W (d × k) and b (k,), double, trained in place.
        activation: "tanh" or "linear".
        guard: a `Guard`, a `RandomisedResponse` of the activations' signs (with fixed weights), or None.
        generator: of its noise.
        descent: a `Descent` of the weights; None where they are fixed.
    """

    def __init__(self, x, weights, activation, guard, generator, descent):
        self.x, self.weights, self.activation, self.guard, self.generator = x, weights, activation, guard, generator
        self.descent = descent
        self.length = x.square().sum(1).add(1).sqrt()  # (n,): of (x, 1), the factor that a bias adds to

    def forward(self):
        """Return the message: activations (n × k)."""
        weight, bias = self.weights
        self.raw = ACTIVATIONS[self.activation](torch.addmm(bias, self.x, weight))  # n × k
        if isinstance(self.guard, mechanisms.RandomisedResponse):
            return reported(self.raw, self.guard, self.generator)
        sent, self.factor = noisy(self.raw, self.guard and self.guard.messages, self.generator)
        return sent

    def slopes(self, gradient):
        """Return ∂loss/∂(x·W + b) (n × k) of a gradient with respect to what was sent: through clip and activation."""
        if self.factor is not None:  # h = r·f with f = C/‖r‖ where r was too long: ∂ = f·(g − r̂·(r̂·g)); else f = 1
            unit = torch.nn.functional.normalize(self.raw, dim=1)
            along = (unit * gradient).sum(1, keepdim=True) * (self.factor < 1)
            gradient = self.factor * (gradient - unit * along)
        return gradient * (1 - self.raw.square()) if self.activation == "tanh" else gradient

    def backward(self, gradient):
        """Take a step by the message that came back: each patient's gradient (n × k) of its own loss."""
        if self.descent is None:
            return
        d = self.slopes(gradient)
        noise = self.guard and self.guard.weights
        if noise is not None:
            d = d / (d.norm(dim=1) * self.length / noise.clip).clamp(min=1).unsqueeze(1)
        self.descent.step(_mean([self.x.T @ d, d.sum(0)], noise, len(d), self.generator))


class Holder(Bottom):
    """The party with the labels: a bottom of its own, and the top.

    Args:
        y: labels as it trains on them (n,), double: flipped, where randomised response protects them.
        top: v (inputs,) and c (1,), double, trained in place.
        join: "concat" or "sum" of what all the bottoms sent.
        place: of its own bottom among the parties.
        others: as in `Bottom`; its `messages` are the gradients that it sends.
    """

    def __init__(self, x, weights, activation, guard, generator, descent, y, top, join, place):
        super().__init__(x, weights, activation, None, generator, descent)
        self.y, self.top, self.join, self.place, self.noise = y, top, join, place, guard

    def step(self, messages):
        """Take a step by all parties' activations; return the gradients to send, and each patient's loss (n,).

        Args:
            messages: activations (n × k) of each other party, in order.

        Returns:
            Gradients (n × k) of each patient's own loss, one for each other party; losses.
        """
        parts = [*messages[: self.place], self.forward(), *messages[self.place :]]
        joined = torch.cat(parts, 1) if self.join == "concat" else torch.stack(parts).sum(0)  # n × inputs
        v, c = self.top
        z = joined @ v + c
        error = torch.sigmoid(z) - self.y  # n: ∂loss/∂z
        back = error.unsqueeze(1) * v  # n × inputs
        shares = back.split(parts[0].shape[1], 1) if self.join == "concat" else [back] * len(parts)
        own = self.slopes(shares[self.place])
        others = [share for place, share in enumerate(shares) if place != self.place]
        sent = self._returned(others)
        noise = self.noise and self.noise.weights
        if noise is not None:  # one vector a patient: its gradient of the top and of the own bottom
            length = (own.norm(dim=1) * self.length).square() + error.square() * joined.square().sum(1).add(1)
            scale = (length.sqrt() / noise.clip).clamp(min=1)
            error, own = error / scale, own / scale.unsqueeze(1)
        gradients = [self.x.T @ own, own.sum(0), joined.T @ error, error.sum().reshape(1)]
        self.descent.step(_mean(gradients, noise, len(own), self.generator))
        return sent, logits(self.y, z)

    def _returned(self, others):
        """Clip and noise what goes to all other parties as one row a patient, since they may pool what they see."""
        if self.noise is None or not others:
            return others
        if self.join == "sum":  # one row, the same for all: its noise is drawn once
            row, _ = noisy(others[0], self.noise.messages, self.generator)
            return [row] * len(others)
        row, _ = noisy(torch.cat(others, 1), self.noise.messages, self.generator)
        return list(row.split(others[0].shape[1], 1))


def _mean(sums, noise, count, generator):
    """Noise once on all of a party's sums of clipped gradients, and the mean."""
    if noise is not None and noise.private:
        sums = [part + noise.noise(part.shape, generator) for part in sums]
    return [part / count for part in sums]


def start(width, cut, generator):
    """Return W (width × cut) and b (cut,), double: small random weights."""
    weight = torch.randn(width, cut, generator=generator, dtype=torch.float64) / math.sqrt(width)
    return [weight, torch.zeros(cut, dtype=torch.float64)]


def average(width):
    """Return W (width × 1) and b (1,), double, of three times the mean of all columns: tanh then nearly fills (−1, 1)."""
    return [torch.full((width, 1), 3 / width, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)]

"""One model over columns that lie apart: bottoms at the parties, a cut, and a top where the labels are.

In each step every party sends its patients' activations, the holder of the labels joins them, and sends each patient's gradient
back. Nobody sends a column, a label or a weight; `adversary.vertical` shows how much of them can be read all the same.
"""

from dataclasses import dataclass, field

import torch

from .. import checks
from ..privacy import accounting, mechanisms
from . import actors
from .parties import Aligned
from .protection import Guard, Promise

JOINS = ("concat", "sum")


@dataclass(frozen=True, eq=False)
class Run:
    """A trained split model, and what each party saw of the training.

    Args:
        names, holder: of the parties; index of the one with the labels.
        bottoms: (W, b) of each party: (d × cut) and (cut,).
        top: v (inputs,) and c (1,).
        activations: by feature party, what it sent (steps × n × cut); one step where it is sent once.
        gradients: by feature party, what came back (steps × n × cut); of each patient's own loss.
        loss: mean training loss before each step (steps,), on the labels that were trained on; for teaching alone.
        settings: the arguments of `train`.
    """

    names: tuple
    holder: int
    bottoms: tuple
    top: tuple
    activations: dict
    gradients: dict
    loss: torch.Tensor
    settings: dict = field(repr=False)

    @property
    def others(self):
        """Names of the feature parties, in order."""
        return tuple(name for place, name in enumerate(self.names) if place != self.holder)

    def predict(self, table, seed=0, messages=None):
        """Return the probability of label 1 (n,) for new patients, whose activations are sent once.

        Args:
            table: an `Aligned` with the same columns.
            seed: of the noise on what the feature parties send.
            messages: noise on it, a `Gaussian`; None takes each party's noise of the training.

        Raises:
            TypeError, ValueError: a table of other columns, no such noise.
        """
        _table("table", table), checks.whole("seed", seed, at_least=0)
        if [x.shape[1] for x in table.xs] != [weights[0].shape[0] for weights in self.bottoms]:
            raise ValueError(f"table must have the columns of the training, got {[x.shape[1] for x in table.xs]}")
        if messages is not None:
            Guard(messages)
        parts = []
        for place, (name, x, weights) in enumerate(zip(self.names, table.xs, self.bottoms, strict=True)):
            guard = self.settings["features"].get(name) if place != self.holder else None
            if messages is not None and place != self.holder:
                guard = Guard(messages)
            generator = actors.stream(seed, name, "new patients")
            parts.append(actors.Bottom(x.double(), weights, self.settings["activation"], guard, generator, None).forward())
        joined = torch.cat(parts, 1) if self.settings["join"] == "concat" else torch.stack(parts).sum(0)
        return torch.sigmoid(joined @ self.top[0] + self.top[1])

    def accuracy(self, table, seed=0, messages=None):
        """Return the share of new patients whose label is the likelier one; arguments as in `predict`."""
        return float(((self.predict(table, seed, messages) > 0.5) == (table.y == 1)).double().mean())

    def messages(self):
        """Return who sent what to whom: (sender, receiver, what, shape of one, how many)."""
        holder, steps = self.names[self.holder], len(self.loss)
        shape = (self.settings["patients"], self.settings["cut"])
        found = []
        for name in self.others:
            once = self.settings["fixed"]
            found.append((name, holder, "activations", shape, 1 if once else steps))
            if not once:  # fixed weights need no gradients
                found.append((holder, name, "gradients", shape, steps))
        return found

    def epsilon_features(self, delta=1e-5):
        """Return, by feature party, the total ε of one patient's columns against all other parties; replace-one."""
        fixed, steps = self.settings["fixed"], len(self.loss)
        guards = self.settings["features"]
        return {
            name: guards[name].epsilon(steps, delta, fixed) if name in guards else float("inf") for name in self.others
        }

    def epsilon_labels(self, delta=1e-5):
        """Return the total ε of one patient's label against the feature parties; replace-one; 0 where nothing comes back."""
        labels = self.settings["labels"]
        if self.settings["fixed"]:
            return 0.0
        if isinstance(labels, mechanisms.RandomisedResponse):
            return accounting.epsilon(labels, 1, 1.0, delta)
        return labels.epsilon(len(self.loss), delta) if isinstance(labels, Guard) else float("inf")

    def promises(self, delta=1e-5):
        """Return who is promised what against whom, one `Promise` a line; print them with `protection.table`.

        Args:
            delta: δ, in (0, 1).
        """
        delta = checks.real("delta", delta, above=0, below=1)
        guards, labels, fixed = self.settings["features"], self.settings["labels"], self.settings["fixed"]
        steps, holder = len(self.loss), self.names[self.holder]
        found = []
        for name, epsilon in self.epsilon_features(delta).items():
            guard = guards.get(name)
            if guard is None or not guard.messages.private:
                by, why = "nothing", "activations are sent as they are"
            elif fixed:
                by, why = "noise on activations", "sent once, fixed weights"
            elif guard.weights is None or not guard.weights.private:
                by, why = "noise on activations", "its weights carry a patient into every row"
            else:
                by, why = "noise on activations and weights", f"{steps} steps of both"
            found.append(Promise(name, "one patient's columns", "all other parties", by, epsilon, delta, why))
        epsilon, against = self.epsilon_labels(delta), "feature parties"
        own = float("inf")
        if fixed:
            by, why, own, own_why = "silence", "no gradient is sent", 0.0, "nothing is sent"
        elif isinstance(labels, mechanisms.RandomisedResponse):
            by, why, own_why = "randomised response", "once, before the training", "gradients depend on them"
        elif isinstance(labels, Guard):
            by, why, own, own_why = "noise on gradients and weights", f"{steps} steps of both", epsilon, "as its label"
            if labels.weights is None:
                why = own_why = "its weights carry a label into every gradient"
        else:
            by, why, own_why = "nothing", "gradients are sent as they are", "gradients depend on them"
        found.append(Promise(holder, "one patient's label", against, by, epsilon, delta, why))
        by = by if own < float("inf") else "nothing"
        found.append(Promise(holder, "one patient's columns", against, by, own, delta, own_why))
        return found


def train(
    table, steps=30, lr=1.0, momentum=0.9, cut=2, join="concat", activation="tanh", fixed=False, features=None, labels=None,
    seed=0, record=True,
):  # fmt: skip
    """Train a split model on all patients of a table at once, with every message said and kept.

    Args:
        table: an `Aligned`.
        steps: of gradient descent, at least 1.
        lr, momentum: step size, positive, and momentum, in [0, 1).
        cut: activations a party sends for a patient, at least 1.
        join: "concat" (the top has a weight for each) or "sum".
        activation: of the bottoms, "tanh" or "linear".
        fixed: whether the feature parties' bottoms are random, public and never trained: then activations are sent once, and
            no gradient comes back.
        features: what the feature parties add: a `Guard` for all, a dict from names to `Guard`s, or None.
        labels: what protects the labels: a `RandomisedResponse` of two categories (labels are flipped once, before the
            training), a `Guard` (noise on gradients and on the holder's weights), or None.
        seed: of first weights, flips and noise.
        record: whether the run keeps the activations and gradients.

    Returns:
        A `Run`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 24.
    Source: Vepakomma, Gupta, Swedish & Raskar 2018 (split learning); Ghazi et al. 2021 (randomised response for labels).
    """
    settings = _settings(table, steps, lr, momentum, cut, join, activation, fixed, features, labels, seed, record)
    guards, y = settings["features"], table.y
    if isinstance(labels, mechanisms.RandomisedResponse):
        y = labels.randomise(y, actors.stream(seed, "labels"))
    bottoms, top = beginning(table, cut, join, seed)
    people = []
    for place, (name, x, weights) in enumerate(zip(table.names, table.xs, bottoms, strict=True)):
        generator = actors.stream(seed, name, "noise")
        if place == table.holder:
            guard = labels if isinstance(labels, Guard) else None
            descent = actors.Descent([*weights, *top], lr, momentum)
            holder = actors.Holder(x.double(), weights, activation, guard, generator, descent, y.double(), top, join, place)
        else:
            descent = None if fixed else actors.Descent(weights, lr, momentum)
            people.append(actors.Bottom(x.double(), weights, activation, guards.get(name), generator, descent))
    forth, back, losses, sent = [], [], [], None
    for _ in range(steps):
        if sent is None or not fixed:
            sent = [party.forward() for party in people]  # activations, to the holder
            forth.append(sent)
        returned, loss = holder.step(sent)
        losses.append(loss.mean())
        if not fixed:
            for party, gradient in zip(people, returned, strict=True):  # gradients, from the holder
                party.backward(gradient)
            back.append(returned)
    names = [name for place, name in enumerate(table.names) if place != table.holder]
    kept = [{name: torch.stack([one[i] for one in told]) for i, name in enumerate(names)} if record and told else {}
            for told in (forth, back)]  # fmt: skip
    frozen = tuple(tuple(weights) for weights in bottoms)
    return Run(table.names, table.holder, frozen, tuple(top), *kept, torch.stack(losses), settings)


def beginning(table, cut=2, join="concat", seed=0):
    """Return the first weights: (W, b) of each party and (v, c) of the top, double; arguments as in `train`."""
    bottoms = [actors.start(x.shape[1], cut, actors.stream(seed, name, "weights"))
               for name, x in zip(table.names, table.xs, strict=True)]  # fmt: skip
    inputs = cut * len(table.xs) if join == "concat" else cut
    weight, bias = actors.start(inputs, 1, actors.stream(seed, "top"))
    return bottoms, [weight.squeeze(1), bias]


def whole(table, steps=30, lr=1.0, momentum=0.9, cut=2, join="concat", activation="tanh", seed=0):
    """Train the same network in one piece, by automatic differentiation and torch's own optimiser: what `train` must equal.

    Args:
        table, steps, lr, momentum, cut, join, activation, seed: as in `train`.

    Returns:
        (W, b) of each party, and (v, c).

    Derived in: notebook 24.
    """
    _settings(table, steps, lr, momentum, cut, join, activation, False, None, None, seed, True)
    bottoms, top = beginning(table, cut, join, seed)
    weights = [weight.requires_grad_() for part in (*bottoms, top) for weight in part]
    optimiser = torch.optim.SGD(weights, lr=lr, momentum=momentum)
    act = actors.ACTIVATIONS[activation]
    for _ in range(steps):
        parts = [act(x.double() @ weight + bias) for x, (weight, bias) in zip(table.xs, bottoms, strict=True)]
        joined = torch.cat(parts, 1) if join == "concat" else sum(parts)
        loss = actors.logits(table.y.double(), joined @ top[0] + top[1]).mean()
        optimiser.zero_grad()
        loss.backward(inputs=weights)
        optimiser.step()
    return [[weight.detach() for weight in part] for part in bottoms], [weight.detach() for weight in top]


def _table(name, table):
    return checks.kind(name, table, Aligned, "an Aligned, such as from parties.align")


def _settings(table, steps, lr, momentum, cut, join, activation, fixed, features, labels, seed, record):
    _table("table", table)
    checks.whole("steps", steps, at_least=1), checks.real("lr", lr, above=0)
    checks.real("momentum", momentum, at_least=0, below=1), checks.whole("cut", cut, at_least=1)
    checks.one_of("join", join, JOINS), checks.one_of("activation", activation, tuple(actors.ACTIVATIONS))
    checks.flag("fixed", fixed), checks.whole("seed", seed, at_least=0), checks.flag("record", record)
    others = [name for place, name in enumerate(table.names) if place != table.holder]
    guards = features if isinstance(features, dict) else dict.fromkeys(others, features) if features is not None else {}
    for name, guard in guards.items():
        checks.one_of("features", name, others)
        checks.kind("features", guard, Guard, "a Guard, a dict from a feature party's name to one, or None")
    if labels is not None:
        checks.kind("labels", labels, (mechanisms.RandomisedResponse, Guard), "a RandomisedResponse, a Guard, or None")
        if isinstance(labels, mechanisms.RandomisedResponse) and labels.categories != 2:
            raise ValueError(f"labels must have the two categories of a label, got {labels.categories}")
    return dict(steps=steps, lr=lr, momentum=momentum, cut=cut, join=join, activation=activation, fixed=fixed,
                features=guards, labels=labels, seed=seed, patients=len(table))  # fmt: skip

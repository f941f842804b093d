"""A trained split model: what it predicts, what each party saw, and what was promised to whom."""

from dataclasses import dataclass, field

import torch

from .. import checks
from ..privacy import mechanisms
from ..privacy.ledger import Ledger
from . import _actors
from .parties import Aligned
from .protection import Guard, Promise


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
            seed: of the noise on what the feature parties send, drawn anew for other patients; the same ones, sent again
                with other columns or by another run, need another seed, or both messages share their noise.
            messages: noise on it, a `Gaussian`; None takes each party's noise of the training.

        Raises:
            TypeError, ValueError: a table of other columns, no such noise.
        """
        (
            checks.kind("table", table, Aligned, "an Aligned, such as from parties.align"),
            checks.whole("seed", seed, at_least=0),
        )
        if [x.shape[1] for x in table.xs] != [weights[0].shape[0] for weights in self.bottoms]:
            raise ValueError(f"table must have the columns of the training, got {[x.shape[1] for x in table.xs]}")
        if messages is not None:
            Guard(messages)
        parts = []
        for place, (name, x, weights) in enumerate(zip(self.names, table.xs, self.bottoms, strict=True)):
            guard = self.settings["features"].get(name) if place != self.holder else None
            if messages is not None and place != self.holder:
                guard = Guard(messages)
            generator = _actors.stream(seed, name, "new patients", *table.ids)
            parts.append(_actors.Bottom(x.double(), weights, self.settings["activation"], guard, generator, None).forward())
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
            once = bool(self.settings["fixed"])
            found.append((name, holder, "activations", shape, 1 if once else steps))
            if not once:  # fixed weights need no gradients
                found.append((holder, name, "gradients", shape, steps))
        return found

    def ledger(self, whose, delta=1e-5, new=False):
        """Return the ledger of one patient's data in the training: its `epsilon`, and its `attacker()`, who knows the rest.

        Args:
            whose: a feature party, whose columns all others see something of; or "labels", of which the feature parties do.
            delta: δ, in (0, 1).
            new: whether it is of a new patient, whose row is sent once, to be predicted with the training's noise.

        Returns:
            A `privacy.ledger.Ledger`, replace-one; ε is infinite where nothing is promised, 0 where nothing is sent.
        """
        checks.one_of("whose", whose, (*self.others, "labels")), checks.flag("new", new)
        fixed, steps = self.settings["fixed"], len(self.loss)
        if whose == "labels" and (fixed or new):
            return Ledger(delta)
        guard = self.settings["labels"] if whose == "labels" else self.settings["features"].get(whose)
        if isinstance(guard, Guard):
            return guard.ledger(steps, delta, new or bool(fixed))
        return Ledger(delta).spend(guard)

    def promises(self, delta=1e-5):
        """Return who is promised what against whom, one `Promise` a line; print them with `protection.table`.

        Args:
            delta: δ, in (0, 1).
        """
        delta = checks.real("delta", delta, above=0, below=1)
        guards, labels, fixed = self.settings["features"], self.settings["labels"], self.settings["fixed"]
        steps, holder = len(self.loss), self.names[self.holder]
        found = []
        for name in self.others:
            guard, epsilon = guards.get(name), self.ledger(name, delta).epsilon
            if isinstance(guard, mechanisms.RandomisedResponse):
                by, why = "randomised response", "signs of activations, sent once"
            elif guard is None or not guard.messages.private:
                by, why = "nothing", "activations are sent as they are"
            elif fixed:
                by, why = "noise on activations", "sent once, fixed weights"
            elif guard.weights is None or not guard.weights.private:
                by, why = "noise on activations", "its weights carry a patient into every row"
            else:
                by, why = "noise on activations and weights", f"{steps} steps of both"
            found.append(Promise(name, "one patient's columns", "all other parties", by, epsilon, delta, why))
        epsilon, against = self.ledger("labels", delta).epsilon, "feature parties"
        own = float("inf")
        if fixed:
            by, own = "silence", 0.0
            why, own_why = (f"{what} is sent, while nothing predicted is told" for what in ("no gradient", "nothing"))
        elif isinstance(labels, mechanisms.RandomisedResponse):
            by, why, own_why = "randomised response", "once, before the training", "gradients depend on them"
        elif isinstance(labels, Guard):
            own, rows = epsilon, labels.messages.private
            learns = labels.weights is not None and labels.weights.private  # under noise
            by = f"noise on gradients{' and weights' * learns}" if rows else "nothing"
            why, own_why = f"{steps} steps of both", "as its label"
            if not rows:
                why = own_why = "gradients are sent without noise"
            elif not learns:
                why = own_why = "its weights carry a label into every gradient"
        else:
            by, why, own_why = "nothing", "gradients are sent as they are", "gradients depend on them"
        found.append(Promise(holder, "one patient's label", against, by, epsilon, delta, why))
        by = by if own < float("inf") else "nothing"
        found.append(Promise(holder, "one patient's columns", against, by, own, delta, own_why))
        return found

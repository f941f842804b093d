"""One round at the server: protect the updates, add them up chunk by chunk, count what `History` reports."""

import math

import numpy as np
import torch

from .. import checks
from ..privacy import integers, mechanisms
from . import aggregation
from .transport import rounding


class Tally:
    """One round's running sum.

    Args:
        fed: the `Federation`, on the computing device.
        mech: a mechanism; one without noise and with an infinite clip leaves the updates as they are.
        aggregator: as in `server.train`.
        theta: the global parameters (parameters,).
        channel: a `compression.Channel`, opened for this round.
        reported: whether the rows arrive as the clients' own noisy reports, clipped and weighed in another process.
    """

    def __init__(self, fed, mech, aggregator, theta, channel, reported=False):
        self.fed, self.mech, self.aggregator, self.channel = fed, mech, aggregator, channel
        self.reported = reported
        self.linear = getattr(aggregator, "weigh", None) is not None
        self.private = mech.private and mech.unit == "client"  # at record level the updates arrive private
        self.sum = torch.zeros_like(theta, dtype=torch.float64)
        self.grid = mech.grid(len(theta), fed.clients) if isinstance(mech, integers.Skellam) else None
        self.total = None if self.grid is None else torch.zeros(self.grid.length, dtype=torch.int64, device="cpu")
        self.norms = np.full(fed.clients, math.nan)
        self.rows, self.sizes = [], []  # only for an aggregator that needs all updates at once
        self.cohort = self.clipped = self.dropped = self.weight = self.squares = 0

    def protect(self, updates, members, generator):
        """Clip each update and weigh it; add the client's own noise, or its share.

        Args:
            updates: (members × parameters).
            members: client numbers (members,).
            generator: draws the noise.

        Returns:
            What the server has of the members' updates (members × parameters).
        """
        if self.reported:
            return self._receive(updates, members)
        mech, sizes = self.mech, self.fed.sizes[members]
        after = self.private and mech.at == "client"  # a noisy report is compressed, not what it hides
        if not after:
            updates = self.channel.send(updates, members)
        updates, norms = mech.clip_rows(updates) if mech.unit == "client" else mechanisms.clip_rows(updates, math.inf)
        weights = self.aggregator.weigh(sizes) if self.linear else torch.ones_like(norms)
        if self.private:  # whatever the aggregator says, nobody counts more than once
            weights = weights.nan_to_num(0.0).clamp(-1, 1)
            updates = self._settle(updates)
        else:  # a dropped client leaves the denominator too
            weights = weights * norms.isfinite()
        if self.linear and self.aggregator is not aggregation.mean:
            updates = updates * weights.to(updates.dtype).unsqueeze(1)
        if self.private and mech.at == "client":
            noise = mech.noise_rows(len(updates), self.sum.shape, generator)
            updates = self.channel.send((noise.to(updates.device) + updates).to(updates.dtype), members)
        self.sent = updates, weights  # before the shares, of which the sum alone is released, never one
        if self.grid is not None:  # on to whole numbers; who is dropped, or absent, adds a share all the same
            updates = rounding.encode(updates, self.grid, self.channel.seed, members)
            if not self.linear:
                updates = updates + self.grid.share_rows(len(updates), generator)
        elif self.private and mech.at == "shares":
            updates = mech.share_rows(len(updates), self.sum.shape, self.fed.clients, generator).to(updates.device) + updates
        self._count(members, norms, weights, sizes)
        return self._keep(updates, torch.ones_like(norms, dtype=torch.bool) if self.private else weights > 0, sizes)

    def told(self):
        """Return what the last `protect` let out for each row, its weight aside (members × parameters).

        Its own noise is in it where the row is released as a report (`at="client"`). A share is not, since no row with its
        share is released: a client that remembered its share would take it out again in its next message, and the noise of
        all rounds together would be that of one.
        """
        updates, weights = self.sent
        if not self.linear or self.aggregator is aggregation.mean:
            return updates
        weights = weights.to(updates.dtype).unsqueeze(1)
        return (updates / weights).where(weights > 0, 0.0)

    def share(self, rate):
        """Return the share of all clients, by weight, that took part: the rate under a mechanism, where it is private."""
        weights = self.aggregator.weigh(self.fed.sizes) if self.linear else torch.ones(self.fed.clients)
        return rate if self.private else self.weight / max(float(weights.sum()), 1e-30)

    def _settle(self, updates):
        """Where the aggregator rounds: round before the noise, and towards zero, so that nothing grows beyond the clip."""
        settle = getattr(self.aggregator, "settle", None)
        return updates if settle is None or self.grid is not None or self.mech.at == "client" else settle(updates)

    def _receive(self, reports, members):
        """A report is taken as it is; a row that is not finite is none, and zero in the sum."""
        sizes = self.fed.sizes[members]
        reports, norms = mechanisms.clip_rows(reports, math.inf)
        here = norms.isfinite()
        self.norms[members[~here.cpu()].numpy()] = math.inf  # the others' norms are hidden
        self.cohort, self.weight = self.cohort + len(here), self.weight + float(here.sum())
        self.dropped += int((~here).sum())
        return self._keep(reports, here, sizes)

    def _keep(self, updates, kept, sizes):
        """All rows for a sum; for an aggregator that needs them all at once, those that count."""
        if self.linear:
            return updates
        # How many records a client holds is part of what its noisy report hides: nobody but itself may weigh by it.
        hidden = self.mech.private and self.mech.unit == "client" and self.mech.at == "client"
        self.sizes.append((torch.ones_like(sizes) if hidden else sizes)[kept])
        return updates[kept.to(updates.device)]  # whole numbers are on the CPU

    def _count(self, members, norms, weights, sizes):
        norms = norms.cpu().numpy()
        self.norms[members.numpy()] = np.where(np.isfinite(norms), norms, math.inf)
        self.cohort += len(norms)
        self.dropped += int((~np.isfinite(norms)).sum())
        self.clipped += int((norms > self.mech.clip).sum()) if self.mech.unit == "client" else 0
        self.weight += float(weights.sum())
        if self.mech.unit == "record":
            self.squares += float((weights / sizes.clamp(min=1)).square().sum())

    def add(self, updates):
        """Add the protected updates to the sum, or keep them for an aggregator that needs them all."""
        if self.grid is not None and self.linear:
            self.total += updates.sum(0)
        elif self.linear:
            # In double precision: a sum of many rows in single or half moves by more than the clip when one is left out.
            exact = self.private or updates.element_size() < 4
            self.sum += updates.sum(0, dtype=torch.float64 if exact else None)
        else:
            self.rows.append(updates)

    def aggregate(self, rate, generator, chunk):
        """Return this round's update (parameters,), with the server's noise."""
        mech, update = self.mech, self.sum
        # Public under a mechanism: the sum of the weights is private, and so is who was dropped.
        self.denominator = rate * self.fed.clients if self.private else self.weight
        if self.grid is not None:
            update = self._decoded(generator) / self.denominator
        elif not self.linear:
            if sum(map(len, self.rows)):
                update = self._aggregated(self.aggregator(torch.cat(self.rows), torch.cat(self.sizes)))
        else:
            if self.private and mech.at == "shares":  # who sits out contributes a share all the same
                for start in range(self.cohort, self.fed.clients, chunk):
                    count = min(chunk, self.fed.clients - start)
                    shares = mech.share_rows(count, self.sum.shape, self.fed.clients, generator)
                    update = update + shares.sum(0).to(update)
            update = update / self.denominator if self.denominator > 0 else update
        if self.private and mech.at == "server":
            noise = mech.noise(update.shape, generator).to(update.device)
            update = update + noise / self.denominator  # in double precision, before it is rounded to the model's
        return update

    def _decoded(self, generator):
        """The sum in whole numbers with all its noise, modulo 2^bits, as floats again (parameters,)."""
        if self.linear:  # nobody sees a row, so that all shares are drawn as their sum, which has one known law
            total = self.total + self.grid.noise(generator)
        else:
            total = self.aggregator.total(torch.cat(self.rows), self.grid.modulus, self.grid.least)
        return rounding.decode(total, self.grid, self.channel.seed, len(self.sum)).to(self.sum)

    def _aggregated(self, update):
        shape = tuple(update.shape) if isinstance(update, torch.Tensor) else type(update).__name__
        if shape != tuple(self.sum.shape):
            raise ValueError(f"aggregator must return an update of shape {tuple(self.sum.shape)}, got {shape}")
        return checks.finite("the aggregator's update", update)

    def adapt(self, clipping, rate, generator):
        """Let an adaptive clip follow this round's norms; who adds nothing to the sum adds nothing to the count."""
        if not clipping.adaptive:
            return
        here = self.norms[np.isfinite(self.norms) & (self.norms > 0)]  # neither zero, nor dropped, nor absent
        short = int((here <= self.mech.clip).sum())
        clipping.adapt(short, len(here) - short, rate * self.fed.clients, generator)

    def record(self, lr, local_steps, batch_rate, copies=1):
        """Return what `History` keeps of this round, in which each client received so many `copies` of a model's bytes."""
        fed, mech = self.fed, self.mech
        std = (mech if self.grid is None else self.grid).std / self.denominator if self.denominator > 0 else 0.0
        if mech.private and mech.unit == "record":
            std *= lr * math.sqrt(local_steps * self.squares) / batch_rate
        elif mech.at == "client":
            std *= math.sqrt(self.cohort - self.dropped * self.reported)
        senders = fed.clients if self.private and mech.at == "shares" else self.cohort - self.dropped * self.reported
        clipped = self.clipped / self.cohort if self.cohort else 0.0
        return {
            "cohort": self.cohort,
            "clip": mech.clip,
            "update_norms": self.norms,
            "fraction_clipped": math.nan if self.reported else clipped,
            "dropped": self.dropped,
            "noise_std": std,
            "bytes_up": senders * (self.channel if self.grid is None else self.grid).bytes,
            "bytes_down": self.cohort * self.channel.plain * copies,
        }

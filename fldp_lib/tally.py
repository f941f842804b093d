"""One round at the server: protect the updates, add them up chunk by chunk, remember what `History` reports."""

import math

import numpy as np
import torch

from . import aggregation, mechanisms


class Tally:
    """One round's running sum.

    Args:
        fed: the `Federation`, on the computing device.
        mech: a mechanism; one without noise and with an infinite clip leaves the updates as they are.
        aggregator: as in `server.train`.
        parameters: length of an update.
    """

    def __init__(self, fed, mech, aggregator, parameters):
        self.fed, self.mech, self.aggregator = fed, mech, aggregator
        self.linear = getattr(aggregator, "weigh", None) is not None
        self.sum = torch.zeros(parameters, dtype=torch.float64, device=fed.x.device)
        self.members, self.norms, self.weights, self.rows = [], [], [], []

    def protect(self, updates, members, generator):
        """Clip each update and weigh it; add the client's own noise, or its share."""
        mech, private = self.mech, self.mech.private and self.mech.unit == "client"
        updates, norms = mech.clip_rows(updates) if mech.unit == "client" else mechanisms.clip_rows(updates, math.inf)
        weights = self.aggregator.weigh(self.fed.sizes[members]) if self.linear else torch.ones_like(norms)
        if not private:  # a dropped client leaves the denominator too
            weights = weights * norms.isfinite()
        if self.linear and self.aggregator is not aggregation.mean:
            updates = updates * weights.to(updates.dtype).unsqueeze(1)
        if private and mech.at == "client":
            updates = updates + mech.noise(updates.shape, generator).to(updates)
        elif private and mech.at == "shares":
            updates = updates + mech.share(updates.shape, self.fed.clients, generator).to(updates)
        self.members.append(members)
        self.norms.append(norms)
        self.weights.append(weights)
        return updates

    def add(self, updates):
        """Add the protected updates to the sum, or keep them for an aggregator that needs them all."""
        if self.linear:
            self.sum += updates.sum(0, dtype=torch.float64)
        else:
            self.rows.append(updates)

    def aggregate(self, rate, generator, chunk):
        """Return this round's update (parameters,)."""
        mech, cohort = self.mech, sum(len(members) for members in self.members)
        self.denominator = sum(float(weights.sum()) for weights in self.weights)
        fixed = mech.private and mech.unit == "client"
        if fixed:  # public: the sum of the weights is private, and so is who was dropped
            self.denominator = rate * self.fed.clients
        if not self.linear:
            rows = torch.cat(self.rows) if self.rows else self.sum.new_zeros(0, len(self.sum))
            keep = torch.cat(self.weights) > 0 if self.weights else slice(None)
            sizes = torch.cat([self.fed.sizes[members] for members in self.members]) if cohort else None
            update = self.aggregator(rows[keep], sizes[keep]) if len(rows[keep]) else self.sum
        else:
            if mech.private and mech.at == "shares":  # who sits out contributes a share all the same
                for count in (len(m) for m in torch.empty(self.fed.clients - cohort).split(chunk)):
                    share = mech.share((count, len(self.sum)), self.fed.clients, generator)
                    self.sum += share.sum(0).to(self.sum)
            update = self.sum / self.denominator if self.denominator > 0 else self.sum
        if mech.private and mech.at == "server":
            update = update + mech.noise(update.shape, generator).to(update) / self.denominator
        return update

    def record(self, lr, local_steps, batch_rate):
        """Return what `History` keeps of this round."""
        fed, mech = self.fed, self.mech
        members = torch.cat(self.members) if self.members else torch.arange(0)
        norms = torch.cat(self.norms).cpu().numpy() if self.norms else np.zeros(0)
        update_norms = np.full(fed.clients, math.nan)
        update_norms[members.numpy()] = norms
        std = mech.std / self.denominator if self.denominator > 0 else 0.0
        if mech.private and mech.unit == "record":
            fixed = fed.sizes[members.to(fed.sizes.device)].clamp(min=1) * batch_rate
            spread = (torch.cat(self.weights) / fixed).norm() if self.weights else 0.0
            std = float(std * lr * math.sqrt(local_steps) * spread)
        elif mech.at == "client":
            std *= math.sqrt(len(members))
        senders = fed.clients if mech.private and mech.at == "shares" else len(members)
        client_level = mech.unit == "client" and len(norms) > 0
        return {
            "cohort": len(members),
            "update_norms": update_norms,
            "fraction_clipped": float((norms > mech.clip).mean()) if client_level else 0.0,
            "dropped": int((~np.isfinite(norms)).sum()),
            "noise_std": std,
            "bytes_up": senders * len(self.sum) * fed.x.element_size(),
            "bytes_down": len(members) * len(self.sum) * fed.x.element_size(),
        }

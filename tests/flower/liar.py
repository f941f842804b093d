"""A model for tests whose node 1 does not do what was asked: what it sends in round 1 has no meaning, in round 2 is none."""

import os
import pathlib

from fldp_lib.training import models


def make(*sizes):
    """Return an MLP; in the process of node 1's app, replace what that app sends."""
    if pathlib.Path(os.getcwd()).parent.name == "node-1":
        from fldp_lib.flower import apps, node

        real, reports = apps._record, node.reports

        def lie(name, tensor):
            import flwr.app

            t = lie.round
            if t == 1:  # Flower's own reader finds no array in it
                return flwr.app.ArrayRecord(
                    {name: flwr.app.Array("float32", tuple(tensor.shape), "numpy.ndarray", b"no array")}
                )
            if t == 2:  # an error with a long text that would move a terminal's cursor
                raise ValueError("\x1b[2J" + 9000 * "no ")
            return real(name, tensor)

        def told(agreed, model, shard, t, theta, members):
            lie.round = t
            return reports(agreed, model, shard, t, theta, members)

        apps._record, node.reports = lie, told
    return models.MLP(*sizes)

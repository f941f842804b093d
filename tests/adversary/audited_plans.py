"""Plans over the options of `train`, for audits: name → (plan, neighbour, runs in the tests, trainer)."""

import math
import pathlib
import tempfile

import torch

from fldp_lib import Plan, aggregation, mechanisms, train
from fldp_lib.adversary.poisoning import Poisoned, sign_flip
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.training import clients
from fldp_lib.training.algorithms import FedAvg, FedProx, ServerSGD
from fldp_lib.training.transport.compression import Quantise, RandomK, TopK

Gaussian, Laplace = mechanisms.Gaussian, mechanisms.Laplace


def huber(outputs, targets):
    """A loss of one's own: linear far from the target."""
    apart = (outputs.squeeze(-1) - targets).abs()
    return torch.where(apart < 1, apart.square() / 2, apart - 0.5) * 1e4


def once(outputs, targets):
    """A loss that pulls upwards with all its might until the output is positive, and not at all from there on."""
    return 1e6 * torch.relu(1e-9 - outputs.squeeze(-1)) * (targets > 0)


def half(model, federation, plan, **options):
    return train(model.bfloat16(), federation, plan, **options)


def resumed(model, federation, plan, callback, progress):
    """Every run is stopped after its first round and goes on from its checkpoint."""

    def stop(t, theta, record):
        callback(t, theta, record)
        if t == 1:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run"
        try:
            train(model, federation, plan, callback=stop, progress=progress, checkpoint=file)
        except KeyboardInterrupt:
            return train(model, federation, plan, callback=callback, progress=progress, checkpoint=file)
    raise AssertionError("the run was not stopped")


def continued(model, federation, plan, callback, progress):
    """The last round is a run of its own, from the history of the others."""
    first = train(model, federation, plan.changed(rounds=plan.rounds - 1), callback=callback, progress=progress)
    return train(model, federation, plan.changed(rounds=1), start=first, callback=callback, progress=progress)


def by_workers(model, federation, plan, callback, progress):
    """Updates are computed elsewhere; one client's answer is lost."""

    def workers(t, theta, members):
        updates = clients.local_updates(model, theta, federation.select(members), lr=plan.lr, local=plan.local)
        updates[members == federation.clients - 1] = math.nan
        return updates

    return train(model, federation, plan, callback=callback, progress=progress, workers=workers)


def in_chunks(model, federation, plan, **options):
    return train(model, federation, plan, chunk=16, **options)


def double(model, federation, plan, **options):
    return train(model.double(), federation, plan, **options)


def stopping(model, federation, plan, callback, progress):
    """The run ends early where theta looks large: what was planned is priced."""

    def watch(t, theta, record):
        callback(t, theta, record)
        return bool(theta[0] > 0)

    return train(model, federation, plan, callback=watch, progress=progress)


server_noise, local_noise = Gaussian(1.5, 1.0), Gaussian(1.5, 1.0, "client")
record_noise = Gaussian(1.5, 1.0, "client", "record")
PLANS = {
    "Gaussian at the server": (Plan(2, mechanism=server_noise), "removed", 1000, train),
    "Laplace at the server": (Plan(2, mechanism=Laplace(1.0, 1.0)), "removed", 1000, train),
    "sampled": (Plan(3, mechanism=Gaussian(0.8, 1.0), sampling_rate=0.2), "removed", 1000, train),
    "FedAvg, a server's step": (Plan(2, 0.5, server_noise, local=FedAvg(4), server=ServerSGD(0.5)), "removed", 1000, train),
    "FedProx, mini-batches": (Plan(2, 0.5, server_noise, local=FedProx(3, 0.5), batch_rate=0.5), "removed", 1000, train),
    "shares": (Plan(2, mechanism=Gaussian(1.5, 1.0, "shares")), "removed", 1000, train),
    "secure sums": (
        Plan(1, mechanism=Gaussian(1.5, 1.0, "shares"), aggregator=aggregation.SecureMean(50.0, bits=12)),
        "removed",
        60,
        train,
    ),
    "local Gaussian": (Plan(2, mechanism=local_noise), "replaced", 1000, train),
    "local Laplace": (Plan(2, mechanism=Laplace(1.0, 1.0, "client")), "replaced", 1000, train),
    "local, a rule that wants sizes": (
        Plan(1, mechanism=local_noise, aggregator=Poisoned(aggregation.weighted_mean, sign_flip, 1)),
        "replaced",
        1000,
        train,
    ),
    "local, sampled, quantised": (
        Plan(2, mechanism=local_noise, sampling_rate=0.5, compressor=Quantise(4)),
        "replaced",
        1000,
        train,
    ),
    "record level": (Plan(2, mechanism=record_noise, local=FedAvg(2)), "removed", 1000, train),
    "record level, mini-batches": (
        Plan(2, mechanism=Gaussian(0.8, 1.0, "client", "record"), local=FedAvg(2), batch_rate=0.3),
        "removed",
        1000,
        train,
    ),
    "quantised and sampled, no seed": (
        Plan(2, mechanism=server_noise, sampling_rate=0.5, compressor=Quantise(2), seed=None),
        "removed",
        1000,
        train,
    ),
    "random-k with feedback": (Plan(4, mechanism=server_noise, compressor=RandomK(0.3)), "removed", 1000, train),
    "top-k with feedback": (Plan(2, mechanism=server_noise, compressor=TopK(0.3)), "removed", 1000, train),
    "capped weights": (Plan(2, mechanism=server_noise, aggregator=aggregation.WeightedMean(3)), "removed", 1000, train),
    "a loss of one's own": (Plan(2, mechanism=server_noise, loss=huber), "removed", 1000, train),
    "bfloat16": (Plan(2, mechanism=server_noise), "removed", 1000, half),
    "going on": (Plan(3, mechanism=server_noise, loss=once), "removed", 1000, continued),
    "ending early": (Plan(3, mechanism=server_noise), "removed", 1000, stopping),
    "workers, one of them lost": (Plan(2, mechanism=server_noise), "removed", 1000, by_workers),
    "resumed": (Plan(2, mechanism=server_noise, loss=once), "removed", 1000, resumed),
    "an adaptive clip": (Plan(3, mechanism=AdaptiveGaussian(2.0, 1.0, count_noise=1.1)), "removed", 60, train),
    "a broken client": (Plan(2, mechanism=server_noise), "nan", 60, train),
    "a client too long for its precision": (Plan(2, mechanism=server_noise), "long", 60, train),
    "an empty client, adaptive": (Plan(2, mechanism=AdaptiveGaussian(2.0, 1.0, count_noise=1.1)), "empty", 60, train),
}

MORE = {  # audited by tests/benchmarks/audits.py only
    "Laplace in shares": (Plan(1, mechanism=Laplace(1.0, 1.0, "shares")), "removed", 1000, train),
    "Laplace at the record": (Plan(2, mechanism=Laplace(1.0, 1.0, "client", "record")), "removed", 1000, train),
    "Laplace, sampled, no seed": (
        Plan(3, mechanism=Laplace(1.0, 1.0), sampling_rate=0.2, seed=None), "removed", 1000, train
    ),
    "shares, sampled": (Plan(2, mechanism=Gaussian(1.0, 1.0, "shares"), sampling_rate=0.3), "removed", 1000, train),
    "capped weights, sampled": (
        Plan(2, mechanism=server_noise, aggregator=aggregation.WeightedMean(3), sampling_rate=0.5),
        "removed",
        1000,
        train,
    ),
    "quantised, sampled, many rounds": (
        Plan(20, mechanism=Gaussian(2.0, 1.0), sampling_rate=0.3, compressor=Quantise(3, error_feedback=True)),
        "removed",
        1000,
        train,
    ),
    "in chunks of 16": (Plan(2, mechanism=server_noise, sampling_rate=0.5), "removed", 1000, in_chunks),
    "float64": (Plan(2, mechanism=server_noise), "removed", 1000, double),
    "bfloat16 at the record": (Plan(2, mechanism=record_noise, local=FedAvg(2)), "removed", 1000, half),
    "bfloat16, local": (Plan(2, mechanism=local_noise), "replaced", 1000, half),
    "local, a median": (Plan(2, mechanism=local_noise, aggregator=aggregation.median), "replaced", 1000, train),
    "local, top-k": (Plan(2, mechanism=local_noise, compressor=TopK(0.3)), "replaced", 1000, train),
    "local, capped weights": (
        Plan(2, mechanism=local_noise, aggregator=aggregation.WeightedMean(2)), "replaced", 60, train
    ),
    "an adaptive clip, sampled": (
        Plan(4, mechanism=AdaptiveGaussian(1.0, 1.0, count_noise=0.6), sampling_rate=0.5), "removed", 60, train
    ),
    "a broken client, adaptive": (Plan(3, mechanism=AdaptiveGaussian(2.0, 1.0, count_noise=1.1)), "nan", 60, train),
}  # fmt: skip

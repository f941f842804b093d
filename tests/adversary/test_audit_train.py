"""auditing.audit: no plan is refuted, whatever its options; every fault planted in the package is.

False alarms: an honest plan is refuted with a probability of 5% at most by construction; with its true ε so far above what
few runs can show, hardly ever (the seeds are fixed). A fault is refuted with 95% confidence by each test.
"""

import math

import pytest
import torch
from audited_plans import PLANS, once

from fldp_lib import Plan, aggregation, mechanisms, models, train
from fldp_lib.adversary import auditing
from fldp_lib.adversary.poisoning import Poisoned, sign_flip
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.training import _tally, _terms, server
from fldp_lib.training.algorithms import FedAvg
from fldp_lib.training.transport.compression import Channel, RandomK

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*counted as zero"),
    pytest.mark.filterwarnings("ignore:delta should be below"),
]
Gaussian, Laplace = mechanisms.Gaussian, mechanisms.Laplace


@pytest.mark.parametrize("name", PLANS)
def test_no_plan_is_refuted(name):
    plan, neighbour, runs, trainer = PLANS[name]
    found = auditing.audit(plan, runs, neighbour, trainer=trainer)
    assert found.lower <= plan.epsilon() < math.inf


@pytest.mark.parametrize("neighbour", ["removed", "replaced"])
def test_an_audit_finds_a_good_part_of_what_is_there(neighbour):
    """Else that no plan is refuted would say nothing: a fifth of ε at 3,000 runs, a half for Laplace noise."""
    at = "server" if neighbour == "removed" else "client"
    for mechanism, share in ((Laplace(1.5, 1.0, at), 0.5), (Gaussian(1.0, 1.0, at), 0.2)):
        plan = Plan(1, mechanism=mechanism)
        assert auditing.audit(plan, 3_000, neighbour).lower > share * plan.epsilon()


# Planted faults --------------------------------------------------------------------------------------------------------

FAULTS = {}


def fault(plan, neighbour="removed", runs=1000, trainer=train):
    """Register a function that plants a fault; the plan's ε is then false."""

    def register(plant):
        FAULTS[plant.__name__] = plant, plan, neighbour, runs, trainer
        return plant

    return register


def patched(patch, owner, name, make):
    """Replace an attribute by what `make` makes of the one before."""
    patch.setattr(owner, name, make(getattr(owner, name)))


quiet = Plan(1, mechanism=Gaussian(4.0, 1.0))  # ε = 0.86 at δ = 1e-5


@fault(Plan(6, mechanism=AdaptiveGaussian(2.4, 1.0, count_noise=1.2001), delta=0.25), runs=300)
def a_client_that_sends_nothing_counts_as_short(patch):
    def adapt(self, clipping, rate, generator):
        if clipping.adaptive:
            short = int((self.norms <= self.mech.clip).sum())
            clipping.adapt(short, self.cohort - short, rate * self.fed.clients, generator)

    patch.setattr(_tally.Tally, "adapt", adapt)


@fault(Plan(6, mechanism=AdaptiveGaussian(6.0, 1.0, clip_lr=2.0, count_noise=3.5), delta=0.1), runs=90)
def an_adaptive_clip_keeps_the_first_clip_s_noise(patch):
    first = AdaptiveGaussian(6.0, 1.0, count_noise=3.5).sum_multiplier
    patch.setattr(Gaussian, "noise", lambda self, shape, generator: mechanisms.gaussian_noise(shape, first, generator))


@fault(Plan(2, mechanism=AdaptiveGaussian(6.0, 1.0, count_noise=20.0)), runs=90)
def the_count_s_noise_is_known(patch):
    patched(
        patch, mechanisms, "gaussian_noise",
        lambda own: lambda shape, std, generator: own(shape, std, torch.Generator() if shape == () else generator),
    )  # fmt: skip


@fault(Plan(1, mechanism=Gaussian(4.0, 1.0, "shares")))
def the_clip_is_forgotten_in_shares(patch):
    patched(
        patch, Gaussian, "clip_rows",
        lambda own: lambda self, rows: (rows, rows.norm(dim=1)) if self.at == "shares" else own(self, rows),
    )  # fmt: skip


@fault(Plan(4, mechanism=Gaussian(6.0, 1.0), sampling_rate=0.5))
def one_noise_for_all_rounds(patch):
    patched(
        patch, server, "streams",
        lambda own: lambda seed: (kept.clear(), own(seed))[1],
    )  # fmt: skip
    kept = {}
    patched(
        patch, Gaussian, "noise",
        lambda own: lambda self, shape, generator: kept.setdefault(tuple(shape), own(self, shape, generator)),
    )  # fmt: skip


@fault(Plan(1, mechanism=Gaussian(4.0, 1.0, "shares")))
def shares_are_divided_by_the_clients_not_their_root(patch):
    patch.setattr(
        Gaussian, "share",
        lambda self, shape, clients, generator: mechanisms.gaussian_noise(shape, self.std / clients, generator),
    )  # fmt: skip


@fault(Plan(1, mechanism=Gaussian(2.0, 1.0, "client"), delta=0.2), "replaced", 3000)
def local_noise_is_calibrated_to_the_clip_not_twice_the_clip(patch):
    patch.setattr(Gaussian, "sensitivity", property(lambda self: self.clip))


@fault(Plan(3, mechanism=Gaussian(0.8, 1.0), sampling_rate=0.02))
def everybody_takes_part_in_a_run_priced_as_sampled(patch):
    patched(patch, server, "cohort_of", lambda own: lambda clients, rate, *rest: torch.arange(clients))


@fault(Plan(1, mechanism=Gaussian(6.0, 1.0, "client", "record"), local=FedAvg(6), delta=0.1), runs=3000)
def record_level_noise_in_the_first_step_alone(patch):
    def make(own):
        def noise_rows(self, count, shape, generator):
            drawn = own(self, count, shape, generator)
            drawn[:, 1:] = 0
            return drawn

        return noise_rows

    patched(patch, Gaussian, "noise_rows", make)


@fault(Plan(1, mechanism=Gaussian(4.0, 1.0), compressor=RandomK(0.05, error_feedback=False)), runs=6000)
def messages_are_scaled_up_after_the_clip(patch):
    last, real = [], Channel.send
    patch.setattr(Channel, "send", lambda self, updates, members: (last.append((self, members)), updates)[1])

    def make(own):
        def clip_rows(self, rows):
            clipped, norms = own(self, rows)
            channel, members = last[-1]
            return real(channel, clipped, members) / channel.compressor.share, norms  # unbiased, and twenty times as long

        return clip_rows

    patched(patch, Gaussian, "clip_rows", make)


def again(model, federation, plan, callback, progress):
    """Two runs with one seed, the second from what the first released."""
    _terms._RELEASED.clear()
    one = plan.changed(rounds=1)
    first = train(model, federation, one, callback=callback, progress=progress)
    _terms._RELEASED.clear()
    return train(models.with_theta(model, first.theta), federation, one, callback=callback, progress=progress)


@fault(Plan(2, mechanism=Gaussian(6.0, 1.0), loss=once), trainer=again)
def a_second_run_draws_the_first_one_s_noise(patch):
    pass


@fault(Plan(1, mechanism=Gaussian(1.0, 1.0), delta=0.25), runs=300)
def who_has_no_data_leaves_the_divisor(patch):
    def make(own):
        def aggregate(self, rate, generator, chunk):
            here = float((self.norms > 0).sum())
            return own(self, rate, generator, chunk) * self.fed.clients / here

        return aggregate

    patched(patch, _tally.Tally, "aggregate", make)
    patch.setattr(auditing._worlds, "_acts_on_all", lambda plan, neighbour: True)


@fault(
    Plan(1, mechanism=Gaussian(4.0, 1.0, "client"), aggregator=Poisoned(aggregation.weighted_mean, sign_flip, 1)), "replaced"
)
def sizes_reach_the_aggregator(patch):
    def keep(self, updates, kept, sizes):
        self.sizes.append(sizes[kept])
        return updates[kept]

    patched(
        patch, _tally.Tally, "_keep", lambda own: lambda self, *rest: own(self, *rest) if self.linear else keep(self, *rest)
    )


@fault(quiet, "nan", 90)
def what_is_not_finite_becomes_huge(patch):
    patched(
        patch, Gaussian, "clip_rows",
        lambda own: lambda self, rows: tuple(
            part + 1e3 * ~rows.isfinite().all(1, keepdim=place == 0) for place, part in enumerate(own(self, rows))
        ),
    )  # fmt: skip


@fault(Plan(2, mechanism=Gaussian(8.0, 1.0)))
def noise_in_the_first_round_alone(patch):
    seen = []
    patched(patch, server, "streams", lambda own: lambda seed: (seen.clear(), own(seed))[1])
    patched(
        patch, Gaussian, "noise",
        lambda own: lambda self, shape, generator: (seen.append(0), own(self, shape, generator) * (len(seen) == 1))[1],
    )  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_planted_fault_is_refuted(name, monkeypatch):
    plant, plan, neighbour, runs, trainer = FAULTS[name]
    plant(monkeypatch)
    assert auditing.audit(plan, runs, neighbour, trainer=trainer).lower > plan.epsilon()


def test_there_are_twelve_faults_and_twenty_plans_at_least():
    assert len(FAULTS) >= 12 and len(PLANS) >= 20


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: auditing.audit(quiet, runs=10), ValueError, "runs"),
        (lambda: auditing.audit(quiet, 100, "friend"), ValueError, "neighbour"),
        (lambda: auditing.audit(quiet, 100, "replaced"), ValueError, "neighbour"),
        (lambda: auditing.audit(Plan(1), 100), ValueError, "plan"),
        (lambda: auditing.audit("plan", 100), TypeError, "plan"),
        (lambda: auditing.audit(quiet, 100, seed=-1), ValueError, "seed"),
        (lambda: auditing.audit(quiet, 100, confidence=1.0), ValueError, "confidence"),
        (lambda: auditing.audit(quiet, 100, trainer=3), TypeError, "trainer"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()

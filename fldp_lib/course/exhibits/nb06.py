"""What notebook 06 shows: two participants and a crowd, what the printed example really promises, two noises and one."""

from functools import lru_cache

import numpy as np
import torch

from ... import mechanisms
from ...interactive import browser, explorers, plots
from ._kit import _, clients, count, epsilon, three
from ._prices import guesser
from .nb06_more import printed, two_noises

__all__ = ["crowd", "printed", "two_noises", "two_participants"]

MEANS, BOUND, BEST = (1.0, 3.0), 2.0, 2.0  # of stations A and B; of a gradient; what both together say
RATES = np.round(np.geomspace(0.05, 1.6, 16), 3)
EDGES = (-6.0, 10.0)
RUNS, MOST = 200, 10  # and rounds


@lru_cache(maxsize=1)
def _unit():
    """Laplace noise of scale 1 for A and B in the most rounds there are (rounds × 2 × runs)."""
    generator = torch.Generator().manual_seed(0)
    return mechanisms.laplace_noise((MOST, 2, RUNS), 1.0, generator).numpy()


def _private_rounds(epsilons, rates, rounds):
    """θ after each round (rounds + 1 × rates × runs) of A and B; every clipped gradient gets its participant's noise."""
    scales = [mechanisms.Laplace(e, clip=BOUND, at="client").scale for e in epsilons]
    noise, rates = np.array(scales)[:, None, None] * _unit()[:rounds, :, None], np.array(rates)[:, None]
    means, path = np.array(MEANS)[:, None, None], [np.zeros((len(rates), RUNS))]
    for drawn in noise:
        gradients = (path[-1] - means).clip(-BOUND, BOUND)  # 2 × rates × runs
        path.append(path[-1] - rates * (gradients + drawn).mean(0))
    return np.stack(path)


def _error(ends):
    """How far off the best value the ends of some runs are (… × runs), as a root mean square (…)."""
    return np.sqrt(((ends - BEST) ** 2).mean(-1))


def _about(epsilon, rounds):
    return guesser(mechanisms.Laplace(epsilon / rounds, clip=1.0), rounds)


@lru_cache(maxsize=16)
def _powers(count):
    """Sums of 1, 2, 4, … Laplace noises of scale 1, drawn apart: the first so many, up to 11 (count × MOST × runs)."""
    generator = torch.Generator().manual_seed(7)
    found = [sum(mechanisms.laplace_noise((2**k, MOST, RUNS), 1.0, generator)) for k in range(count)]
    return np.stack([part.float().numpy() for part in found])


def _sums(count, rounds):
    """The sum of so many Laplace noises of scale 1, in each round (rounds × runs): of sums of 1, 2, 4, … of them."""
    return sum(part[:rounds] for k, part in enumerate(_powers(count.bit_length())) if count >> k & 1)


def _drawn():
    """For pages: the sums of 1, 2, 4, … noises of scale 1 (11 × MOST × runs)."""
    return dict(sums=_powers(11))


def _noise():
    """For pages: the noises of scale 1 (MOST × 2 × runs), and the learning rates of the curve."""
    return dict(unit=_unit().astype(np.float32), rates=RATES)


@lru_cache(maxsize=256)
def _crowd(total, rounds, lr, count, place):
    """θ after each round of `count` participants, half like A and half like B, at a total ε for each, δ = 0."""
    noise = mechanisms.Laplace(total / rounds, clip=BOUND * lr, at=place)
    means, path = np.array(MEANS)[:, None], [np.zeros(RUNS)]
    for drawn in _sums(count if place == "client" else 1, rounds):
        updates = (lr * (means - path[-1])).clip(-BOUND * lr, BOUND * lr)  # 2 × runs: an A and a B
        path.append(path[-1] + updates.mean(0) + noise.scale * drawn / count)
    return np.stack(path)


PLACES = {"local: each adds its own": "client", "central: once on the sum": "server"}


def crowd():
    """The same rounds at the same ε with more participants: the cloud of private runs closes on the one without noise."""

    def compute(epsilon, clients, place, rounds):
        clients = 2 * round(clients / 2)  # as many like A as like B
        paths = _crowd(epsilon, rounds, 0.5, clients, place)
        return dict(paths=paths, bare=_bare(0.5, rounds), epsilon=epsilon, clients=clients, place=place, rounds=rounds,
                    error=float(_error(paths[-1])), near=float((abs(paths[-1] - BEST) < 0.5).mean()),
                    attacker=_about(epsilon, rounds))  # fmt: skip

    def draw(r):
        steps = np.arange(r["rounds"] + 1)
        marks = plots.cloud(steps, r["paths"].T, "private", "")
        marks += [plots.line((0, 10), (BEST, BEST), 5, _("best")), plots.line(steps, r["bare"], "no privacy", width=2.0)]
        return [
            *marks,
            plots.text(0.2, 9.2, _("private, 200 runs"), "private"),
            plots.text(0.2, -5.2, _("no noise"), "no privacy"),
        ]

    def say(r):
        words = _("{n} participants, half like A (1) and half like B (3), {rounds}, {place} noise, total ε = "
                  "{epsilon:.3g} for each: of 100 runs {near:.0f} end within 0.5 of the best value 2, and they are "
                  "{error:.2g} off (root mean square), {bare:.2g} without noise.")  # fmt: skip
        return words.format(n=r["clients"], rounds=count(r["rounds"], _("round"), _("rounds")), epsilon=r["epsilon"],
                            place=_("local") if r["place"] == "client" else _("central"), near=100 * r["near"],
                            error=r["error"], bare=abs(r["bare"][-1] - BEST))  # fmt: skip

    panel = plots.Panel(_("θ by round"), _("round"), x=(0, 10), y=EDGES, xticks=[0, 5, 10], right=0.12)
    return browser.live(
        explorers.Explorer(
        _("Two participants, or a crowd?"),
        [epsilon(10.0, 1.0, 100.0, _("ε of each, in total")), clients(10, 2, 2000, _("participants")),
         explorers.Choice("place", _("noise"), PLACES, "client"),
         explorers.Slider("rounds", _("rounds"), 1, 10, 10, whole=True)],
        compute, plots.Chart([panel], size=(5.8, 3.2)), draw, say,
        attacker=lambda r: r["attacker"], unit=_("which of two data sets one has"),
    ), "nb06.crowd", _drawn
    )  # fmt: skip


def _bare(lr, rounds):
    """θ after each round without noise (rounds + 1,)."""
    return _private_rounds([np.inf] * 2, [lr], rounds)[:, 0, 0]


@lru_cache(maxsize=512)
def _ends(epsilons, rounds):
    """The error at the end at each of RATES (rates,)."""
    return _error(_private_rounds([e / rounds for e in epsilons], RATES, rounds)[-1])


def two_participants():
    """The corrected example with an ε of each participant: runs by round, and the error at every learning rate."""

    def compute(epsilon_a, epsilon_b, lr, rounds):
        both = (epsilon_a, epsilon_b)
        paths = _private_rounds([e / rounds for e in both], [lr], rounds)[:, 0]
        return dict(epsilons=both, lr=lr, rounds=rounds, paths=paths, here=float(_error(paths[-1])),
                    bare=_bare(lr, rounds), errors=_ends(both, rounds))  # fmt: skip

    def draw(r):
        steps = np.arange(r["rounds"] + 1)
        marks = plots.cloud(steps, r["paths"].T, "private", "")
        marks += [plots.line((0, 10), (BEST, BEST), 5, _("best")), plots.line(steps, r["bare"], "no privacy", width=2.0)]
        marks += [
            plots.text(0.2, 9.2, _("private, 200 runs"), "private"),
            plots.text(0.2, -5.2, _("no noise"), "no privacy"),
        ]
        marks.append(plots.line(RATES, r["errors"], "private", panel=1))
        return [*marks, plots.dots([r["lr"]], [r["here"]], "private", panel=1, size=5)]

    def say(r):
        people = [_about(e, r["rounds"]).people for e in r["epsilons"]]
        words = _("{reports} each; δ = 0, replace one participant's data: total ε = {a} for A, {b} for B, "
                  "{most} for either. At learning rate {lr:.3g} θ ends {here:.2f} from the best value (root mean "
                  "square), {bare:.2g} without noise; the best of 16 rates ends {best:.2f} from it. Who guesses which of "
                  "two data sets it was is right for {pa} of 100 about A, {pb} about B.")  # fmt: skip
        a, b = r["epsilons"]
        return words.format(reports=count(r["rounds"], _("report"), _("reports")), a=three(a), b=three(b),
                            most=three(max(a, b)), lr=r["lr"], here=r["here"], bare=abs(r["bare"][-1] - BEST),
                            best=min(r["errors"]), pa=people[0],
                            pb=people[1])  # fmt: skip

    ticks = {rate: f"{rate:g}" for rate in (0.05, 0.2, 0.5, 1)}
    panels = [plots.Panel(_("θ by round"), _("round"), x=(0, 10), y=EDGES, xticks=[0, 5, 10], right=0.2),
              plots.Panel(_("error at the end (rms)"), _("learning rate α"), x=(0.05, 1.6), y=(1e-3, 1e3), xlog=True,
                          ylog=True, xticks=ticks)]  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("Two participants, each with its own ε"),
        [explorers.Slider("epsilon_a", _("total ε of A"), 0.1, 1000, 20, step=0.05, log=True),
         explorers.Slider("epsilon_b", _("total ε of B"), 0.1, 1000, 20, step=0.05, log=True),
         explorers.Slider("lr", _("learning rate α"), 0.05, 1.6, 0.5, step=0.05),
         explorers.Slider("rounds", _("rounds"), 1, 10, 10, whole=True)],
        compute, plots.Chart(panels, size=(6.2, 3.2)), draw, say,
        attacker=lambda r: _about(max(r["epsilons"]), r["rounds"]), unit=_("which of two data sets one has"),
        predict=(
            "06.b",
            _("Two participants, total ε = 20 each, the best learning rate for either. Which ends nearer to 2?"),
            [_("ten rounds at ε = 2 each"), _("one round at ε = 20"), _("both alike")],
            lambda r: int(_best(1) < _best(10)),
            lambda r: _("one round ends {one:.2f} away, ten rounds {ten:.2f}: ten reports share one ε.").format(
                one=_best(1), ten=_best(10)),
        ),
    ), "nb06.two_participants", _noise
    )  # fmt: skip


def _best(rounds):
    return _ends((20.0, 20.0), rounds).min()

"""Notebook 18's explorers in closed form: noise that cancels over the rounds, and what one ε may mean."""

import numpy as np
from scipy import special

from ...interactive import browser, explorers, plots
from ...privacy import accounting, attacker, mechanisms
from ._kit import _, epsilon

DELTA = 1e-5


# Noise that cancels ---------------------------------------------------------------------------------------------------


def correlated(coefficients=None):
    """The noise in a model after each round, independent and correlated, as clouds of thirty draws.

    Args:
        coefficients: called with a number of rounds; returns the first column of the matrix whose square adds up. None
            takes that of the square root.
    """

    def root(rounds):
        k = np.arange(rounds)
        return np.exp(special.gammaln(k + 0.5) - special.gammaln(k + 1)) / np.sqrt(np.pi)

    def compute(rounds):
        column = (coefficients or root)(rounds)
        z = np.random.default_rng(0).normal(size=(2, 30, rounds))
        size = 2 * rounds  # circular, so twice as long
        mixed = np.fft.irfft(np.fft.rfft(z[1], size) * np.fft.rfft(column, size), size)[:, :rounds]
        wide, errors = np.linalg.norm(column), np.sqrt(np.cumsum(column**2))
        typical = [np.sqrt((rounds + 1) / 2), wide * np.sqrt(np.mean(errors**2))]
        return dict(rounds=rounds, independent=np.cumsum(z[0], 1), correlated=wide * mixed, typical=typical)

    def marks(r):
        at = np.unique(np.linspace(0, r["rounds"] - 1, 60).round().astype(int))
        share = (at + 1) / r["rounds"]
        pairs = (("independent", 1, _("independent")), ("correlated", "private", _("correlated")))
        return [mark for name, role, words in pairs for mark in plots.cloud(share, r[name][:, at], role, label=words)]

    def say(r):
        return _(
            "Over {rounds} rounds, each client once, the noise in the running sum is typically {a:.1f} multipliers if it "
            "is independent and {b:.1f} if it is correlated: {times:.1f} times as much, for the same ε."
        ).format(rounds=r["rounds"], a=r["typical"][0], b=r["typical"][1], times=r["typical"][0] / r["typical"][1])

    def because(r):
        return _("independent noise has {a:.1f}, correlated noise {b:.1f}.").format(a=r["typical"][0], b=r["typical"][1])

    panel = plots.Panel(
        "", "share of the rounds", "noise in the sum, in multipliers", x=(0, 1), y=(-30, 30), right=0.2,
    )  # fmt: skip
    question = _(
        "Noise of one size in each of 100 rounds. If it is made so that rounds partly cancel, at the same ε, it is …"
    )
    options_ = [_("as large in the sum"), _("about a quarter smaller"), _("about a third as large")]
    return explorers.Explorer(
        _("Noise that cancels"),
        [explorers.Slider("rounds", _("rounds"), 10, 200, 100, step=0.05, log=True, whole=True)],
        compute, plots.Chart([panel], size=(6.6, 3.0)), marks, say,
        predict=("18.b", question, options_, 2, because),
    )  # fmt: skip


# What an ε leaves open ------------------------------------------------------------------------------------------------


def meaning():
    """What one ε means to a client: in all, in each round, for each of its images; exactly, for Gaussian noise."""
    names = [_("in all"), _("a round"), _("an image"), _("a round,\nan image")]

    def compute(epsilon, rounds, images):
        noise = accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA).noise_multiplier
        factors = (1.0, rounds**0.5, float(images), images * rounds**0.5)
        given = [mechanisms.Gaussian(noise / factor, clip=1.0) for factor in factors]
        can = [attacker.of(mechanism, delta=DELTA) for mechanism in given]
        spent = [accounting.epsilon(mechanism, delta=DELTA) for mechanism in given]
        return dict(epsilon=epsilon, rounds=rounds, images=images, can=can, spent=spent)

    def marks(r):
        exact, bound = ([100 * getattr(can, name) for can in r["can"]] for name in ("even_odds", "bound"))
        told = ["", "", "", _("bound")]
        ticks = [plots.line([k - 0.3, k + 0.3], [y, y], "bound", label=told[k], width=1.6) for k, y in enumerate(bound)]
        words = [plots.text(k - 0.22, 46, f"ε = {_short(e)}") for k, e in enumerate(r["spent"])]
        return [plots.bars(range(4), np.array(exact) - 50, "attacker", width=0.6, base=[50] * 4), *ticks, *words]

    def say(r):
        return _(
            "“ε = {epsilon:.3g}” in all: an attacker is right about {a} of 100 clients. In each of {rounds} rounds: {b}. "
            "For each of a client's {images} images: {c}, which is ε = {e} for the client at the same δ. Both: {d}."
        ).format(
            epsilon=r["epsilon"], rounds=r["rounds"], images=r["images"], e=_short(r["spent"][2]),
            **dict(zip("abcd", (can.people for can in r["can"]), strict=True)),
        )  # fmt: skip

    def because(r):
        return _(
            "ε = {e} at the same δ: the noise is as it was, and the client moves the sum {images} times as far."
        ).format(e=_short(r["spent"][2]), images=r["images"])

    panel = plots.Panel(
        "", "what “ε” is meant for", "attacker is right, of 100", x=(-0.6, 3.6), y=(42, 102),
        xticks=dict(enumerate(names)), yticks=[50, 60, 70, 80, 90, 100], right=0.12,
    )  # fmt: skip
    question = _("“ε = 2 an image.” A client has twelve images. For the client, at the same δ, that is …")
    explorer = explorers.Explorer(
        _("What one ε may mean"),
        [
            epsilon(2.0, 0.1, 10, _("the ε that is told")),
            explorers.Slider("rounds", _("rounds"), 2, 100, 20, step=0.05, log=True, whole=True),
            explorers.Slider("images", _("images of a client"), 2, 100, 12, step=0.05, log=True, whole=True),
        ],
        compute, plots.Chart([panel], size=(6.4, 3.3)), marks, say,
        predict=("18.d", question, [_("ε = 2"), _("ε = 24"), _("more than 24")], 2, because),
    )  # fmt: skip
    return browser.live(explorer, "nb18.meaning")


def _short(value):
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"

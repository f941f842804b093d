"""What notebook 06 shows of the printed example: clean steps inside the noisy one, and two noises that are not one."""

import numpy as np
import torch

from ... import mechanisms
from ...interactive import browser, explorers, plots
from ._kit import _, count
from ._prices import guesser

LR = 0.1
DRAWS = 28_000


def _centre(mean, clean):
    """All gradients that enter A's report of the printed example, from θ = 0, without its noise."""
    theta = total = 0.0
    for _step in range(clean + 1):
        slope = theta - mean
        theta, total = theta - LR * slope, total + slope
    return total


def _reports():
    """For pages: the noise of scale 1 and the heights of the dots (2 × 150) each."""
    return dict(
        noise=mechanisms.laplace_noise((2, 150), 1.0, torch.Generator().manual_seed(3)),
        heights=torch.rand((2, 150), generator=torch.Generator().manual_seed(1)) * 0.6,
    )


def _pair():
    """For pages: the noises of scale 1, A's and B's (2 × DRAWS)."""
    return dict(pair=mechanisms.laplace_noise((2, DRAWS), 1.0, torch.Generator().manual_seed(6)).float())


def printed():
    """A's noisy report as the example prints it, for two data sets of A: the ε that it has, beside the ε that it says."""

    def compute(epsilon, other, clean):
        places = [-_centre(mean, clean) for mean in (1.0, other)]
        noise = mechanisms.laplace_noise((2, 150), 1 / epsilon, torch.Generator().manual_seed(3)).numpy()
        true = max(abs(places[1] - places[0]) * epsilon, 1e-6)
        who = guesser(mechanisms.Laplace(min(true, 200.0), 1.0))
        return dict(places=places, noise=noise, true=true, epsilon=epsilon, other=other, clean=clean, attacker=who)

    def draw(r):
        height, marks = torch.rand((2, 150), generator=torch.Generator().manual_seed(1)).numpy() * 0.6, []
        for row, (place, style) in enumerate(zip(r["places"], (5, "private"), strict=True)):
            x = place + r["noise"][row]
            seen = (x >= -25) & (x <= 100)
            marks.append(plots.dots(x[seen], 1.25 - row + height[row][seen], style, size=1.8, opacity=0.55))
            marks.append(plots.places([place], [1.12 - row], style, size=6))
        marks.append(plots.text(35, 2.05, _("A's mean is 1"), 5))
        return [*marks, plots.text(35, 0.95, _("A's mean is another"), "private")]

    def say(r):
        words = _("A's mean 1 or {other:.3g}, {clean} before the noisy one, noise of scale 1/ε = {scale:.3g}: the report "
                  "moves by {move:.3g}. That costs ε = {true:.3g}, where {epsilon:.3g} is promised: who has to tell them "
                  "apart is right for {people} of 100.")  # fmt: skip
        clean = count(r["clean"], _("clean step"), _("clean steps"))
        return words.format(other=r["other"], clean=clean, scale=1 / r["epsilon"],
                            move=abs(r["places"][1] - r["places"][0]), true=r["true"], epsilon=r["epsilon"],
                            people=r["attacker"].people)  # fmt: skip

    panel = plots.Panel(
        _("150 reports of A for either data set"), _("report, in gradients"), x=(-25, 100), y=(0, 2.2), yticks={}
    )
    return browser.live(
        explorers.Explorer(
        _("What does step 4 promise?"),
        [explorers.Slider("epsilon", _("ε as printed"), 0.2, 10.0, 1.0, step=0.05, log=True),
         explorers.Slider("other", _("A's other mean"), 1.5, 11.0, 2.0, step=0.5),
         explorers.Slider("clean", _("clean steps before it"), 0, 9, 1, whole=True)],
        compute, plots.Chart([panel], size=(5.8, 3.1)), draw, say,
        attacker=lambda r: r["attacker"], unit=_("which of two data sets A has"),
        predict=(
            "06.a",
            _("Step 2 takes a step without noise, step 4 one with Lap(1/ε), and only the sum of both is sent. A mean may "
              "move by 1. At ε = 1 the report costs"),
            [_("1, as promised: the noise is on the last step"), _("nearly 2: both gradients are A's"), _("less than 1")],
            1,
            _("the report holds both gradients, 1.9 times the move of the mean; the noise is for one. Add clean steps, "
              "and let the mean move further: nothing in the example bounds it."),
        ),
    ), "nb06.printed", _reports
    )  # fmt: skip


def two_noises():
    """Two Laplace noises added, and one of twice the scale: a round top and a sharp peak."""

    def compute(scale_a, scale_b):
        a, b = mechanisms.laplace_noise((2, DRAWS), 1.0, torch.Generator().manual_seed(6)).numpy()
        own = scale_a * a + scale_b * b
        share = np.histogram(own, np.linspace(-12, 12, 97))[0] / len(own) / 0.25
        return dict(a=scale_a, b=scale_b, share=share, variance=2 * scale_a**2 + 2 * scale_b**2,
                    printed=2 * (scale_a + scale_b) ** 2)  # fmt: skip

    def draw(r):
        x, b = np.linspace(-12, 12, 481), r["a"] + r["b"]
        marks = [plots.bars(np.linspace(-11.875, 11.875, 96), r["share"], "private", width=0.25, opacity=0.4)]
        marks.append(plots.line(x, np.exp(-abs(x) / b) / (2 * b), "article"))
        words = ((_("bars: the sum of both"), "private"), (_("one Lap(λ_A + λ_B)"), "article"))
        return [*marks, *(plots.text(1.5, 0.51 - 0.05 * k, *said) for k, said in enumerate(words))]

    def say(r):
        words = _("λ_A = {a:.2g} and λ_B = {b:.2g}: the two noises' sum has variance {own:.3g}, one Laplace noise of scale "
                  "{scale:.3g} has {printed:.3g}.")  # fmt: skip
        return words.format(a=r["a"], b=r["b"], own=r["variance"], scale=r["a"] + r["b"], printed=r["printed"])

    panel = plots.Panel(_("density of the noise"), _("noise"), x=(-12, 12), y=(0, 0.55))
    return browser.live(
        explorers.Explorer(
        _("Two noises, or one?"),
        [explorers.Slider("scale_a", _("scale of A's noise, λ_A"), 0.5, 3.0, 1.0, step=0.1),
         explorers.Slider("scale_b", _("scale of B's noise, λ_B"), 0.5, 3.0, 1.0, step=0.1)],
        compute, plots.Chart([panel], size=(5.6, 3.0)), draw, say,
    ), "nb06.two_noises", _pair
    )  # fmt: skip

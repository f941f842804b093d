"""Notebook 22's explorer of sums in whole numbers: what few bits and a long step cost, and when a number wraps round."""

from functools import lru_cache

import numpy as np
import torch

from ...interactive import explorers, plots
from ...privacy import accounting, attacker, integers, mechanisms, skellam
from ...training.transport import rounding
from ._kit import _, clients, epsilon
from ._singles import digits

CLIP, DELTA, DRAWS, SEED = 4.0, 1e-5, 40, 3
SHORT, LONG = 1 / 4, 4  # for shorter steps and fewer than 200 people there is no table of noise with 16 bits
LONGER = np.geomspace(SHORT, LONG, 25)


@lru_cache(maxsize=64)
def multiplier(epsilon):
    """Noise for one release of the total ε."""
    return accounting.calibrate("gaussian", epsilon, DELTA).noise_multiplier


@lru_cache(maxsize=16)
def pictures(count):
    """One image of each of so many people, clipped (people × 64)."""
    return mechanisms.clip_rows(digits().x[:count, 0].double(), CLIP)[0]


@lru_cache(maxsize=256)
def grid(epsilon, clients, bits, longer):
    """The package's grid, its step so many times as long."""
    mechanism = integers.Skellam(multiplier(epsilon), CLIP, bits=bits)
    found = mechanism.grid(64, clients)
    return found if longer == 1 else mechanism.grid(64, clients, found.step * longer)


@lru_cache(maxsize=256)
def released(epsilon, clients, bits, longer):
    """Typical error of a pixel of the mean picture over some draws, and how many of the draws wrapped round."""
    on, rows = grid(epsilon, clients, bits, longer), pictures(clients)
    sent = rounding.encode(rows, on, SEED, torch.arange(clients)).sum(0)
    noise = skellam.draw((DRAWS, on.length), on.clients * on.share, torch.Generator().manual_seed(SEED))
    total, half = sent + noise, on.modulus // 2
    seen = rounding.unrotate(on.step * ((total + half) % on.modulus - half).double(), SEED, 64) / clients
    wrapped = int(((total < -half) | (total >= half)).any(1).sum())
    return float((seen - rows.mean(0)).square().mean().sqrt()), wrapped


@lru_cache(maxsize=256)
def along(epsilon, clients, bits, step):
    """Noise against continuous noise, and the bound of wrapping round, for steps around the package's (in clips)."""
    noise = multiplier(epsilon)
    norms = [integers.rounded_norm2(1 / (step * x), 64, clients) for x in LONGER]
    ratio = [step * x * np.sqrt(n * noise**2 + 1 / 3) / noise for x, n in zip(LONGER, norms, strict=True)]
    wrap = [integers.wrap_bound(1 / (step * x), n * noise**2 + 1 / 3, 64, clients, bits)
            for x, n in zip(LONGER, norms, strict=True)]  # fmt: skip
    return np.array(ratio), np.array(wrap)


def whole_numbers():
    """A mean picture released in whole numbers: bits, step, ε and people against noise and wrapping round."""

    def compute(epsilon, clients, bits, longer):
        base = grid(epsilon, clients, bits, 1.0)
        here = grid(epsilon, clients, bits, longer)
        shown = dict(epsilon=epsilon, clients=clients, bits=bits, longer=longer, plain=multiplier(epsilon) * CLIP / clients,
                     attacker=against(epsilon))  # fmt: skip
        error, wrapped = released(epsilon, clients, bits, longer)
        ratio, wrap = along(epsilon, clients, bits, base.step / CLIP)
        times = here.std / (multiplier(epsilon) * CLIP)
        return shown | dict(error=error, wrapped=wrapped, ratio=ratio, wrap=wrap, here=times, chance=here.wrap,
                            step=here.step)  # fmt: skip

    def marks(r):
        cut = lambda values, low, high: np.where((values >= low) & (values <= high), values, np.nan)  # noqa: E731
        return [
            plots.line((SHORT, LONG), (1, 1), 5, label=_("continuous"), width=1.2),
            plots.line(LONGER, r["ratio"], "private", label=_("whole")),
            plots.dots([r["longer"]], [r["here"]], "private", size=5),
            plots.line((SHORT, LONG), (1e-6, 1e-6), 5, width=1.2, panel=1),
            plots.line(LONGER, cut(r["wrap"], 1e-12, 1), "attacker", panel=1),
            plots.dots([r["longer"]], [np.clip(r["chance"], 1e-12, 1)], "attacker", size=5, panel=1),
        ]

    def say(r):
        start = _("{clients:,} people send a picture of 64 numbers; one sum, ε = {epsilon:.3g} at δ = 1e-5. ").format(**r)
        return start + _(
            "A pixel of the mean is off by {error:.3f} with whole numbers of {bits} bits, steps of {step:.3g}; by "
            "{plain:.3f} with continuous noise. A number of the sum wraps round with a probability of at most {chance}; "
            "{wrapped} of {draws} draws did."
        ).format(**r | dict(chance=f"{max(r['chance'], 1e-12):.2g}"), draws=DRAWS)

    def because(_result):
        few, many = (grid(1.0, 300, bits, 1.0) for bits in (10, 16))
        noise = multiplier(1.0) * CLIP
        return _("the bound of a rounded vector is longer than the clip, and noise has to cover it: {a:.2f} times the "
                 "continuous noise with 10 bits, {b:.3f} with 16. ε is the same.").format(a=few.std / noise,
                                                                                          b=many.std / noise)  # fmt: skip

    ticks = {1 / 4: "1/4", 1 / 2: "1/2", 1: "1", 2: "2", 4: "4"}
    panels = [
        plots.Panel(_("Noise, against continuous noise"), _("length of a step"), _("times"), x=(SHORT, LONG), y=(0.9, 200),
                    xlog=True, ylog=True, xticks=ticks, yticks={1: "1", 10: "10", 100: "100"}, right=0.3),
        plots.Panel(_("Chance of wrapping round"), _("length of a step"), _("bound"), x=(SHORT, LONG), y=(1e-12, 1.5),
                    xlog=True, ylog=True, xticks=ticks, yticks={1: "1", 1e-6: "1e-6", 1e-12: "1e-12"}),
    ]  # fmt: skip
    question = _("Same ε, same people, 10 bits a number in place of 16. What do the missing bits cost?")
    options = [_("a larger ε"), _("more noise"), _("nothing: rounding is hidden by the noise")]
    return explorers.Explorer(
        _("Sums in whole numbers"),
        [explorers.Slider("bits", _("bits a number"), 10, 16, 12, whole=True),
         explorers.Slider("longer", _("step, times the package's"), SHORT, LONG, 1.0, step=np.log10(2) / 6, log=True),
         epsilon(1.0, 0.5, 10.0, label=_("ε, of the one sum")), clients(300, 200, 1437, label=_("people"))],
        compute, plots.Chart(panels, size=(6.6, 3.1)), marks, say, attacker=lambda r: r["attacker"],
        predict=("22.integers", question, options, 1, because),
    )  # fmt: skip


@lru_cache(maxsize=64)
def against(epsilon):
    """What can be done against one such release."""
    return attacker.of(integers.Skellam(multiplier(epsilon), CLIP), 1, 1.0, DELTA)

"""What notebook 22 shows first: which names come out of an unlisted domain, and whether a single person's does."""

import numpy as np
import torch

from ...interactive import browser, explorers, plots
from ...privacy import attacker, mechanisms, pricing
from ._kit import _, clients, count, epsilon
from ._names import PEOPLE, counted, everybody, released, rule, shown, small
from .nb12_phones import projected
from .nb22_trees import amounts, letters, median
from .nb22_trust import domains, three

__all__ = ["amounts", "domains", "letters", "median", "names", "projected", "secret", "three"]
FOLLOWED = (0, 4, 14, 39, 89, 179, 299, 439, 599, 1199, 2399)  # ranks of the names that the first picture follows


def delta():
    """The slider for δ, the chance of what ε does not bound."""
    return explorers.Slider("log_delta", _("δ: 10 to the power of"), -9, -2, -6, whole=True)


def told(epsilon, delta):
    """What somebody can do who looks for one person in a table with a threshold: no more than against its noisy count.

    A count moves by 1 under Laplace noise of scale 1/ε, or a word comes out with the chance δ; the first tells more here.
    """
    even, rate, gain = 1 - 0.5 * np.exp(-epsilon / 2), attacker.FALSE_RATE, np.exp(epsilon)
    power = rate * gain if rate * gain <= 0.5 else 1 - 1 / (4 * rate * gain)
    return attacker.Attacker(max(even, 0.5 + delta / 2), max(power, rate + delta), rate, None,
                             pricing.best_guess(epsilon, delta), round(100 * even))  # fmt: skip


def _rows(people):
    """The names that are followed: some by their rank, and the first two that one person alone holds."""
    names, held = everybody()
    total = counted(PEOPLE)
    single = [int(k) for k in held[:500] if total[k] == 1 and names[k].isalpha()][:2]
    return [names[k] for k in (*FOLLOWED, *single)], np.array([*FOLLOWED, *single])


def _held():
    """For pages: everybody's name by its number, its low byte and its high (2 × people), and unit noise (names,)."""
    all_names, held = everybody()
    words, rows = _rows(PEOPLE)
    noise = mechanisms.laplace_noise((len(all_names),), 1.0, torch.Generator().manual_seed(3)).float()
    return dict(held=np.stack([held % 256, held // 256]).astype("uint8"), people=PEOPLE, words=words, rows=rows, noise=noise)


def names():
    """Names that nobody listed: how many people hold them, the noisy count, the threshold, and the chance to come out."""
    grid = np.unique(np.geomspace(1, 1_000, 90).round().astype(int))

    def compute(epsilon, log_delta, clients):
        delta = 10.0**log_delta
        noisy, out = released(epsilon, delta, clients)
        true = counted(clients)
        words, rows = _rows(clients)
        many = true >= 20
        return dict(
            epsilon=epsilon, delta=delta, people=clients, words=words, true=true[rows], noisy=noisy[rows], out=out[rows],
            tau=rule(epsilon, delta).threshold, names=int((true > 0).sum()), released=int(out.sum()),
            covered=true[out].sum() / clients, many=int(many.sum()), found=int((many & out).sum()),
            single=int((true == 1).sum()), leaked=int(((true == 1) & out).sum()), chance=shown(grid, epsilon, delta),
        )  # fmt: skip

    def marks(r):
        drawn = [plots.line([r["tau"]] * 2, [-0.9, len(r["words"]) - 0.4], "bound", width=1.4)]
        for row, (word, held, noisy, out) in enumerate(zip(r["words"], r["true"], r["noisy"], r["out"], strict=True)):
            y, style = len(r["words"]) - 1 - row, "private" if out else 5
            if held:
                drawn.append(plots.band([0.6, held], [y - 0.3] * 2, [y + 0.3] * 2, 1, opacity=0.35))
                drawn.append(plots.dots([min(max(noisy, 0.6), 900)], [y], style, size=3.5))
            drawn.append(plots.text(0.012, y - 0.22, word, style))
        drawn += [
            plots.line(grid, r["chance"], "private", panel=1),
            plots.line([r["tau"]] * 2, [1e-10, 1], "bound", width=1.4, panel=1),
            plots.dots([1], [r["delta"]], "attacker", panel=1, size=5),
            plots.text(1.25, r["delta"], _("one person: δ"), "attacker", panel=1),
        ]
        return drawn

    def say(r):
        return _(
            "{people:,} people, {names:,} names; total ε = {epsilon:.3g}, δ = {small}: what is above {tau:.1f} after "
            "noise comes out, {released:,} names, which {share:.0%} of the people hold. Of {many} that 20 people or more "
            "hold {found} come out, of {single:,} that one person holds {leaked}."
        ).format(**r, share=r["covered"], small=small(r["delta"]))

    panels = [
        plots.Panel(_("Held by …"), _("people"), "", x=(0.01, 900), y=(-0.9, len(FOLLOWED) + 1.6), xlog=True,
                    xticks={1: "1", 10: "10", 100: "100"}, yticks={}),
        plots.Panel(_("Chance to come out"), _("people who hold the name"), "", x=(1, 1_000), y=(1e-10, 2), xlog=True,
                    ylog=True, xticks={1: "1", 10: "10", 100: "100", 1_000: "1,000"},
                    yticks={1: "1", 1e-3: "10⁻³", 1e-6: "10⁻⁶", 1e-9: "10⁻⁹"}),
    ]  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("Which names come out?"),
        [epsilon(1.0, 0.1, 10.0), delta(), clients(PEOPLE, 500, PEOPLE, _("people"))],
        compute, plots.Chart(panels, size=(6.8, 3.6)), marks, say,
        attacker=lambda r: told(r["epsilon"], r["delta"]), unit=_("person"),
    ), "nb22.names", _held
    )  # fmt: skip


# One person's secret ------------------------------------------------------------------------------------------------------


def _draws():
    """Unit noise of 500 draws and the heights of their dots (500,) each, for pages too."""
    rng = np.random.default_rng(5)
    return dict(draws=rng.laplace(size=500), high=rng.uniform(0.04, 0.34, 500))


def secret():
    """A word that so many people hold: where its noisy count falls, and how often one of many secrets comes out."""
    draws, high = _draws().values()
    places = np.geomspace(1e-9, 1e-2, 40)
    near = np.linspace(-14, 66, 321)

    def compute(holders, epsilon, log_delta, clients):
        delta = 10.0**log_delta
        tau = rule(epsilon, delta).threshold
        law = 0.5 * epsilon * np.exp(-epsilon * np.abs(near - holders))
        noisy = holders + draws / epsilon
        return dict(
            holders=holders, epsilon=epsilon, delta=delta, people=clients, tau=tau, law=law / law.max(), noisy=noisy,
            chance=float(shown(holders, epsilon, delta)), seen=int((noisy >= tau).sum()), mean=clients * delta,
            any=-np.expm1(clients * np.log1p(-delta)), curve=-np.expm1(clients * np.log1p(-places)),
        )  # fmt: skip

    def marks(r):
        tail, out = near[near >= r["tau"]], r["noisy"] >= r["tau"]
        drawn = [plots.line(near, r["law"], 1), plots.line([r["tau"]] * 2, [0, 1.2], "bound", width=1.4)]
        if len(tail):
            drawn.append(plots.band(tail, np.zeros(len(tail)), r["law"][near >= r["tau"]], "attacker", opacity=0.4))
        drawn += [
            plots.dots(r["noisy"][~out], high[~out], 1, size=1.2, opacity=0.45),
            plots.dots(r["noisy"][out], high[out], "attacker", size=2.5),
            plots.line(places, r["curve"], "attacker", panel=1),
            plots.line([1 / r["people"]] * 2, [0, 1], 5, panel=1, width=1.2),
            plots.text(1.15 / r["people"], 0.04, _("1/people"), 5, panel=1),
            plots.dots([r["delta"]], [r["any"]], "attacker", panel=1, size=5),
        ]
        return drawn

    def say(r):
        return _(
            "ε = {epsilon:.3g}, δ = {small}: a word that {held} comes out if its noisy count reaches {tau:.1f}, with "
            "chance {chance}; in 500 draws it did {seen}. Of {people:,} people with a secret each, {mean} come out on "
            "average, at least one with chance {any}."
        ).format(**r | dict(chance=small(r["chance"]), mean=small(r["mean"]), any=small(r["any"])), small=small(r["delta"]),
                 held=count(r["holders"], _("person holds"), _("people hold")))  # fmt: skip

    def because(_result):
        return _("1 − (1 − δ)ⁿ = {any:.2f}: each secret has its own chance δ, and there are 48,255 of them.").format(
            any=1 - (1 - 1e-5) ** PEOPLE)  # fmt: skip

    panels = [
        plots.Panel(_("Its noisy count, a dot a draw"), _("people, after noise"), "", x=(-14, 66), y=(0, 1.25), yticks={},
                    xticks=[0, 20, 40, 60]),
        plots.Panel(_("Some secret comes out"), "δ", _("chance"), x=(1e-9, 1e-2), y=(0, 1), xlog=True, right=0.1,
                    xticks={1e-9: "10⁻⁹", 1e-6: "10⁻⁶", 1e-3: "10⁻³"}),
    ]  # fmt: skip
    question = _("48,255 people hold a secret word each, all different. δ = 1e-5, one in a hundred thousand. How likely is "
                 "it that somebody's secret comes out?")  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("One secret among the people"),
        [explorers.Slider("holders", _("people who hold the word"), 1, 60, 1, whole=True), epsilon(1.0, 0.4, 10.0), delta(),
         clients(PEOPLE, 100, 10_000_000, _("people with a secret"))],
        compute, plots.Chart(panels, size=(6.8, 3.2)), marks, say,
        predict=("22.b", question, [_("about 1 in 100,000"), _("about 1 in 100"), _("about 2 in 5")], 2, because),
    ), "nb22.secret", _draws
    )  # fmt: skip

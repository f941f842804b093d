"""What notebook 23 shows of a table of followers: what it types ahead, and what it has of a secret, as ε and people vary."""

import numpy as np

from ...data import plays
from ...interactive import explorers, plots
from ._kit import _, clients, count, epsilon
from ._signs import COUNT, DELTA, at_most, chances, exposures, goes_on, guesser, right, table, unsaid
from .nb23_more import adapting, learning

__all__ = ["adapting", "learning", "promised", "secrets", "typing"]

EPSILONS = (0.1, 0.3, 1.0, 3.0, 10.0)
BEGUN = ("my lo", "i will no", "what is th", "the ki", "good mor", "that you q")
AXIS = plays.ALPHABET[:27]  # the space and the letters; the eight marks stand together
TICKS = {0: "␣", **{k: sign for k, sign in enumerate(AXIS) if k}, 27: ".,;"}
ALL, DRAWS = 17_576, 3


def _heights(row):
    return 100 * np.append(row[:27], row[27:].sum())


def _told(sign):
    return _("a space") if sign == " " else sign


def typing():
    """The next sign after a beginning, from a table of followers with noise, and how often its likeliest sign is right."""

    table(800, None, 1), table(800, None, 2)  # counted once, before the first move

    def compute(begun, back, epsilon, clients):
        mine, bare = table(clients, epsilon, back), table(clients, None, back)
        curve = [right(table(clients, e, back), back) for e in EPSILONS]
        return dict(mine=chances(mine, begun), bare=chances(bare, begun), text=goes_on(mine, begun), begun=begun, back=back,
                    curve=100 * np.array(curve), here=100 * right(mine, back), best=100 * right(bare, back),
                    epsilon=epsilon, clients=clients)  # fmt: skip

    def draw(r):
        at = np.arange(28)
        return [
            plots.bars(at, _heights(r["mine"]), "private"),
            plots.dots(at, _heights(r["bare"]), "no privacy", size=2.8),
            plots.line([EPSILONS[0], EPSILONS[-1]], [r["best"]] * 2, "no privacy", _("no noise"), panel=1),
            plots.line(EPSILONS, r["curve"], "private", _("private"), panel=1, width=2.4),
            plots.dots([r["epsilon"]], [r["here"]], "private", panel=1, size=4.5),
        ]

    def say(r):
        words = _("After “{begun}” the private table says {sign} ({share:.0f} of 100), the one without noise {other}; on "
                  "and on it types “{text}”. {clients} roles, {back} remembered, total ε = {epsilon:.3g} (δ = 1e-4, a role "
                  "comes or goes): {here:.0f} of 100 later signs are right, {best:.0f} without noise.")  # fmt: skip
        mine, bare = int(r["mine"].argmax()), int(r["bare"].argmax())
        return words.format(begun=r["begun"], sign=_told(plays.ALPHABET[mine]), share=100 * r["mine"].max(),
                            other=_told(plays.ALPHABET[bare]), text=r["text"], clients=r["clients"],
                            back=count(r["back"], _("sign"), _("signs")), epsilon=r["epsilon"], here=r["here"],
                            best=r["best"])  # fmt: skip

    panels = [plots.Panel(_("the next sign, of 100 (dots: without noise)"), x=(-0.7, 27.7), y=(0, 104), xticks=TICKS),
              plots.Panel(_("right, of 100 later signs"), _("total ε (log)"), x=(0.09, 11), y=(0, 50), xlog=True,
                          xticks={0.1: "0.1", 1: "1", 10: "10"}, right=0.3)]  # fmt: skip
    return explorers.Explorer(
        _("Typing ahead"),
        [explorers.Choice("begun", _("typed so far"), BEGUN, BEGUN[0]),
         explorers.Choice("back", _("remembers"), {_("one sign"): 1, _("two signs"): 2}, 2, buttons=True),
         epsilon(1.0, 0.1, 10.0), clients(800, 20, 800, _("roles"))],
        compute, plots.Chart(panels, size=(8.2, 3.1)), draw, say, attacker=lambda r: guesser(r["epsilon"]), unit=_("role"),
    )  # fmt: skip


# Secrets -----------------------------------------------------------------------------------------------------------------


def secrets():
    """Twenty secrets, each said by one role: their exposure with and without noise, beside what nobody knows."""

    def compute(epsilon, clients, repeats):
        drawn = [np.sort(exposures(clients, repeats, epsilon, draw=k)) for k in range(DRAWS)]
        return dict(mine=np.array(drawn), bare=np.sort(exposures(clients, repeats, None)), unsaid=unsaid(clients),
                    epsilon=epsilon, clients=clients, repeats=repeats)  # fmt: skip

    def draw(r):
        at = np.arange(1, COUNT + 1)
        blind = np.log2(COUNT / (COUNT + 0.5 - at))  # the quantiles of a place that is drawn evenly
        return [
            plots.line(at, blind, 5, _("unknown"), width=1.6),
            *[plots.dots(at, drawn, "private", size=2.2, opacity=0.6) for drawn in r["mine"]],
            plots.line(at, np.median(r["mine"], 0), "private", _("private"), width=2.2),
            plots.dots(at, r["bare"], "no privacy", _("no noise"), size=4),
        ]

    def say(r):
        words = _("Twenty of {clients} roles say a secret of three letters {times} each. Mean exposure {bare:.1f} bits "
                  "without noise, {low:.1f} to {high:.1f} at total ε = {epsilon:.3g} in {n} draws, {unsaid:.1f} where "
                  "nobody says them. Place of the most exposed among 17,576: {first:,.0f} without noise.")  # fmt: skip
        means = r["mine"].mean(1)
        return words.format(clients=r["clients"], times=count(r["repeats"], _("time"), _("times")), bare=r["bare"].mean(),
                            low=means.min(), high=means.max(), n=DRAWS, unsaid=r["unsaid"].mean(), epsilon=r["epsilon"],
                            first=ALL / 2 ** r["bare"].max())  # fmt: skip

    panel = plots.Panel(_("exposure of each secret, in bits"), _("secrets, from the least exposed to the most"),
                        x=(0.5, COUNT + 0.5), y=(-0.3, 14.5), xticks=[1, 5, 10, 15, 20], yticks=[0, 5, 10, 14.1],
                        right=0.22)  # fmt: skip
    return explorers.Explorer(
        _("Who said it knows it, and who else?"),
        [epsilon(2.0, 0.1, 100.0), clients(100, 25, 800, _("roles")),
         explorers.Slider("repeats", _("times it is said"), 1, 16, 8, whole=True)],
        compute, plots.Chart([panel], size=(6.0, 3.2)), draw, say, attacker=lambda r: guesser(r["epsilon"]), unit=_("role"),
        predict=(
            "23.a",
            _("A hundred roles; twenty of them say a secret eight times. The table without noise holds only sums over all. "
              "The secrets' exposure in it is on average"),
            [_("1.4 bits, as of a secret nobody knows"), _("about 3 bits"), _("more than 5 bits: sums tell them")],
            2,
            lambda r: _("{0:.1f} bits: probably because few others write these letters after one another.").format(
                exposures(100, 8, None).mean()),
        ),
    )  # fmt: skip


def _plain(number):
    """Two digits that count, and no power of ten for what is large: "0.52", "990"."""
    return f"{number:.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


def promised():
    """How probable so much exposure can be at most for one person: an ε's exact trade-off, and what (ε, δ) alone says."""

    def compute(epsilon, bits, clients):
        guess = guesser(epsilon)
        return dict(epsilon=epsilon, bits=bits, clients=clients, mu=guess.mu)

    def draw(r):
        bits = np.linspace(0, 14, 85)
        pure = np.minimum(1, np.exp(r["epsilon"]) * 2.0**-bits + DELTA)
        here = at_most(r["bits"], r["mu"])
        return [
            plots.line(bits, pure, "bound", _("(ε, δ) alone"), width=1.6),
            plots.line(bits, at_most(bits, r["mu"]), "attacker", _("this noise"), width=2.4),
            plots.line(bits, 2.0**-bits, 5, _("unknown"), width=1.6),
            plots.line([r["bits"]] * 2, (1e-5, 1), 5, width=1.0),
            plots.dots([r["bits"]], here, "attacker", size=4.5),
            plots.text(
                0.4,
                3e-5,
                _("of {n:,}: {many} at most").format(n=r["clients"], many=_plain(r["clients"] * here[0])),
                "attacker",
            ),
        ]

    def say(r):
        words = _("Total ε = {epsilon:.3g} (δ = 1e-4), one release: a person's secret reaches {bits} or more with "
                  "probability {here:.2g} at most; {blind:.2g} if nobody had said it. Of {clients} with a secret each that "
                  "is {many} on average at most, against {none}.")  # fmt: skip
        here, blind = float(at_most(r["bits"], r["mu"])[0]), 2.0 ** -r["bits"]
        return words.format(epsilon=r["epsilon"], bits=count(r["bits"], _("bit"), _("bits")), here=here, blind=blind,
                            clients=count(r["clients"], _("person"), _("people")), many=_plain(r["clients"] * here),
                            none=_plain(r["clients"] * blind))  # fmt: skip

    panel = plots.Panel(_("probability of so much exposure, at most (log)"), _("bits"), x=(0, 14), y=(1e-5, 1.6), ylog=True,
                        xticks=[0, 2, 4, 6, 8, 10, 12, 14], right=0.25,
                        yticks={1: "1", 0.1: "0.1", 1e-2: "0.01", 1e-3: "0.001", 1e-4: "1e-4", 1e-5: "1e-5"})  # fmt: skip
    return explorers.Explorer(
        _("What an ε says about a secret"),
        [epsilon(1.0, 0.1, 10.0), explorers.Slider("bits", _("bits of exposure"), 1, 14, 7, whole=True),
         clients(20, 1, 1000, _("people with a secret"))],
        compute, plots.Chart([panel], size=(6.0, 3.2)), draw, say, attacker=lambda r: guesser(r["epsilon"]), unit=_("role"),
        predict=(
            "23.b",
            _("At ε = 1 a person's secret may be among the 137 likeliest of 17,576 (7 bits) with which probability, at "
              "most? By chance alone it is 0.008."),
            [_("0.008: private means unchanged"), _("a few times 0.008"), _("about a half")],
            1,
            lambda r: _("{0:.3f}, {1:.1f} times as probable as by chance; (ε, δ) alone would allow {2:.3f}.").format(
                float(at_most(7, guesser(1.0).mu)[0]), float(at_most(7, guesser(1.0).mu)[0]) * 128,
                np.exp(1.0) / 128 + DELTA),
        ),
    )  # fmt: skip

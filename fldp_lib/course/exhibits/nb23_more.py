"""What notebook 23 shows of networks: runs that its cells have made, by round, by ε and people, and by an adapter's rank."""

import numpy as np

from ...interactive import explorers, plots
from ...privacy import accounting
from ._kit import _, clients, count

EPSILONS = (1.0, 2.0, 4.0, 8.0)  # each with its own noise, exactly
DELTA, FEW, MANY = 1e-4, 200, 50_000


def _between(loud, curves, noise):
    """Accuracy by round at a noise between those of the runs: linear in the logarithm; beyond them the nearest run's."""
    at = np.log(np.clip(noise, loud[0], loud[-1]))
    return np.array([np.interp(at, np.log(loud), column) for column in np.transpose(curves)])


def learning(plan, people, runs, plain, table, alone):
    """Rounds of a network with the noise of an ε among so many people, between runs that the notebook has made.

    Args:
        plan: of the runs; its rounds, rate and mechanism's clip are theirs.
        people: how many took part in them.
        runs: accuracies by round (rounds,) by the noise multiplier that they ran with, two at least.
        plain: the same without clip and noise (rounds,).
        table, alone: right of all, with everybody's commonest follower of a sign, and with a role's own.
    """
    loud = np.array(sorted(runs))
    curves = 100 * np.array([runs[z] for z in loud])
    rounds = np.arange(1, plan.rounds + 1)

    multipliers = {
        e: accounting.calibrate("gaussian", e, DELTA, plan.rounds, plan.sampling_rate).noise_multiplier for e in EPSILONS
    }

    def noise(epsilon, clients):
        return multipliers[epsilon] * people / clients

    def beyond(z):
        if z > loud[-1]:
            return _("louder than any run made: the nearest run's")
        return _("quieter than any run made: the nearest run's") if z < loud[0] else _("at the end")

    def compute(epsilon, clients, round):
        mine = _between(loud, curves, noise(epsilon, clients))
        crowds = np.geomspace(FEW, MANY, 25)
        crowds = crowds[[loud[0] <= noise(epsilon, n) <= loud[-1] for n in crowds]]  # where there are runs
        by = np.array([_between(loud, curves, noise(epsilon, n))[-1] for n in crowds])
        return dict(mine=mine, crowds=crowds, by=by, epsilon=epsilon, clients=clients, round=round)

    def draw(r):
        return [
            plots.line([1, plan.rounds], [100 * table] * 2, 5, _("one sign"), width=1.4),
            plots.line([1, plan.rounds], [100 * alone] * 2, "alone", _("alone"), width=1.4),
            plots.line(rounds, 100 * np.asarray(plain), "no privacy", _("no noise"), width=1.6),
            plots.line(rounds, r["mine"], "private", _("private"), width=2.4),
            plots.dots([r["round"]], [r["mine"][r["round"] - 1]], "private", size=4.5),
            plots.line([FEW, MANY], [100 * table] * 2, 5, panel=1, width=1.4),
            plots.line(r["crowds"], r["by"], "private", panel=1, width=2.4),
            plots.dots([r["clients"]], [r["mine"][-1]], "private", panel=1, size=4.5),
            plots.text(220, 3, _("noise {0:.3g}·C in a sum of 800").format(noise(r["epsilon"], r["clients"])), 5, panel=1),
        ]

    def say(r):
        words = _("As loud as for {clients:,} people at total ε = {epsilon:.3g} (δ = 1e-4): after {round} of {all} the "
                  "network has {now:.1f} of 100 later signs right, {beyond} {end:.1f}; without clip and noise "
                  "{plain:.1f}, the commonest follower {table:.1f}.")  # fmt: skip
        return words.format(clients=r["clients"], epsilon=r["epsilon"], all=plan.rounds, now=r["mine"][r["round"] - 1],
                            round=count(r["round"], _("round"), _("rounds")), end=r["mine"][-1],
                            beyond=beyond(noise(r["epsilon"], r["clients"])),
                            plain=100 * plain[-1], table=100 * table)  # fmt: skip

    panels = [plots.Panel(_("right, of 100 later signs"), _("round"), x=(1, plan.rounds), y=(0, 42),
                          xticks=[1, plan.rounds // 2, plan.rounds], right=0.3),
              plots.Panel(_("at the end, by people"), _("people (log)"), x=(FEW, MANY), y=(0, 42), xlog=True,
                          xticks={200: "200", 1e3: "1,000", 1e4: "10,000", 5e4: "50,000"})]  # fmt: skip
    return explorers.Explorer(
        _("How many people a network needs"),
        [explorers.Choice("epsilon", _("total ε"), {f"{e:g}": e for e in EPSILONS}, 4.0, buttons=True),
         clients(800, FEW, MANY, _("people")),
         explorers.Slider("round", _("round"), 1, plan.rounds, plan.rounds, 1, whole=True)],
        compute, plots.Chart(panels, size=(7.0, 3.1)), draw, say, play="round",
    )  # fmt: skip


def _size(megabytes):
    """Three digits that count: "7.26", "726", "7,260"."""
    return f"{float(f'{megabytes:.3g}'):,g}" if megabytes < 1000 else f"{float(f'{megabytes:.3g}'):,.0f}"


def _span(found):
    """Percentages as "36.5", or "36.5 to 36.7"."""
    low, high = f"{found.min():.1f}", f"{found.max():.1f}"
    return low if low == high else _("{0} to {1}").format(low, high)


def adapting(found, body, rounds):
    """What travels against how many signs are right, by arm and ε: runs that the notebook has made.

    Args:
        found: accuracies (seeds,) by (arm, ε or None), arms as in their order.
        body: right without any federation.
        rounds: of each run.
    """
    arms = {name: numbers for (name, _e), (numbers, _a) in found.items()}
    budgets = list(dict.fromkeys(e for _name, e in found))

    def compute(arm, epsilon, clients):
        shown = {name: 100 * np.asarray(found[name, epsilon][1]) for name in arms}
        return dict(arm=arm, epsilon=epsilon, clients=clients, shown=shown)

    def draw(r):
        role = "no privacy" if r["epsilon"] is None else "private"
        x = np.array([arms[name] for name in arms], float)
        y = np.array([r["shown"][name].mean() for name in arms])
        marks = [plots.line([100, 10_000], [100 * body] * 2, "alone", _("body alone"), width=1.4),
                 plots.line(x, y, role, width=1.2, opacity=0.6)]  # fmt: skip
        for name, numbers in arms.items():
            marks.append(plots.dots([numbers] * len(r["shown"][name]), r["shown"][name], role, size=2.6))
        at = arms[r["arm"]]
        sent = _("{0} MB").format(_size(4e-6 * at * rounds * r["clients"]))
        chosen = r["shown"][r["arm"]].mean()
        return [*marks, plots.dots([at], [chosen], role, size=5.5), plots.text(at, chosen + 1, sent, role)]

    def say(r):
        words = _("{arm}: {numbers:,} numbers travel, {share:.1f}% of the network; for {clients:,} people {sent} MB up "
                  "in {rounds} rounds. {budget}: right of 100 later signs {right} in {runs}; the full "
                  "network {full:.1f} on average, the frozen body {body:.1f}.")  # fmt: skip
        mine, most = r["shown"][r["arm"]], max(arms.values())
        name = _("No noise") if r["epsilon"] is None else _("Total ε = {0:g}, 800 roles").format(r["epsilon"])
        full = next(n for n, v in arms.items() if v == most)
        return words.format(arm=r["arm"], numbers=arms[r["arm"]], share=100 * arms[r["arm"]] / most, clients=r["clients"],
                            sent=_size(4e-6 * arms[r["arm"]] * rounds * r["clients"]), rounds=rounds, budget=name,
                            right=_span(mine), runs=count(len(mine), _("run"), _("runs")),
                            full=r["shown"][full].mean(), body=100 * body)  # fmt: skip

    panel = plots.Panel(_("right, of 100 later signs"), _("numbers that travel (log)"), x=(100, 10_000),
                        y=(100 * body - 3, 100 * body + 4), xlog=True,
                        xticks={100: "100", 300: "300", 1000: "1,000", 10000: "10,000"}, right=0.2)  # fmt: skip
    words = {_("no noise") if e is None else f"{e:g}": e for e in budgets}
    return explorers.Explorer(
        _("What travels, and what it brings"),
        [explorers.Choice("arm", _("trains"), list(arms), next(iter(arms)), buttons=True),
         explorers.Choice("epsilon", _("total ε"), words, budgets[-1]), clients(800, 100, 100_000, _("people who send"))],
        compute, plots.Chart([panel], size=(6.0, 3.1)), draw, say,
    )  # fmt: skip

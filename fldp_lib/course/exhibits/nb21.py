"""What notebook 21 shows of drift: where unlike clients walk, and what control variates do to their steps."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...training import algorithms
from ...training.plan import Plan
from ._drifts import federate, shipped, together, unlike
from ._kit import _, clients, count
from .nb21_more import personal, promise, servers

__all__ = ["drifting", "personal", "promise", "servers", "variates"]

ROUNDS, LR = 10, 0.5
FAR, LEAST = 1.8, 1e-9  # what is longer is drawn so long, what is nearer so near
AVERAGE, PROXIMAL, SCAFFOLD, MOMENTUM = "FedAvg", "FedProx", "SCAFFOLD", "FedAvgM"


@lru_cache(maxsize=256)
def _ran(alpha, steps, algorithm):
    """A federation of ten clients, ten rounds of one algorithm, weighted by records."""
    local = {PROXIMAL: algorithms.FedProx(steps, 0.1), SCAFFOLD: algorithms.Scaffold(steps)}.get(algorithm)
    server = algorithms.FedAvgM() if algorithm == MOMENTUM else algorithms.ServerSGD()
    plan = Plan(rounds=ROUNDS, lr=LR, local=local or algorithms.FedAvg(steps), server=server)
    return federate(unlike(alpha)[0] if alpha else together(), plan)


@lru_cache(maxsize=512)
def _towards(alpha, steps, algorithm, round):
    """Each client's walk of a round beside that of all records together: lengths in its units, angles to it (clients,).

    The last of either is the merged model's own.
    """
    fleet, run = unlike(alpha)[0], _ran(alpha, steps, algorithm)
    aim = together().walks(run.thetas[round - 1], steps, LR)[0]
    there = fleet.federation.sizes > 0
    moves = np.concatenate([run.walks[round - 1][there].numpy(), run.mean[round - 1 : round].numpy()])
    aim, long = aim.numpy(), np.linalg.norm(moves, axis=1)
    cosine = moves @ aim / (long * np.linalg.norm(aim)).clip(min=1e-12)
    return long / np.linalg.norm(aim), np.degrees(np.arccos(cosine.clip(-1, 1)))


def drifting():
    """Where unlike clients walk in a round, beside all records together, and how well the merged model reads test images."""

    def compute(algorithm, alpha, local_steps, round):
        return dict(mine=_ran(alpha, local_steps, algorithm).accuracy, plain=_ran(alpha, local_steps, AVERAGE).accuracy,
                    best=_ran(None, local_steps, AVERAGE).accuracy, walk=_towards(alpha, local_steps, algorithm, round),
                    kinds=unlike(alpha)[1], algorithm=algorithm, steps=local_steps, round=round)  # fmt: skip

    def draw(r):
        long, angle = r["walk"]
        side = np.where(np.arange(len(long)) == len(long) - 1, 1.0, np.where(np.arange(len(long)) % 2, -1.0, 1.0))
        far = np.sqrt(long).clip(max=FAR)
        x, y = far * np.cos(np.radians(angle)), far * np.sin(np.radians(angle)) * side
        marks = [plots.line([0, a], [0, b], "alone", width=1.2, opacity=0.8) for a, b in zip(x[:-1], y[:-1], strict=True)]
        marks.append(plots.places(x[:-1], y[:-1], "alone", size=5))
        marks += [plots.line([0, 1], [0, 0], "centralised", _("all together"), width=3, opacity=0.6),
                  plots.line([0, x[-1]], [0, y[-1]], "no privacy", width=3),
                  plots.dots(x[-1:], y[-1:], "no privacy", _("merged"), size=4)]  # fmt: skip
        rounds = np.arange(1, ROUNDS + 1)
        marks.append(plots.line(rounds, 100 * r["best"], "centralised", _("all in one place"), panel=1))
        if r["algorithm"] != AVERAGE:
            marks.append(plots.line(rounds, 100 * r["plain"], 5, AVERAGE, panel=1))
        marks.append(plots.line(rounds, 100 * r["mine"], "no privacy", r["algorithm"], panel=1, width=2.4))
        return [*marks, plots.dots([r["round"]], [100 * r["mine"][r["round"] - 1]], "no privacy", panel=1, size=4)]

    def say(r):
        long, angle = r["walk"]
        words = _("{algorithm}, ten clients with {kinds:.1f} digits each, {steps} a round. In round {t} they walk "
                  "{off:.0f}° off the way of all records together, on average; the merged model goes {merged:.2f} times "
                  "as far, "
                  "{mean:.0f}° off. Right of 100 test digits: {now:.0f}, after round {last} {end:.0f}; FedAvg {plain:.0f}, "
                  "all in one place {best:.0f}.")  # fmt: skip
        steps = count(r["steps"], _("local step"), _("local steps"))
        return words.format(algorithm=r["algorithm"], kinds=r["kinds"], steps=steps, t=r["round"], off=angle[:-1].mean(),
                            merged=long[-1], mean=angle[-1], now=100 * r["mine"][r["round"] - 1], last=ROUNDS,
                            end=100 * r["mine"][-1], plain=100 * r["plain"][-1], best=100 * r["best"][-1])  # fmt: skip

    panels = [plots.Panel(_("where the clients walk"), _("angles are true, lengths as their roots"), x=(-1.2, 2.6),
                          y=(-1.9, 1.9), xticks=[], yticks=[], equal=True),
              plots.Panel(_("right, of 100 test digits"), _("round"), x=(1, ROUNDS), y=(0, 100), xticks=[1, 5, 10],
                          right=0.42)]  # fmt: skip
    made = explorers.Explorer(
        _("Clients that drift, and what holds them together"),
        [explorers.Choice("algorithm", _("algorithm"), [AVERAGE, PROXIMAL, SCAFFOLD, MOMENTUM], AVERAGE, buttons=True),
         explorers.Slider("alpha", _("likeness α"), 0.02, 100, 0.02, step=0.05, log=True),
         explorers.Slider("local_steps", _("local steps a round"), 1, 30, 20, whole=True),
         explorers.Slider("round", _("round"), 1, ROUNDS, ROUNDS, 1, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.15)), draw, say, play="round",
    )  # fmt: skip
    return browser.live(made, "nb21.drifting", shipped)


# A world of two parameters -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _bowls(count):
    """Clients' losses ½(θ − a)ᵀH(θ − a): where each is least (clients × 2), and the curvatures (clients × 2 × 2)."""
    rng = np.random.default_rng(3)
    at = np.column_stack([rng.uniform(-1, 1, 12), rng.uniform(-1, 1, 12)])[:count]
    turn, bent = rng.uniform(0, np.pi, 12)[:count], np.exp(rng.uniform(np.log(0.05), 0, (12, 2)))[:count]
    axes = np.stack([np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1)
    return at, axes * bent[:, None] @ axes.transpose(0, 2, 1)


@lru_cache(maxsize=256)
def _paths(count, steps, scaffold, rounds=40, lr=0.9):
    """Clients' paths (rounds × clients × steps + 1 × 2), θ (rounds + 1 × 2), corrections (rounds × clients × 2), optimum."""
    at, curve = _bowls(count)
    best = np.linalg.solve(curve.sum(0), np.einsum("kij,kj->i", curve, at))
    theta, own, paths, thetas, pulls = np.array([-0.9, 0.9]), np.zeros((count, 2)), [], [], []
    for _round in range(rounds):
        pull = (own.mean(0) - own) * scaffold  # c − c_k
        path = [np.tile(theta, (count, 1))]
        for _step in range(steps):
            path.append(path[-1] - lr * (np.einsum("kij,kj->ki", curve, path[-1] - at) + pull))
        thetas.append(theta), pulls.append(pull), paths.append(np.stack(path, 1))
        own = (path[0] - path[-1]) / (steps * lr) - pull  # the mean of its own gradients on the way
        theta = path[-1].mean(0)
    return np.stack(paths), np.array([*thetas, theta]), np.stack(pulls), best


def _rest(count, steps):
    """How far from the optimum FedAvg comes to rest."""
    _path, thetas, _pulls, best = _paths(count, steps, False)
    return float(np.linalg.norm(thetas[-1] - best))


def variates():
    """Clients with bowls of different shape: FedAvg comes to rest beside the bottom of their sum, SCAFFOLD in it."""

    def compute(scaffold, local_steps, clients, round):
        paths, thetas, pulls, best = _paths(clients, local_steps, scaffold)
        plain = _paths(clients, local_steps, False)[1]
        far = np.linalg.norm(thetas - best, axis=1), np.linalg.norm(plain - best, axis=1)
        return dict(path=paths[round - 1], before=thetas[round - 1], after=thetas[round], pull=pulls[round - 1], best=best,
                    far=far, scaffold=scaffold, steps=local_steps, clients=clients, round=round)  # fmt: skip

    def draw(r):
        at, marks = _bowls(r["clients"])[0], []
        marks += [plots.line(*path.T, "alone", width=1.4, opacity=0.8) for path in r["path"]]
        marks.append(plots.places(*at.T, "alone", size=5))
        if r["scaffold"] and r["round"] > 1:
            marks += [plots.line([a[0], b[0]], [a[1], b[1]], 8, width=2.4)
                      for a, b in zip(at, at - r["pull"], strict=True)]  # fmt: skip
        marks += [plots.dots([r["before"][0]], [r["before"][1]], 5, size=4),
                  plots.dots([r["best"][0]], [r["best"][1]], "centralised", size=5),
                  plots.dots([r["after"][0]], [r["after"][1]], "no privacy", size=4)]  # fmt: skip
        rounds, (mine, plain) = np.arange(len(r["far"][0])), r["far"]
        if r["scaffold"]:
            marks.append(plots.line(rounds, plain.clip(min=LEAST), 5, AVERAGE, panel=1))
        name = SCAFFOLD if r["scaffold"] else AVERAGE
        marks.append(plots.line(rounds, mine.clip(min=LEAST), "no privacy", name, panel=1, width=2.4))
        return [*marks, plots.dots([r["round"]], [max(mine[r["round"]], LEAST)], "no privacy", panel=1, size=4)]

    def say(r):
        words = _("{name}, {n} clients, {steps} a round: after round {t} the merged model is {far} from the lowest point of "
                  "the mean loss; after 40 rounds {end} (FedAvg {plain}).")  # fmt: skip
        here = [_("{0:.2g}").format(d) if d > 1e-9 else _("less than 1e-9")
                for d in (r["far"][0][r["round"]], r["far"][0][-1], r["far"][1][-1])]  # fmt: skip
        return words.format(name=SCAFFOLD if r["scaffold"] else AVERAGE, n=r["clients"], t=r["round"], far=here[0],
                            steps=count(r["steps"], _("local step"), _("local steps")),
                            end=here[1], plain=here[2])  # fmt: skip

    ticks = {1: "1", 1e-2: "0.01", 1e-4: "1e-4", 1e-6: "1e-6", 1e-8: "1e-8"}
    panels = [plots.Panel(_("θ, and the clients' own optima"), x=(-1.15, 1.15), y=(-1.15, 1.15),
                          xticks=[-1, 0, 1], yticks=[-1, 0, 1], equal=True),
              plots.Panel(_("distance to the common optimum"), _("round"), x=(0, 40), y=(LEAST, 4), ylog=True, yticks=ticks,
                          xticks=[0, 10, 20, 30, 40], right=0.35)]  # fmt: skip
    made = explorers.Explorer(
        _("Control variates"),
        [explorers.Choice("scaffold", _("algorithm"), {AVERAGE: False, SCAFFOLD: True}, False, buttons=True),
         explorers.Slider("local_steps", _("local steps a round"), 1, 30, 10, whole=True), clients(4, 2, 12),
         explorers.Slider("round", _("round"), 1, 40, 1, 1, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.15)), draw, say, play="round",
        predict=(
            "21.a",
            _("Four clients, losses that are bowls of different shape, ten local steps a round, exact gradients. Where does "
              "FedAvg end if it runs on and on?"),
            [_("in the lowest point of the mean loss, only later"), _("at a point beside it, and it stays there"),
             _("nowhere: it circles around it")],
            1,
            lambda r: _("after 40 rounds it stands {far:.2g} away and no longer moves: in ten steps a steep bowl is walked "
                        "to its bottom, a flat one is not, so the steep ones count too little.").format(far=_rest(4, 10)),
        ),
    )  # fmt: skip
    return browser.live(made, "nb21.variates", lambda: dict(zip(("at", "curve"), _bowls(12), strict=True)))

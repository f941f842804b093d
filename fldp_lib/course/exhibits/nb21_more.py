"""What notebook 21 shows beyond drift: the server's step under noise, and models of one's own."""

from functools import lru_cache

import numpy as np
import torch

from ...interactive import browser, explorers, plots
from ...training import algorithms
from ...training.plan import Plan
from ._drifts import unlike
from ._groups import Groups, noises, together
from ._homes import PLAN, alone, homes, priced, right, shared, shipped, tuned
from ._kit import _, clients, count, epsilon

CROWD, DRAWS = 200, 3
PRIVATE = Plan.of(rounds=15, local_steps=5, lr=2.0)
CLIP = 3.0
SERVERS = {"FedAvg": algorithms.ServerSGD, "FedAvgM": algorithms.FedAvgM, "FedAdam": algorithms.FedAdam,
           "FedYogi": algorithms.FedYogi}  # fmt: skip


def _server(name, lr):
    return SERVERS[name](lr, **({"tau": 1e-2} if name in ("FedAdam", "FedYogi") else {}))


@lru_cache(maxsize=2)
def _crowd(alpha=0.02):
    return Groups(unlike(alpha, CROWD, None)[0].federation)


@lru_cache(maxsize=256)
def _priced(epsilon):
    return PRIVATE.calibrated(epsilon, clip=CLIP)


@lru_cache(maxsize=256)
def _stepped(name, lr, epsilon):
    """Right of 100 by round (draws × rounds), with noise for a total ε or, at None, with clip and noise left out."""
    plan = PRIVATE.changed(server=_server(name, lr))
    if epsilon is None:
        return 100 * together(_crowd(), plan).accuracy
    drawn = torch.stack([noises(_priced(epsilon).mechanism, CROWD, plan.rounds, seed) for seed in range(DRAWS)], 1)
    return 100 * together(_crowd(), plan, drawn, CLIP, compare=False).accuracy


def servers():
    """The server's optimiser and its step under noise: the same released updates, three draws of the noise."""

    def compute(server, step, epsilon):
        return dict(mine=_stepped(server, STEPS[server] * step, epsilon), plain=_stepped("FedAvg", 1.0, epsilon),
                    bare=_stepped(server, STEPS[server] * step, None)[0], server=server, step=STEPS[server] * step,
                    epsilon=epsilon)  # fmt: skip

    def draw(r):
        rounds = np.arange(1, PRIVATE.rounds + 1)
        return [
            plots.line(rounds, r["bare"], "no privacy", _("no noise"), width=1.4),
            *[plots.line(rounds, np.median(r["plain"], 0), 5, _("FedAvg, untuned"), width=1.4)]
            * (r["mine"] is not r["plain"]),
            plots.band(rounds, r["mine"].min(0), r["mine"].max(0), "private", opacity=0.25),
            plots.line(rounds, np.median(r["mine"], 0), "private", r["server"], width=2.4),
        ]

    def say(r):
        words = _("200 clients, of whom {some} hold images, of {kinds:.1f} digits each; total ε = {epsilon:.3g} (δ = 1e-5, "
                  "a client comes or goes), whatever the server's step: {server} with step {step:.2g} reads {low:.0f} to "
                  "{high:.0f} of 100 test digits in three draws of the noise, {bare:.0f} without clip and noise; FedAvg "
                  "with step 1, untuned, reads {plain:.0f}.")  # fmt: skip
        fleet, kinds = unlike(0.02, CROWD, None)
        ends = r["mine"][:, -1]
        return words.format(some=int((fleet.federation.sizes > 0).sum()), kinds=kinds, epsilon=r["epsilon"],
                            server=r["server"], step=r["step"], low=ends.min(), high=ends.max(),
                            bare=r["bare"][-1], plain=np.median(r["plain"][:, -1]))  # fmt: skip

    panel = plots.Panel(_("right, of 100 test digits"), _("round"), x=(1, PRIVATE.rounds), y=(0, 100),
                        xticks=[1, 5, 10, 15], right=0.28)  # fmt: skip
    return explorers.Explorer(
        _("The server's step is free"),
        [explorers.Choice("server", _("server"), list(SERVERS), "FedAvgM", buttons=True),
         explorers.Slider("step", _("its step, times the usual"), 0.1, 10, 1, step=0.05, log=True), epsilon(8.0, 0.5, 50.0)],
        compute, plots.Chart([panel], size=(5.6, 3.2)), draw, say,
        attacker=lambda r: _priced(r["epsilon"]).attacker(),
        predict=(
            "21.b",
            _("The server replaces its plain step by momentum. The clip and the noise stay as they are. The total ε"),
            [_("rises: momentum uses each noisy update again and again"), _("stays: it works on what is released already"),
             _("falls: momentum averages noise away")],
            1,
            _("what is computed from released numbers, however often, tells nothing more about the clients. Move the step: "
              "the people below the picture do not change."),
        ),
    )  # fmt: skip


STEPS = {"FedAvg": 1.0, "FedAvgM": 0.4, "FedAdam": 0.1, "FedYogi": 0.1}

# Models of one's own -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _biased(count, alpha, most):
    """Weights shared, biases at home: each client's model (clients × 650) after as many rounds, without privacy."""
    fleet = homes(count, alpha, most).fleet
    own = torch.zeros(len(fleet), 650)
    for _round in range(PLAN.rounds):
        moved = fleet.walks(own, PLAN.local.steps, PLAN.lr)
        own[:, 640:] += moved[:, 640:]
        own[:, :640] += moved[:, :640].mean(0)
    return own


WAYS = ("alone", "shared", "tuned", "biases", "Ditto")


@lru_cache(maxsize=256)
def _ways(alpha, records, steps, mu):
    """Right of 100 own test images: alone, shared, fine-tuned, with biases at home, and Ditto."""
    home, theta = homes(HOMES, alpha, records), shared(HOMES, alpha, records)[0]
    found = [right(home, theta), right(home, tuned(home, theta, steps)), right(home, _biased(HOMES, alpha, records)),
             right(home, tuned(home, theta, DITTO, 0.5, mu))]  # fmt: skip
    return 100 * np.array([alone(HOMES, alpha, records), *found])


HOMES, DITTO = 40, 20  # clients; Ditto's own steps


def personal():
    """Forty clients, judged on images of their own: alone, shared, and four models between, by how much each holds."""

    def compute(alpha, records, steps, mu):
        return dict(right=_ways(alpha, records, steps, mu), kinds=homes(HOMES, alpha, records).kinds, records=records,
                    steps=steps, mu=mu)  # fmt: skip

    def draw(r):
        styles, marks = ("alone", "no privacy", 1, 2, 8), []
        for place, (height, style) in enumerate(zip(r["right"], styles, strict=True)):
            marks += [plots.bars([place], [height], style, width=0.62, opacity=0.75),
                      plots.text(place - 0.17, height + 4, f"{height:.0f}", style)]  # fmt: skip
        return marks

    def say(r):
        words = _("Forty clients with {kinds:.1f} digits each, who train on at most {records}. Of 100 own test images "
                  "they read {0:.0f} right alone, {1:.0f} with the shared model, {2:.0f} after {steps} from it, "
                  "{3:.0f} with biases kept at home, {4:.0f} with Ditto at λ = {mu:.2g}, {more} from the shared "
                  "model.")  # fmt: skip
        return words.format(*r["right"], kinds=r["kinds"], records=count(r["records"], _("image"), _("images")),
                            steps=count(r["steps"], _("own step"), _("own steps")), mu=r["mu"],
                            more=count(DITTO, _("step"), _("steps")))  # fmt: skip

    names = [_("alone"), _("shared"), _("tuned"), _("biases"), _("Ditto")]
    panel = plots.Panel(_("right, of 100 own test images"), x=(-0.6, 4.6), y=(0, 112), xticks=dict(enumerate(names)),
                        yticks=[0, 25, 50, 75, 100])  # fmt: skip
    made = explorers.Explorer(
        _("A model of one's own"),
        [explorers.Slider("alpha", _("likeness α"), 0.02, 100, 0.1, step=0.05, log=True),
         explorers.Slider("records", _("own training images, at most"), 1, 30, 10, step=0.05, log=True, whole=True),
         explorers.Slider("steps", _("own steps from the shared model"), 0, 30, 5, whole=True),
         explorers.Slider("mu", _("Ditto's pull to the shared model, λ"), 0.05, 1, 0.1, step=0.05)],
        compute, plots.Chart([panel], size=(5.6, 3.2)), draw, say,
        predict=(
            "21.c",
            _("Forty clients who train on ten images of three digits each, or fewer, judged on other images of their own. "
              "Best is"),
            [_("the model of their own ten images"), _("the shared model, as it is"),
             _("the shared model after a few steps on their own images")],
            lambda r: int(np.argmax(_ways(0.1, 10, 5, 0.1)[:3])),
            lambda r: _("alone {0:.0f}, shared {1:.0f}, fine-tuned {2:.0f} of 100. Make the clients more alike, then "
                        "less.").format(*_ways(0.1, 10, 5, 0.1)),
        ),
    )  # fmt: skip
    return browser.live(made, "nb21.personal", shipped)


BUDGETS = (0.3, 1.0, 3.0, 10.0)


@lru_cache(maxsize=128)
def _promised(count, alpha, epsilons, steps):
    """Right of 100 own test images of the shared private model and after own steps from it (ε × 2)."""
    home, thetas = homes(count, alpha), shared(count, alpha, None, epsilons)
    return 100 * np.array([[right(home, theta), right(home, tuned(home, theta, steps))] for theta in thetas])


def promise():
    """What a client gets under a total ε: the shared private model, its own steps from it, and what it reads alone."""

    def compute(epsilon, clients, alpha, steps):
        return dict(curve=_promised(clients, alpha, BUDGETS, steps), here=_promised(clients, alpha, (epsilon,), steps)[0],
                    alone=100 * alone(clients, alpha), epsilon=epsilon, clients=clients, steps=steps,
                    kinds=homes(clients, alpha).kinds)  # fmt: skip

    def draw(r):
        x = np.array(sorted({*BUDGETS, r["epsilon"]}))
        curve = np.array([r["here"] if e == r["epsilon"] else r["curve"][BUDGETS.index(e)] for e in x])
        return [
            plots.line([BUDGETS[0], BUDGETS[-1]], [r["alone"]] * 2, "alone", _("alone")),
            plots.line(x, curve[:, 0], "private", _("shared")), plots.dots(x, curve[:, 0], "private", size=2.5),
            plots.line(x, curve[:, 1], 8, _("+ own steps"), width=2.4),
            plots.line([r["epsilon"]] * 2, (0, 100), 5, width=1.0),
            plots.dots([r["epsilon"]], r["here"][:1], "private", size=4.5),
            plots.dots([r["epsilon"]], r["here"][1:], 8, size=4.5),
        ]  # fmt: skip

    def say(r):
        words = _("{n} clients with {kinds:.1f} digits each, total ε = {epsilon:.3g} (δ = 1e-5, a client comes or goes): of "
                  "100 own test images they read {0:.0f} right with the shared private model, {1:.0f} after {steps} from it "
                  "that stay at home, {alone:.0f} alone.")  # fmt: skip
        return words.format(*r["here"], n=r["clients"], kinds=r["kinds"], epsilon=r["epsilon"], alone=r["alone"],
                            steps=count(r["steps"], _("own step"), _("own steps")))  # fmt: skip

    panel = plots.Panel(_("right, of 100 own test images"), _("total ε of the shared part (log)"), x=(0.3, 10), y=(0, 100),
                        xlog=True, xticks={e: f"{e:g}" for e in BUDGETS}, right=0.3)  # fmt: skip
    ways = {_("1 to 3 digits"): 0.1, _("more alike"): 0.5}
    made = explorers.Explorer(
        _("Private together, and one's own at home"),
        [epsilon(1.0, 0.3, 10.0), clients(200, 20, 300),
         explorers.Choice("alpha", _("a client holds"), ways, 0.1, buttons=True),
         explorers.Slider("steps", _("own steps"), 0, 30, 10, whole=True)],
        compute, plots.Chart([panel], size=(5.6, 3.2)), draw, say,
        attacker=lambda r: priced(r["epsilon"]).attacker(),
        predict=(
            "21.d",
            _("200 clients with one to three digits each. At total ε = 1 the shared model is noisy. Ten own steps from it, "
              "at home, bring a client"),
            [_("less than training alone"), _("about as much as training alone, or more"),
             _("nothing: the noise stays in the model")],
            lambda r: int(_promised(200, 0.1, (1.0,), 10)[0, 1] > 100 * alone(200, 0.1) - 1.5),
            lambda r: _("shared {0:.0f}, with own steps {1:.0f}, alone {2:.0f} of 100 own test images; the ε is the same, "
                        "since the steps stay at home.").format(
                *_promised(200, 0.1, (1.0,), 10)[0], 100 * alone(200, 0.1)),
        ),
    )  # fmt: skip
    return browser.live(made, "nb21.promise", shipped)

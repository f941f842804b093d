"""What notebook 03 shows with digits: what local steps save, who holds what, and how clients drift apart."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from ... import Plan, data
from ...interactive import explorers, plots
from ._drifts import unlike
from ._groups import Groups, together
from ._kit import _, clients, count

MOST = 100
SPLITS = {"iid: at random, equal parts": "iid", "label: two digits each": "label",
          "dirichlet: each digit by uneven shares": "dirichlet", "sizes: at random, uneven parts": "sizes"}  # fmt: skip
TURNS = 10  # rounds of the drift explorer


@lru_cache(maxsize=1)
def _digits():
    """The digits, judged on the images that are trained on."""
    digits = data.load("digits")
    return replace(digits, x_test=digits.x_train, y_test=digits.y_train)


@lru_cache(maxsize=64)
def _iid(count):
    return Groups(data.split(_digits(), count, seed=0))


@lru_cache(maxsize=256)
def _losses(count, steps, lr):
    """The loss over all training images by round, until it is 0.5 or MOST rounds are over."""
    groups, plan = _iid(count), Plan.of(rounds=MOST, local_steps=steps, lr=lr)
    sizes = groups.federation.sizes
    return together(groups, plan, weights=sizes / sizes.sum(), enough=0.5).loss[0]


def rounds_saved():
    """Rounds and bytes until the loss over 1,437 digits is 0.5, by local steps and step size, beside one step a round."""

    def compute(local_steps, lr, clients):
        one = _losses(20, 1, lr)  # one step a round does not see the split: FedSGD
        mine = _losses(clients, local_steps, lr) if local_steps > 1 else one
        return dict(mine=mine, one=one, steps=local_steps, lr=lr, clients=clients)

    def draw(r):
        marks = [plots.line([1, MOST], [0.5, 0.5], 5, width=1.2)]
        for loss, style, label in ((r["one"], "centralised", _("1 local step")), (r["mine"], "no privacy", "")):
            label = label or _("{n} local steps").format(n=r["steps"])
            if style == "no privacy" or r["steps"] > 1:
                rounds = np.arange(1, len(loss) + 1)
                marks += [plots.line(rounds, loss, style), plots.dots(rounds[-1:], loss[-1:], style, size=4)]
                at = 0.32 if style == "no privacy" else max(float(loss[-1]), 0.5) + 0.2
                marks.append(plots.text(1.04 * rounds[-1], at, label, style))
        return marks

    def needs(loss):
        if loss[-1] > 0.5:
            return _("more than {most} rounds").format(most=MOST)
        return _("{rounds} rounds ({mb:.2f} MB up)") if len(loss) > 1 else _("{rounds} round ({mb:.2f} MB up)")

    def say(r):
        def told(loss):
            return needs(loss).format(rounds=len(loss), mb=len(loss) * r["clients"] * 650 * 4 / 1e6)

        words = _("{n} clients, step size {lr:.3g}: until the loss is 0.5, {steps} local steps take {mine}; one local "
                  "step takes {one}.")  # fmt: skip
        if r["steps"] == 1:
            words = _("{n} clients, step size {lr:.3g}: until the loss is 0.5, {steps} local step takes {mine}.")
        return words.format(n=r["clients"], lr=r["lr"], steps=r["steps"], mine=told(r["mine"]), one=told(r["one"]))

    ticks = {1: "1", 3: "3", 10: "10", 30: "30", 100: "100"}
    panel = plots.Panel(_("loss over all 1,437 training images"), _("round"), x=(1, MOST), y=(0, 2.5), xlog=True,
                        xticks=ticks, right=0.2)  # fmt: skip
    return explorers.Explorer(
        _("What do local steps save?"),
        [explorers.Slider("local_steps", _("local steps a round"), 1, 50, 5, step=0.05, log=True, whole=True),
         explorers.Slider("lr", _("step size"), 0.5, 4, 0.5, step=0.02, log=True), clients(20, 2, 100)],
        compute, plots.Chart([panel], size=(5.5, 3.2)), draw, say,
        predict=(
            "03.b",
            _("Each may choose its step size out of 0.5, 1, 2 and 4. Then one local step takes"),
            [_("about as many rounds as twenty"), _("about 5 times as many"), _("about 15 times as many")],
            lambda r: int(np.digitize(_best(1) / _best(20), (3, 9))),
            lambda r: _("{one} rounds against {twenty}: a longer step helps the one and the other.").format(
                one=_best(1), twenty=_best(20)),
        ),
    )  # fmt: skip


def _best(steps):
    """The fewest rounds over four step sizes, for 20 clients."""
    return min(len(_losses(20, steps, lr)) for lr in (0.5, 1.0, 2.0, 4.0))


@lru_cache(maxsize=256)
def _counts(how, alpha, count):
    """Images by client and digit (clients × 10)."""
    fed = data.split(_digits(), count, how=how, alpha=alpha, labels=2, seed=0)
    return np.stack([((fed.y == digit) & fed.mask).sum(1).numpy() for digit in range(10)], 1)


def holdings():
    """Who holds what: a row a digit, a column a client, a dot as large as its images are many."""

    def compute(how, alpha, clients):
        return dict(counts=_counts(how, alpha, clients), how=how, alpha=alpha, clients=clients)

    def draw(r):
        counts, marks = r["counts"], []
        column, digit = (places.ravel() for places in np.indices(counts.shape))
        x = (column + 0.5) / len(counts)
        radius = np.minimum(0.9 * np.sqrt(counts.ravel()), 11)
        size = np.where(counts.ravel() > 0, np.ceil(2 * radius) / 2, 0)
        marks = [plots.dots(x[size == one], digit[size == one], "no privacy", size=one, opacity=0.75)
                 for one in sorted(set(size)) if one > 0]  # fmt: skip
        empty = np.flatnonzero(counts.sum(1) == 0)
        return [*marks, plots.dots((empty + 0.5) / len(counts), np.full(len(empty), -0.9), "attacker", size=3)]

    def say(r):
        counts = r["counts"]
        some, kinds = counts.sum(1)[counts.sum(1) > 0], (counts > 0).sum(1)[counts.sum(1) > 0]
        name = next(name for name, how in SPLITS.items() if how == r["how"]).split(":")[0]
        uneven = _(", α = {alpha:.3g}").format(alpha=r["alpha"]) if r["how"] in ("dirichlet", "sizes") else _(" (no α)")
        words = _("{how}{uneven}: {n} clients, {empty} without images; the others hold {low} to {high} images of "
                  "{kinds:.1f} digits on average, {alone} of them a single digit.")  # fmt: skip
        return words.format(how=name, uneven=uneven, n=r["clients"], empty=int((counts.sum(1) == 0).sum()), low=some.min(),
                            high=some.max(), kinds=kinds.mean(), alone=int((kinds == 1).sum()))  # fmt: skip

    panel = plots.Panel(_("images, by client and digit (×: none)"), _("clients, side by side"), _("digit"),
                        x=(0, 1), y=(-1.4, 9.8), xticks={0.5: ""}, yticks=list(range(10)))  # fmt: skip
    return explorers.Explorer(
        _("Who holds what?"),
        [explorers.Choice("how", _("split"), SPLITS, "dirichlet"),
         explorers.Slider("alpha", _("α: evenness"), 0.01, 100, 0.1, step=0.05, log=True), clients(20, 5, 100)],
        compute, plots.Chart([panel], size=(6, 3.2)), draw, say,
    )  # fmt: skip


def _unlike(alpha):
    """Ten clients, and how many digits the one or the other holds, on average over those that hold any."""
    fleet, held = unlike(alpha)
    return fleet.federation, held


def _updates(fed, theta, steps, lr, mu):
    """What `clients.local_updates` gives with full batches, to the bit, for this model alone (clients × 650)."""
    count, rows = len(fed.x), fed.x.transpose(1, 2)
    share = (fed.mask / fed.mask.sum(1, keepdim=True).clamp(min=1)).unsqueeze(1)
    hot = F.one_hot(fed.y, 10).transpose(1, 2).float()  # clients × 10 × records
    start = [theta[:640].view(1, 10, 64), theta[640:].view(1, 10, 1)]
    here, right = [part.repeat(count, 1, 1) for part in start], [fed.x, torch.ones(*fed.y.shape, 1)]
    for step in range(steps):
        lack = torch.baddbmm(here[1], here[0], rows).softmax(1).sub_(hot).mul_(share)
        for part, first, factor in zip(here, start, right, strict=True):
            if mu and step:
                part.sub_(torch.bmm(lack, factor).add_(mu * (part - first)), alpha=lr)
            else:
                part.baddbmm_(lack, factor, alpha=-lr)
    return torch.cat([part.flatten(1) for part in here], 1).sub_(theta)


@lru_cache(maxsize=256)
def _run(alpha, steps, lr, mu):
    """Test accuracy after each round, how far clients walk in it, and how far their weighted mean moves."""
    fed, found = _unlike(alpha)[0], []
    shares, theta = fed.sizes / fed.sizes.sum(), torch.zeros(650)
    for _turn in range(TURNS):
        own = _updates(fed, theta, steps, lr, mu)
        moved = shares @ own
        theta = theta + moved
        right = (theta[:640].view(10, 64) @ fed.x_test.T + theta[640:, None]).argmax(0) == fed.y_test
        found.append((float(right.double().mean()), float(shares @ own.norm(dim=1)), float(moved.norm())))
    return np.transpose(found)


def drift():
    """Local steps on unlike clients: accuracy beside one step, and how much of the clients' walks survives the mean."""

    def compute(alpha, local_steps, lr, mu):
        return dict(mine=_run(alpha, local_steps, lr, mu), one=_run(100.0, 1, lr, 0.0), alpha=alpha,
                    steps=local_steps, lr=lr, mu=mu, kinds=_unlike(alpha)[1])  # fmt: skip

    def draw(r):
        rounds, (right, walks, moves) = np.arange(1, TURNS + 1), r["mine"]
        marks = [plots.line(rounds, r["one"][0], "centralised", _("1 step"))]
        if r["steps"] > 1:
            marks.append(plots.line(rounds, right, "no privacy", _("{n} steps").format(n=r["steps"]), width=2.4))
        marks.append(plots.line(rounds, walks, "alone", _("clients walk"), panel=1))
        return [*marks, plots.line(rounds, moves, "no privacy", _("mean moves"), panel=1, width=2.4)]

    def say(r):
        right, walks, moves = r["mine"]
        steps = count(r["steps"], _("step"), _("steps"))
        words = _("α = {alpha:.3g} (a client holds {kinds:.1f} digits on average), step size {lr:.3g}, μ = {mu:.2f}: "
                  "after {turns} rounds of {steps} each test accuracy is {right:.2f}; with one step a round {one:.2f}, "
                  "whatever α. In the last round clients walk {walk:.2f} on average, their mean moves "
                  "{move:.2f}.")  # fmt: skip
        return words.format(alpha=r["alpha"], kinds=r["kinds"], lr=r["lr"], mu=r["mu"], turns=TURNS, steps=steps,
                            right=right[-1], one=r["one"][0][-1], walk=walks[-1], move=moves[-1])  # fmt: skip

    panels = [plots.Panel(_("test accuracy (10 clients)"), _("round"), x=(1, TURNS), y=(0, 1), xticks=[1, 5, 10],
                          right=0.25),
              plots.Panel(_("length of a round's move"), _("round"), x=(1, TURNS), y=(0.02, 10), ylog=True,
                          xticks=[1, 5, 10], yticks={0.1: "0.1", 1: "1", 10: "10"}, right=0.35)]  # fmt: skip
    return explorers.Explorer(
        _("Many steps on unlike clients"),
        [explorers.Slider("alpha", _("likeness α"), 0.02, 100, 100, step=0.05, log=True),
         explorers.Slider("local_steps", _("local steps a round"), 1, 20, 20, whole=True),
         explorers.Slider("lr", _("step size"), 0.25, 2, 0.5, step=0.02, log=True),
         explorers.Slider("mu", _("pull to the global model, μ"), 0, 0.5, 0, step=0.05)],
        compute, plots.Chart(panels, size=(6.2, 3.15)), draw, say,
        predict=(
            "03.c",
            _("Twenty local steps a round help clients that are alike (α = 100). On clients of one or two digits (α = "
              "0.02), step size 0.5, after ten rounds they end"),
            [_("higher than one step a round"), _("about where one step ends"), _("lower than one step a round")],
            lambda r: _verdict(),
            lambda r: _("{twenty:.2f} against {one:.2f}: each client walks towards its own digits, and most of the walks "
                        "cancel in the "
                        "mean.").format(twenty=_run(0.02, 20, 0.5, 0.0)[0][-1], one=_run(0.02, 1, 0.5, 0.0)[0][-1]),
        ),
    )  # fmt: skip


def _verdict():
    gap = _run(0.02, 20, 0.5, 0.0)[0][-1] - _run(0.02, 1, 0.5, 0.0)[0][-1]
    return 0 if gap > 0.02 else 1 if gap > -0.02 else 2

"""What notebook 15 shows: an image in an update, in a noisy report, members of a model, attackers, masks."""

from functools import lru_cache, partial

import numpy as np
import torch

from ... import data, models
from ...adversary import inversion
from ...interactive import browser, explorers, plots
from ...privacy import accounting, attacker, mechanisms
from ...training import clients as clients_
from . import _singles
from ._dealing import pictures
from ._kit import _, clients, epsilon
from .nb15_more import contest, members

__all__ = ["contest", "image", "masks", "members", "report"]
MODEL, LR, SHADES = models.Linear(64, 10), 2.0, np.linspace(0, 1, 9)
SHOWN = 159  # clients: 150 from the tenth on


def plain(number):
    """A number in words that a person uses: 2,000 and 0.36, never 2e+03."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


@lru_cache(maxsize=1)
def sent():
    """What 200 clients with one image each would send after a step (200 × 650), and the public images (360 × 650)."""
    fed, start = _singles.digits(), models.flatten(MODEL)
    test = fed.x_test[:, None], fed.y_test[:, None], torch.ones(len(fed.y_test), 1, dtype=torch.bool)
    public = data.Federation(*test, fed.x_test, fed.y_test, "classification")
    return [clients_.local_updates(MODEL, start, each, lr=LR) for each in (fed.select(torch.arange(200)), public)]


@lru_cache(maxsize=1)
def shipped():
    """What a page needs: the images of as many clients as are shown, and the public ones."""
    fed = _singles.digits()
    return {"train": pictures(fed.x[:SHOWN, 0], fed.y[:SHOWN, 0]), "test": pictures(fed.x_test, fed.y_test)}


@lru_cache(maxsize=64)
def clipped(clip):
    """The clients' updates and the public images', clipped."""
    return [mechanisms.clip_rows(rows, clip)[0] for rows in sent()]


def weighed(reports, known, variance):
    """The public images' mean, weighted by how well each explains a report (reports × 64)."""
    return (-torch.cdist(reports, known).square() / (2 * variance)).softmax(1) @ _singles.digits().x_test


def pixels(image, panel):
    """An image of 8 × 8 as squares in eight degrees of ink; rounded, for images have sixteenths, which are the edges."""
    shade, marks = np.abs(image.numpy().round(6)[:, None] - SHADES).argmin(1), []
    for level in range(1, 9):
        row, column = np.divmod(np.flatnonzero(shade == level), 8)
        if len(row):
            square = dict(panel=panel, width=1.0, opacity=SHADES[level])
            marks.append(plots.bars(column, np.ones(len(row)), base=7.0 - row, **square))
    return marks


def image():
    """What a sum of clipped updates and its noise show of the first client's image."""

    def compute(epsilon, clients, image):
        noise, (every, known) = accounting.calibrate("gaussian", epsilon=epsilon, clip=6.0), clipped(6.0)
        total = every[image - 1 :][:clients].sum(0)
        total = total + noise.noise((650,), torch.Generator().manual_seed(image)).float()
        others, spread = (clients - 1) * known.mean(0), (clients - 1) * float(known.var(0).mean())
        guess = weighed((total - others)[None], known, noise.std**2 + spread)[0]
        own, average = _singles.digits().x[image - 1, 0], _singles.digits().x_test.mean(0)
        shown = [own, inversion.read_first_layer(MODEL, total).clamp(0, 1), guess]
        errors = [float((g - own).abs().mean()) for g in (*shown[1:], average)]
        return dict(
            epsilon=epsilon, clients=clients, image=image, shown=shown, errors=errors, can=attacker.of(noise), std=noise.std
        )

    def marks(r):
        return [mark for panel, shown in enumerate(r["shown"]) for mark in pixels(shown, panel)]

    def say(r):
        who = _("one client's update") if r["clients"] == 1 else _("the sum of {} clients' updates").format(r["clients"])
        return _(
            "Image {image}, {who}, ε = {epsilon} in this one round: noise of deviation {std} in each of its 650 numbers. "
            "Mean error a pixel: divided {e[0]:.3f}, weighed {e[1]:.3f}; who has seen nothing and guesses the average "
            "digit {e[2]:.3f}."
        ).format(image=r["image"], who=who, epsilon=plain(r["epsilon"]), std=plain(r["std"]), e=r["errors"])

    titles = (_("the first client's image"), _("divided"), _("weighed"))
    panels = [plots.Panel(title, x=(-0.5, 7.5), y=(0, 8), xticks=[], yticks=[]) for title in titles]
    made = explorers.Explorer(
        _("One image in what the server gets"),
        [epsilon(2_000.0, 0.1, 100_000.0, label=_("ε of this round")), clients(1, 1, 150),
         explorers.Slider("image", _("whose image"), 1, 10, 1, whole=True)],
        compute, plots.Chart(panels, size=(5.6, 2.8)), marks, say, attacker=lambda r: r["can"],
    )  # fmt: skip
    return browser.live(made, "nb15.image", shipped)


LEVELS = tuple(np.geomspace(0.5, 5_000, 9).round(3))


@lru_cache(maxsize=1)
def draws():
    """Standard normal numbers of 150 clients' reports, drawn twice; a client's do not depend on how many are asked."""
    normal = (partial(torch.randn, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in range(2))
    return torch.stack([mechanisms.client_rows(draw, 150, (650,)) for draw in normal]).float()  # 2 × 150 × 650


@lru_cache(maxsize=64)
def products(clip):
    """The clients' updates by the public images' (150 × 360), less half their squares; noise by them (2 × 150 × 360)."""
    every, known = clipped(clip)
    return every[:150] @ known.T - known.square().sum(1) / 2, draws() @ known.T


@lru_cache(maxsize=512)
def readings(epsilon, clip):
    """Each client's error a pixel when its own noisy report is divided, and when it is weighed (draws × 2 × 150)."""
    noise, own = accounting.calibrate("gaussian", epsilon=epsilon, clip=clip, at="client"), _singles.digits().x[:150, 0]
    (bare, added), std = products(clip), noise.std
    reports = torch.add(clipped(clip)[0][:150], draws(), alpha=std).view(-1, 650)
    unit, rows = reports[:, 640:].abs().argmax(1), torch.arange(300)
    divided = (reports[:, :640].view(-1, 10, 64)[rows, unit] / reports[rows, 640 + unit][:, None]).clamp(0, 1)
    near = torch.add(bare, added, alpha=std).div_(std**2).softmax(2)  # what reports share does not count
    guesses = torch.stack([divided.view(2, 150, 64), near @ _singles.digits().x_test], 1)
    return (guesses - own).abs().mean(3).double().numpy()


def read(epsilon, clip, people):
    """The mean of the same over so many clients and the draws (2,)."""
    return readings(epsilon, clip)[:, :, :people].mean((0, 2))


def report():
    """How well a client's own noisy report is read, against ε, for a clip: dividing it, and weighing public images by it."""

    def compute(epsilon, clip, clients):
        curves = np.array([read(e, clip, clients) for e in LEVELS]).T
        noise = accounting.calibrate("gaussian", epsilon=epsilon, clip=clip, at="client")
        own = _singles.digits().x[:clients, 0]
        return dict(
            epsilon=epsilon, clip=clip, clients=clients, curves=curves, here=read(epsilon, clip, clients),
            average=float((_singles.digits().x_test.mean(0) - own).abs().mean()), can=attacker.of(noise),
            shortened=float((sent()[0][:clients].norm(dim=1) > clip).float().mean()),
        )  # fmt: skip

    def marks(r):
        drawn = [plots.line((0.5, 5_000), [r["average"]] * 2, 5, _("the average digit"))]
        for style, name, curve, here in zip((0, 6), (_("divided"), _("weighed")), r["curves"], r["here"], strict=True):
            drawn += [plots.line(LEVELS, curve, style, name, width=2.2), plots.dots([r["epsilon"]], [here], style, size=5)]
        return drawn

    def say(r):
        return _(
            "ε = {epsilon} in one round, each client's own report, clip {clip:.3g}, which shortens {part:.0f} of 100 "
            "updates. Mean error a pixel over {clients} clients: weighed {here[1]:.3f}, divided {here[0]:.3f}, the "
            "average digit {average:.3f}."
        ).format(**r | dict(epsilon=plain(r["epsilon"])), part=100 * r["shortened"])

    ticks = {e: f"{e:,g}" for e in (0.5, 5, 50, 500, 5_000)}
    panel = plots.Panel(
        _("mean error a pixel"), _("ε of one round, a client's own report (log)"), x=(0.5, 5_000), y=(0, 0.45), xlog=True,
        xticks=ticks, right=0.42,
    )  # fmt: skip
    made = explorers.Explorer(
        _("Reading noisy reports"),
        [epsilon(2.0, 0.5, 5_000.0, label=_("ε of this round")),
         explorers.Slider("clip", _("clip (longest update)"), 0.5, 40, 6.0, step=0.05, log=True), clients(60, 10, 150)],
        compute, plots.Chart([panel], size=(6.6, 3.0)), marks, say, attacker=lambda r: r["can"], unit=_("image"),
        predict=(
            "15.a", _("A clip that shortens every update is made a twelfth of it, at the same ε. What can be read?"),
            [_("less than before"), _("as much as before"), _("more than before")], 1,
            _("the noise is made for the clip: both shrink together, and the ratio of the two is ε's."),
        ),
    )  # fmt: skip
    return browser.live(made, "nb15.report", shipped)


def masks():
    """Secure aggregation by hand: what clients hold, what the server sees, and the sum that is left, modulo 101."""
    held = np.random.default_rng(0).integers(0, 25, 12)

    def shared(draw):
        return np.triu(np.random.default_rng(draw).integers(0, 101, (12, 12)), 1)

    def compute(clients, dropped, draw):
        gone, pairs, values = dropped, shared(draw)[:clients, :clients], held[:clients]
        sent = (values + pairs.sum(1) - pairs.sum(0)) % 101
        here = clients - gone  # the last ones drop out
        left = int((pairs[:here, here:]).sum())  # what the survivors added and nobody takes off
        return dict(clients=clients, gone=gone, draw=draw, values=values, sent=sent, here=here, left=left)

    def marks(r):
        x, here = np.arange(1, r["clients"] + 1), r["here"]
        drawn = [plots.bars(x, r["values"], 1), plots.bars(x[:here], r["sent"][:here], "attacker", panel=1)]
        drawn += [plots.people(x, np.full(len(x), -11.0), 1, size=6)]
        drawn += [plots.text(float(k), 8.0, "–", 5, panel=1) for k in x[here:]]
        return drawn

    def say(r):
        seen, true = int(r["sent"][: r["here"]].sum()) % 101, int(r["values"][: r["here"]].sum()) % 101
        what = _(
            "Draw {draw} of the masks: the server sees {seen} from {here} clients; their sum modulo 101 is {total}"
        ).format(draw=r["draw"], seen=", ".join(map(str, r["sent"][: r["here"]])), here=r["here"], total=seen)
        if not r["gone"]:
            return what + _(", the sum of what the clients hold: every mask has met its opposite.")
        who = _("1 client that") if r["gone"] == 1 else _("{} clients that").format(r["gone"])
        return what + _(
            ", wrong by the masks shared with the {who} dropped out, {left} modulo 101; taken off, {true} is left, the "
            "survivors' sum."
        ).format(who=who, left=r["left"] % 101, true=true)

    panels = [
        plots.Panel(
            _("what each client holds"), _("client"), x=(0.3, 12.7), y=(-20, 101), xticks=range(1, 13), yticks=[0, 50, 100]
        ),
        plots.Panel(
            _("what the server sees"), _("client"), x=(0.3, 12.7), y=(-20, 101), xticks=range(1, 13), yticks=[0, 50, 100]
        ),
    ]
    made = explorers.Explorer(
        _("A sum of masked numbers"),
        [clients(6, 6, 12), explorers.Slider("dropped", _("clients that drop out"), 0, 4, 0, whole=True),
         explorers.Slider("draw", _("draw of the masks"), 1, 20, 1, whole=True)],
        compute, plots.Chart(panels, size=(7.0, 2.8)), marks, say,
        predict=(
            "15.d", _("Other masks are drawn for the same values. What changes of what the server gets?"),
            [_("each number, and the sum"), _("each number, not the sum"), _("the sum alone")], 1,
            lambda r: _("each mask is added once and taken off once: the sum is {}.").format(int(r["values"].sum()) % 101),
        ),
    )  # fmt: skip
    return browser.live(
        made, "nb15.masks", lambda: dict(held=held, pairs=np.stack([shared(k) for k in range(1, 21)]).astype(np.uint8))
    )

"""More of what notebook 00 shows: alone or together, the noise and its levers, the crowd."""

import numpy as np

from ...interactive import browser, explorers, plots
from . import _kit
from ._clouds import updates
from ._hospitals import CLIP, DRAWS, ROUNDS, alone, deal, first_plan, private, private_ends, shipped, together
from ._kit import _, count, short

COUNTS = (6, 10, 20, 50, 100, 200, 455)
RIGHT = {"y": (0, 105), "yticks": (0, 25, 50, 75, 100)}
BY_COUNT = {"x": (6, 455), "xlog": True, "xticks": {n: str(n) for n in COUNTS}}
INNER = (0.05, 0.5, 0.95)  # nine in ten, and the median


def patients_of(fed):
    """How many patients a hospital has, in words."""
    sizes = sorted(set(fed.sizes.tolist()))
    return _("1 patient") if sizes == [1] else _("{n} patients").format(n=_(" or ").join(map(str, sizes)))


def steps_of(plan):
    """How many local steps a round has, in words."""
    return count(plan.local.steps, _("local step"), _("local steps"))


def _sliders():
    return [
        _kit.epsilon(1.0, 0.1, 30.0, _("total ε")),
        _kit.clients(10, 6, 455, _("hospitals")),
        explorers.Slider("clip", _("clip: longest step that counts"), 0.1, 8, CLIP, step=0.05, log=True),
    ]


def _by_count(height):
    words = _("right, of 100 test patients"), _("hospitals that the 455 patients are dealt out to")
    return plots.Chart([plots.Panel(*words, right=0.2, **RIGHT, **BY_COUNT)], size=(6.2, height))


def together_or_alone():
    """Without privacy: what becomes of each hospital's own model, and of the common one, as hospitals get smaller."""
    question = _(
        "The same 455 patients, dealt out to more and more hospitals, down to one patient each; no noise yet. What "
        "becomes of the model that all of them train together?"
    )
    options = [_("it gets worse, as the hospitals shrink"), _("it stays about as good"), _("it gets better by far")]
    made = explorers.Explorer(
        _("Alone, or together without privacy"),
        [_kit.clients(10, 6, 455, _("hospitals"))],
        _without,
        _by_count(2.9),
        lambda r: [plots.band(COUNTS, *r["spread"].T, "alone"), *_draw_without(r)],
        _say_without,
        predict=("00.a", question, options, 1, _because_without),
    )
    return browser.live(made, "nb00.together_or_alone", shipped)


def _without(clients):
    each = {n: 100 * alone(n)[1].numpy() for n in (*COUNTS, clients)}
    return dict(
        clients=clients, own=float(each[clients].mean()), all=100 * float(together(clients)[1][-1]),
        inner=np.quantile(each[clients], INNER), spread=np.array([np.quantile(each[n], INNER[::2]) for n in COUNTS]),
        alone=[float(each[n].mean()) for n in COUNTS], together=[100 * float(together(n)[1][-1]) for n in COUNTS],
    )  # fmt: skip


def _because_without(r):
    return _(
        "{low:.0f} to {high:.0f} of 100 are right for every number of hospitals: the average of the steps hardly knows "
        "how the patients were dealt out. Alone it falls from {first:.0f} to {last:.0f}."
    ).format(low=min(r["together"]), high=max(r["together"]), first=r["alone"][0], last=r["alone"][-1])


def _draw_without(r):
    return [
        plots.line(COUNTS, r["alone"], "alone", _("alone")),
        plots.line(COUNTS, r["together"], "no privacy", _("together")),
        plots.dots([r["clients"]], [r["all"]], "no privacy", size=5),
        plots.dots([r["clients"]], [r["own"]], "alone", size=5),
    ]


def _say_without(r):
    return _(
        "{clients} hospitals of {sizes}: of 100 test patients the model trained together gets {all:.0f} right, a hospital "
        "alone {own:.0f} (mean; nine in ten hospitals between {low:.0f} and {high:.0f}; calling everybody benign: 63)."
    ).format(sizes=patients_of(deal(r["clients"])), low=r["inner"][0], high=r["inner"][2], **r)


def noise():
    """Why the model is lost: the noise on the averaged step beside the steps themselves, and what is left of the model."""
    question = _("Ten hospitals, total ε = 1: the private model is worth little. Which of the two costs that?")
    options = [_("the clip, which shortens the steps"), _("the noise on their sum"), _("both about alike")]
    made = explorers.Explorer(
        _("Steps and noise"), _sliders(), _run, _by_round(ROUNDS), _draw_run, _say_run,
        predict=("00.b", question, options, 1, _because_noise),
    )  # fmt: skip
    return browser.live(made, "nb00.noise", shipped)


def levers():
    """The settings that win accuracy back at the same ε: clip, local steps, rounds, the server's step."""
    controls = [
        *_sliders(),
        explorers.Slider("local_steps", _("local steps in a round"), 1, 5, 1, whole=True),
        explorers.Choice("rounds", _("rounds"), {"5": 5, "20": 20, "80": 80}, ROUNDS),
        explorers.Slider("server_lr", _("server's step"), 0.1, 3, 1.0, step=0.05, log=True),
    ]
    made = explorers.Explorer(_("Levers at the same ε"), controls, _run, _by_round(80), _draw_run, _say_run)
    return browser.live(made, "nb00.levers", shipped)


def _by_round(rounds):
    limits = dict(x=(1, rounds), xlog=True, xticks={n: str(n) for n in (1, 5, 20, 80) if n <= rounds}, right=0.3)
    lengths = dict(y=(1e-4, 1000), ylog=True, yticks={10.0**k: f"{10.0**k:g}" for k in (-3, -2, -1, 0, 1, 2)})
    return plots.Chart(
        [
            plots.Panel(_("length of a step, in each round"), _("round"), **limits, **lengths),
            plots.Panel(_("right, of 100 test patients"), _("round"), **limits, **RIGHT),
        ],
        size=(6.6, 3.0),
    )


def _run(epsilon, clients, clip, local_steps=1, rounds=ROUNDS, server_lr=1.0):
    plan, _path, right = private(epsilon, clients, clip, local_steps, rounds, server_lr, DRAWS[:20])
    _plain, plain_right = together(clients, rounds, local_steps)
    return dict(
        plan=plan, clients=clients, noise=plan.mechanism.std / clients, lengths=_lengths(clients, rounds, local_steps),
        right=100 * right[1:].T.numpy(), plain=100 * plain_right[1:].numpy(), alone=100 * float(alone(clients)[1].mean()),
    )  # fmt: skip


def _lengths(clients, rounds, local_steps):
    """How long every hospital's step is in every round of the run without privacy (hospitals × rounds)."""
    plan, path = first_plan(1.0, CLIP, local_steps, rounds), together(clients, rounds, local_steps)[0]
    return updates(deal(clients), path[:-1].T, plan).norm(dim=0).numpy()


def _because_noise(r):
    return _(
        "no step of the {n} hospitals is longer than {longest:.1f}, so a clip of {clip:.2g} shortens none, and the noise "
        "on their average is {noise:.1f} in every direction."
    ).format(n=r["clients"], longest=r["lengths"].max(), clip=r["plan"].mechanism.clip, noise=r["noise"])


def _draw_run(r):
    rounds = 1 + np.arange(r["plan"].rounds)
    level = np.ones(len(rounds))
    return [
        plots.band(rounds, *np.quantile(r["lengths"], INNER[::2], axis=0), "no privacy"),
        plots.line(rounds, np.median(r["lengths"], axis=0), "no privacy", _("steps")),
        plots.line(rounds, r["plan"].mechanism.clip * level, 0, _("clip"), width=1.2),
        plots.line(rounds, r["noise"] * level, "private", _("noise"), width=2.4),
        plots.line(rounds, r["alone"] * level, "alone", _("alone"), 1),
        plots.line(rounds, r["plain"], "no privacy", _("no privacy"), 1),
        *plots.cloud(rounds, r["right"], "private", _("private"), 1),
    ]


def _shortened(share):
    """How many steps a clip shortens; neither "0%" where there are some, nor "100%" where there are others."""
    if share in (0, 1):
        return _("all") if share else _("none")
    inside = _("less than 1%") if share < 0.005 else _("more than 99%") if share > 0.995 else f"{share:.0%}"
    return _("{share} of them").format(share=inside)


def _say_run(r):
    plan, (worst, middle, best) = r["plan"], np.quantile(r["right"][:, -1], INNER)
    server = "" if plan.server.lr == 1 else _(", server's step {step:.3g}").format(step=plan.server.lr)
    cut = float((r["lengths"] > plan.mechanism.clip).mean())
    steps = np.median(r["lengths"], axis=0)
    return _(
        "{clients} hospitals, total ε = {epsilon:.3g}, {rounds} rounds of {steps}{server}: noise of {noise} in every "
        "direction, on the average of steps that are {first} long at first and {last} at the end (medians without noise); "
        "the clip, {clip:.2g}, shortens {cut}. Right, of 100 test patients: private {middle:.0f} (median of 20 draws; "
        "nine in ten {worst:.0f} to {best:.0f}), no privacy {plain:.0f}, alone {alone:.0f}."
    ).format(
        clients=r["clients"], epsilon=plan.epsilon(), rounds=plan.rounds, steps=steps_of(plan), server=server,
        noise=short(r["noise"]), first=short(steps[0]), last=short(steps[-1]), clip=plan.mechanism.clip,
        cut=_shortened(cut), worst=worst, middle=middle, best=best,
        plain=r["plain"][-1], alone=r["alone"],
    )  # fmt: skip


def crowd():
    """The same ε with more and more hospitals: where the private model overtakes a hospital alone."""
    question = _("Total ε = 1, first settings: from how many hospitals on does the private model beat one hospital alone?")
    options = [_("from below ten"), _("from between twenty and a hundred"), _("from above two hundred"), _("it never does")]
    made = explorers.Explorer(
        _("More hospitals, the same ε"), _sliders(), _crowd, _by_count(3.4), _draw_crowd, _say_crowd,
        predict=("00.d", question, options, 1, _because_crowd), attacker=lambda r: r["plan"].attacker(), unit="hospital",
    )  # fmt: skip
    return browser.live(made, "nb00.crowd", shipped)


def _crowd(epsilon, clients, clip):
    draws, here = (100 * private_ends(epsilon, counts, clip, DRAWS[:12]) for counts in (COUNTS, (clients,)))
    return _without(clients) | dict(plan=first_plan(epsilon, clip), draws=draws, here=here[0])


def _because_crowd(r):
    return _(
        "at 20 a hospital alone gets {alone:.0f} of 100 right and the private model {private:.0f}; at 100, with four or "
        "five patients each, {little:.0f} and {much:.0f}."
    ).format(
        alone=r["alone"][2], private=np.median(r["draws"][2]), little=r["alone"][4], much=np.median(r["draws"][4])
    )  # fmt: skip


def _draw_crowd(r):
    here = plots.dots([r["clients"]], [np.median(r["here"])], "private", size=5)
    return [*_draw_without(r), *plots.cloud(COUNTS, r["draws"].T, "private", _("private")), here]


def _say_crowd(r):
    ahead = [n for n, own, draws in zip(COUNTS, r["alone"], r["draws"], strict=True) if np.median(draws) > own]
    where = _("at {n} of the seven numbers drawn").format(n=len(ahead))
    if ahead and ahead == list(COUNTS[-len(ahead) :]):
        where = _("from {first} hospitals on").format(first=ahead[0])
    return _(
        "Total ε = {epsilon:.3g}, clip {clip:.2g}: private is ahead of alone {where}. {clients} hospitals of {sizes}, "
        "noise of {noise} on the average; right, of 100 test patients: private {middle:.0f} (median of 12 draws, "
        "{low:.0f} to {high:.0f}), together without noise {all:.0f}, alone {own:.0f}."
    ).format(
        epsilon=r["plan"].epsilon(), clip=r["plan"].mechanism.clip, where=where, clients=r["clients"], all=r["all"],
        sizes=patients_of(deal(r["clients"])), noise=short(r["plan"].mechanism.std / r["clients"]), own=r["own"],
        middle=np.median(r["here"]), low=r["here"].min(), high=r["here"].max(),
    )  # fmt: skip

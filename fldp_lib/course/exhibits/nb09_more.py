"""Notebook 09, the large explorers: the settings of a private run, and whose ε it is."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from . import _kit
from . import nb09_runs as made
from ._kit import _

TUNED = tuple(range(100, 106))  # splits on which the notebook's settings were searched, five draws of the noise on each
MOST = 80  # rounds
LOW, HIGH = 0.05, 3.0  # of the axes of log loss
TICKS = {v: f"{v:g}" for v in (0.05, 0.1, 0.2, 0.5, 1, 2)}


def _loss_panel(last, ticks):
    return plots.Panel(
        _("log loss on test patients"), _("round"), _("nats, logarithmic"), x=(1, last), y=(LOW, HIGH), xlog=True, ylog=True,
        xticks={t: str(t) for t in ticks}, yticks=TICKS, right=0.3,
    )  # fmt: skip


@lru_cache(maxsize=128)
def _reference(clients, seeds):
    """Log loss of the median hospital alone, and after each of 20 rounds without privacy; means over splits."""
    alone = [np.median(made.log_loss(made.alone(clients, s), made.dealt(clients, s))) for s in seeds]
    clean = [made.log_loss(made.plain(clients, s), made.dealt(clients, s)).numpy() for s in seeds]
    return np.mean(alone), np.mean(clean, 0)


def _curves(private, clean, alone, last):
    """Marks for the cloud of private runs, one without privacy and the median hospital alone; a model that is done stays."""
    rounds, end = private.shape[1], np.median(private[:, -1])
    marks = [
        _held(rounds, end, last, "private", _("private")),
        _held(len(clean), clean[-1], last, "no privacy", _("no privacy")),
    ]
    if rounds > 1:
        marks += plots.cloud(np.arange(1, rounds + 1), private, "private")
    else:
        marks += plots.cloud([1, 1.06], np.repeat(private, 2, 1), "private")
    marks.append(plots.line(np.arange(1, len(clean) + 1), clean, "no privacy", width=2.2))
    return [*marks, plots.line([1, last], [alone, alone], "alone", _("alone"))]


def _held(rounds, loss, last, style, label):
    return plots.line([rounds, last], [loss, loss], style, label, width=1.2, opacity=0.5)


def _number(value):
    """A number as a person writes it: three digits, or whole with commas."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rounds(count):
    return _kit.count(count, _("round"), _("rounds"))


def levers(many=None):
    """What clip, rounds and step make of a total ε at twelve hospitals, by a function that runs many draws, or by ours."""

    def compute(epsilon, rounds, clip, lr):
        plan = made.PLAIN.changed(rounds=rounds, lr=lr).calibrated(epsilon, clip=clip, at="client", unit="record")
        feds = [made.dealt(12, s) for s in TUNED]
        if many is None:
            thetas = made.together(feds, plan, 12, 5, range(len(feds))).unbind(1)
        else:
            thetas = [many(fed, plan, 12, 5, k) for k, fed in enumerate(feds)]
        loss = [made.log_loss(found, fed).numpy().T for found, fed in zip(thetas, feds, strict=True)]
        return dict(epsilon=epsilon, plan=plan, loss=np.concatenate(loss), attacker=plan.attacker())  # 30 × rounds

    def draw(r):
        alone, clean = _reference(12, TUNED)
        return _curves(r["loss"], clean, alone, 80)

    def say(r):
        alone, clean = _reference(12, TUNED)
        plan, (low, middle, high) = r["plan"], np.quantile(r["loss"][:, -1], [0.05, 0.5, 0.95])
        return _(
            "Total ε = {epsilon:.3g} a patient in {rounds}, clip {clip:.3g}, step {lr:.3g}: noise of deviation {std:.3f} in "
            "each number of the mean gradient. Log loss at the end, 6 splits with 5 draws each: private {middle:.3f} (nine "
            "of ten: {low:.2f} to {high:.2f}), no privacy {clean:.3f}, the median hospital alone {alone:.3f}."
        ).format(
            epsilon=r["epsilon"], rounds=_rounds(plan.rounds), clip=plan.mechanism.clip, lr=plan.lr, low=low, middle=middle,
            std=plan.mechanism.std * 12**0.5 / 455, high=high, clean=clean[-1], alone=alone,
        )  # fmt: skip

    def median(rounds):
        return float(np.median(compute(1.0, rounds, 0.5, 4.0)["loss"][:, -1]))

    controls = [
        _kit.epsilon(1.0, label=_("total ε, a patient")),
        explorers.Slider("rounds", _("rounds"), 1, MOST, 20, step=1, whole=True),
        explorers.Slider("clip", _("clip: longest gradient"), 0.05, 4, 0.5, step=0.05, log=True),
        explorers.Slider("lr", _("step size"), 0.5, 40, 4.0, step=0.05, log=True),
    ]
    explorer = explorers.Explorer(
        _("Twelve hospitals, your settings"), controls, compute,
        plots.Chart([_loss_panel(80, (1, 2, 5, 10, 20, 40, 80))], size=(6.4, 3.8)), draw, say,
        predict=(
            "09.b",
            _("Total ε = 1 a patient, clip 0.5, step 4: 80 rounds in place of 20. The private model's log loss"),
            [_("falls: four times the training"), _("stays: the same ε"), _("rises: the same ε buys more noise a round")],
            lambda r: 0 if median(80) < median(20) - 0.01 else 2 if median(80) > median(20) + 0.01 else 1,
            lambda r: _("the median of 30 draws is {a:.3f} after 20 rounds, {b:.3f} after 80.").format(
                a=median(20), b=median(80)
            ),
        ),
        attacker=lambda r: r["attacker"], unit="patient",
    )  # fmt: skip
    return browser.live(explorer, "nb09.levers", _shipped)  # a page computes by ours, whoever gave another


def _shipped():
    """What a page needs of `levers`: the six splits, and noise for 80 rounds, with what ends it after fewer."""
    streams = [made.normal(MOST, 5, k) for k, _seed in enumerate(TUNED)]
    tails = [[made.tail(rounds, 5, k).numpy() for rounds in range(1, MOST + 1)] for k, _seed in enumerate(TUNED)]
    return {**made.dealing(TUNED), "streams": np.array([stream.numpy() for stream in streams]), "tails": np.array(tails)}


@lru_cache(maxsize=512)
def _against(epsilon, noises, unit, clips):
    plan = made.protection(epsilon, noises) if unit == "record" else made.hospital_level(epsilon)
    plan = made.against(plan, clips)
    return plan.attacker(), plan.epsilon()


def units():
    """One ε, promised to a patient or to a hospital: what the model can do, and what an attacker learns of either."""

    def compute(epsilon, clients, unit):
        fed, largest = made.dealt(clients, 0), int(made.profile(clients)[0][0])
        if unit == "record":
            thetas, clips = made.runs(fed, made.protection(epsilon, clients), clients), (1, largest)
        else:
            thetas, clips = made.hospital_runs(fed, made.hospital_level(epsilon), 10), (2, 1)
        patient, hospital = (_against(epsilon, clients, unit, c) for c in clips)
        about = dict(epsilon=epsilon, clients=clients, unit=unit, largest=largest)
        return about | dict(loss=made.log_loss(thetas, fed).numpy().T, patient=patient, hospital=hospital)

    def draw(r):
        alone, clean = _reference(r["clients"], (0,))
        marks = _curves(r["loss"], clean, alone, 20)
        for place, (found, _total) in enumerate((r["patient"], r["hospital"])):
            right = 100 * found.even_odds
            marks.append(plots.bars([place], [right - 50], "attacker", panel=1, width=0.6, base=[50]))
            marks.append(plots.text(place - 0.12, min(right + 3, 104), f"{right:.0f}", "attacker", panel=1))
        return marks

    def say(r):
        alone, clean = _reference(r["clients"], (0,))
        record = r["unit"] == "record"
        promised = _("a patient, noise at each hospital") if record else _("a hospital, noise at a trusted server")
        return _(
            "Total ε = {epsilon:.3g} for {promised}; {hospitals}, {rounds}. Log loss: private {private:.3f} (median of "
            "{draws} draws), no privacy {clean:.3f}, the median hospital alone {alone:.3f}. The attacker is right on one "
            "patient for {p:.0f} of 100, on the largest hospital ({largest} patients) for {h:.0f}: by the same noise "
            "ε = {ep} for the one and {eh} for the other."
        ).format(
            epsilon=r["epsilon"], promised=promised, hospitals=_kit.count(r["clients"], _("hospital"), _("hospitals")),
            rounds=_rounds(r["loss"].shape[1]), private=np.median(r["loss"][:, -1]), draws=len(r["loss"]),
            clean=clean[-1], alone=alone, largest=r["largest"], p=100 * r["patient"][0].even_odds,
            h=100 * r["hospital"][0].even_odds, ep=_number(r["patient"][1]), eh=_number(r["hospital"][1]),
        )  # fmt: skip

    def crowd(clients):
        return float(np.median(compute(2.0, clients, "record")["loss"][:, -1])), _reference(clients, (0,))[0]

    bars = dict(x=(-0.6, 1.6), y=(50, 108), xticks={0: _("one patient"), 1: _("largest\nhospital")}, yticks=[50, 75, 100])
    panels = [
        _loss_panel(20, (1, 2, 5, 10, 20)),
        plots.Panel(_("the attacker's right guesses"), "", _("of 100, a coin has 50"), **bars),
    ]
    options = {_("a patient"): "record", _("a hospital"): "client"}
    controls = [
        _kit.epsilon(2.0, 0.1, 50.0, label=_("total ε")),
        _kit.clients(12, 2, 120, label=_("hospitals")),
        explorers.Choice("unit", _("unit of privacy"), options, "record"),
    ]
    explorer = explorers.Explorer(
        _("Whose ε? The same patients, as many hospitals as you like"), controls, compute,
        plots.Chart(panels, size=(6.4, 3.4)), draw, say,
        predict=(
            "09.e",
            _("ε = 2 for a patient, 120 hospitals in place of 12, each with its own noise: the private model is"),
            [_("better than the median hospital alone"), _("worse than the median hospital alone")],
            lambda r: int(crowd(120)[0] > crowd(120)[1]),
            lambda r: _("with 120 its log loss is {a:.3f}, the median hospital's own {b:.3f}: both get worse.").format(
                a=crowd(120)[0], b=crowd(120)[1]
            ),
        ),
        attacker=lambda r: r["patient"][0], unit="patient",
    )  # fmt: skip
    return browser.live(explorer, "nb09.units", made.shipped)

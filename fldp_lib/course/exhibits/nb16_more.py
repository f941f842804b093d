"""What notebook 16 shows, second part: a clip in the wrong place, audits through μ, many canaries in one run."""

from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from ... import accounting
from ...adversary import auditing
from ...interactive import browser, explorers, plots
from ...privacy import attacker
from . import _audits
from ._audits import DELTA, laplace
from ._kit import _, clients, epsilon

RUNS, AUDITS, SIZES = 20_000, 20, tuple(int(n) for n in np.geomspace(2, 400, 7).round())
OFF = np.linspace(-3, 3, 13)


def _laws(true):
    return _audits.laplace_laws(true, np.concatenate([np.linspace(-6, 6, 15), true + np.linspace(-6, 6, 15)]).round(9))


@lru_cache(maxsize=512)
def _proved(true, seed):
    """What 20 audits by 20,000 runs each way prove of one Laplace release with this ε (20,)."""
    laws = np.sort(_laws(true), 1)[:, ::-1]
    return _audits.halves(laws, RUNS, AUDITS, np.random.default_rng((seed, round(1_000 * true))))[0]


def crowd():
    """A clip on the mean, in place of each update: what an audit proves with so many clients."""

    def compute(clients, epsilon):
        return dict(
            clients=clients, claimed=epsilon, each=_proved(epsilon, clients), mean=_proved(epsilon * clients, clients),
            curves=[np.array([_proved(e, 0) for e in (epsilon * np.array(SIZES) ** power).tolist()]).T for power in (0, 1)],
            can=laplace(epsilon * clients),
        )  # fmt: skip

    def marks(r):
        shown = lambda values: np.maximum(values, 0.03)  # noqa: E731
        each, mean = (shown(c) for c in r["curves"])
        return [
            plots.line((2, 400), [r["claimed"]] * 2, 5, _("claimed")),
            *plots.cloud(SIZES, mean, "attacker", _("clip on the mean")),
            *plots.cloud(SIZES, each, "private", _("clip on each")),
            plots.dots([r["clients"]] * AUDITS, shown(r["mean"]), "attacker", size=2.5),
            plots.dots([r["clients"]] * AUDITS, shown(r["each"]), "private", size=2.5),
        ]  # fmt: skip

    def say(r):
        return _(
            "{clients} clients, claimed ε = {claimed:.3g}, 20 audits by 20,000 runs each way. A clip on each update: at "
            "least {each:.2f} is proved (median). A clip on the mean, with noise as if a client moved it by 1/{clients} of "
            "the clip: {mean:.2f}; its true ε is {clients} × {claimed:.3g} = {true:,.4g}."
        ).format(**r | dict(each=np.median(r["each"]), mean=np.median(r["mean"])), true=r["clients"] * r["claimed"])

    panel = plots.Panel(
        _("ε proved by 20,000 runs (log)"), _("clients (log)"), x=(2, 400), y=(0.03, 12), xlog=True, ylog=True,
        xticks={n: f"{n}" for n in (2, 5, 20, 100, 400)},
        yticks={0.03: "≤0.03", 0.1: "0.1", 0.3: "0.3", 1: "1", 3: "3", 10: "10"},
        right=0.34,
    )  # fmt: skip
    shown = explorers.Explorer(
        _("A clip in the wrong place"), [clients(21, 2, 400), epsilon(0.25, 0.1, 4.0, label=_("claimed ε"))],
        compute, plots.Chart([panel], size=(6.4, 3.2)), marks, say, attacker=lambda r: r["can"],
        predict=(
            "16.b", _("The mean is clipped, not each update. Ten times as many clients: what happens to the true ε?"),
            [_("it falls: a larger crowd hides better"), _("nothing: ε does not depend on the crowd"),
             _("it rises with the number of clients")],
            2, lambda r: _("one client can still move the mean by the clip, and the noise is made for 1/{0} of it: {1:,.4g} "
                           "where {2:.3g} is claimed.").format(r["clients"], r["clients"] * r["claimed"], r["claimed"]),
        ),
    )  # fmt: skip
    return browser.live(shown, "nb16.crowd", lambda: {"runs": RUNS, "audits": AUDITS, "sizes": SIZES})


@lru_cache(maxsize=512)
def _multiplier(claimed):
    return accounting.calibrate("gaussian", epsilon=claimed, delta=DELTA)


def _normal(claimed, off):
    """Rates of false and true positives at thresholds off the middle, in standard deviations of Gaussian noise."""
    mu = 1 / _multiplier(claimed).noise_multiplier
    return 1 - ndtr(mu / 2 + off), 1 - ndtr(off - mu / 2)


def _laplace(claimed, off):
    laws = [_audits.laplace_laws(claimed, np.atleast_1d(claimed / 2 + 2**0.5 * o)) for o in np.atleast_1d(off)]
    return np.array(laws)[:, :, 0].T


@lru_cache(maxsize=256)
def _at(claimed, runs, offs, audits):
    """ε proved by (ε, δ) and through μ at each threshold, fixed beforehand, of both noises (2 × 2 × audits × thresholds)."""
    rng, found = np.random.default_rng((runs, round(1_000 * claimed), len(offs))), []
    for rates_of in (_normal, _laplace):
        delta = DELTA if rates_of is _normal else 0.0
        false, true = (
            rng.binomial(runs, p, size=(audits, len(offs))).astype(float) for p in rates_of(claimed, np.array(offs))
        )
        plain = _audits.bound(*_audits.rates(false, true, runs, 0.025), delta)
        found.append([plain, _audits.through_mu(false + runs - true, 2 * runs)])
    return np.array(found)


def through_mu():
    """Audits by (ε, δ) and through μ, at a threshold of one's own, of Gaussian and of Laplace noise with the same ε."""

    def compute(threshold, epsilon, runs):
        return dict(threshold=threshold, claimed=epsilon, runs=runs, curves=_at(epsilon, runs, tuple(OFF), 30),
                    here=_at(epsilon, runs, (threshold,), 30)[..., 0], can=attacker.of(_multiplier(epsilon)))  # fmt: skip

    def marks(r):
        drawn = []
        for panel in (0, 1):
            drawn += [plots.line((-3, 3), (1, 1), 5, _("claimed") if panel else "", panel=panel)]
            for k, (style, name) in enumerate(((2, _("by (ε, δ)")), ("attacker", _("through μ")))):
                drawn += plots.cloud(OFF, r["curves"][panel, k] / r["claimed"], style, name if panel else "", panel=panel)
                here = r["here"][panel, k] / r["claimed"]
                drawn += [plots.dots([r["threshold"]] * len(here), here, style, panel=panel, size=2.5)]
        return drawn

    def say(r):
        (plain, mu), (plain_l, mu_l) = np.median(r["here"], -1)
        above = int((r["here"][0, 1] > r["claimed"]).sum())
        return _(
            "ε = {claimed:.3g}, {runs:,} runs each way, threshold {threshold:g} standard deviations off the middle; medians "
            "of 30 audits. Gaussian noise (δ = 1e-5): {plain:.2f} proved by (ε, δ), {mu:.2f} through μ ({above} of 30 above "
            "ε; 5% are allowed). Honest Laplace noise: {plain_l:.2f} by (ε, 0), “{mu_l:.2f}” through μ, which "
            "does not hold for it."
        ).format(**r, plain=plain, mu=mu, above=above, plain_l=plain_l, mu_l=mu_l)

    shared = dict(xlabel=_("threshold, off the middle (sd)"), x=(-3, 3), xticks=[-2, 0, 2])
    panels = [
        plots.Panel(_("Gaussian: ε proved, of the true one"), y=(0, 1.3), **shared),
        plots.Panel(_("Laplace: the same"), y=(0, 8), right=0.34, **shared),
    ]
    shown = explorers.Explorer(
        _("Through μ"),
        [explorers.Slider("threshold", _("threshold, off the middle (sd)"), -3, 3, 1.5, step=0.25),
         epsilon(4.0, 0.5, 8.0, label=_("true ε")),
         explorers.Slider("runs", _("runs each way"), 500, 100_000, 20_000, step=0.1, log=True, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.3)), marks, say, attacker=lambda r: r["can"],
        predict=(
            "16.c", _("Gaussian noise, 20,000 runs, and the errors are counted to bound μ. Where is the best threshold?"),
            [_("far out, where the ratio of the rates is largest"), _("in the middle between the two worlds"),
             _("anywhere: μ is the same")],
            1, lambda r: _("there {:.2f} of {:.3g} is proved (median of 30), at two deviations off {:.2f}.").format(
                *(np.median(r["curves"][0, 1, :, k]) if k is not None else r["claimed"] for k in (6, None, 10))
            ),
        ),
    )  # fmt: skip
    return browser.live(shown, "nb16.through_mu", lambda: {"audits": 30})


@lru_cache(maxsize=64)
def _tossed(count, claimed, part):
    """Scores and coins of one run, and the coins of 30 runs in the order of their scores."""
    mechanism, rng = _multiplier(claimed), np.random.default_rng((count, round(1_000 * claimed), round(100 * part)))
    coins = rng.random((30, count)) < 0.5
    scores = coins + part * mechanism.noise_multiplier * rng.normal(size=(30, count))
    return scores[0], coins[0], np.take_along_axis(coins, scores.argsort(1), 1)


@lru_cache(maxsize=4_096)
def _by_curve(correct, guesses, canaries):
    return auditing.one_run_through_mu(correct, guesses, canaries, DELTA).lower


def canaries():
    """One run with many canaries, each a client that a coin puts in or leaves out: the guesses, and every ε they refute."""

    def compute(clients, epsilon, noise, guesses):
        scores, coins, sorted_ = _tossed(clients, epsilon, noise)
        half = max(1, min(round(guesses * clients / 200), clients // 2))  # nobody is guessed twice
        limits, made = np.sort(scores)[[half - 1, -half]], 2 * half
        right = half - sorted_[:, :half].sum(1) + sorted_[:, -half:].sum(1)
        grid, ordered = np.linspace(0, 8, 81), np.sort(right)  # a bound rises with the right guesses
        low, high = (_by_curve(int(k), made, clients) for k in ordered[[14, 15]])
        return dict(
            curve=_by_curve(int(right[0]), made, clients), middle=(low + high) / 2,
            clients=clients, claimed=epsilon, noise=noise, scores=scores, coins=coins, limits=limits, right=int(right[0]),
            made=made, grid=grid, p=_audits.p_values(int(right[0]), made, clients, grid),
            bounds=np.array([_audits.one_run(int(k), made, clients) for k in right]),
        )  # fmt: skip

    def marks(r):
        span = max(1.0, float(np.abs(r["scores"]).max()))
        edges = np.linspace(-1, 1, 41)
        shares = np.array([np.histogram(r["scores"][r["coins"] == there] / span, edges)[0] for there in (False, True)])
        drawn = [plots.bars(edges[:-1] + 1 / 40, s / shares.max(), k, width=1 / 20, opacity=0.5)
                 for s, k in zip(shares, (1, 2), strict=True)]  # fmt: skip
        drawn += [plots.line([limit / span] * 2, (0, 1.05), 0) for limit in r["limits"]]
        drawn += [plots.text(-0.98, 1.12, _("guessed out"), 1), plots.text(0.35, 1.12, _("guessed in"), 2)]
        through = np.minimum((r["curve"], r["middle"]), 8)
        return [
            *drawn, plots.line(r["grid"], r["p"], 0, _("p-value"), panel=1),
            plots.line((0, 8), (0.05, 0.05), 0, _("5%"), panel=1), plots.line([r["claimed"]] * 2, (0, 1), 5, panel=1),
            plots.dots(np.minimum(r["bounds"], 8), np.linspace(0.12, 0.5, len(r["bounds"])), 0, panel=1, size=2),
            plots.dots(through, (0.58, 0.66), "attacker", panel=1, size=4),
            plots.text(8.15, 0.62, _("through μ"), "attacker", panel=1), plots.text(8.15, 0.3, _("by (ε, δ)"), 0, panel=1),
        ]  # fmt: skip

    def say(r):
        above = int((r["bounds"] > r["claimed"]).sum())
        return _(
            "{clients:,} clients as canaries in one run, claimed ε = {claimed:.3g} (δ = 1e-5), noise {noise:g} × what that "
            "needs: {right} of {made} guesses are right, so ε is at least {bound:.2f} by (ε, δ) and {curve:.2f} through μ, "
            "as the noise is Gaussian (95% confidence). Of 30 such runs {above} refute the claim by (ε, δ); median bounds "
            "{median:.2f} and {middle:.2f}."
        ).format(**r, bound=r["bounds"][0], above=above, median=np.median(r["bounds"]))

    panels = [
        plots.Panel(_("scores of the canaries"), _("score (of the largest)"), _("how frequent (of the highest)"), x=(-1, 1),
                    y=(0, 1.25), yticks=[0, 0.5, 1]),
        plots.Panel(_("p-value of “ε-private”; 30 bounds"), _("ε (vertical line: claimed)"), x=(0, 8), y=(0, 1.02),
                    right=0.34, xticks=[0, 2, 4, 6, 8], yticks=[0, 0.5, 1]),
    ]  # fmt: skip
    shown = explorers.Explorer(
        _("Many canaries, one run"),
        [clients(1_000, 100, 5_000, label=_("clients, each a canary")), epsilon(4.0, 0.5, 6.0, label=_("claimed ε")),
         explorers.Slider("noise", _("noise, of what the claim needs"), 0.1, 1, 1, step=0.1),
         explorers.Slider("guesses", _("guesses, of 100 canaries"), 2, 100, 20, step=2, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.3)), marks, say,
        predict=(
            "16.d", _("One run, a thousand canaries, an honest Gaussian with ε = 4. How much of the 4 is proved by (ε, δ)?"),
            [_("nearly all"), _("about a third"), _("nothing")], 1,
            lambda r: _("{:.2f} in this run, {:.2f} at the median of 30; one run proves less than many do. (Through μ: "
                        "{:.2f}.)").format(r["bounds"][0], np.median(r["bounds"]), r["curve"]),
        ),
    )  # fmt: skip
    return browser.live(shown, "nb16.canaries", lambda: {"runs": 30})

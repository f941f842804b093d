"""Two mechanisms at one ε, and the last explorer of notebook 04: one query on real patients, three mechanisms."""

from functools import lru_cache

import numpy as np

from ... import accounting, data, mechanisms
from ...interactive import browser, explorers, plots
from ...privacy import attacker
from ._kit import _, clients, count, epsilon, three
from ._nb02 import multiplier
from ._prices import guesser

LOW, HIGH, DELTA = 6.0, 30.0, 1e-5
STYLES = {"laplace": "private", "gaussian": 1, "local": "alone"}
QUERIES = ("count", "mean", "histogram")
AXIS = np.geomspace(0.01, 10, 25)


@lru_cache(maxsize=1)
def _radii():
    """The patients' mean radius, in its own unit, and whether each tumour is benign (455,) each."""
    patients = data.load("breast_cancer", features=["mean radius"], scale="linear")
    radius = LOW + (patients.x_train[:, 0].double().numpy() + 1) / 2 * (HIGH - LOW)
    return np.round(radius, 3), patients.y_train.numpy()


@lru_cache(maxsize=8)
def _query(query):
    """Values of the patients (n × d), their public range, and n times the L1 and the L2 sensitivity."""
    radius, benign = _radii()
    if query == "count":
        return benign[:, None].astype(float), (0.0, 1.0), 1.0, 1.0
    if query == "mean":
        return radius[:, None], (LOW, HIGH), HIGH - LOW, HIGH - LOW
    category = np.clip(np.digitize(radius, np.linspace(LOW, HIGH, 9)) - 1, 0, 7)
    return np.eye(8)[category], (0.0, 1.0), 2.0, 2**0.5


def _reported(rows, epsilon, uniforms):
    """Randomised response, k categories: all patients' reports, one from each of the uniform numbers (trials × n)."""
    k = max(rows.shape[1], 2)
    own = rows.argmax(1) if k > 2 else rows[:, 0].astype(int)
    keep = mechanisms.RandomisedResponse(epsilon, k).keep
    other = (1 - keep) / (k - 1)
    steps = np.minimum(np.floor((uniforms - keep) / other), k - 2).astype(int) + 1  # to another category
    reports = np.where(uniforms < keep, own, (own + steps) % k)
    seen = np.stack([(reports == category).mean(1) for category in range(k)], axis=1)
    estimate = (seen - other) / (keep - other)  # trials × k
    return estimate if k > 2 else estimate[:, 1:]


def _unit():
    """For pages: the radii, who is benign, the numbers that `_release` and `draw` draw, at scale 1, and their seed."""
    return dict(
        radius=_radii()[0], benign=_radii()[1].astype("uint8"), laplace=np.random.default_rng(0).laplace(size=3200),
        normal=np.random.default_rng(0).standard_normal(3200), jitter=np.random.default_rng(1).uniform(size=960),
        seed=0,
    )  # fmt: skip


def _release(query, mechanism, epsilon, clients, trials=400):
    """Return simulated answers to a query on the first so many patients, and their error: what the last explorer draws.

    query: "count" (as a share), "mean" or "histogram"; mechanism: "laplace", "gaussian" or "local".
    """
    rows, (low, high), l1, l2 = _query(query)
    rows, rng, n = rows[:clients], np.random.default_rng(0), clients
    truth = rows.mean(0)  # (d,)
    if mechanism == "laplace":
        answers = truth + rng.laplace(0, l1 / n / epsilon, (trials, len(truth)))
    elif mechanism == "gaussian":
        answers = truth + rng.normal(0, multiplier(epsilon) * l2 / n, (trials, len(truth)))
    elif query == "mean":
        answers = truth + rng.laplace(0, l1 / epsilon, (trials, n)).mean(1, keepdims=True)
    else:
        answers = _reported(rows, epsilon, rng.random((trials, n)))
    error = np.sqrt(((answers - truth) ** 2).mean()) / (high - low)  # in public ranges
    return dict(query=query, mechanism=mechanism, epsilon=epsilon, n=n, range=(low, high), truth=truth, answers=answers,
                error=error)  # fmt: skip


def _expected(query, mechanism, epsilon, n):
    """Return the deviation of the noise in public ranges, by formula; root mean square over the bins. See `_release`."""
    _rows, (low, high), l1, l2 = _query(query)
    if mechanism == "gaussian":
        return multiplier(epsilon) * l2 / n / (high - low)
    if mechanism == "laplace":
        return 2**0.5 * l1 / n / epsilon / (high - low)
    if query == "mean":
        return 2**0.5 / epsilon / n**0.5
    k = 8 if query == "histogram" else 2
    keep = mechanisms.RandomisedResponse(epsilon, k).keep
    other = (1 - keep) / (k - 1)
    variance = keep * (1 - keep) + (k - 1) * other * (1 - other)  # summed over the k bins
    return (variance / k / n) ** 0.5 / (keep - other)


@lru_cache(maxsize=256)
def _found_out(query, mechanism, epsilon):
    """What an attacker can do who has to tell one patient's record from another by the release."""
    if mechanism == "gaussian":
        return attacker.of(mechanisms.Gaussian(multiplier(epsilon), 1.0), delta=DELTA)
    if mechanism == "local" and query != "mean":
        return guesser(mechanisms.RandomisedResponse(epsilon, 8 if query == "histogram" else 2))
    parts = 2 if mechanism == "laplace" and query == "histogram" else 1
    return guesser(mechanisms.Laplace(epsilon / parts, 1.0), parts)


def _noise_of(r, unit):
    l1, l2, epsilon, n = *_query(r["query"])[2:], r["epsilon"], r["n"]
    if r["mechanism"] == "laplace":
        return _("Laplace noise of scale {b}").format(b=three(unit * l1 / n / epsilon))
    if r["mechanism"] == "gaussian":
        return _("Gaussian noise of deviation {s}").format(s=three(unit * multiplier(epsilon) * l2 / n))
    if r["query"] == "mean":
        return _("Each patient's own Laplace report, scale {b}").format(b=three(l1 / epsilon))
    keep = mechanisms.RandomisedResponse(epsilon, max(len(r["truth"]), 2)).keep
    return _("Randomised response, true with probability {keep:.3f}").format(keep=keep)


def mechanisms_compared():
    """One query on real patients under three mechanisms: the cloud of answers, and the error of each at this n."""
    names = {"laplace": _("Laplace"), "gaussian": _("Gaussian"), "local": _("local")}

    def draw(r):
        style, (low, high) = STYLES[r["mechanism"]], r["range"]
        answers, truth = (r["answers"] - low) / (high - low), (r["truth"] - low) / (high - low)
        x = (np.arange(len(truth)) + 0.5) / len(truth)
        half = 0.36 / len(truth)
        jitter = np.random.default_rng(1).uniform(-half, half, answers.shape)
        seen = (answers >= -0.5) & (answers <= 1.5)
        marks = [plots.dots((x + jitter)[:120][seen[:120]], answers[:120][seen[:120]], style, size=1.3, opacity=0.5)]
        for low, high in ((0.05, 0.95), (0.25, 0.75)):
            ends = np.quantile(answers, (low, high), axis=0).clip(-0.5, 1.5)
            marks.append(plots.bars(x, ends[1] - ends[0], style, width=2 * half, base=ends[0], opacity=0.2))
        marks += [plots.line((a - half, a + half), (t, t), 0, width=2.4) for a, t in zip(x, truth, strict=True)]
        for name, style in STYLES.items():
            line = [_expected(r["query"], name, e, r["n"]) for e in AXIS]
            marks.append(plots.line(AXIS, line, style, names[name], panel=1, width=2.8 if name == r["mechanism"] else 1.4))
        return [*marks, plots.dots([r["epsilon"]], [r["error"]], STYLES[r["mechanism"]], panel=1, size=5)]

    def say(r):
        n, epsilon, (low, high) = r["n"], r["epsilon"], r["range"]
        unit = n if r["query"] == "count" else 1  # a count is n times a share
        what = {"count": _("Benign tumours: {x:.0f} of {n} patients"), "mean": _("Mean radius of {n} patients: {x:.2f}"),
                "histogram": _("Shares of {n} patients in 8 bins, fullest {x:.2f}")}[r["query"]]  # fmt: skip
        who, local = _found_out(r["query"], r["mechanism"], epsilon), r["mechanism"] == "local"
        beyond = int(((r["answers"] - low) / (high - low) < -0.5).sum() + ((r["answers"] - low) / (high - low) > 1.5).sum())
        words = _("{what} (black). {noise} ({name}); error of 400 simulated releases {error}. One release: ε = "
                  "{epsilon:.3g}, δ = {delta:g}; {trust}; who guesses which of two records a patient has is right for "
                  "{people} of 100.")  # fmt: skip
        words = words.format(what=what.format(x=unit * r["truth"].max(), n=n), name=names[r["mechanism"]],
                             noise=_noise_of(r, unit), error=three(unit * (high - low) * r["error"]), epsilon=epsilon,
                             delta=DELTA if r["mechanism"] == "gaussian" else 0, people=who.people,
                             trust=_("nobody is trusted") if local else _("a curator is trusted"))  # fmt: skip
        return words + (" " + _("{n} answers lie beyond the edges.").format(n=beyond) if beyond else "")

    ticks = {v: f"{v:g}" for v in (0.01, 0.1, 1, 10)}
    panels = [plots.Panel(_("noisy answers (band: 50 and 90%)"), "", _("place in the public range"), x=(0, 1), y=(-0.5, 1.5),
                          xticks={}, yticks=[0, 0.5, 1]),
              plots.Panel(_("error at this n, in public ranges"), _("ε of the release"), x=(0.01, 10), y=(1e-5, 3e3),
                          xlog=True, ylog=True, xticks=ticks, right=0.32)]  # fmt: skip
    queries = {_("count of benign"): "count", _("mean radius"): "mean", _("histogram of radius"): "histogram"}
    places = {_("Laplace"): "laplace", _("Gaussian, δ = 1e-5"): "gaussian", _("local"): "local"}
    return browser.live(
        explorers.Explorer(
        _("One query, three mechanisms"),
        [explorers.Choice("query", _("query"), queries, "mean"),
         explorers.Choice("mechanism", _("mechanism"), places, "laplace"),
         epsilon(0.05, 0.01, 10.0, _("ε of the release")), clients(455, 10, 455, _("patients"))],
        _release, plots.Chart(panels, size=(6.4, 3.3)), draw, say, unit=_("which of two patients was in"),
        attacker=lambda r: _found_out(r["query"], r["mechanism"], r["epsilon"]),
        predict=(
            "04.d",
            _("Mean radius, ε = 1: with how many patients is local noise as small as central with 15?"),
            [_("about 30"), _("about 225"), _("about 3,000")],
            1,
            lambda r: _("15² = 225: both have {x:.2f}.").format(x=24 * _expected("mean", "local", 1, 225)),
        ),
    ), "nb04.mechanisms_compared", _unit
    )  # fmt: skip


def tails():
    """Laplace and Gaussian noise at one ε: the price of one output, and the deviation for many numbers at once."""

    def compute(epsilon, log_delta, numbers):
        delta = 10.0**log_delta
        sigma = accounting.calibrate("gaussian", epsilon=epsilon, delta=delta).noise_multiplier
        return dict(epsilon=epsilon, delta=delta, numbers=numbers, sigma=sigma)

    def deviations(r, d):
        """Laplace at δ = 0, Laplace at the same δ (at most: by zCDP), Gaussian."""
        pure = 2**0.5 * d / r["epsilon"]
        root = np.sqrt(np.log(1 / r["delta"]) + r["epsilon"]) - np.sqrt(np.log(1 / r["delta"]))
        return pure, np.minimum(pure, np.sqrt(d) / root), r["sigma"] * np.sqrt(d)

    names = (_("Laplace, δ = 0"), _("Laplace, same δ"), _("Gaussian"))

    def draw(r):
        y, d = np.linspace(-30, 30, 241), np.geomspace(1, 1000, 40)
        losses = r["epsilon"] * (abs(y) - abs(y - 1)), (y - 0.5) / r["sigma"] ** 2
        marks = [plots.line((-30, 30), [sign * r["epsilon"]] * 2, "bound", panel=0, width=1.4) for sign in (1, -1)]
        looks = ((_("Laplace"), "private", 10.5), (names[2], 1, 8.5))
        for loss, (words, style, height) in zip(losses, looks, strict=True):
            marks += [plots.line(y, loss, style), plots.text(-29, height, words, style)]
        for at, style, label in zip(range(3), ("private", 3, 1), names, strict=True):
            marks.append(plots.line(d, deviations(r, d)[at], style, label, panel=1))
            marks.append(plots.dots([r["numbers"]], [deviations(r, r["numbers"])[at]], style, panel=1, size=4))
        return marks

    def say(r):
        pure, same, gauss = map(three, deviations(r, r["numbers"]))
        words = _("ε = {epsilon:.3g} for {numbers} at once, each moved by up to 1: deviation {pure} with Laplace, δ "
                  "= 0; at most {same} with Laplace, same δ = {delta:.1g}; {gauss} with Gaussian. One number's "
                  "Gaussian log-ratio passes ε beyond {far:.1f}, which δ pays for.")  # fmt: skip
        many = count(r["numbers"], _("number"), _("numbers"))
        return words.format(epsilon=r["epsilon"], numbers=many, pure=pure, same=same,
                            delta=r["delta"], gauss=gauss, far=r["epsilon"] * r["sigma"] ** 2 + 0.5)  # fmt: skip

    panels = [plots.Panel(_("one number: log-ratio of neighbours"), _("output"), x=(-30, 30), y=(-12, 12)),
              plots.Panel(_("deviation of each number's noise"), _("numbers released at once"), x=(1, 1000), y=(0.1, 1e4),
                          xlog=True, ylog=True, xticks={1: "1", 10: "10", 100: "100", 1000: "1,000"},
                          yticks={0.1: "0.1", 1: "1", 10: "10", 100: "100", 1000: "1,000"}, right=0.5)]  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("Laplace or Gaussian?"),
        [epsilon(1.0, 0.2, 10.0, _("ε of the release")),
         explorers.Slider("log_delta", _("δ: 10 to the power of"), -9, -3, -5),
         explorers.Slider("numbers", _("numbers at once"), 1, 1000, 100, step=0.05, log=True, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.4)), draw, say,
        predict=(
            "04.c",
            _("A hundred numbers at once, each of which one patient can move by 1; ε = 1, and δ = 1e-5 allowed to both. "
              "Gaussian noise is then"),
            [_("larger than Laplace noise"), _("smaller by about √2"), _("smaller by a factor of √100")],
            1,
            _("37.3 against 52.0. The factor of √100 is what δ = 0 costs, not what Laplace noise costs. For one number "
              "Laplace is the smaller one: look."),
        ),
    ), "nb04.tails"
    )  # fmt: skip

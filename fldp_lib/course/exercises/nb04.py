"""Notebook 04: sensitivity of a mean, the Laplace mechanism, randomised response, scales, ε for an error."""

import math
import random

import numpy as np
import torch

from ..answers import Wrong, call, number, require, same
from ..teacher import Exercise, Question


def _mean_sensitivity(answer):
    rng = np.random.default_rng()
    for kind in ("positive", "negative", "mixed"):
        low, high = np.sort(rng.uniform(*{"positive": (1, 50), "negative": (-50, -1), "mixed": (-50, 50)}[kind], 2))
        low, high, n = float(low), float(high), int(rng.integers(5, 500))
        for relation, reach in (("replace", high - low), ("remove", max(abs(low), abs(high)))):
            got, right = number(call(answer, low, high, n, relation), "the sensitivity"), reach / n
            if same(got, right):
                continue
            where = f"for bounds {low:.3g} to {high:.3g}, n = {n}, relation={relation!r}"
            if same(got, reach):
                raise Wrong(f"{where}: that is the sensitivity of the sum; the mean divides it by n")
            if relation == "remove" and same(got, (high - low) / n):
                raise Wrong(f"{where}: that is a replacement; a record that is missing takes its whole value with it")
            if relation == "remove" and same(got, abs(high) / n):
                raise Wrong(f"{where}: |high| is not always the largest value; a bound may be negative")
            if relation == "replace" and same(got, max(abs(low), abs(high)) / n):
                raise Wrong(f"{where}: a replacement goes from one value to another, from low to high at worst")
            raise Wrong(f"{where} the sensitivity is {right:.5g}; you gave {got:.5g}")


def _laplace_mechanism(answer):
    """Relative errors over 200,000 draws are 0.22% (size), 0.25% (deviation); 3% is 12 of them: false alarms below 1e-20."""
    rng = np.random.default_rng()
    for _ in range(2):
        sensitivity, epsilon = float(rng.uniform(2, 20)), float(rng.choice([rng.uniform(0.1, 0.5), rng.uniform(2, 8)]))
        values = torch.from_numpy(rng.uniform(-100, 100, (400, 500)))
        generator = torch.Generator().manual_seed(random.SystemRandom().randrange(2**31))
        before = generator.get_state()
        got = call(answer, values.clone(), sensitivity, epsilon, generator)
        require(isinstance(got, torch.Tensor), f"return a tensor, got {type(got).__name__}")
        require(got.shape == values.shape, f"the shape should stay {tuple(values.shape)}, got {tuple(got.shape)}")
        require(bool(got.isfinite().all()), "some components are not finite")
        require(not torch.equal(before, generator.get_state()), "the noise should be drawn with the generator that is given")
        noise = got.double() - values
        for along in (0, 1):
            gaps = (noise - noise.narrow(along, 0, 1)).abs().amax(1 - along)[1:]
            require(bool((gaps > 1e-9).all()), "no noise, or components share their noise; each needs its own draw")
        b, size, std = sensitivity / epsilon, float(noise.abs().mean()), float(noise.std())
        require(abs(float(noise.mean())) < 0.03 * b, "the noise should be 0 on average")
        shape = size / std  # Laplace 0.707, Gaussian 0.798, uniform 0.866
        require(shape < 0.75, f"mean size over deviation is {shape:.2f}: Laplace noise has 0.71, Gaussian 0.80")
        for wrong, words in (
            (1 / epsilon, "1/ε: the sensitivity is missing"),
            (sensitivity * epsilon, "sensitivity·ε: divide by ε, a smaller ε needs more noise"),
            (b / math.sqrt(2), "sensitivity/ε over √2: that makes it the deviation; b is the scale"),
            (b * math.sqrt(2), "√2·sensitivity/ε: the scale is b, the deviation comes out as √2·b by itself"),
            (2 * b, "2·sensitivity/ε: the sensitivity that is given is already that of the whole query"),
        ):
            if abs(size / b - 1) > 0.03 and abs(size / wrong - 1) < 0.03:
                raise Wrong(f"the scale of the noise is {words}")
        require(abs(size / b - 1) < 0.03, f"the scale should be {b:.4g}, the noise shows {size:.4g}")
        require(abs(std / b / math.sqrt(2) - 1) < 0.03, "the noise has the size of Lap(b), but not its shape")


def _estimate_share(answer):
    rng = np.random.default_rng()
    for share in (0.02, 0.5, 0.9):  # at a share of 0.02 an estimate is below 0 now and then: the reports see to it
        epsilon = float(rng.uniform(0.3, 3))
        p = math.exp(epsilon) / (1 + math.exp(epsilon))
        n = int(rng.integers(300, 600))
        ones = round(n * (share * p + (1 - share) * (1 - p)))
        if share == 0.02:
            ones = round(n * (1 - p) * 0.7)
        reports = torch.zeros(n, dtype=torch.int64)
        reports[torch.randperm(n, generator=torch.Generator().manual_seed(int(rng.integers(2**31))))[:ones]] = 1
        got = number(call(answer, reports.clone(), epsilon), "the estimate")
        raw = ones / n
        right = (raw - (1 - p)) / (2 * p - 1)
        if math.isclose(got, right, rel_tol=1e-5, abs_tol=1e-6):  # float32 arithmetic will do
            continue
        if math.isclose(got, raw, rel_tol=1e-5):
            raise Wrong("that is the share of reports; the lies pull it towards ½")
        if right < 0 and math.isclose(got, 0, abs_tol=1e-9):
            raise Wrong("cut off at 0: an estimate below 0 is legal, and cutting it off makes the mean of many too large")
        if math.isclose(got, raw / p, rel_tol=1e-5):
            raise Wrong("raw/p forgets the zeros that were reported as ones")
        if math.isclose(got, 1 - right, rel_tol=1e-5):
            raise Wrong("that is the share of zeros")
        raise Wrong(
            f"with a share of reports of {raw:.4f} at ε = {epsilon:.3g} the estimate is {right:.4f}; you gave {got:.4f}"
        )


def _scales(answer):
    rng = np.random.default_rng()
    for d in (3, 6):
        n, epsilon = int(rng.integers(20, 200)), float(rng.uniform(0.2, 3))
        low = rng.uniform(-20, 20, d)
        bounds = np.stack([low, low + rng.uniform(1, 40, d)], 1)
        x = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * rng.uniform(0.1, 0.8, (n, d))
        got = call(answer, x.copy(), bounds.copy(), epsilon)
        twin = np.asarray(call(answer, rng.permuted(x, axis=0) * 0.5 + bounds.mean(1) * 0.5, bounds.copy(), epsilon), float)
        got = np.asarray(got, dtype=float)
        require(got.shape == (d,), f"return {d} scales, one for each column; got shape {got.shape}")
        require(bool(np.isfinite(got).all() and (got > 0).all()), "a scale is a positive number")
        require(np.allclose(got, twin), "the scales change with the records: sensitivity comes from the public bounds")
        spent = float(((bounds[:, 1] - bounds[:, 0]) / n / got).sum())
        if same(spent, epsilon):
            continue
        if same(spent, d * epsilon):
            raise Wrong(f"each column alone costs ε; {d} means of the same patients cost {d} times as much together")
        if same(spent * n, epsilon) or same(spent / n, epsilon):
            raise Wrong(f"off by a factor of n = {n}: the mean divides the range by n")
        verdict = "breaks the promise" if spent > epsilon else "wastes budget"
        raise Wrong(f"together these scales cost ε = {spent:.4g}, {epsilon:.4g} was promised: that {verdict}")


def _epsilon_for(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        low, n = float(rng.uniform(-20, 20)), int(rng.integers(50, 1000))
        high = low + float(rng.uniform(5, 50))
        error, confidence = (high - low) * float(rng.uniform(0.002, 0.05)), float(rng.uniform(0.7, 0.99))
        got = number(call(answer, error, low, high, n, confidence), "ε")
        delta = (high - low) / n
        right = delta * math.log(1 / (1 - confidence)) / error
        if math.isclose(got, right, rel_tol=1e-6):
            continue
        if math.isclose(got, delta / error, rel_tol=1e-6):
            raise Wrong("that makes the mean size of the noise equal to the error; it stays below that 63% of the time only")
        if math.isclose(got, delta * math.log(1 / confidence) / error, rel_tol=1e-6):
            raise Wrong("the noise exceeds t with probability e^(−t/b); that must be 1 − confidence")
        if math.isclose(got, delta * math.log(1 / (2 * (1 - confidence))) / error, rel_tol=1e-6):
            raise Wrong("that counts one side only: the mean may be off upwards and downwards")
        if math.isclose(got, right * n, rel_tol=1e-6):
            raise Wrong("the sensitivity of the mean is (high − low)/n")
        raise Wrong(
            f"for error {error:.3g}, range {high - low:.3g}, n = {n}, confidence {confidence:.3f} "
            f"ε is {right:.4g}; you gave {got:.4g}"
        )


EXERCISES = (
    Exercise(
        "04.1",
        "Write mean_sensitivity(low, high, n, relation): how far one record moves a clipped mean with a public divisor.",
        _mean_sensitivity,
        (
            "Look at the sum first. What is the largest change of one of its terms?",
            "Replaced: from low to high. Missing: its whole value goes, whichever bound is farther from 0.",
            "(high − low)/n for 'replace', max(|low|, |high|)/n for 'remove'.",
        ),
    ),
    Exercise(
        "04.2",
        "Write laplace_mechanism(values, sensitivity, epsilon, generator): the values with Laplace noise.",
        _laplace_mechanism,
        (
            "The scale is b = sensitivity/epsilon for every component, since the sensitivity is that of the whole vector.",
            "Draw u uniform on (−½, ½) with torch.rand(values.shape, generator=generator, dtype=torch.float64) − 0.5.",
            "The noise is −b·sign(u)·log1p(−2·|u|); add it to the values.",
        ),
    ),
    Exercise(
        "04.3",
        "Write estimate_share(reports, epsilon): an unbiased estimate of the true share of ones.",
        _estimate_share,
        (
            "A report is true with probability p = e^ε/(1+e^ε). What is the expected share of reported ones?",
            "It is s·p + (1−s)·(1−p), with s the true share. Solve for s.",
            "(raw − (1 − p))/(2p − 1), and do not cut it off at 0 or 1.",
        ),
    ),
    Exercise(
        "04.4",
        "Write scales(x, bounds, epsilon): Laplace scales for d column means that cost ε together.",
        _scales,
        (
            "Where does the broken code look at the records in order to find the sensitivity?",
            "One patient has a value in every column: the costs of the d means add up.",
            "Give each mean ε/d: scale_j = d·(high_j − low_j)/(n·ε), from the public bounds.",
        ),
    ),
    Exercise(
        "04.5",
        "Write epsilon_for(error, low, high, n, confidence): the smallest ε for a mean within the error.",
        _epsilon_for,
        (
            "How large is the probability that Laplace noise of scale b is larger than t in size?",
            "It is e^(−t/b). Set t to the error and the probability to 1 − confidence; solve for b.",
            "b = error/ln(1/(1 − confidence)), and ε = (high − low)/(n·b).",
        ),
    ),
)

QUIZ = (
    Question(
        "A register publishes its members' mean income with Laplace noise of scale (largest − smallest income)/(nε). "
        "Is that ε-differentially private under replace-one?",
        (
            (
                "Yes: that is (U − L)/n divided by ε.",
                "U and L must be fixed without the data; here they are facts about two members, and the scale shows them.",
            ),
            (
                "No: the scale depends on the data, and changes with one member.",
                "if the richest member is replaced the scale shrinks, and far out the densities differ by more than e^ε.",
            ),
            (
                "Only if n is large.",
                "one member can move the largest income, whatever n is.",
            ),
        ),
        1,
    ),
    Question(
        "A patient is in one of 100 disjoint bins. Laplace noise for the histogram at ε = 1, replace-one, has the scale",
        (
            (
                "100, since there are 100 numbers.",
                "the numbers are many, but one patient moves only two of them.",
            ),
            (
                "1, since each bin is a count.",
                "that is add-or-remove; a replacement takes one from a bin and adds one to another.",
            ),
            (
                "2, since a replacement moves two bins by one each.",
                "Δ₁ = 2, whatever the number of bins.",
            ),
        ),
        2,
    ),
    Question(
        "Two papers report the error of a private mean at ε = 1: one for add-or-remove, one for replace-one. One may",
        (
            (
                "compare them as they are: ε is ε.",
                "the neighbours differ, and so does the promise; a replacement is a removal and an addition.",
            ),
            (
                "compare them after the first ε is taken as 2 under replace-one.",
                "ε for add-or-remove implies 2ε for replace-one; that is a valid bound, though it need not be tight.",
            ),
            (
                "compare them after the second ε is doubled for add-or-remove.",
                "replace-one implies nothing about adding: there the number of records is public.",
            ),
        ),
        1,
    ),
)

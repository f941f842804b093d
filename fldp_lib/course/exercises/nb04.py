"""Notebook 04: sensitivity of a mean, the Laplace mechanism, randomised response, scales, ε for an error."""

import itertools
import math
import random

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, numbers, require, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _mean_sensitivity(answer):
    rng = np.random.default_rng()

    def draw(signs, relation):
        near, far = float(rng.uniform(2, 9)), float(rng.uniform(15, 40))
        low, high = {"++": (near, far), "--": (-far, -near), "-+": (-far, near), "+-": (-near, far)}[signs]
        n, top, bottom = int(rng.integers(5, 500)), max(abs(low), abs(high)), min(abs(low), abs(high))
        if relation == "remove":
            reach = top
            slips = (
                ((high - low) / n, "that is a replacement; a record that is missing takes its whole value with it"),
                (abs(high) / n, "|high| is not always the largest value; a bound may be negative"),
                (high / n, "high is not always the largest value in size; a bound may be negative"),
                (abs(low) / n, "|low| is not always the largest value: the farther bound counts"),
                (bottom / n, "that is the nearer bound: the farthest possible value counts"),
            )
        else:
            reach = high - low
            slips = (
                (2 * top / n, "a replacement goes from low to high at worst, whose distance is high − low"),
                (top / n, "a replacement goes from one value to another, from low to high at worst"),
                ((top + bottom) / n, "bounds of one sign are nearer to each other than that: high − low"),
                ((top - bottom) / n, "bounds of different sign are farther apart: high − low"),
            )
        slips += (
            (reach, "that is the sensitivity of the sum; the mean divides it by n"),
            (reach * n, "multiplied by n: the mean divides the sum by n"),
            (reach / n / 2, "half of it: a single record can move the result by twice as much"),
            (2 * reach / n, "twice too much: no record can move the result as far"),
            (reach / n**2, "divided by n twice"),
            (reach / (n - 1), "the divisor is public and stays n, whether a record is there or not"),
            (reach / (n + 1), "the divisor is public and stays n, whether a record is there or not"),
            (-reach / n, "a sensitivity is a size: it has no sign"),
        )
        return (low, high, n, relation), reach / n, slips

    for signs, relation in itertools.product(("++", "--", "-+", "+-"), ("replace", "remove")):
        (low, high, n, _), right, slips = apart(draw, signs, relation)
        got = number(call(answer, low, high, n, relation), "the sensitivity")
        where = f"for bounds {low:.3g} to {high:.3g}, n = {n}, relation={relation!r}"
        slips = tuple((wrong, f"{where}: {words}") for wrong, words in slips)
        compare(got, right, slips, f"{where} the sensitivity is {right:.5g}; you gave {got:.5g}")


ROWS, COLUMNS = 200, 400
SIZE = ROWS * COLUMNS


def _scale(low, high):
    """(sensitivity, ε), the scale of the noise, and the scales that slips give, 10% apart from each other at least."""
    rng = np.random.default_rng()
    whole = "the sensitivity that is given is that of all components together"

    def draw():
        sensitivity, epsilon = float(rng.uniform(3, 20)), float(rng.uniform(low, high))
        b = sensitivity / epsilon
        slips = (
            (1 / epsilon, "1/ε: the sensitivity is missing"),
            (sensitivity, "the sensitivity: divide it by ε"),
            (1 / b, "ε/sensitivity: it is the other way round"),
            (sensitivity * epsilon, "sensitivity·ε: divide by ε, a smaller ε needs more noise"),
            (b / math.sqrt(2), "sensitivity/ε over √2: that makes it the deviation; b is the scale"),
            (b * math.sqrt(2), "√2·sensitivity/ε: the scale is b, the deviation comes out as √2·b by itself"),
            (2 * b, "2·sensitivity/ε: the sensitivity that is given is already that of the whole query"),
            (b / 2, "half of sensitivity/ε"),
            *((b * k, f"sensitivity/ε times the number of components: {whole}") for k in (SIZE, ROWS, COLUMNS)),
            *((b / k, f"sensitivity/ε shared among the components: {whole}") for k in (SIZE, ROWS, COLUMNS)),
            *((b * k, f"sensitivity/ε and the root of their number: {whole}") for k in (SIZE**0.5, SIZE**-0.5)),
        )
        return (sensitivity, epsilon), b, slips

    return apart(draw, by=0.1)


def _laplace_mechanism(answer):
    """Of 80,000 draws mean, size and deviation are known to 0.4%, the skew to 0.04: the limits are 8 times as far."""
    values = torch.from_numpy(np.random.default_rng().uniform(-100, 100, (ROWS, COLUMNS)))
    seeds = random.SystemRandom().sample(range(2**31), 2)

    def noise_of(sensitivity, epsilon, seed):
        generator = torch.Generator().manual_seed(seed)
        before = generator.get_state()
        got = tensor(call(answer, values.clone(), sensitivity, epsilon, generator), (ROWS, COLUMNS), "the noisy values")
        require(not torch.equal(before, generator.get_state()), "the noise should be drawn with the generator that is given")
        return got - values

    cases = [_scale(*span) for span in ((0.1, 0.5), (2, 8))]
    drawn = [noise_of(*inputs, seed) for (inputs, _, _), seed in zip(cases, seeds, strict=True)]
    for noise, (_, b, slips) in zip(drawn, cases, strict=True):
        _independent(noise, values)
        _laplace_of_scale(noise, b, slips)
    (inputs, b, _), (_, other, _) = cases

    def alike(one, two):
        return torch.allclose(one, two, rtol=0, atol=1e-3)

    require(
        not alike(drawn[0] / b, drawn[1] / other), "two generators gave the same noise: do not seed the one that is given"
    )
    again = noise_of(*inputs, seeds[0])
    require(alike(drawn[0] / b, again / b), "the same generator gave other noise: draw all of it with the one that is given")


def _independent(noise, values):
    """The noise is there, is drawn for each component, and has nothing to do with the values."""
    require(float(noise.abs().max()) > 1e-9, "no noise: what comes back are the values as they were")
    for along in (0, 1):
        gaps = (noise - noise.narrow(along, 0, 1)).abs().amax(1 - along)[1:]
        require(bool((gaps > 1e-9).all()), "components share their noise; each needs its own draw")

    def related(a, b):
        return abs(float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])) > 0.03

    alone = related(noise, values) and not related(noise + values, values)
    require(not alone, "that is the noise alone: add it to the values")
    by_value = related(noise, values) or related(noise.abs(), values.abs())
    require(not by_value, "what was added depends on the values: the noise has one scale, whatever they are")


def _laplace_of_scale(noise, b, slips):
    """The noise is Laplace noise around 0, judged by its own size, and of scale b."""
    size, std, mean = float(noise.abs().mean()), float(noise.std()), float(noise.mean())
    require(abs(mean) < 0.03 * std, f"the noise should be 0 on average: its mean is {mean:.4g}, its deviation {std:.4g}")
    skew = float((noise / std).pow(3).mean())
    require(abs(skew) < 0.5, "the noise is not symmetric: it should be as far above 0 as below")
    shape = size / std  # Laplace 0.707, Gaussian 0.798, uniform 0.866
    require(abs(shape - 0.707) < 0.043, f"mean size over deviation is {shape:.2f}: Laplace noise has 0.71, Gaussian 0.80")
    if abs(size / b - 1) > 0.03:
        for wrong, words in slips:
            require(abs(size / wrong - 1) > 0.03, f"the scale of the noise is {words}")
        raise Wrong(f"the scale should be {b:.4g}, the noise shows {size:.4g}")
    require(abs(std / b / math.sqrt(2) - 1) < 0.03, "the noise has the size of Lap(b), but not its shape")


def _estimate_share(answer):
    rng = np.random.default_rng()

    def draw(share):
        epsilon, n = float(rng.uniform(0.5, 1.5)), int(rng.integers(300, 600))
        p = math.exp(epsilon) / (1 + math.exp(epsilon))
        expected = {"below": 0.7 * (1 - p), "above": 1 - 0.7 * (1 - p)}.get(share) or share * p + (1 - share) * (1 - p)
        reports = rng.permutation((np.arange(n) < round(n * expected)).astype(np.int64))
        raw = float(reports.mean())
        right = (raw - (1 - p)) / (2 * p - 1)
        slips = (
            (raw, "that is the share of reports; the lies pull it towards ½"),
            (
                min(max(right, 0), 1),
                "cut off at 0 or 1: estimates beyond are legal, and cutting them off makes the mean of many wrong",
            ),
            (raw / p, "raw/p forgets the zeros that were reported as ones"),
            (1 - right, "that is the share of zeros"),
            (
                raw - (1 - p),
                "not divided by 2p − 1: as the true share goes from 0 to 1, that of the reports goes from 1 − p to p",
            ),
            (
                (raw - (1 - p)) / p,
                "divided by p: as the true share goes from 0 to 1, that of the reports goes from 1 − p to p",
            ),
            (raw * p + (1 - raw) * (1 - p), "that randomises once more: solve the equation for the true share"),
            (n * right, "that is a number of people: their share of all n is asked for"),
            ((raw - (1 - p)) * (2 * p - 1), "multiplied by 2p − 1: divide by it"),
        )
        return (torch.from_numpy(reports), epsilon), right, slips

    for share in ("below", 0.3, "above", 0.7):  # chance takes an estimate below 0 or above 1 now and then
        (reports, epsilon), right, slips = apart(draw, share)
        got = number(call(answer, reports.clone(), epsilon), "the estimate")
        if not abs(got - right) <= 1e-6:  # float32 arithmetic will do; NaN is not near
            raw = float(reports.double().mean())
            text = (
                f"with a share of reports of {raw:.4f} at ε = {epsilon:.3g} the estimate is {right:.4f}; you gave {got:.4f}"
            )
            compare(got, right, slips, text)


def _scales(answer):
    rng = np.random.default_rng()
    for d in (3, 6):
        n, epsilon = int(rng.integers(20, 200)), float(rng.uniform(0.2, 3))
        low = rng.uniform(-20, 20, d)
        width = rng.permutation(np.geomspace(2, 40, d)) * rng.uniform(0.95, 1.05, d)
        bounds = np.stack([low, low + width], 1)
        x = low + width * rng.uniform(0.1, 0.8, (n, d))
        twin = rng.permuted(x, axis=0) * 0.5 + bounds.mean(1) * 0.5  # other records within the same bounds
        got, other = (
            np.array(numbers(call(answer, records, bounds.copy(), epsilon), d, "the scales, one for each column,"))
            for records in (x.copy(), twin)
        )
        require(bool(np.isfinite(got).all() and (got > 0).all()), "a scale is a positive number")
        unmoved = np.allclose(got, other, rtol=1e-5, atol=0)
        require(unmoved, "the scales change with the records: sensitivity comes from the public bounds")
        spent = float((width / n / got).sum())
        slips = (
            (d * epsilon, f"each column alone costs ε; {d} means of the same patients cost {d} times as much together"),
            (math.sqrt(d) * epsilon, f"ε/√{d} for each column costs √{d} times ε: at δ = 0 the columns' ε add up"),
            (epsilon / d, f"that is ε/{d} for all columns together: as the columns' ε add up, each may have ε/{d}"),
            (2 * epsilon, "off by a factor of 2: the sum of a column moves by high − low, not by half of it"),
            (epsilon / 2, "off by a factor of 2: the sum of a column moves by high − low, not by twice as much"),
            (n * epsilon, f"off by a factor of n = {n}: the mean divides the range by n, once"),
            (epsilon / n, f"off by a factor of n = {n}: the mean divides the range by n"),
        )
        verdict = "breaks the promise" if spent > epsilon else "wastes budget"
        compare(
            spent, epsilon, slips, f"together these scales cost ε = {spent:.4g}, {epsilon:.4g} was promised: that {verdict}"
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
)

QUIZ = (
    Question(
        "A register publishes its members' mean income with Laplace noise of scale (largest − smallest income)/(nε). "
        "Is that ε-differentially private under replace-one?",
        (
            (
                "Yes: a mean of values in [L, U] has the scale (U − L)/(nε).",
                "U and L must be fixed without the data; here they are facts about two members, and the scale shows them.",
            ),
            (
                "No: a single member can change the very scale that all share.",
                "if the richest member is replaced the scale shrinks, and far out the densities differ by more than e^ε.",
            ),
            (
                "Only if n is so large that no member moves the range much.",
                "one member can move the largest income, whatever n is.",
            ),
        ),
        1,
    ),
    Question(
        "A patient is in one of 100 disjoint bins. Laplace noise for the histogram at ε = 1, replace-one, has the scale",
        (
            (
                "100, since 100 numbers are published at once.",
                "the numbers are many, but one patient moves only two of them.",
            ),
            (
                "1, since each bin is a count, and a count moves by 1.",
                "that is add-or-remove; a replacement takes one from a bin and adds one to another.",
            ),
            (
                "2, since a replacement moves two bins by 1.",
                "Δ₁ = 2, whatever the number of bins.",
            ),
        ),
        2,
    ),
    Question(
        "Two papers report the error of a private mean at ε = 1: one for add-or-remove, one for replace-one. One may",
        (
            (
                "compare them as they are, since the ε is the same number.",
                "the neighbours differ, and so does the promise; a replacement is a removal and an addition.",
            ),
            (
                "compare them if the first is read as ε = 2 for replace-one.",
                "ε for add-or-remove implies 2ε for replace-one; that is a valid bound, though it need not be tight.",
            ),
            (
                "compare them if the second is read as ε = 2 for add-or-remove.",
                "replace-one implies nothing about adding: there the number of records is public.",
            ),
        ),
        1,
    ),
)

"""Exercises and quiz of notebook 23."""

import math

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from ..answers import call, compare, number, numbers, require, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _exposure(answer):
    rng = np.random.default_rng()

    def draw(size):
        scores = rng.normal(-9, 2, size).round(1)  # so that some are equal
        at = int(np.argsort(-scores)[size // 7])
        place, strict = int((scores >= scores[at]).sum()), int((scores > scores[at]).sum()) + 1
        below = int((scores <= scores[at]).sum())
        slips = (
            (
                math.log2(size / strict),
                "equal scores count against the secret: its place is how many score at least as high",
            ),
            (math.log2(size / (strict - 1)), "the secret itself has a place, too: the first is 1"),
            (math.log2(place), "that is log₂ of the place: take it from log₂ of how many there are"),
            (math.log(size / place), "in bits: the logarithm to base 2"),
            (math.log2(size / below), "the likeliest secret is the first: count the higher scores, not the lower ones"),
            (math.log2(size) - place, "take log₂ of the place as well"),
            (-scores[at] / math.log(2), "that is the secret's own surprise; exposure is about its place among all"),
        )
        return (scores, at), math.log2(size / place), slips

    for size in (200, 500):
        (scores, at), right, slips = apart(draw, size)
        got = number(call(answer, scores.copy(), at), "the exposure")
        compare(got, right, slips, f"log₂ R − log₂ place is {right:.4f}; you gave {got:.4f}")


def _clipped_counts(answer):
    rng = np.random.default_rng()

    def draw(clip):
        symbols = int(rng.integers(3, 6))
        codes = rng.integers(0, symbols - 1, 40)  # the last sign never occurs, and has its places all the same
        plain = np.bincount(codes[:-1] * symbols + codes[1:], minlength=symbols**2).astype(float)
        length = np.linalg.norm(plain)
        right = plain * min(1, clip / length)
        swapped = np.bincount(codes[1:] * symbols + codes[:-1], minlength=symbols**2).astype(float)
        slips = [
            (plain * clip / length, "a vector that is short enough stays as it is"),
            (plain * min(1, clip / plain.sum()), "the length is the L2 norm, not the sum"),
            (swapped * min(1, clip / length), "the place is before · symbols + sign: yours has the two swapped"),
            (np.minimum(plain, clip), "the vector is clipped by its length, not each count"),
        ]
        if clip < length:
            slips.append((plain, "that is not clipped: its length is above clip"))
        return (codes, symbols, clip), right, slips

    for clip in (4.0, 60.0):
        inputs, right, slips = apart(draw, clip)
        codes, symbols, clip = inputs
        got = tensor(call(answer, codes.copy(), symbols, clip), (symbols**2,), "the counts")
        compare(got, torch.from_numpy(right), slips, "it should be the counts of pairs, no longer than clip")


def _traveling(answer):
    rng = np.random.default_rng()

    def draw(rank):
        shapes = [tuple(int(n) for n in rng.integers(8, 90, 2)) for _ in range(3)]
        whole = sum(m * n for m, n in shapes)
        sent = rank * sum(m + n for m, n in shapes)
        slips = (
            (np.array([whole, 100.0]), "that is all of the matrices: only A and B train"),
            (
                np.array([rank * whole, 100 * rank]),
                "A and B have rank·(rows + columns) numbers, not products",
            ),
            (np.array([sent, 100 * sent / whole]) / rank, "A and B are rank rows and columns thick"),
            (rank * sum(m for m, _ in shapes) * np.array([1, 100 / whole]), "A travels as well as B"),
            (rank * sum(n for _, n in shapes) * np.array([1, 100 / whole]), "B travels as well as A"),
            (np.array([sent, 100 * sent / (sent + whole)]), "the share is of the matrices' own numbers"),
            (np.array([sent, sent / whole]), "the share in per cent"),
        )
        return (shapes, rank), np.array([sent, 100 * sent / whole]), slips

    for rank in (2, 3):
        (shapes, rank), right, slips = apart(draw, rank)
        got = torch.tensor(numbers(call(answer, list(shapes), rank), 2, "numbers and per cent"), dtype=torch.float64)
        compare(got, torch.from_numpy(right), slips, f"{right[0]:.0f} numbers travel, {right[1]:.2f}%")


def _ceiling(answer):
    rng = np.random.default_rng()

    def draw(rounds):
        z, bits = float(rng.uniform(2, 6)), float(rng.uniform(3, 8))
        share, mu = 2.0**-bits, math.sqrt(rounds) / z
        right = float(ndtr(ndtri(share) + mu))
        slips = (
            (share, "that is by chance, without the person"),
            (float(ndtr(ndtri(share) + 1 / z)), "all rounds count: μ grows with their root"),
            (float(ndtr(ndtri(share) + rounds / z)), "μ of several releases: squares add up, so the root of the rounds"),
            (float(ndtr(ndtri(share) - mu)), "the person's presence makes it more probable: add μ"),
            (float(ndtr(ndtri(share) + math.sqrt(rounds) * z)), "μ = √rounds / z: more noise, less of it"),
            (float(ndtr(ndtri(math.exp(-bits)) + mu)), "bits: the chance is 2^−bits"),
            (float(ndtr(mu - bits)), "first the quantile of the chance 2^−bits, then add μ"),
        )
        return (z, rounds, bits), right, slips

    for rounds in (5, 9):
        inputs, right, slips = apart(draw, rounds)
        got = number(call(answer, *inputs), "the probability")
        require(0 <= got <= 1, "a probability lies between 0 and 1")
        compare(got, right, slips, f"Φ(Φ⁻¹(2^−bits) + μ) is {right:.5f} here; you gave {got:.5f}")


EXERCISES = (
    Exercise(
        "23.1",
        "Write exposure(scores, number): the exposure in bits of the secret with that number.",
        _exposure,
        (
            "The place is how many secrets score at least as high, itself included.",
            "Exposure is log₂ of how many there are, less log₂ of the place.",
            "np.log2(len(scores) / (scores >= scores[number]).sum())",
        ),
    ),
    Exercise(
        "23.2",
        "Write clipped_counts(codes, symbols, clip): how often each sign follows each, as a clipped vector.",
        _clipped_counts,
        (
            "Each pair of neighbours has a place: codes[:-1] * symbols + codes[1:].",
            "np.bincount counts places; minlength makes the vector whole.",
            "Multiply by min(1, clip / length), the length being the L2 norm.",
        ),
    ),
    Exercise(
        "23.3",
        "Write traveling(shapes, rank): how many numbers train, and what per cent of the matrices' numbers.",
        _traveling,
        (
            "B has rows × rank numbers, A rank × columns.",
            "Both train: rank · (rows + columns) for each matrix.",
            "Per cent: 100 times that sum over the sum of rows · columns.",
        ),
    ),
    Exercise(
        "23.4",
        "Write ceiling(z, rounds, bits): the largest probability of so much exposure under the run's noise.",
        _ceiling,
        (
            "Without the person so much exposure has probability 2^−bits.",
            "The run is Gaussian private with μ = √rounds / z.",
            "What has probability x without a person has Φ(Φ⁻¹(x) + μ) at most with it.",
        ),
    ),
)

QUIZ = (
    Question(
        "A table of followers is summed over 100 people without noise. Who says something that no other says",
        (
            ("is hidden: only sums are released", "A cell that only one person fills is that person's count."),
            ("is far more exposed than by chance", "Sums hide what many share; a rare word stands alone in its cell."),
            ("is hidden if each vector is clipped", "A clipped count is smaller and still the only one there."),
        ),
        1,
    ),
    Question(
        "A model was made without anything you wrote. What is the exposure of your secret in it?",
        (
            ("0 bits, always", "Its place is drawn evenly: it may be the first by chance."),
            ("about 1.44 bits on average", "The logarithm of an even place has that mean: 1/ln 2."),
            ("log₂ of the number of secrets", "That is the first place: the model is surest of it."),
        ),
        1,
    ),
    Question(
        "Noise for ε among 800 people is simulated as loud as among 8,000. The run on the 800 people",
        (
            ("keeps ε for the 8,000", "They were not there: nobody of them took part."),
            ("keeps ε for the 800", "Their noise is a tenth of what that ε needs."),
            ("promises nobody that ε; it shows how well such a model could be", "Accuracy is simulated, not the promise."),
        ),
        2,
    ),
    Question(
        "An adapter of rank 1 on a frozen public body is trained privately. What is clipped?",
        (
            ("The change of all A and B together, one vector", "All that travels is one vector: its length is bounded."),
            ("The product B·A", "It is computed afterwards, of what was released."),
            ("The body and the adapter", "The body does not change, and nobody's words are in it."),
        ),
        0,
    ),
)

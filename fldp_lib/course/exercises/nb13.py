"""Notebook 13: traffic, the length of a message, error feedback, stochastic rounding."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, require
from ..teacher import Exercise, Question


def _traffic(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        clients, parameters, rounds = (int(n) for n in rng.integers((20, 100, 5), (500, 5_000, 200)))
        rate = float(rng.uniform(0.05, 0.9))
        got, right = number(call(answer, clients, parameters, rounds, rate), "the traffic"), 8 * rate * clients * parameters
        right *= rounds
        slips = (
            (right / 2, "that is one direction; the model goes down and the update comes up"),
            (right / rate, "only a share `rate` of the clients takes part in a round"),
            (right / rounds, "that is one round"),
            (right / 4, "a float32 has four bytes"),
            (right * 2, "a float32 has four bytes, not eight"),
            (right / 8, "that counts numbers, in one direction"),
            (right * (1 / rate + 1) / 2, "the model goes to the cohort only, not to every client"),
        )
        compare(got, right, slips, f"it should be {right:,.0f} bytes; you gave {got:,.0f}")


def _message_size(answer):
    rng = np.random.default_rng()
    draws = [(int(rng.integers(1, 12)), int(rng.integers(500, 4_000))) for _ in range(3)]
    draws += [(int(rng.integers(300, 400)), int(rng.integers(450, 600))), (5, 1_024), (5, 1_025)]
    for k, d in draws:
        got = number(call(answer, k, d), "the number of bytes")
        width = math.ceil(math.log2(d))
        packed, bitmap = math.ceil(k * width / 8), math.ceil(d / 8)
        right = 4 * k + min(packed, bitmap)
        slips = (
            (4 * k, "the places are part of the message"),
            (4 * k + packed, "a bitmap would be shorter here"),
            (4 * k + bitmap, "packed numbers would be shorter here"),
            (4 * k + k * math.ceil(width / 8), "pack the places as bits; whole bytes for each are more than needed"),
            (4 * k + k * width / 8, "a message has a whole number of bytes"),
            (4 * k + d / 8, "a message has a whole number of bytes"),
            (8 * k, "four bytes a place are more than needed"),
        )
        compare(got, right, slips, f"for k = {k} and d = {d} it should be {right}; you gave {got:g}")


def _feedback_step(answer):
    rng = np.random.default_rng()
    for d, k in ((12, 3), (30, 5)):
        update, rest = (torch.from_numpy(rng.normal(size=d)) for _ in range(2))
        got = call(answer, update.clone(), rest.clone(), k)
        require(isinstance(got, tuple) and len(got) == 2, f"return a pair (sent, new remainder), got {type(got).__name__}")
        sent, left = got
        for name, part in (("what is sent", sent), ("the remainder", left)):
            require(isinstance(part, torch.Tensor) and part.shape == (d,), f"{name} should be a tensor of shape ({d},)")

        def top(vector, k=k):
            places = vector.abs().topk(k).indices
            return torch.zeros_like(vector).scatter(0, places, vector[places])

        wanted = update + rest
        right = top(wanted)
        if not torch.allclose(sent, right):
            for wrong, words in (
                (top(update), "the remainder belongs to what the client wants to send"),
                (top(update) + rest, "only k entries are sent, of update and remainder together"),
                (wanted, "that is everything"),
            ):
                require(not torch.allclose(sent, wrong), words)
            signed = wanted.topk(k).indices
            require(
                sorted(sent.nonzero().flatten().tolist()) != sorted(signed.tolist()), "largest in magnitude, not in sign"
            )
            raise Wrong("what is sent should be the k entries of update + rest that are largest in magnitude")
        require(not torch.allclose(left, update - sent), "the old remainder that was not sent stays, too")
        require(
            not torch.allclose(left, rest + wanted - sent),
            "the old remainder is in what was wanted already; add it once",
        )
        require(torch.allclose(left, wanted - sent), "the remainder is what was wanted and not sent: update + rest - sent")


def _round_at_random(answer):
    """The mean of 4,000 roundings: six standard errors in 16 entries, twice; false alarms below 1e-7."""
    rng = np.random.default_rng()
    for levels in (2, 5):
        vector = torch.from_numpy(rng.normal(size=16))
        generator = torch.Generator().manual_seed(int(rng.integers(2**60)))
        step = float(vector.abs().max()) / levels
        draws = []
        for _ in range(4_000):
            got = call(answer, vector.clone(), levels, generator)
            require(isinstance(got, torch.Tensor) and got.shape == (16,), "return a tensor of the vector's shape")
            draws.append(got.double())
        draws = torch.stack(draws)  # draws × 16
        grid = draws / step
        require(bool(((grid - grid.round()).abs() < 1e-4).all()), "every entry should be a multiple of s / levels")
        require(
            bool(((draws - vector).abs() < step * (1 + 1e-6)).all()), "each entry goes to one of its two neighbouring levels"
        )
        require(len(draws.unique(dim=0)) > 1, "nothing is random: rounding to the nearest level is biased in each entry")
        off = (draws.mean(0) - vector).abs()
        require(
            bool((off < 6 * step / 2 / math.sqrt(4_000)).all()),
            "the mean over many roundings is not the vector: round up with probability equal to the fraction",
        )


EXERCISES = (
    Exercise(
        "13.1",
        "Write traffic(clients, parameters, rounds, rate): expected bytes, down and up.",
        _traffic,
        (
            "How many clients take part in a round, on average?",
            "rate · clients; each gets a model and sends an update, four bytes a number.",
            "8 * rate * clients * parameters * rounds.",
        ),
    ),
    Exercise(
        "13.2",
        "Write message_size(k, d): the bytes of a top-k message.",
        _message_size,
        (
            "How many bits does a place among d need?",
            "⌈log₂ d⌉; k of them, rounded up to whole bytes, against ⌈d/8⌉ for the bitmap.",
            "4 * k + min(ceil(d / 8), ceil(k * ceil(log2(d)) / 8)).",
        ),
    ),
    Exercise(
        "13.3",
        "Write feedback_step(update, rest, k): what a client sends, and its new remainder.",
        _feedback_step,
        (
            "What does the client want to send?",
            "update + rest; its k entries of largest magnitude go out.",
            "The remainder is what was wanted minus what was sent.",
        ),
    ),
    Exercise(
        "13.4",
        "Write round_at_random(vector, levels, generator): unbiased rounding to a few levels.",
        _round_at_random,
        (
            "Write the entry as a number of steps of s / levels.",
            "Round down, then up by one step with probability equal to the fraction.",
            "(low + (torch.rand(vector.shape, generator=generator) < exact - low)) * step, with low = exact.floor().",
        ),
    ),
)

QUIZ = (
    Question(
        "Why does top-k without error feedback stop short of the plain accuracy, however many rounds it gets?",
        (
            ("It sends too few bytes.", "with feedback the same bytes are enough."),
            (
                "An entry that is never among a client's largest is never learned from it.",
                "pushes in the same direction add up only if they are remembered.",
            ),
            (
                "Its messages are biased towards zero.",
                "with feedback each message is as biased; the sum over rounds is not.",
            ),
        ),
        1,
    ),
    Question(
        "Noise is added at the server; a client sends a compressed update with error feedback. What bounds its influence?",
        (
            ("The compressor: it makes vectors shorter.", "with a remainder a message may be longer than the update."),
            ("The clip of the decoded message, in every round.", "whatever lies before it, the sum moves by at most C."),
            (
                "Nothing: the remainder carries data over rounds.",
                "into the same client's messages, each of which is clipped.",
            ),
        ),
        1,
    ),
    Question(
        "A deadline leaves out the slowest fifth of the clients in each round. What is lost?",
        (
            ("A fifth of the rounds.", "there are more rounds in the same time."),
            ("Nothing: it is partial participation.", "only if who is slow is independent of the data."),
            ("What the slow clients' data would have taught.", "which may be a whole class, and the accuracy hides it."),
        ),
        2,
    ),
)

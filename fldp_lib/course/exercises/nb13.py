"""Notebook 13: traffic, the length of a message, error feedback, stochastic rounding."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, near, number, parts, require, tensor
from ..teacher import Exercise, Question


def _traffic(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        clients, parameters, rounds = (int(n) for n in rng.integers((20, 100, 11), (500, 5_000, 200)))
        rate = float(rng.uniform(0.06, 0.12))  # no slip's factor is another's
        got, right = number(call(answer, clients, parameters, rounds, rate), "the traffic"), 8 * rate * clients * parameters
        right *= rounds
        slips = (
            (right / 2, "that is one direction; the model goes down and the update comes up"),
            (right / rate, "only a share `rate` of the clients takes part in a round"),
            (right / rounds, "that is one round"),
            (right / 4, "a float32 has four bytes"),
            (right * 2, "a float32 has four bytes, not eight"),
            (right * rate, "the rate enters once: a client that takes part gets the model and sends its update"),
            (right / clients, "that is one client of them all"),
            (right / 8, "that counts numbers, in one direction"),
            (right * (1 / rate + 1) / 2, "the model goes to the cohort only, not to every client"),
        )
        compare(got, right, slips, f"it should be {right:,.0f} bytes; you gave {got:,.0f}")


def _message_size(answer):
    rng = np.random.default_rng()
    draws = [(int(rng.integers(300, 400)), 8 * int(rng.integers(56, 75)) + 3)]
    draws += [(int(rng.integers(1, 12)), int(rng.integers(500, 4_000))) for _ in range(3)]
    draws += [
        (8, 1_024),
        (8, 1_025),
        (5, 1_025),
        (40, 1_003),
    ]
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
            (
                4 * k + min(math.ceil(k * int(math.log2(d)) / 8), bitmap),
                "⌊log₂ d⌋ bits cannot tell d places apart: round up",
            ),
            (
                4 * k + min(math.ceil(k * d.bit_length() / 8), bitmap),
                "places count from 0, so that ⌈log₂ d⌉ bits are enough",
            ),
            (4 * k + min(k * width // 8, d // 8), "what does not fill a byte takes one: round up"),
            (min(packed, bitmap), "the values are part of the message, four bytes each"),
            (k + min(packed, bitmap), "a value takes four bytes"),
            (8 * k + min(packed, bitmap), "a value takes four bytes, not eight"),
            (8 * k, "four bytes a place are more than needed"),
        )
        compare(got, right, slips, f"for k = {k} and d = {d} it should be {right}; you gave {got:g}")


def _feedback_step(answer):
    rng = np.random.default_rng()
    for d, k in ((12, 3), (30, 5)):

        def top(vector, k=k):
            places = vector.abs().topk(k).indices
            return torch.zeros_like(vector).scatter(0, places, vector[places])

        alike = True
        while alike:  # draws in which update alone, or the signed order, would choose other places
            update, rest = (torch.from_numpy(rng.normal(size=d)) for _ in range(2))
            wanted, right = update + rest, top(update + rest)
            chosen = set(right.nonzero().flatten().tolist())
            others = (top(update).nonzero().flatten(), wanted.topk(k).indices, rest.abs().topk(k).indices)
            alike = any(set(other.tolist()) == chosen for other in others)
        said = parts(call(answer, update.clone(), rest.clone(), k), 2, "what is sent and the new remainder")
        sent, left = (tensor(one, (d,), name) for one, name in zip(said, ("what is sent", "the remainder"), strict=True))
        if not near(sent, right):
            for wrong, words in (
                (top(update), "the remainder belongs to what the client wants to send"),
                (top(update) + rest, "only k entries are sent, of update and remainder together"),
                (wanted, "that is everything"),
                (wanted - right, "that is what is kept; the pair is (sent, new remainder)"),
                (right.abs(), "an entry is sent with its sign"),
                (torch.where(right != 0, update, 0.0), "the places are right; the entries are those of update + rest"),
                (top(update - rest), "the remainder is added to the update, not subtracted"),
                (
                    torch.zeros(d, dtype=torch.float64).scatter(0, others[1], wanted[others[1]]),
                    "largest in magnitude, not in sign",
                ),
            ):
                require(not near(sent, wrong), words)
            raise Wrong("what is sent should be the k entries of update + rest that are largest in magnitude")
        for wrong, words in (
            (update - right, "the old remainder that was not sent stays, too"),
            (rest + wanted - right, "the old remainder is in what was wanted already; add it once"),
            (right - wanted, "the sign is turned: what was wanted less what was sent"),
            (rest, "that is the old remainder"),
            (wanted, "what was sent is no longer owed: subtract it"),
            (right, "that is what was sent"),
        ):
            require(not near(left, wrong), words)
        require(near(left, wanted - right), "the remainder is what was wanted and not sent: update + rest - sent")


def _round_at_random(answer):
    """The mean of 1,000 roundings: six standard errors in 16 entries, twice; false alarms below 1e-7."""
    rng = np.random.default_rng()
    for levels in (3, 5):
        fraction = torch.from_numpy(rng.permutation(np.repeat([0.15, 0.3, 0.7, 0.85], 4)))
        low = torch.from_numpy(rng.integers(-levels, levels, 16))
        step = float(rng.uniform(0.2, 0.6))
        vector = (low + fraction) * step
        vector[3] = -levels * step  # the largest in magnitude, and on a level itself
        seed = int(rng.integers(2**60))
        generator = torch.Generator().manual_seed(seed)
        draws = [tensor(call(answer, vector.clone(), levels, generator), (16,), "the rounded vector") for _ in range(1_000)]
        again = tensor(
            call(answer, vector.clone(), levels, torch.Generator().manual_seed(seed)), (16,), "the rounded vector"
        )
        draws = torch.stack(draws)  # draws × 16

        def on(size, draws=draws):
            return bool(((draws / size - (draws / size).round()).abs() < 1e-3).all())

        if not on(step):
            for other, words in (
                (float(vector.max()) / levels, "s is the largest magnitude, which a negative entry may have"),
                (step * levels / (levels + 1), "there are `levels` steps from 0 to s, not levels + 1"),
                (step * levels / (2**levels - 1), "`levels` counts the levels on a side; it is no number of bits"),
                (1.0, "multiply by the step again: levels are multiples of s / levels"),
            ):
                require(not on(other), words)
            raise Wrong("every entry should be a multiple of s / levels")
        require(
            bool(((draws - vector).abs() < step * (1 + 1e-3)).all()), "each entry goes to one of its two neighbouring levels"
        )
        require(len(draws.unique(dim=0)) > 1, "nothing is random here, so that each entry's mean is off")
        require(torch.equal(again, draws[0]), "draw with `generator`: the same generator should give the same rounding")
        off = (draws.mean(0) - vector).abs()
        require(
            bool((off < 6 * step / 2 / math.sqrt(1_000)).all()),
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
        "Top-k without error feedback stayed short of the plain accuracy, also after 200 rounds. Why?",
        (
            (
                "It sends too few bytes in a round to carry an update.",
                "with feedback the same bytes came to the plain accuracy.",
            ),
            (
                "Entries never among a client's largest are never learned.",
                "pushes in the same direction add up only if they are remembered.",
            ),
            (
                "Each of its messages is biased towards zero, others are not.",
                "with feedback each message is as biased; the sum over rounds is not.",
            ),
        ),
        1,
    ),
    Question(
        "Noise is added at the server; a client sends a compressed update with error feedback. What bounds its influence?",
        (
            (
                "The compressor, since it makes every vector shorter.",
                "with a remainder a message may be longer than the update.",
            ),
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
            ("A fifth of the rounds that the training would have had.", "there are more rounds in the same time."),
            ("Nothing: it is what partial participation does, too.", "only if who is slow is independent of the data."),
            (
                "What the data of the slow clients would have taught.",
                "which may be a whole class, and the accuracy hides it.",
            ),
        ),
        2,
    ),
)

"""Exercises and quiz of notebook 05, private federated learning."""

import math
import secrets

import torch

from ..answers import call, compare, number, parts, require, tensor
from ..teacher import Exercise
from ._draws import fresh
from .quiz05 import QUIZ

__all__ = ["EXERCISES", "QUIZ", "clip_the_mean"]


def _between(low, high, generator):
    return low + (high - low) * float(torch.rand(1, generator=generator))


def _factors(updates, clip, order=2):
    """The factor of each row (rows × 1) that brings it to norm `clip` at most."""
    return clip / updates.norm(p=order, dim=1, keepdim=True).clamp(min=clip)


def _test_clip(answer):
    for _ in range(3):
        generator = fresh()
        clip = _between(1.5, 3.0, generator)
        rows = torch.randn(12, 30, generator=generator, dtype=torch.float64)
        rows[:, 0] += 6.0  # one coordinate leads, so that clamping each coordinate does something
        rows = rows / rows.norm(dim=1, keepdim=True) * clip * torch.linspace(0.2, 4.0, 12).double().unsqueeze(1)
        rows[1] = 0.0
        given = rows.clone()
        got = tensor(call(answer, given, clip), (12, 30), "the clipped updates")
        require(torch.equal(given, rows), "your function changed its input in place; return a new tensor")
        norms = rows.norm(dim=1, keepdim=True)
        unit = rows / norms.clamp(min=1e-9)
        columns = rows * (clip / rows.norm(dim=0, keepdim=True).clamp(min=clip))
        slips = (
            (rows, "nothing was clipped: the longest row has norm 4·clip"),
            (rows.clamp(-clip, clip), "each coordinate was clamped to ±clip, so a row may still be √d·clip long"),
            (
                rows * min(1.0, clip / float(rows.norm())),
                "the matrix was scaled as a whole; every row has a norm of its own",
            ),
            (unit * clip, "rows shorter than the clip were stretched to it; they must stay as they are"),
            (unit, "every row has norm 1 now; the bound is the clip, and shorter rows stay as they are"),
            (rows * _factors(rows, clip, 1), "the rows were clipped in the L1 norm; the task asks for L2"),
            (rows * _factors(rows, clip, math.inf), "that bounds the largest entry of a row, not its L2 norm"),
            (columns, "the columns were clipped: a client is a row, so the norm runs over dim=1"),
            (rows * (norms <= clip), "long rows were dropped; they must be shortened to the clip"),
            (rows * (clip / norms.square().clamp(min=clip)).clamp(max=1), "the square of the norm is missing its root"),
            (rows * (norms / clip).clamp(max=1), "the factor is turned round: clip over norm, where the norm is larger"),
        )
        compare(got, rows * _factors(rows, clip), slips,
              "a row longer than the clip keeps its direction and gets norm clip; a shorter one stays as it is")  # fmt: skip


def _test_noisy_sum(answer):
    # 20,000 coordinates: the sample deviation of the noise lies within 3% of the true one but for one run in 10^8
    # (its own deviation is 0.5%). The ranges of clip and multiplier keep all named deviations 10% apart or more.
    for _ in range(2):
        generator = fresh()
        n, d = 9, 20_000
        clip, multiplier = _between(5.0, 6.5, generator), _between(1.85, 2.1, generator)
        lengths = torch.tensor([0.2, 0.5, 0.8, 2, 5, 20, 100, 300, 400], dtype=torch.float64).unsqueeze(1)
        updates = torch.randn(n, d, generator=generator, dtype=torch.float64)
        updates = updates / updates.norm(dim=1, keepdim=True) * clip * lengths
        seed = secrets.randbits(40)

        def once(rows, multiplier, seed, clip=clip):
            result = call(answer, rows.clone(), clip, multiplier, torch.Generator().manual_seed(seed))
            return tensor(result, (rows.shape[1],), "the noisy sum")

        result, again, other = (once(updates, multiplier, s) for s in (seed, seed, seed + 1))
        require(torch.equal(result, again), "draw the noise from the generator that is given")
        require(not torch.equal(result, other), "another seed gave the same sum: is there noise?")
        noise = (result - other) / math.sqrt(2)  # the sum itself cancels
        std, right = float(noise.std()), clip * multiplier
        require(std > 1e-9 * float(noise.abs().max()), "all coordinates got the same noise; each needs a draw of its own")
        named = {
            multiplier: "the noise has standard deviation noise_multiplier; it must be scaled by the sensitivity, clip",
            clip: "the noise has standard deviation clip; the noise multiplier is missing",
            clip / multiplier: "the noise has standard deviation clip/noise_multiplier; multiply instead of dividing",
            multiplier / clip: "the noise has standard deviation noise_multiplier/clip; a larger clip needs more noise",
            right * math.sqrt(n): "that is the noise of one draw on every row, √N times too much; add it once, to the sum",
            right / math.sqrt(n): "the noise was divided by √N; at the server the sum carries all of it",
            right / n: "the noise was divided by the number of clients; the task asks for the sum",
            2 * right: "the noise has deviation 2·clip·noise_multiplier, as for replace-one; here it is add-or-remove",
        }
        for wrong, message in named.items():
            require(abs(std / wrong - 1) > 0.03, message)
        require(
            abs(std / right - 1) < 0.03, f"the noise has standard deviation {std:.3f}; noise_multiplier·clip is {right:.3f}"
        )
        excess = float((noise / noise.std()).pow(4).mean()) - 3  # of a normal sample 0 ± 0.035
        require(abs(excess) < 0.3, "the noise has the right deviation but is not Gaussian")
        # With next to no noise the result must be the clipped sum itself, exactly.
        small = updates[:, :40] / updates[:, :40].norm(dim=1, keepdim=True) * clip * lengths
        kept, total = small * _factors(small, clip), small.sum(0, keepdim=True)
        slips = (
            (total[0], "the updates were not clipped before they were summed"),
            (kept.mean(0), "the clipped updates were averaged; the task asks for the sum"),
            ((total * _factors(total, clip))[0], "the sum was clipped, not the updates: clip each row first"),
            ((small * _factors(small, clip, 1)).sum(0), "the rows were clipped in the L1 norm; Gaussian noise goes with L2"),
            ((small / small.norm(dim=1, keepdim=True) * clip).sum(0), "rows shorter than the clip were stretched to it"),
            (small.clamp(-clip, clip).sum(0), "each coordinate was clamped to ±clip; scale the whole row"),
        )
        compare(once(small, 1e-9, seed), kept.sum(0), slips,
              "without its noise the result is the sum of the clipped updates: clip each row, sum, add noise")  # fmt: skip


def _test_noise_std(answer):
    for _ in range(3):
        generator = fresh()
        clients = int(torch.randint(20, 3000, (1,), generator=generator))
        clip, multiplier = _between(0.5, 8.0, generator), _between(0.5, 12.0, generator)
        root, base = math.sqrt(clients), multiplier * clip / clients
        for place in ("server", "client", "shares"):
            got = number(call(answer, place, clients, clip, multiplier), f"the deviation for {place!r}")
            right = 2 * base * root if place == "client" else base
            slips = [(right * clients, "that is the deviation in the sum; the mean divides by N")]
            if place == "client":
                slips += [
                    (base * root, "a report is replace-one, with sensitivity 2·clip: a factor of 2 is missing"),
                    (2 * base, "every report has its own noise; N independent ones add up to √N as much, not 1"),
                    (2 * base * clients, "standard deviations of independent noises add in squares: √N, not N"),
                    (base, "that is the server's; each report carries noise of its own, for a sensitivity of 2·clip"),
                ]
            else:
                slips += [
                    (base * root, "the sum carries the noise of one draw, σC: in the mean it falls with N, not with √N"),
                    (2 * base, "neighbours add or remove a client here, so the sensitivity is clip, not 2·clip"),
                    (2 * base * root, "that is the deviation of reports noised at the clients"),
                    (base / root, "each share is √N smaller, but there are N of them in the sum"
                     if place == "shares" else "the server's noise is added once and divided by N once"),
                ]  # fmt: skip
            slips += [(right**2, "that is a variance; the task asks for the standard deviation")]
            slips = [(wrong, f"{place}: {words}") for wrong, words in slips]
            compare(got, right, slips, f"{place}: got {got:.4g}, expected {right:.4g} for N={clients}, C={clip:.3g}, "
                    f"σ={multiplier:.3g}")  # fmt: skip


def clip_the_mean(updates, clip):
    """The flawed aggregate of exercise 05.4: the mean is clipped, not the updates."""
    mean = updates.mean(0)
    return mean * min(1.0, clip / max(float(mean.norm()), 1e-12))


def _test_flaw(answer):
    for _ in range(3):
        generator = fresh()
        clip, n = _between(0.2, 5.0, generator), int(torch.randint(10, 60, (1,), generator=generator))
        pair = parts(call(answer, n, clip), 2, "the two matrices, with the client and without it,")
        here, there = (tensor(part, (None, None), "each matrix (clients, parameters)") for part in pair)
        require(here.shape == there.shape, "both matrices must have the same shape (clients, parameters)")
        require(len(here) == n, f"the federation has {n} clients, so each matrix needs {n} rows; got {len(here)}")
        changed = torch.nonzero((here != there).any(1)).flatten()
        require(len(changed) == 1, f"neighbours differ in one client's row; yours differ in {len(changed)}")
        require(bool((there[changed] == 0).all()), "in the second matrix the removed client's row must be zero")
        moved = float((clip_the_mean(here, clip) - clip_the_mean(there, clip)).norm())
        allowed = clip / n
        require(
            moved > 1.01 * allowed, f"the result moved by {moved:.4f}, within what the noise covers, clip/N = {allowed:.4f}"
        )
        require(
            moved >= 0.5 * clip * (1 - 1e-5),
            f"the result moved by {moved:.4f}: more than clip/N = {allowed:.4f}, but clip/2 = {clip / 2:.4f} can be reached",
        )


EXERCISES = (
    Exercise(
        "05.1",
        "Clip every row of a matrix of updates to L2 norm `clip` at most.",
        _test_clip,
        (
            "One norm for each row: torch.linalg.vector_norm(updates, dim=1, keepdim=True) has shape (clients, 1).",
            "The factor of a row is clip/norm where the norm exceeds the clip, and 1 elsewhere.",
            "clip / norms.clamp(min=clip) is that factor, and never divides by zero.",
        ),
    ),
    Exercise(
        "05.2",
        "Return the clipped, summed, noised updates: one Gaussian release for add-or-remove one client.",
        _test_noisy_sum,
        (
            "Three steps in this order: clip each row (your 05.1), sum over the clients, add noise once.",
            "The noise has one independent draw for each parameter, with standard deviation noise_multiplier·clip.",
            "torch.randn(d, generator=generator, dtype=updates.dtype) draws from the generator that is given.",
        ),
    ),
    Exercise(
        "05.3",
        "Give the standard deviation of the Gaussian noise on one coordinate of the mean update, for each place.",
        _test_noise_std,
        (
            "Write the noise in the sum first; the mean divides it by N.",
            "Independent noises add in squares: N of deviation s have deviation √N·s together.",
            "A local report is replace-one: its sensitivity is 2·clip. N shares of deviation σC/√N make up σC.",
        ),
    ),
    Exercise(
        "05.4",
        "Find two neighbouring federations on which clipping the mean moves the result by at least clip/2.",
        _test_flaw,
        (
            "After the mean is taken, nothing bounds what a single client put into it.",
            "Let one client's update be so long that it alone decides the mean.",
            "All other rows may be zero: with the client the clipped mean has length clip, without it 0.",
        ),
    ),
)

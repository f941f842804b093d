"""Exercises and quiz of notebook 05, private federated learning."""

import math
import secrets

import torch

from ...privacy import accounting
from ..answers import call, require
from ..teacher import Exercise, Question


def _fresh():
    """A generator seeded anew on every call, so that no answer can be hard-coded."""
    return torch.Generator().manual_seed(secrets.randbits(48))


def _between(low, high, generator):
    return low + (high - low) * float(torch.rand(1, generator=generator))


def _tensor(result, shape, what):
    require(torch.is_tensor(result), f"expected a tensor, got {type(result).__name__}")
    require(tuple(result.shape) == shape, f"the result must be {what} of shape {shape}, got {tuple(result.shape)}")
    require(
        bool(torch.isfinite(result).all()),
        "the result holds NaN or infinity; a row of zeros has norm 0: do not divide by it",
    )
    return result.double()


def _clip_rows(updates, clip):
    norms = torch.linalg.vector_norm(updates, dim=1, keepdim=True)
    return updates * (clip / norms.clamp(min=clip))


def _test_clip(answer):
    for _ in range(3):
        generator = _fresh()
        clip = _between(0.5, 3.0, generator)
        updates = torch.randn(12, 30, generator=generator, dtype=torch.float64)
        lengths = clip * torch.linspace(0.1, 4.0, 12, dtype=torch.float64)
        updates = updates / updates.norm(dim=1, keepdim=True) * lengths.unsqueeze(1)
        updates[3] = 0.0
        before = updates.clone()
        got = _tensor(call(answer, updates, clip), (12, 30), "the clipped updates")
        require(torch.equal(updates, before), "your function changed its input in place; return a new tensor")
        norms, short = got.norm(dim=1), before.norm(dim=1) <= clip
        require(
            not torch.allclose(got, before.clamp(-clip, clip)),
            "each coordinate was clamped to ±clip, so a row may still be √d·clip long; scale the whole row",
        )
        require(
            not torch.allclose(got, before * min(1.0, clip / float(before.norm()))),
            "the matrix was scaled as a whole; every client's row has a norm of its own",
        )
        require(
            not torch.allclose(norms[~short & (norms > 0)], norms.new_tensor(clip))
            or torch.allclose(got[short], before[short]),
            "rows that were already shorter than the clip were stretched to it; they must stay as they are",
        )
        require(
            bool((norms <= clip * (1 + 1e-5)).all()), f"a row has norm {float(norms.max()):.3f}, over the clip {clip:.3f}"
        )
        require(torch.allclose(got[short], before[short]), "rows shorter than the clip must stay as they are")
        require(
            torch.allclose(got, _clip_rows(before, clip), rtol=1e-4, atol=1e-6),
            "a long row must keep its direction and come out with norm exactly the clip",
        )


def _test_noisy_sum(answer):
    # 20,000 coordinates: the sample deviation of the noise lies within 3% of the true one but for one run in 10^8
    # (its own deviation is 0.5%).
    for _ in range(2):
        generator = _fresh()
        n, d = 9, 20_000
        clip, multiplier = _between(2.0, 5.0, generator), _between(1.5, 4.0, generator)
        updates = torch.randn(n, d, generator=generator, dtype=torch.float64)
        updates = updates / updates.norm(dim=1, keepdim=True) * clip * torch.linspace(0.5, 400, n).double().unsqueeze(1)
        seed = secrets.randbits(40)
        result = call(answer, updates.clone(), clip, multiplier, torch.Generator().manual_seed(seed))
        result = _tensor(result, (d,), "the noisy sum")
        again = call(answer, updates.clone(), clip, multiplier, torch.Generator().manual_seed(seed))
        again = _tensor(again, (d,), "the noisy sum")
        require(torch.equal(result, again), "draw the noise from the generator that is given")
        other = call(answer, updates.clone(), clip, multiplier, torch.Generator().manual_seed(seed + 1))
        other = _tensor(other, (d,), "the noisy sum")
        require(not torch.equal(result, other), "another seed gave the same sum: is there noise?")
        noise = (result - other) / math.sqrt(2)  # the sum itself cancels
        std, right = float(noise.std()), clip * multiplier
        named = {
            multiplier: "the noise has standard deviation noise_multiplier; it must be scaled by the sensitivity, clip",
            clip / multiplier: "the noise has standard deviation clip/noise_multiplier; multiply instead of dividing",
            multiplier / clip: "the noise has standard deviation noise_multiplier/clip; a larger clip needs more noise",
            right * math.sqrt(n): "noise was added to every row, √N times too much; the server adds it once, to the sum",
            right / n: "the result was divided by the number of clients; the task asks for the sum",
            2 * right: "the noise has deviation 2·clip·noise_multiplier, as for replace-one; here it is add-or-remove",
        }
        require(std > 1e-9, "all coordinates got the same noise; each needs a draw of its own")
        for wrong, message in named.items():
            require(abs(std / wrong - 1) > 0.03 or abs(wrong / right - 1) < 0.07, message)
        require(
            abs(std / right - 1) < 0.03, f"the noise has standard deviation {std:.3f}; noise_multiplier·clip is {right:.3f}"
        )
        # With next to no noise the result must be the clipped sum itself, exactly.
        small = updates[:, :40].contiguous()
        bare = _tensor(call(answer, small.clone(), clip, 1e-9, torch.Generator().manual_seed(seed)), (40,), "the noisy sum")
        kept = _clip_rows(small, clip)
        right_sum = kept.sum(0)
        wrong_sums = {
            "the updates were not clipped before they were summed": small.sum(0),
            "the clipped updates were averaged; the task asks for the sum": kept.mean(0),
            "the sum was clipped, not the updates: clip each row first": _clip_rows(small.sum(0, keepdim=True), clip)[0],
            "the rows were clipped in the L1 norm; Gaussian noise goes with L2": (
                small * (clip / small.abs().sum(1, keepdim=True).clamp(min=clip))
            ).sum(0),
        }
        for message, wrong in wrong_sums.items():
            require(not torch.allclose(bare, wrong, rtol=1e-4, atol=1e-5), message)
        require(
            torch.allclose(bare, right_sum, rtol=1e-4, atol=1e-5),
            "without its noise the result is not the sum of the clipped updates: clip each row, then sum, then add noise",
        )


def _test_noise_std(answer):
    for _ in range(3):
        generator = _fresh()
        clients = int(torch.randint(20, 3000, (1,), generator=generator))
        clip, multiplier = _between(0.5, 8.0, generator), _between(0.5, 12.0, generator)
        root, base = math.sqrt(clients), multiplier * clip / clients
        right = {"server": base, "client": 2 * base * root, "shares": base}
        for place, value in right.items():
            got = call(answer, place, clients, clip, multiplier)
            require(isinstance(got, (int, float)) and math.isfinite(got), f"expected a number for {place!r}, got {got!r}")

            def near(wrong, got=got):
                return math.isclose(got, wrong, rel_tol=1e-6)

            require(not near(value * clients), f"{place}: that is the deviation in the sum; the mean divides by N")
            if place == "client":
                require(
                    not near(base * root),
                    "client: a report is replace-one, with sensitivity 2·clip: a factor of 2 is missing",
                )
                require(
                    not near(2 * base),
                    "client: every report has its own noise; N independent ones add up to √N as much, not 1",
                )
                require(
                    not near(2 * base * clients),
                    "client: standard deviations of independent noises add in squares: √N, not N",
                )
            if place == "shares":
                require(not near(base / root), "shares: each share is √N smaller, but there are N of them in the sum")
            require(
                near(value),
                f"{place}: got {got:.4g}, expected {value:.4g} for N={clients}, C={clip:.3g}, σ={multiplier:.3g}",
            )


def clip_the_mean(updates, clip):
    """The flawed aggregate of exercise 05.4: the mean is clipped, not the updates."""
    mean = updates.mean(0)
    return mean * min(1.0, clip / max(float(mean.norm()), 1e-12))


def _test_flaw(answer):
    for _ in range(3):
        generator = _fresh()
        clip, n = _between(0.2, 5.0, generator), int(torch.randint(10, 60, (1,), generator=generator))
        pair = call(answer, n, clip)
        require(isinstance(pair, (tuple, list)) and len(pair) == 2, "return two matrices: with the client, and without it")
        here, there = (torch.as_tensor(part).double() for part in pair)
        require(here.ndim == 2 and here.shape == there.shape, "both matrices must have the same shape (clients, parameters)")
        require(len(here) == n, f"the federation has {n} clients, so each matrix needs {n} rows; got {len(here)}")
        require(
            bool(torch.isfinite(here).all() and torch.isfinite(there).all()), "only finite numbers: NaN would be dropped"
        )
        changed = torch.nonzero((here != there).any(1)).flatten()
        require(len(changed) == 1, f"neighbours differ in one client's row; yours differ in {len(changed)}")
        require(bool((there[changed] == 0).all()), "in the second matrix the removed client's row must be zero")
        moved = float((clip_the_mean(here, clip) - clip_the_mean(there, clip)).norm())
        allowed = clip / n
        require(
            moved > 1.01 * allowed, f"the result moved by {moved:.4f}, within what the noise covers, clip/N = {allowed:.4f}"
        )
        require(
            moved >= 0.5 * clip,
            f"the result moved by {moved:.4f}: more than clip/N = {allowed:.4f}, but clip/2 = {clip / 2:.4f} can be reached",
        )


def _test_clients_needed(answer):
    for _ in range(2):
        generator = _fresh()
        epsilon, rounds = round(_between(0.8, 6.0, generator), 2), int(torch.randint(5, 40, (1,), generator=generator))
        clip, target, delta = round(_between(1.0, 8.0, generator), 2), round(_between(0.02, 0.08, generator), 4), 1e-5
        multiplier = accounting.calibrate("gaussian", epsilon, delta, rounds).noise_multiplier
        single = accounting.calibrate("gaussian", epsilon, delta, 1).noise_multiplier
        shared = accounting.calibrate("gaussian", epsilon / rounds, delta, 1).noise_multiplier
        for at in ("server", "client"):

            def needed(sigma, ratio=clip / target, at=at):
                return sigma * ratio if at == "server" else (2 * sigma * ratio) ** 2

            got = call(answer, epsilon, delta, rounds, clip, target, at)
            require(isinstance(got, (int, float)) and math.isfinite(got), f"expected a number of clients, got {got!r}")
            require(float(got).is_integer(), f"a number of clients is whole: round {got!r} up")
            right = math.ceil(needed(multiplier))

            def near(value, got=got):
                return abs(got - value) <= max(1.0, 2e-3 * value)

            require(
                not near(needed(single)), f"{at}: that spends the whole ε in every round; calibrate for all {rounds} rounds"
            )
            require(
                not near(needed(shared)), f"{at}: ε/rounds in each round is basic composition; calibrate the total instead"
            )
            if at == "client":
                require(
                    not near(needed(multiplier) / 4),
                    "client: the sensitivity of a report is 2·clip, which counts squared here",
                )
                require(not near(math.sqrt(needed(multiplier))), "client: the noise in the mean falls with √N, not with N")
            require(
                needed(multiplier) <= got * (1 + 1e-6),
                f"{at}: {int(got)} clients are too few; the noise would exceed the target",
            )
            require(near(right), f"{at}: {int(got)} clients are more than the least number, {right}")


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
    Exercise(
        "05.5",
        "Compute the least number of clients that brings the noise in the mean down to a target.",
        _test_clients_needed,
        (
            "accounting.calibrate gives the noise multiplier for a total ε over all rounds.",
            "Server: noise_multiplier·clip/N ≤ target. Client: 2·noise_multiplier·clip/√N ≤ target. Solve for N.",
            "math.ceil rounds up; at the client N is the square of 2·noise_multiplier·clip/target.",
        ),
    ),
)

QUIZ = (
    Question(
        "A server clips each update, sums them, and adds Gaussian noise of deviation 9·C once. Somebody doubles the number "
        "of clients N and changes nothing else. What happens to ε?",
        (
            ("It halves", "The noise in the mean halves, but so does one client's share of the mean: ε compares the two."),
            (
                "It stays",
                "One client still moves the sum by at most C, and the noise is still 9·C. What improves is the accuracy.",
            ),
            ("It doubles", "More clients do not add sensitivity: only one of them differs between neighbours."),
        ),
        1,
    ),
    Question(
        "Twenty hospitals train with client-level differential privacy (add or remove one hospital) at a total ε of 2. "
        "What may a patient of one of them conclude?",
        (
            (
                "The published models bound what can be told about my record, too",
                "Changing one record is at most two steps: remove the hospital, add it with the changed record. So it is "
                "covered at ε ≤ 4 at the worst. The server and the hospital still see more, and with twenty units the noise "
                "is usually too large to learn anything.",
            ),
            (
                "Nothing: client-level privacy protects hospitals, not patients",
                "One patient's record changes one hospital's update, and the guarantee covers that update whatever it is. "
                "The converse fails: a promise about one record does not hide a hospital.",
            ),
            (
                "My record is protected at ε = 2/n, since the hospital has n patients",
                "No such division holds: a single record can change its hospital's clipped update as much as all of them.",
            ),
        ),
        0,
    ),
    Question(
        "Ten thousand parameters, updates clipped to L2 norm C. Why not add Laplace noise of scale C/ε to each coordinate?",
        (
            (
                "Because Laplace noise is never used for vectors",
                "It is, where the L1 norm is bounded: a histogram's counts, for example.",
            ),
            (
                "Because an L2 norm of C allows an L1 norm of √d·C, so that the guarantee would be 100 ε, not ε",
                "√10,000 = 100. The Laplace mechanism is calibrated to the L1 sensitivity.",
            ),
            (
                "Because Laplace noise has a larger variance than Gaussian noise of the same scale",
                "A constant factor of 2 in variance is not the reason; the wrong norm is.",
            ),
        ),
        1,
    ),
)

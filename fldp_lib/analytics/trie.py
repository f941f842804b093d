"""Heavy hitters letter by letter: which words many people have, where nobody can list the words.

Level by level the server asks only about prefixes that it has found, each with every letter behind it: a domain that is
public, since it follows from what was released before. So no δ is paid. The price is the levels: either everybody speaks
at one level only, with the whole ε (the levels' people are different people: parallel composition, adaptive or not), or
everybody speaks at every level with a share of ε (composition).
"""

import math
from collections import Counter
from dataclasses import dataclass

import torch

from .. import checks
from ..privacy.mechanisms import laplace_noise
from ..privacy.randomisers import Projection, RandomisedResponse

LETTERS = "abcdefghijklmnopqrstuvwxyz"
END = "$"  # behind a word's last letter
ASKED = 2**20  # prefixes at one level


@dataclass(frozen=True)
class Trie:
    """What `heavy_hitters` found.

    Attributes:
        levels: for each level the prefixes that passed, with the estimated number of people in all (a dict each).
        found: complete words, with the same estimate.
        asked: how many people spoke at each level: exact, and no part of the release; ε does not cover it.
        candidates: about how many prefixes they were asked.
        bar: what an estimate had to exceed, in people.
        deviation: standard deviation of an estimate of a prefix that nobody has, in people.
        epsilon: ε of everything; δ is 0.
        unit: for whom it holds.
    """

    levels: tuple
    found: dict
    asked: tuple
    candidates: tuple
    bar: tuple
    deviation: tuple
    epsilon: float
    unit: str


def heavy_hitters(
    words, epsilon, generator, how="central", deal="people", levels=9, step=1, at_least=0.0, false=1.0, most=None
):
    """Return the words that many people have, found letter by letter.

    Args:
        words: one word a person, of the letters a to z.
        epsilon: ε of everything, positive.
        generator: a `torch.Generator` on the CPU; it deals people and draws noise.
        how: "central", Laplace noise on every count (add-or-remove one person); "local", everybody's own report, k-ary
            response or projection, whichever is closer (replace-one).
        deal: "people", each person is dealt to one level and speaks there only, with ε; "budget", all speak at every level,
            with ε/levels.
        levels: questions asked one after another; 1 to 30.
        step: letters that each adds, 1 to 3, the end of a word counting as one. Words of more than levels·step − 1 letters
            are not completed. Fewer and longer steps suit local reports: every level costs people, letters cost nothing.
        at_least: people in all that a prefix must be estimated to have; the bar is never below what noise alone reaches.
        false: how many prefixes of nobody's may pass a level by noise, on average.
        most: prefixes that go on to the next level at most, the largest estimates; None for 300, or fewer where a step has
            many letters: at most 2²⁰ prefixes are asked for at once.

    Returns:
        `Trie`.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: Bassily, Nissim, Stemmer & Thakurta 2017; Wang, Li & Jha 2021 (prefixes); Zhu et al. 2020 (interactive tries).
    """
    words = _words(words)
    epsilon = checks.real("epsilon", epsilon, above=0, at_most=50)
    checks.generator("generator", generator)
    checks.one_of("how", how, ("central", "local"))
    checks.one_of("deal", deal, ("people", "budget"))
    levels = checks.whole("levels", levels, at_least=1, at_most=30)
    at_least = checks.real("at_least", at_least, at_least=0)
    false = checks.real("false", false, above=0)
    step = checks.whole("step", step, at_least=1, at_most=3)
    endings = _endings(step)
    room = ASKED // len(endings)
    most = min(300, room) if most is None else checks.whole("most", most, at_least=1, at_most=room)
    if deal == "people":  # independently of all others: nobody's coming or going moves anybody else
        level_of = torch.randint(0, levels, (len(words),), generator=generator).tolist()
        speaking, each, scale = [[] for _ in range(levels)], epsilon, levels
        for word, level in zip(words, level_of, strict=True):
            speaking[level].append(word)
    else:
        speaking, each, scale = [words] * levels, epsilon / levels, 1
    count = _central if how == "central" else _local
    frontier, kept, found, told = [""], [], {}, []
    for level in range(levels):
        asked = [prefix + ending for prefix in frontier for ending in endings if prefix or ending[0] != END]
        if not asked:
            kept.append({})
            told.append((len(speaking[level]), 0, math.nan, math.nan))
            continue
        said = Counter(_padded(word[: (level + 1) * step], step) for word in speaking[level] if len(word) > level * step)
        estimates, deviation, noise_bar = count(asked, said, len(speaking[level]), each, false, generator)
        bar = max(noise_bar * scale, at_least)
        passed = sorted(
            ((float(e) * scale, p) for e, p in zip(estimates, asked, strict=True) if e * scale > bar), reverse=True
        )
        passed = {prefix: estimate for estimate, prefix in passed[:most]}
        kept.append(passed)
        told.append((len(speaking[level]), len(asked), bar, deviation * scale))
        found |= {prefix.rstrip(END): estimate for prefix, estimate in passed.items() if prefix.endswith(END)}
        frontier = [prefix for prefix in passed if not prefix.endswith(END)]
    unit = "a person, " + ("add-or-remove, the server is trusted" if how == "central" else "replace-one, local")
    found = dict(sorted(found.items(), key=lambda pair: -pair[1]))
    return Trie(tuple(kept), found, *zip(*told, strict=True), epsilon, unit)


def _endings(step):
    """All that a step can add: letters, or some and then the end, filled up."""
    found = [""]
    for _ in range(step):
        found = [start + letter for start in found for letter in (END if start.endswith(END) else LETTERS + END)]
    return found


def _padded(prefix, step):
    return prefix + END * (-len(prefix) % step)


def _central(asked, said, people, epsilon, false, generator):
    """Counts with Laplace noise; the bar is passed by so many empty prefixes on average: candidates·½·e^(−ε·bar) = false."""
    exact = torch.tensor([said[prefix] for prefix in asked], dtype=torch.float64)
    bar = max(math.log(len(asked) / (2 * false)) / epsilon, 0.0)
    return exact + laplace_noise(exact.shape, 1 / epsilon, generator), math.sqrt(2) / epsilon, bar


def _local(asked, said, people, epsilon, false, generator):
    """Counts from local reports of one of the candidates, or of none of them."""
    if not people:
        return torch.zeros(len(asked), dtype=torch.float64), 0.0, 0.0
    report = min(
        (kind(epsilon, len(asked) + 1) for kind in (RandomisedResponse, Projection)), key=lambda one: one.variance(people)
    )
    counts = torch.tensor([said[prefix] for prefix in asked])
    counts = torch.cat([counts, people - counts.sum()[None]])  # whose prefix is not asked for says so
    deviation = people * math.sqrt(report.variance(people))
    from scipy.stats import norm

    bar = max(float(norm.isf(min(false / len(asked), 0.5))), 0.0) * deviation
    return people * report.simulate(counts, generator)[:-1], deviation, bar


def _words(words):
    if not isinstance(words, (list, tuple)) or not words:
        raise TypeError(f"words must be a list with one word for each person, got {checks.shown(words)}")
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"words must be texts, got {checks.shown(word)} ({type(word).__name__})")
        if not word or word.strip(LETTERS):
            raise ValueError(f"words must be of the letters a to z, at least one, got {word!r}")
    return [word + END for word in words]

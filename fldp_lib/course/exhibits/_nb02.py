"""What notebook 02's exhibits share: a count with noise and what it tells of a patient; a flow chart's arrows."""

import re
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ...privacy import accounting, mechanisms
from ...privacy.attacker import FALSE_RATE, Attacker
from ..contents import folder

WITH, WITHOUT = 170, 169  # malignant tumours in the register, with her and without
MIDDLE, DELTA = (WITH + WITHOUT) / 2, 1e-5
IN, OUT = 2, 1  # their styles


def posterior(prior, epsilon):
    """What a belief becomes when the odds change by a factor of e^ε."""
    return np.exp(epsilon) * prior / (1 - prior + np.exp(epsilon) * prior)


def most_hits(alarms, epsilon, delta=0.0):
    """The largest share of hits at a share of false alarms, over all mechanisms."""
    above = np.minimum(1, np.exp(epsilon) * alarms + delta)
    return np.minimum(above, 1 - np.exp(-epsilon) * (1 - delta - alarms))


def laplace_hits(alarms, epsilon):
    """The same for Laplace noise of scale 1/ε on a count."""
    e = np.exp(-epsilon)
    inner = 1 - e / (4 * np.maximum(alarms, e / 2))
    return np.select([alarms < e / 2, alarms < 0.5], [alarms / e, inner], 1 - e * (1 - alarms))


def laplace_attacker(epsilon):
    """What can be done against one count with Laplace noise of scale sensitivity/ε, in closed form."""
    even, bound = 1 - np.exp(-epsilon / 2) / 2, np.exp(epsilon) / (1 + np.exp(epsilon))
    found = float(laplace_hits(np.float64(FALSE_RATE), epsilon))
    return Attacker(float(even), found, FALSE_RATE, None, float(bound), round(100 * even))


@lru_cache(maxsize=512)
def multiplier(epsilon):
    """The deviation of Gaussian noise that is (ε, 1e-5)-private for a count."""
    return accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA).noise_multiplier


def density(noise, scale, z):
    """How likely noise of a kind and scale is at z; of the two-sided geometric one, whose scale is 1/ε, round z."""
    if noise == "uniform":
        return (np.abs(z) <= 5 * scale) / (10 * scale)
    if noise == "gaussian":
        return np.exp(-((z / scale) ** 2) / 2) / scale / np.sqrt(2 * np.pi)
    if noise == "geometric":
        return np.tanh(0.5 / scale) * np.exp(-np.abs(np.floor(z + 0.5)) / scale)
    return np.exp(-np.abs(z) / scale) / 2 / scale


def above(noise, scale, z):
    """The chance that the noise is above z; for the geometric one z lies half way between whole numbers."""
    if noise == "gaussian":
        from scipy.special import ndtr

        return float(ndtr(-z / scale))
    if noise == "geometric":  # P(k ≥ m) = r^m / (1 + r) from m = 1 on
        tail = np.exp(-(np.abs(z) + 0.5) / scale) / (1 + np.exp(-1 / scale))
    else:
        tail = np.exp(-np.abs(z) / scale) / 2
    return float(tail if z > 0 else 1 - tail)


def hits(noise, epsilon, alarms):
    """The most hits at a share of false alarms, for one kind of noise with this ε."""
    if noise == "gaussian":
        from scipy.special import ndtr, ndtri

        return ndtr(ndtri(alarms) + 1 / multiplier(epsilon))
    return most_hits(alarms, epsilon) if noise == "geometric" else laplace_hits(alarms, epsilon)


def smallest_delta(noise, scale, epsilon):
    """The smallest δ at which a count with such noise is (ε, δ)-private."""
    if noise == "uniform":
        return 0.1 / scale  # what only one of the two can publish; e^ε of nothing covers nothing
    if noise == "gaussian":
        return accounting.delta_of(mechanisms.Gaussian(noise_multiplier=scale, clip=1.0), epsilon)
    return max(0.0, 1 - np.exp((epsilon - 1 / scale) / 2))


ARROW = re.compile(r"(?:-->|-\.->|==>)(?:\|[^|]*\|)?")


def arrows_of(name):
    """Return a Mermaid flow chart's nodes, and a matrix of its arrows (nodes × nodes); a frame counts as one node."""
    text = (folder("figures") / name).read_text(encoding="utf-8")
    frame, inside, chains = None, {}, []
    for line in filter(str.strip, text.splitlines()):
        parts = [re.match(r"\s*(\w*)", part)[1] for part in ARROW.split(line)]
        if parts == ["subgraph"]:
            frame = re.match(r"\s*subgraph (\w+)", line)[1]
        elif parts == ["end"]:
            frame = None
        elif len(parts) > 1 or frame:
            inside |= {part: frame for part in parts if frame}
            chains.append(parts)
    chains = [[inside.get(node, node) for node in chain] for chain in chains]
    nodes = sorted({node for chain in chains for node in chain})
    arrows = np.zeros((len(nodes), len(nodes)), int)
    for before, after in (pair for chain in chains for pair in pairwise(chain)):
        arrows[nodes.index(before), nodes.index(after)] = before != after
    return nodes, arrows

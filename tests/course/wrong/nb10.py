"""Planted wrong answers of notebook 10."""

import math

import torch


def _cost(approve, truth, loss, good):
    return float(torch.where(approve, loss * truth, good * (1 - truth)).mean())


def _pair(growth):
    """An answer to 10.3 from what it computes of one group."""
    return lambda plain, private, best, member: tuple(float(growth(plain, private, best, g)) for g in (member, ~member))


_growth = _pair(lambda p, q, b, g: (q[g].mean() - p[g].mean()) / b[g].mean())


def _step(clipped=None, noise=None, draw=None):
    """An answer to 10.4 by its parts: the clipped rows, and the noise that is added to their mean."""

    def clip_rows(rows, clip):
        return rows * (clip / rows.norm(dim=1, keepdim=True)).clamp(max=1)

    def normal(shape, generator):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def deviation(clip, multiplier, n):
        return multiplier * clip / n

    def answer(gradients, clip, multiplier, generator):
        mean = (clipped or clip_rows)(gradients, clip).double().mean(0)
        return mean + (noise or deviation)(clip, multiplier, len(gradients)) * (draw or normal)(mean.shape, generator)

    return answer


def _laplace(shape, generator):
    u = torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
    return -u.sign() * torch.log1p(-2 * u.abs()) / math.sqrt(2)


def _uniform(shape, generator):
    return (torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5) * math.sqrt(12)


def _one_sided(shape, generator):
    return torch.randn(shape, generator=generator, dtype=torch.float64).abs() / math.sqrt(1 - 2 / math.pi)


def _clipped_mean(rows, clip):
    mean = rows.mean(0)
    return (mean * min(1.0, clip / float(mean.norm()))).expand(len(rows), -1)


WRONG = {
    "10.1": [
        (lambda loss, good: good / loss, r"the p in the second is missing"),
        (lambda loss, good: loss / (loss + good), r"probability of repaying"),
        (lambda loss, good: 1 / (1 + loss), r"good is missing"),
        (lambda loss, good: good / (loss - good), r"with its sign"),
        (lambda loss, good: (loss + good) / good, r"upside down"),
        (lambda loss, good: 0.5, r"both errors cost the same"),
        (lambda loss, good: 1 / 6, r"loss of 5 and a good of 1"),
        (lambda loss, good: -good / (loss + good), r"it is 0\.\d+; you gave -"),
        (lambda loss, good: loss * good / (loss + good), r"it is 0\.\d+; you gave"),
    ],
    "10.2": [
        (lambda s, t, limit, loss, good: _cost(s < limit, s, loss, good), r"from the true probability"),
        (lambda s, t, limit, loss, good: _cost(t < limit, t, loss, good), r"has to follow the score"),
        (lambda s, t, limit, loss, good: _cost(s >= limit, t, loss, good), r"approve \*below\*"),
        (lambda s, t, limit, loss, good: _cost(s < good / (loss + good), t, loss, good), r"the limit is given"),
        (lambda s, t, limit, loss, good: _cost(s < limit, t, good, loss), r"exchanged"),
        (lambda s, t, limit, loss, good: _cost(s < limit, t, loss, 1), r"`good`, not 1"),
        (lambda s, t, limit, loss, good: float(torch.where(s < limit, loss * t, good).mean()), r"1 − truth of repaying"),
        (lambda s, t, limit, loss, good: float(torch.where(s < limit, loss * t, 0.0).mean()), r"denying costs"),
        (lambda s, t, limit, loss, good: _cost(s < limit, t, loss, good) * len(s), r"not the sum"),
        (lambda s, t, limit, loss, good: _cost(s < limit, t, 5, good), r"it should be"),
        (lambda s, t, limit, loss, good: -_cost(s < limit, t, loss, good), r"it should be"),
    ],
    "10.3": [
        (lambda p, q, b, m: _growth(p, q, b, ~m), r"members first"),
        (_pair(lambda p, q, b, g: (q[g].mean() - p[g].mean()) / b.mean()), r"its own best decisions"),
        (_pair(lambda p, q, b, g: (q[g] / b[g]).mean() - (p[g] / b[g]).mean()), r"not a mean of ratios"),
        (_pair(lambda p, q, b, g: q[g].mean() / p[g].mean() - 1), r"against the best decision"),
        (_pair(lambda p, q, b, g: q[g].mean() - p[g].mean()), r"regret is relative"),
        (_pair(lambda p, q, b, g: q[g].mean() / b[g].mean() - 1), r"its growth is asked for"),
        (_pair(lambda p, q, b, g: (p[g].mean() - q[g].mean()) / b[g].mean()), r"not the reverse"),
        (
            lambda p, q, b, m: (
                float((q[m].mean() - p[m].mean()) / b[m].mean()), float((q.mean() - p.mean()) / b.mean())
            ),
            r"not for everybody",
        ),
        (lambda p, q, b, m: float((q.mean() - p.mean()) / b.mean()), r"2 things"),
        (_pair(lambda p, q, b, g: (q[g].mean() - p[g].mean()) / b[g].sum()), r"it should be"),
    ],
    "10.4": [
        (_step(clipped=lambda rows, clip: rows), r"nothing is clipped"),
        (_step(clipped=_clipped_mean), r"the mean is clipped"),
        (_step(clipped=lambda rows, clip: rows.clamp(-clip, clip)), r"each coordinate is clipped"),
        (_step(clipped=lambda rows, clip: rows * clip / rows.norm(dim=1, keepdim=True)), r"are lengthened"),
        (_step(clipped=lambda rows, clip: rows * (clip / rows.abs().sum(1, keepdim=True)).clamp(max=1)), r"L1 norm"),
        (_step(clipped=lambda rows, clip: rows * (rows.norm(dim=1, keepdim=True) <= clip)), r"left out"),
        (lambda g, clip, z, generator: len(g) * _step()(g, clip, z, generator), r"that is the sum"),
        (_step(noise=lambda clip, z, n: 0.0), r"no noise"),
        (_step(noise=lambda clip, z, n: z * clip), r"n times too much"),
        (_step(noise=lambda clip, z, n: z * clip / n**1.5), r"too little noise"),
        (_step(noise=lambda clip, z, n: z * clip / n**0.5), r"one draw for each applicant"),
        (_step(noise=lambda clip, z, n: z / n), r"clip is missing"),
        (_step(noise=lambda clip, z, n: (clip / n if z else 0.0)), r"multiplier is missing"),
        (_step(noise=lambda clip, z, n: 2 * z * clip / n), r"twice the noise"),
        (_step(draw=lambda shape, generator: torch.randn(shape, dtype=torch.float64)), r"generator that is given"),
        (_step(draw=_laplace), r"no Gaussian"),
        (_step(draw=_uniform), r"no Gaussian"),
        (_step(draw=_one_sided), r"0 on average"),
    ],
}  # fmt: skip

"""Planted wrong answers of notebook 05."""

import math

import torch


def _norms(updates, order=2, dim=1):
    return updates.norm(p=order, dim=dim, keepdim=True)


def _clip(updates, clip, order=2):
    return updates * (clip / _norms(updates, order).clamp(min=clip))


def _draw(total, generator, size=None):
    return torch.randn(size or total.shape, generator=generator, dtype=total.dtype)


def _sum(scale=lambda clip, multiplier, n: clip * multiplier, clipped=_clip, total=lambda kept: kept.sum(0)):
    """A noisy sum with one part of it exchanged."""

    def answer(updates, clip, multiplier, generator):
        kept = total(clipped(updates, clip))
        return kept + scale(clip, multiplier, len(updates)) * _draw(kept, generator)

    return answer


def _in_place(updates, clip):
    updates *= clip / _norms(updates).clamp(min=clip)
    return updates


def _one_draw(updates, clip, multiplier, generator):
    return _clip(updates, clip).sum(0) + multiplier * clip * _draw(updates, generator, (1,))


def _own_generator(updates, clip, multiplier, generator):
    return _clip(updates, clip).sum(0) + multiplier * clip * torch.randn(updates.shape[1], dtype=updates.dtype)


def _mean_with_noise(updates, clip, multiplier, generator):
    total = _clip(updates, clip).sum(0)
    return (total + multiplier * clip * _draw(total, generator)) / len(updates)


def _on_every_row(updates, clip, multiplier, generator):
    return (_clip(updates, clip) + multiplier * clip * _draw(updates, generator)).sum(0)


def _uniform(updates, clip, multiplier, generator):
    u = torch.rand(updates.shape[1], generator=generator, dtype=updates.dtype) - 0.5
    return _clip(updates, clip).sum(0) + multiplier * clip * math.sqrt(12) * u


def _laplace(updates, clip, multiplier, generator):
    u = torch.rand(updates.shape[1], generator=generator, dtype=updates.dtype) - 0.5
    noise = -u.sign() * torch.log1p(-2 * u.abs()) / math.sqrt(2)
    return _clip(updates, clip).sum(0) + multiplier * clip * noise


def _std(server, client, shares):
    """A deviation for each place, as a function of σC and N."""

    def answer(place, clients, clip, multiplier):
        return {"server": server, "client": client, "shares": shares}[place](multiplier * clip, clients)

    return answer


def _one(s, n):
    return s / n


def _each(s, n):
    return 2 * s / math.sqrt(n)


def _pair(length, n=lambda n: n, rows=(0,), left=0.0):
    """Two matrices: `rows` of one length (in clips) with the client, `left` of it without."""

    def answer(clients, clip):
        here = torch.zeros(n(clients), 2, dtype=torch.float64)
        here[list(rows), 0] = length(clients) * clip
        there = here * left
        return here, there

    return answer


WRONG = {
    "05.1": [
        (lambda u, c: u, r"nothing was clipped"),
        (lambda u, c: u.clamp(-c, c), r"each coordinate was clamped"),
        (lambda u, c: u * min(1.0, c / float(u.norm())), r"as a whole"),
        (lambda u, c: u / _norms(u).clamp(min=1e-12) * c, r"stretched"),
        (lambda u, c: u / _norms(u).clamp(min=1e-12), r"norm 1"),
        (lambda u, c: _clip(u, c, 1), r"L1 norm"),
        (lambda u, c: _clip(u, c, math.inf), r"largest entry"),
        (lambda u, c: u * (c / _norms(u, dim=0).clamp(min=c)), r"columns"),
        (lambda u, c: u * (_norms(u) <= c), r"dropped"),
        (lambda u, c: u * (c / _norms(u).square().clamp(min=c)).clamp(max=1), r"root"),
        (lambda u, c: u * (_norms(u) / c).clamp(max=1), r"turned round"),
        (lambda u, c: u / _norms(u) * _norms(u).clamp(max=c), r"NaN or infinity"),  # a row of zeros
        (lambda u, c: c / _norms(u).clamp(min=c), r"should have shape"),
        (lambda u, c: _clip(u, c).sum(0), r"should have shape"),
        (lambda u, c: _clip(u, 2 * c), r"keeps its direction and gets norm clip"),
        (lambda u, c: _clip(u, 1.0), r"keeps its direction and gets norm clip"),
        (lambda u, c: -_clip(u, c), r"keeps its direction and gets norm clip"),
        (_in_place, r"in place"),
    ],
    "05.2": [
        (_sum(lambda c, z, n: z), r"scaled by the sensitivity"),
        (_sum(lambda c, z, n: c), r"multiplier is missing"),
        (_sum(lambda c, z, n: c / z), r"multiply instead"),
        (_sum(lambda c, z, n: z / c), r"larger clip needs more"),
        (_sum(lambda c, z, n: 2 * c * z), r"replace-one"),
        (_sum(lambda c, z, n: c * z / math.sqrt(n)), r"divided by √N"),
        (_sum(lambda c, z, n: c * z / n), r"divided by the number of clients"),
        (_sum(lambda c, z, n: c * z * math.sqrt(n)), r"√N times too much"),
        (_sum(lambda c, z, n: (c * z) ** 2), r"noise_multiplier·clip is"),
        (_sum(lambda c, z, n: 0.0), r"is there noise"),
        (_sum(clipped=lambda u, c: u), r"not clipped"),
        (_sum(clipped=lambda u, c: _clip(u, c, 1)), r"L1 norm"),
        (_sum(clipped=lambda u, c: u / _norms(u) * c), r"stretched"),
        (_sum(clipped=lambda u, c: u.clamp(-c, c)), r"clamped"),
        (_sum(clipped=lambda u, c: _clip(u.sum(0, keepdim=True), c)), r"the sum was clipped"),
        (_sum(total=lambda kept: kept.mean(0)), r"averaged"),
        (_sum(total=lambda kept: kept.sum(1)), r"should have shape"),
        (_on_every_row, r"√N times too much"),
        (_mean_with_noise, r"divided by the number of clients"),
        (_one_draw, r"draw of its own"),
        (_own_generator, r"generator that is given"),
        (_uniform, r"not Gaussian"),
        (_laplace, r"not Gaussian"),
    ],
    "05.3": [
        (_std(_one, lambda s, n: s / math.sqrt(n), _one), r"client: .*factor of 2 is missing"),
        (_std(_one, lambda s, n: 2 * s / n, _one), r"client: .*√N as much"),
        (_std(_one, lambda s, n: 2 * s, _one), r"client: .*add in squares"),
        (_std(_one, _one, _one), r"client: .*that is the server's"),
        (_std(_one, lambda s, n: 2 * s * math.sqrt(n), _one), r"client: .*mean divides by N"),
        (_std(lambda s, n: s, _each, _one), r"server: .*mean divides by N"),
        (_std(lambda s, n: s / math.sqrt(n), _each, _one), r"server: .*with N, not with √N"),
        (_std(lambda s, n: 2 * s / n, _each, _one), r"server: .*add or remove"),
        (_std(_each, _each, _each), r"server: .*noised at the clients"),
        (_std(lambda s, n: (s / n) ** 2, _each, _one), r"server: .*variance"),
        (_std(_one, _each, lambda s, n: s / n**1.5), r"shares: .*N of them"),
        (_std(_one, _each, lambda s, n: s / math.sqrt(n)), r"shares: .*with N, not with √N"),
        (_std(_one, _each, lambda s, n: 2 * s / n), r"shares: .*add or remove"),
        (_std(lambda s, n: s / (n - 1), _each, _one), r"server: got .* expected"),
        (_std(_one, lambda s, n: 2 * s / math.sqrt(n - 1), _one), r"client: got .* expected"),
        (lambda place, clients, clip, multiplier: "2", r"should be a number"),
        (lambda place, clients, clip, multiplier: math.nan, r"expected"),
    ],
    "05.4": [
        (_pair(lambda n: 1.0), r"within what the noise covers"),  # one clip long: moves clip/N
        (_pair(lambda n: 0.0), r"differ in 0"),
        (_pair(lambda n: 0.4 * n), r"clip/2 = .* can be reached"),
        (_pair(lambda n: 10 * n, rows=(0, 1)), r"differ in 2"),
        (_pair(lambda n: 10 * n, left=0.5), r"must be zero"),
        (_pair(lambda n: 10 * n, n=lambda n: n - 1), r"needs \d+ rows"),
        (_pair(lambda n: 10 * n, n=lambda n: 2), r"needs \d+ rows"),
        (_pair(lambda n: math.inf), r"NaN or infinity"),
        (lambda n, c: torch.zeros(n, 2), r"should be 2 things"),
        (lambda n, c: (torch.full((n, 2), 10 * n * c), torch.zeros(n, 2)), r"differ in"),
        (lambda n, c: (torch.zeros(n), torch.zeros(n)), r"should have shape"),
        (lambda n, c: (torch.ones(n, 2), torch.zeros(n, 3)), r"same shape"),
        (lambda n, c: (torch.ones(n, 2), torch.ones(n - 1, 2)), r"same shape"),  # the row is taken out, not emptied
    ],
}

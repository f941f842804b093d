"""Planted wrong answers of notebook 19."""

import math
import re


def _sum(isbn, weights=range(10, 0, -1), x=10):
    return sum(w * (x if c == "X" else int(c)) for w, c in zip(weights, isbn, strict=False))


def _month(identifier, form=r"(\d\d)(\d\d)\.(\d{4,5})", months=12, lengths=True, first=(2007, 4)):
    found = re.fullmatch(form, identifier)
    if not found:
        return None
    year, month = 2000 + int(found[1]), int(found[2])
    if not 1 <= month <= months or (year, month) < first:
        return None
    if lengths and len(found[3]) != 4 + (year >= 2015):
        return None
    return year, month


def _changed(change):
    return lambda identifier: (lambda found: found and change(*found))(_month(identifier))


WRONG = {
    "19.1": [
        (lambda isbn: True, r"one wrong digit"),
        (lambda isbn: False, r"is valid"),
        (lambda isbn: _sum(isbn, x=0) % 11 == 0, r"last X counts 10"),
        (lambda isbn: _sum(isbn, [1] * 10) % 11 == 0, r"is valid|exchanged|one wrong"),
        (lambda isbn: _sum(isbn) % 10 == 0, r"is valid|one wrong"),
        (lambda isbn: _sum(isbn, range(10, 1, -1)) % 11 == 0, r"is valid|one wrong"),
        (lambda isbn: _sum(isbn, [1, 3] * 5) % 10 == 0, r"is valid|one wrong"),
        (lambda isbn: _sum(isbn) % 11, r"True or False|is valid"),
        (lambda isbn: len(isbn) == 10, r"one wrong digit"),
    ],
    "19.2": [
        (_changed(lambda year, month: (month, year)), r"year comes first"),
        (_changed(lambda year, month: (year - 2000, month)), r"four digits"),
        (lambda identifier: _month(identifier, lengths=False), r"not well formed"),
        (lambda identifier: _month(identifier, months=99), r"not well formed"),
        (lambda identifier: _month(identifier, first=(2000, 1)), r"not well formed"),
        (lambda identifier: _month(identifier, form=r"(\d\d)(\d\d)\.?(\d{4,5})"), r"not well formed"),
        (lambda identifier: _month(identifier[:10]), r"not well formed"),
        (_changed(lambda year, month: (year, month - 1)), r"is of"),
        (_changed(lambda year, month: year), r"2 things"),
        (lambda identifier: _month(identifier) if len(identifier) == 10 else None, r"is well formed"),
    ],
    "19.3": [
        (lambda std, clip, clients, rate: std / clip, r"noise of the mean"),
        (lambda std, clip, clients, rate: std * clients / clip, r"by qN"),
        (lambda std, clip, clients, rate: std * rate * clients, r"divide by the clip"),
        (lambda std, clip, clients, rate: (std / clip) ** 2, r"not a variance"),
        (lambda std, clip, clients, rate: std * rate * clients / clip**2, r"once"),
        (lambda std, clip, clients, rate: std * rate * clients / (2 * clip), r"it should be"),  # replace-one
        (lambda std, clip, clients, rate: std * clients / (rate * clip), r"it should be"),
        (lambda std, clip, clients, rate: clip / (std * rate * clients), r"it should be"),
    ],
    "19.4": [
        (lambda e, d: (e, d), r"two steps"),
        (lambda e, d: (2 * e, d), r"δ grows"),
        (lambda e, d: (2 * e, 2 * d), r"multiplied by exp"),
        (lambda e, d: (2 * e, math.exp(e) * d), r"a δ of its own"),
        (lambda e, d: (2 * e, (1 + math.exp(2 * e)) * d), r"one step only"),
        (lambda e, d: (e / 2, d), r"other way round"),
        (lambda e, d: (math.sqrt(2) * e, d), r"should be"),
        (lambda e, d: (2 * e, 0.0), r"should be"),
        (lambda e, d: 2 * e, r"2 things"),
    ],
}

"""Planted wrong answers of notebook 06."""

import math

import torch


def _weighted(power):
    return lambda reports, epsilons: float((epsilons**power * reports).sum() / (epsilons**power).sum())


def _people(cost):
    return lambda spent, people: max(float(cost(spent[person])) for person in people)


WRONG = {
    "06.1": [
        (lambda f, g, b: float((f - g).norm()) / b, r"L2 distance"),
        (lambda f, g, b: float((f - g).square().sum()) / b, r"squared distances"),
        (lambda f, g, b: float((f - g).abs().max()) / b, r"largest coordinate alone"),
        (lambda f, g, b: float((f - g).abs().mean()) / b, r"mean over the coordinates"),
        (lambda f, g, b: float((f - g).abs().sum()) * b, r"multiplied by b"),
        (lambda f, g, b: float((f - g).abs().sum()), r"scale is missing"),
        (lambda f, g, b: 2 * float((f - g).abs().sum()) / b, r"twice too much"),
        (lambda f, g, b: float((f - g).abs().sum()) / b / 2, r"half of it"),
        (lambda f, g, b: abs(float((f - g).sum())) / b, r"opposite sign cancel"),
        (lambda f, g, b: float((f - g).sum()) / b, r"opposite sign cancel"),
        (lambda f, g, b: math.exp(float((f - g).abs().sum()) / b), r"that is the ratio"),
        (lambda f, g, b: -float((f - g).abs().sum()) / b, r"not negative"),
        (lambda f, g, b: float((f - g).abs().sum()) / b / 2**0.5, r"it should be"),
        (lambda f, g, b: float((f.abs() - g.abs()).abs().sum()) / b, r"it should be"),
        (lambda f, g, b: (f - g).abs() / b, r"should be a number"),
    ],
    "06.2": [
        (lambda reports, epsilons: float(reports.mean()), r"plain mean"),
        (_weighted(1), r"weights ∝ ε:"),
        (_weighted(4), r"weights ∝ ε⁴"),
        (_weighted(0.5), r"weights ∝ √ε"),
        (_weighted(-1), r"noisiest report has the largest weight"),
        (_weighted(-2), r"noisiest report has the largest weight"),
        (lambda reports, epsilons: float(reports[epsilons.argmax()]), r"best report alone"),
        (lambda reports, epsilons: float(reports[epsilons.argmin()]), r"noisiest report alone"),
        (lambda reports, epsilons: float((reports * epsilons**2).sum()), r"add up to 1"),
        (lambda reports, epsilons: float((reports * epsilons**2).mean()), r"add up to 1"),
        (lambda reports, epsilons: float(reports.sum()), r"sum of the reports"),
        (lambda reports, epsilons: float(reports.quantile(0.5)), r"median|plain mean"),
        (_weighted(3), r"it should be"),
        (lambda reports, epsilons: float((epsilons.exp() * reports).sum() / epsilons.exp().sum()), r"it should be"),
        (lambda reports, epsilons: epsilons**2 / (epsilons**2).sum() * reports, r"should be a number"),
    ],
    "06.3": [
        (lambda spent, people: float(spent.sum()), r"sum over everybody"),
        (lambda spent, people: float(spent.sum(1).max()), r"worst participant"),
        (lambda spent, people: float(spent.max(0).values.sum()), r"mixes participants"),
        (lambda spent, people: float(spent.sum(0).max()), r"dearest round"),
        (lambda spent, people: float(spent.max()), r"dearest single report"),
        (_people(lambda rows: rows.sum(1).max()), r"sum over them|pays at both"),
        (_people(lambda rows: rows.sum(1).mean()), r"not the mean"),
        (_people(lambda rows: rows[:2].sum()), r"all of a person's participants"),
        (_people(lambda rows: rows.max(0).values.sum()), r"at every participant|mixes participants"),
        (_people(lambda rows: rows.square().sum().sqrt()), r"not their squares"),
        (_people(lambda rows: rows.max()), r"dearest single report|it should be"),
        (_people(lambda rows: rows[:, 1:].sum()), r"it should be"),
        (lambda spent, people: sum(float(spent[p].sum()) for p in people), r"sum over the people"),
        (lambda spent, people: min(float(spent[p].sum()) for p in people), r"best-off person"),
        (lambda spent, people: torch.stack([spent[p].sum() for p in people]), r"should be a number"),
    ],
}  # fmt: skip

"""Planted wrong answers of notebook 09."""

import math

import torch


def _above(group, level, risk, sick):
    return float((risk[sick] > torch.quantile(risk[group], level)).double().mean())


def _first(alone, shared, budgets, joins):
    return next((b for b in budgets if joins(shared(b))), None)


def _implied(patient_hospital, hospital_patient, same=lambda e, g: e):
    """An answer to 09.3 by its three parts, each a function of ε and the size."""
    rules = {("patient", "hospital"): patient_hospital, ("hospital", "patient"): hospital_patient}
    return lambda promise, given, asked, size: rules.get((given, asked), same)(promise, size)


def _group(e, g):
    return g * e


def _twice(e, g):
    return 2 * e


WRONG = {
    "09.1": [
        (lambda risk, sick, s: _above(torch.ones_like(sick), s, risk, sick), r"quantile of everybody"),
        (lambda risk, sick, s: _above(sick, s, risk, sick), r"quantile of the sick"),
        (lambda risk, sick, s: _above(~sick, 1 - s, risk, sick), r"only 1 − specificity of the healthy"),
        (lambda risk, sick, s: 1 - _above(~sick, s, risk, sick), r"who are missed"),
        (lambda risk, sick, s: float((risk[sick] > 0).double().mean()), r"at a risk of one half"),
        (lambda risk, sick, s: _above(~sick, 0.95, risk, sick), r"0\.95, whatever"),
        (
            lambda risk, sick, s: float(((risk > torch.quantile(risk[~sick], s)) & sick).double().mean()),
            r"share of all people",
        ),
        (lambda risk, sick, s: float(sick[risk > torch.quantile(risk[~sick], s)].double().mean()), r"among those above"),
        (lambda risk, sick, s: int((risk[sick] > torch.quantile(risk[~sick], s)).sum()), r"number of people"),
        (lambda risk, sick, s: s, r"at specificity .* it is"),
        (lambda risk, sick, s: 1.0, r"at specificity .* it is"),
    ],
    "09.2": [
        (lambda n, z, c: z * c / sum(n), r"one draw for all"),
        (lambda n, z, c: z * c * len(n) / sum(n), r"deviations do not add"),
        (lambda n, z, c: z * c * math.sqrt(sum(1 / k**2 for k in n)) / len(n), r"plain mean"),
        (lambda n, z, c: z * c * math.sqrt(len(n)), r"noise of the sum"),
        (lambda n, z, c: z * c / math.sqrt(len(n)), r"number of patients, not of hospitals"),
        (lambda n, z, c: z * math.sqrt(len(n)) / sum(n), r"clip is missing"),
        (lambda n, z, c: (z * c) ** 2 * len(n) / sum(n) ** 2, r"variance"),
        (lambda n, z, c: -z * c * math.sqrt(len(n)) / sum(n), r"not negative"),
        (lambda n, z, c: 2 * z * c * math.sqrt(len(n)) / sum(n), r"for sizes .* it is"),
        (lambda n, z, c: z * c * math.sqrt(12) / sum(n), r"for sizes .* it is"),
    ],
    "09.3": [
        (lambda promise, given, asked, size: promise, r"up to \d+ patients, each of whom"),
        (_implied(_twice, _twice), r"up to \d+ patients, each of whom"),
        (_implied(_group, lambda e, g: e), r"\*changes\* the hospital's data"),
        (_implied(_group, lambda e, g: e / g), r"not divided among its patients"),
        (_implied(_group, _group), r"one patient who changes here"),
        (_implied(lambda e, g: 2 * g * e, _twice), r"added or removed, not replaced"),
        (_implied(lambda e, g: e / g, _twice), r"less than one patient, not more"),
        (_implied(lambda e, g: math.sqrt(g) * e, _twice), r"not as a root"),
        (_implied(lambda e, g: g + e, _twice), r"a product, not a sum"),
        (_implied(_group, _twice, _twice), r"is the promise itself"),
        (_implied(lambda e, g: 110 * e, _twice), r"implies"),
    ],
    "09.4": [
        (lambda a, f, b: _first(a, f, b, lambda loss: loss < a.median()), r"best one does not"),
        (lambda a, f, b: _first(a, f, b, lambda loss: loss < a.mean()), r"best one does not"),
        (lambda a, f, b: _first(a, f, b, lambda loss: loss < a.max()), r"best one does not"),
        (lambda a, f, b: _first(a, f, b, lambda loss: loss <= a.min()), r"strictly better"),
        (lambda a, f, b: next((e for e in b if f(e) < a.min()), b[-1]), r"return None"),
        (lambda a, f, b: next((e for e in b if f(e) < a.min()), math.inf), r"return None"),
        (lambda a, f, b: next((e for e in reversed(b) if f(e) < a.min()), None), r"already at a smaller budget"),
        (lambda a, f, b: next((k for k, e in enumerate(b) if f(e) < a.min()), None), r"place in the list"),
        (lambda a, f, b: next((f(e) for e in b if f(e) < a.min()), None), r"smallest of the budgets"),
        (lambda a, f, b: next((e for e in b if f(e) > a.min()), None), r"smallest of the budgets|best one does not"),
    ],
}

"""What an attacker on a split model is given: messages, and patients whom it knows."""

from .. import checks


def scaled(features, known):
    """Columns centred and scaled by the known patients' mean and deviation."""
    mine = features[known]
    return (features - mine.mean(0)) / mine.std(0).clamp(min=1e-9)


def messages(name, value):
    value = checks.finite(name, checks.tensor(name, value, ("steps", "n", "cut"), "double"))
    if not value.numel():
        raise ValueError(f"{name} must have a step, a patient and an activation at least, got shape {tuple(value.shape)}")
    return value


def known_places(known, count, name="known"):
    known = checks.tensor(name, known, ("m",), "whole")
    if not len(known) or known.min() < 0 or known.max() >= count or len(known.unique()) < len(known):
        got = f"{len(known)} from {int(known.min())} to {int(known.max())}" if len(known) else "none"
        raise ValueError(f"{name} must be indices of patients, 0 … {count - 1}, one at least and each once; got {got}")
    return known

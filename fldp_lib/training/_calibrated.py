"""The mechanism with the least noise for a plan: what `Plan.calibrated` puts in."""

from dataclasses import replace

from .. import checks
from ..privacy import accounting, adaptive, correlated, integers, mechanisms, participation

TAILORED = (
    adaptive.AdaptiveGaussian,
    correlated.Correlated,
    integers.Skellam,
)  # Gaussians with terms of their own, which they keep


def mechanism(plan, epsilon, kind=None, **terms):
    """Return the mechanism that keeps all rounds of a plan within (ε, δ); arguments as in `Plan.calibrated`.

    Args:
        plan: a `Plan`, whose own mechanism, if any, says what is not given.
        epsilon: total ε.
        kind: "gaussian", "laplace" or None.
        terms: clip, at and unit, None for the plan's.
    """
    mine = plan.mechanism
    clip, at, unit = (
        getattr(mine, name, other) if terms[name] is None else terms[name]
        for name, other in (("clip", 1.0), ("at", "server"), ("unit", "client"))
    )
    kept = "laplace" if isinstance(mine, mechanisms.Laplace) else "gaussian"
    kind = kept if kind is None else checks.one_of("mechanism", kind, ("gaussian", "laplace"))
    tailored = isinstance(mine, TAILORED) and kind == "gaussian"
    per_record = checks.one_of("unit", unit, mechanisms.UNITS) == "record"
    turns = 1 if tailored and plan.correlated else participation.turns(plan.rounds, plan.groups)
    rate = plan.batch_rate if per_record else 1.0 if plan.sampler == "cyclic" else plan.sampling_rate
    built = accounting.calibrate(
        kind, epsilon, plan.delta, turns * (plan.local.steps if per_record else 1), rate, clip, at, unit
    )
    if not tailored:
        return built
    if plan.correlated and (built.at, built.unit) != (mine.at, mine.unit):
        raise ValueError(f"at must be 'server' and unit 'client' for correlated noise, got {built.at!r} and {built.unit!r}")
    if isinstance(mine, integers.Skellam) and (built.at, built.unit) != ("shares", "client"):
        raise ValueError(f"at must be 'shares' and unit 'client' for Skellam noise, got {built.at!r} and {built.unit!r}")
    return replace(mine, noise_multiplier=built.noise_multiplier, clip=built.clip)

"""auditing: lower bounds that hold as often as they say, come close to the truth, and catch planted faults."""

import functools
import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import accounting, mechanisms
from fldp_lib.adversary import auditing, faults
from fldp_lib.privacy import adaptive

DELTA = 1e-5


def built(kind, epsilon):
    if kind == "response":
        return mechanisms.RandomisedResponse(epsilon, categories=2), 0.0
    if kind == "adaptive clip":
        z = accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA, rounds=1, clip=0.7).noise_multiplier
        return adaptive.AdaptiveGaussian(z, clip=0.7, count_noise=z), DELTA  # a count so exact that it costs a quarter
    name, place = kind.split(" at ")
    unit = "record" if place == "record" else "client"
    place = "client" if unit == "record" else place
    delta = 0.0 if name == "laplace" else DELTA
    return accounting.calibrate(name, epsilon=epsilon, delta=delta, rounds=1, clip=0.7, at=place, unit=unit), delta


KINDS = [f"{n} at {p}" for n in ("laplace", "gaussian") for p in ("server", "client", "shares", "record")]
KINDS += ["response", "adaptive clip"]


def audited(mechanism, delta, runs, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = [auditing.canary_scores(mechanism, runs, present, generator) for present in (False, True)]
    return auditing.repeated(*scores, delta=delta)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_a_true_claim_is_refuted_no_oftener_than_the_level_allows(kind, epsilon):
    """200 audits at 95%: at most 18 above the claim; more would happen by chance with probability below 0.01, and the
    bound is far from tight, so that hardly any is."""
    mechanism, delta = built(kind, epsilon)
    assert sum(audited(mechanism, delta, 400, seed).lower > epsilon for seed in range(200)) <= 18


@pytest.mark.parametrize("kind", ["laplace at server", "gaussian at server"])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_an_audit_finds_half_of_epsilon_at_least(kind, epsilon):
    mechanism, delta = built(kind, epsilon)
    found = [audited(mechanism, delta, 1_000_000, seed).lower for seed in range(3)]
    assert min(found) >= 0.5 * epsilon
    assert max(found) <= epsilon


def test_sum_and_count_of_an_adaptive_clip_tell_what_one_gaussian_of_its_multiplier_tells():
    """The score's two means lie 1/z deviations apart, within 5 standard errors of 200,000 runs (false alarm 6e-7); the sum
    alone, whose noise is larger, would tell less."""
    plan, generator = adaptive.AdaptiveGaussian(2.0, clip=3.0, count_noise=1.5), torch.Generator().manual_seed(0)
    without, present = (auditing.canary_scores(plan, 200_000, there, generator) for there in (False, True))
    apart = (present.mean() - without.mean()) / without.std()
    assert abs(apart - 1 / plan.noise_multiplier) < 5 * (2 / 200_000) ** 0.5
    assert apart > 1 / plan.sum_multiplier + 5 * (2 / 200_000) ** 0.5


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.__name__)
def test_every_planted_fault_is_caught(fault, epsilon):
    generator = torch.Generator().manual_seed(1)
    without, present = (fault(epsilon, there, 20_000, generator).numpy() for there in (False, True))
    assert auditing.repeated(without, present).lower > epsilon


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_the_honest_release_is_not_accused(epsilon):
    generator = torch.Generator().manual_seed(1)
    without, present = (faults.honest(epsilon, there, 200_000, generator).numpy() for there in (False, True))
    assert 0.5 * epsilon < auditing.repeated(without, present).lower <= epsilon


@pytest.mark.parametrize("fault", [faults.honest, *faults.FAULTS, faults.rounded_clip], ids=lambda fault: fault.__name__)
def test_the_planted_pair_tells_what_it_says(fault):
    """Where the canary shifts Laplace noise, its ε is the shift over the scale: both are read off the program itself, the
    scale as the mean of 200,000 distances from the median (5 standard errors, false alarm 6e-7). Where ε is infinite, one
    world gives scores that the other never does."""
    for epsilon in (0.5, 2.0):
        generator = torch.Generator().manual_seed(3)
        without, present = (fault(epsilon, there, 200_000, generator) for there in (False, True))
        assert fault.true(epsilon) >= fault.pair(epsilon)
        if math.isinf(fault.pair(epsilon)):
            never = ~torch.isin(present, without) if fault is not faults.loss_printed else present > without.max()
            assert never.double().mean() > 0.4 and set(without.tolist()).isdisjoint(present[never].tolist())
            continue
        shift = abs(float(fault(1e12, True, 1, generator)) - float(fault(1e12, False, 1, generator)))
        scale = float((without - without.median()).abs().mean())
        assert shift / scale == pytest.approx(fault.pair(epsilon), rel=5 / 200_000**0.5)


C, M = 4.0, 20  # the bound, and how many others there are
ONES = np.eye(7, dtype=int)  # one client, who sends one of seven values


def _total(clipped):
    return lambda counts, values: counts @ clipped(values)


def _clipped(values):
    return values.clip(-C, C)


def _of_cohort(counts, values):
    return ((values - (counts @ values / counts.sum(-1))[..., None]).clip(-C, C) * counts).sum(-1)


def _replaced(release, counts, values):
    """The largest difference that one client's other value makes: every value against every other."""
    there = np.stack([release(counts + one, values) for one in ONES])
    return np.ptp(there, axis=0).max()


def _added(release, counts, values):
    """The largest difference that one more client makes, whichever value it sends."""
    return max(np.abs(release(counts + one, values) - release(counts, values)).max() for one in ONES)


ANY = {  # release without noise, of how many send each value; the worst of its neighbours; others' and canary's value
    faults.honest: (_total(_clipped), _added, 0, C),
    faults.wrong_scale: (_total(_clipped), _added, 0, C),
    faults.halved_noise: (_total(_clipped), _added, 0, C),
    faults.no_clipping: (_total(lambda v: v), _added, 0, 5 * C),
    faults.mean_clipped: (lambda k, v: (k @ v / k.sum(-1)).clip(-C, C), _added, -C, 1e6),
    faults.unbounded_weight: (_total(lambda v: _clipped(v) * np.abs(v / C)), _added, 0, 50 * C),  # v: its length, C a record
    faults.wrong_sampler: (_total(_clipped), _added, 0, C),
    faults.cohort_divided: (lambda k, v: k @ _clipped(v) / k.sum(-1), _added, -C, C),
    faults.wrong_neighbours: (_total(_clipped), _replaced, 0, C),
    faults.cohort_centred: (_of_cohort, _added, None, 1e6),
    faults.rounded_clip: (_total(lambda v: v.clip(-C * (1 + 2.0**-23), C * (1 + 2.0**-23))), _added, 0, 2 * C),
}


@functools.cache
def every_dealing(clients, values):
    """How many of `clients` send each of `values` values, in every way: (ways, values)."""
    bars = np.array(list(combinations(range(clients + values - 1), values - 1)))
    ends = np.ones((len(bars), 1), int)
    return np.diff(np.hstack([-ends, bars, ends * (clients + values - 1)])) - 1


@pytest.mark.parametrize("fault", ANY, ids=lambda fault: fault.__name__)
def test_a_fault_keeps_the_epsilon_that_it_says_over_all_neighbours(fault):
    """Brute force over the extreme neighbours: 20 clients who send 0, ±C, or lengths far beyond it in every mixture, and a
    21st who sends any of these. The largest shift stands to that of the planted pair as `true` stands to `pair`. Where
    `true` is infinite, it grows a thousandfold with the lengths allowed; everywhere else not at all."""
    release, worst, others, canary = ANY[fault]
    played = [float(fault(1e12, there, 1, torch.Generator().manual_seed(0))) for there in (False, True)]
    if others is not None:  # and the release written here is the program's, on the data that it plays
        for there, score in enumerate(played):
            values = np.array([others, canary if there else others], float)
            values = np.array([-C, C]) if fault is faults.wrong_neighbours else values
            counts = np.array([1 - there, there] if fault is faults.wrong_neighbours else [M, there])
            assert release(counts, values) == pytest.approx(score, abs=1e-9)
    else:
        for there, score in enumerate(played):
            assert release(np.array([1, M - 1, there]), np.array([-1e3, 0, canary])) == pytest.approx(score, abs=1e-9)
    found = []
    for far in (1e6, 1e9):
        values = np.array([-far, -1e3, -C, 0.0, C, 1e3, far])
        found.append(worst(release, every_dealing(M, len(values)), values))
    if math.isinf(fault.true(1.0)):
        assert found[1] == pytest.approx(1_000 * found[0]) and fault.pair(1.0) < math.inf
        return
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    for epsilon in (0.5, 1.0, 4.0):
        assert found[0] / abs(played[1] - played[0]) == pytest.approx(fault.true(epsilon) / fault.pair(epsilon), rel=1e-9)


def test_every_fault_of_finite_pair_is_searched():
    assert set(ANY) == {f for f in (faults.honest, *faults.FAULTS, faults.rounded_clip) if f.pair(1.0) < math.inf}


def test_no_audit_proves_more_than_the_epsilon_of_the_planted_pair():
    """At 95% confidence, 11 pairs of finite ε at three claims: more than 6 of 33 above would be chance below 0.001."""
    above = 0
    for fault in ANY:
        for epsilon in (0.1, 0.5, 1.0):
            generator = torch.Generator().manual_seed(5)
            scores = (fault(epsilon, there, 20_000, generator).numpy() for there in (False, True))
            above += auditing.repeated(*scores).lower > fault.pair(epsilon)
    assert len(ANY) == 11 and above <= stats.binom.ppf(0.999, 33, 0.05)


def test_every_pitfall_has_a_fault_and_all_but_rounding_are_caught():
    """Each at a claim of 1 by 20,000 runs; the last, ε·(1 + 2⁻²³), lies within what any number of runs can tell apart."""
    assert len(faults.PITFALLS) == 12 and len({pitfall.name for pitfall in faults.PITFALLS}) == 12
    planted = {fault for pitfall in faults.PITFALLS for fault in pitfall.faults}
    assert {faults.noise_dropped} == set(faults.FAULTS) - planted  # the article's own
    assert planted - set(faults.FAULTS) == {faults.rounded_clip}
    generator = torch.Generator().manual_seed(1)
    without, present = (faults.rounded_clip(1.0, there, 20_000, generator).numpy() for there in (False, True))
    assert auditing.repeated(without, present).lower <= 1.0 < faults.rounded_clip.true(1.0) < 1 + 1e-6


def test_the_bounds_on_the_rates_are_clopper_and_pearson_s():
    rng = np.random.default_rng(0)
    without, present = rng.normal(size=400), rng.normal(1, 1, 300)
    audit = auditing.repeated(without, present)
    false, true = (without[1::2] > audit.threshold).sum(), (present[1::2] > audit.threshold).sum()
    assert not audit.flipped
    high = stats.binomtest(int(false), 200).proportion_ci(0.95, method="exact").high  # two-sided 95%: 2.5% on each side
    low = stats.binomtest(int(true), 150).proportion_ci(0.95, method="exact").low
    assert audit.fpr == pytest.approx(high) and audit.tpr == pytest.approx(low)
    assert audit.lower == pytest.approx(max(math.log(low / high), math.log((1 - high) / (1 - low)), 0))


@given(shift=st.floats(-3, 3), seed=st.integers(0, 100))
def test_turning_the_scores_round_changes_nothing(shift, seed):
    rng = np.random.default_rng(seed)
    without, present = rng.normal(size=200), rng.normal(shift, 1, 200)
    one, two = auditing.repeated(without, present), auditing.repeated(-without, -present)
    assert one.lower == pytest.approx(two.lower, abs=0.2)  # the order of the candidate thresholds is turned round, too


@given(seed=st.integers(0, 100))
def test_equal_samples_prove_nothing_and_disjoint_ones_much(seed):
    rng = np.random.default_rng(seed)
    same = rng.normal(size=500)
    assert auditing.repeated(same, same).lower < 0.5
    found = auditing.repeated(np.zeros(500), np.ones(500))
    assert found.lower == pytest.approx(math.log(0.025 ** (1 / 250) / (1 - 0.025 ** (1 / 250))))


def test_delta_makes_the_bound_smaller():
    rng = np.random.default_rng(3)
    without, present = rng.laplace(size=4_000), rng.laplace(2, 1, 4_000)
    bounds = [auditing.repeated(without, present, delta).lower for delta in (0.0, 0.05, 0.4)]
    assert bounds[0] > bounds[1] > bounds[2]


# One run ---------------------------------------------------------------------------------------------------------------


@given(guesses=st.integers(1, 400), share=st.floats(0, 1))
def test_without_delta_one_run_is_the_binomial_bound(guesses, share):
    correct = round(share * guesses)
    low = stats.binomtest(correct, guesses).proportion_ci(0.9, method="exact").low  # one-sided 95%
    expected = max(0.0, math.log(low / (1 - low))) if low > 0 else 0.0
    assert auditing.one_run(correct, guesses, guesses) == pytest.approx(expected, abs=1e-6)


@given(guesses=st.integers(5, 200), share=st.floats(0.5, 1), epsilon=st.floats(0, 3), delta=st.floats(0, 1e-3))
def test_p_values_grow_with_what_is_allowed(guesses, share, epsilon, delta):
    correct = round(share * guesses)
    p = auditing.p_value(correct, guesses, 2 * guesses, epsilon, delta)
    assert 0 <= p <= 1
    assert p <= auditing.p_value(correct, guesses, 2 * guesses, epsilon + 0.3, delta) + 1e-12
    assert p <= auditing.p_value(correct, guesses, 2 * guesses, epsilon, delta + 1e-4) + 1e-12
    assert p >= auditing.p_value(correct, guesses, 2 * guesses, epsilon) - 1e-12


def test_the_delta_term_is_the_published_one():
    """The published loop, written out: α is the largest mean of the probabilities of falling short by 1 … i."""
    correct, guesses, canaries, epsilon, delta = 70, 90, 120, 0.8, 1e-4
    q = 1 / (1 + math.exp(-epsilon))
    alpha, total = 0.0, 0.0
    for i in range(1, correct + 1):
        total += stats.binom.pmf(correct - i, guesses, q)
        alpha = max(alpha, total / i)
    expected = stats.binom.sf(correct - 1, guesses, q) + 2 * canaries * delta * alpha
    assert auditing.p_value(correct, guesses, canaries, epsilon, delta) == pytest.approx(expected)


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_one_run_holds_and_is_close(epsilon):
    """300 runs of randomised response on 500 canaries: above ε at most 30 times (false alarm below 1e-3), and half of ε on
    average."""
    rng = np.random.default_rng(0)
    correct = rng.binomial(500, 1 / (1 + math.exp(-epsilon)), 300)
    counts, place = np.unique(correct, return_inverse=True)
    bounds = np.array([auditing.one_run(int(c), 500, 500) for c in counts])[place]
    assert (bounds > epsilon).sum() <= 30 and bounds.mean() > 0.5 * epsilon


# Floating point --------------------------------------------------------------------------------------------------------


@given(scale=st.floats(0.2, 5), centre=st.integers(0, 100), seed=st.integers(0, 1_000))
def test_what_was_drawn_is_never_called_impossible(scale, centre, seed):
    outputs = auditing.naive_laplace(float(centre), scale, 500, seed)
    assert auditing.reachable(outputs, float(centre), scale, window=64).all()


def test_many_outputs_of_a_neighbour_are_impossible():
    outputs = auditing.naive_laplace(1.0, 1.0, 5_000, seed=1)
    assert auditing.reachable(outputs, 1.0, 1.0, window=64).all()
    assert auditing.reachable(outputs, 0.0, 1.0, window=64).mean() < 0.8


def test_the_naive_sampler_has_the_right_law():
    """Kolmogorov–Smirnov on 20,000 draws; false alarm 1e-6."""
    outputs = auditing.naive_laplace(2.0, 1.5, 20_000, seed=0)
    assert stats.kstest(outputs, stats.laplace(2, 1.5).cdf).pvalue > 1e-6


def test_an_exact_sampler_gives_the_attack_nothing():
    """OpenDP's Laplace at ε = 1: verdicts that the floating-point attack calls certain are right no oftener than ε allows
    any attacker, 0.731 (4,000 draws, 5 standard errors, false alarm below 1e-6); on the naive sampler they always are."""
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    noise = dp.m.make_laplace(dp.atom_domain(T=float, nan=False), dp.absolute_distance(T=float), scale=1.0)
    right = wrong = 0
    for centre in (0.0, 1.0):
        outputs = np.array([noise(centre) for _ in range(2_000)])
        own, other = (auditing.reachable(outputs, c, 1.0) for c in (centre, 1 - centre))
        right, wrong = right + int((own & ~other).sum()), wrong + int((other & ~own).sum())
    assert right + wrong > 200
    count = right + wrong
    assert right / count < accounting.best_guess(1.0) + 5 / (2 * math.sqrt(count))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: auditing.repeated(np.zeros(5), np.zeros(50)), "without must be"),
        (lambda: auditing.repeated(np.zeros(50), np.full(50, math.nan)), "present must be"),
        (lambda: auditing.repeated(np.zeros(50), np.zeros(50), delta=1.0), "delta"),
        (lambda: auditing.repeated(np.zeros(50), np.zeros(50), confidence=1.0), "confidence"),
        (lambda: auditing.one_run(5, 4, 10), "correct"),
        (lambda: auditing.one_run(5, 11, 10), "guesses"),
        (lambda: auditing.one_run(0, 0, 10), "guesses"),
        (lambda: auditing.canary_scores(mechanisms.Laplace(1.0, 1.0), 0, True, None), "runs"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

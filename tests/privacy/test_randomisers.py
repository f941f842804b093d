"""Local reports: ε by enumerating every report, errors against their formulas, the geometry behind projection."""

import itertools
import math

import pytest
import torch
from conftest import counts_follow, generator, refuses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.privacy import randomisers
from fldp_lib.privacy.randomisers import ALL, Projection, RandomisedResponse, SubsetSelection, UnaryEncoding

SMALL = [(kind, k, epsilon) for kind in ALL for k in (2, 3, 5, 7) for epsilon in (0.1, 1.0, 3.0)]


def supports(report, number):
    """Which categories the report of this number supports (k,), from the protocols' words."""
    k = report.categories
    if isinstance(report, RandomisedResponse):
        return [number == v for v in range(k)]
    if isinstance(report, UnaryEncoding):
        return [bool(number >> v & 1) for v in range(k)]
    if isinstance(report, SubsetSelection):
        chosen = list(itertools.combinations(range(k), report.size))[number]
        return [v in chosen for v in range(k)]
    point, q = report.vectors([number])[0], report.prime
    return [int(point @ vector) % q == 0 for vector in report.vectors(range(k))]


@pytest.mark.parametrize(("kind", "k", "epsilon"), SMALL)
def test_epsilon_is_exact_over_all_reports(kind, k, epsilon):
    laws = torch.stack([ALL[kind](epsilon, k).law(value) for value in range(k)])
    assert torch.allclose(laws.sum(1), torch.ones(k, dtype=torch.float64), atol=1e-12)
    assert (laws[:, None] / laws[None]).max().log().item() == pytest.approx(epsilon, rel=1e-9)


@pytest.mark.parametrize(("kind", "k", "epsilon"), SMALL)
def test_kept_and_other_are_those_of_the_law(kind, k, epsilon):
    report = ALL[kind](epsilon, k)
    law = report.law(1)
    fits = torch.tensor([supports(report, number) for number in range(len(law))]).double()
    chances = law @ fits
    assert chances[1].item() == pytest.approx(report.kept, rel=1e-9)
    others = torch.cat([chances[:1], chances[2:]])
    assert torch.allclose(others, torch.full_like(others, report.other), rtol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_reports_follow_their_law(kind):
    """Chi-squared at 1e-6, 40,000 reports of one truth."""
    report = ALL[kind](1.0, 5)
    drawn = report.randomise(torch.full((40_000,), 2), generator(3))
    if kind == "OUE":
        drawn = drawn.long() @ 2 ** torch.arange(5)
    elif kind == "subset selection":
        index = {chosen: number for number, chosen in enumerate(itertools.combinations(range(5), report.size))}
        drawn = torch.tensor([index[tuple(row)] for row in drawn.tolist()])
    law = report.law(2).numpy()
    assert counts_follow(drawn.numpy(), stats.rv_discrete(values=(range(len(law)), law)))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("epsilon", "k"), [(1.0, 20), (3.0, 40)])
def test_measured_errors_are_within_five_percent_of_their_formulas(kind, epsilon, k):
    """Mean squares over 400 crowds × k categories, relative error of about √(2/(400·k)) < 1.6%: within 5% beyond 3σ each,
    more for the categories together; the seed is fixed."""
    report, counts = ALL[kind](epsilon, k), torch.arange(k) * 2
    people = int(counts.sum())
    random = generator(11)
    errors = torch.stack([report.simulate(counts, random) for _ in range(400)]) - counts / people
    expected = sum(report.variance(people, share) for share in (counts / people).tolist()) / k
    assert errors.square().mean().item() == pytest.approx(expected, rel=0.05)
    assert errors.mean(0).abs().max() < 6 * math.sqrt(report.variance(people, 2 * (k - 1) / people) / 400)  # no bias


def test_the_unary_shortcut_has_the_errors_of_the_real_reports():
    report, counts, random = UnaryEncoding(1.0, 6), torch.tensor([50, 30, 20, 0, 0, 0]), generator(5)
    values = torch.arange(6).repeat_interleave(counts)
    real = torch.stack([report.estimate(report.randomise(values, random)) for _ in range(3_000)])
    short = torch.stack([report.simulate(counts, random) for _ in range(3_000)])
    for category in range(6):
        assert stats.ks_2samp(real[:, category], short[:, category]).pvalue > 1e-6


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_projection_is_as_exact_as_the_best_and_as_short_as_a_name(epsilon):
    """At 1,000 categories: within a tenth of subset selection's deviation, in a hundredth of the unary report's bits, and
    at ε up to 2 at most a quarter of the deviation of k-ary response."""
    projection, subset = Projection(epsilon, 1_000), SubsetSelection(epsilon, 1_000)
    unary, plain = UnaryEncoding(epsilon, 1_000), RandomisedResponse(epsilon, 1_000)
    assert projection.variance(100) ** 0.5 < 1.1 * subset.variance(100) ** 0.5
    assert projection.bits <= 16 < unary.bits / 50 and plain.bits == 10
    assert projection.variance(100) ** 0.5 < plain.variance(100) ** 0.5 / (4 if epsilon <= 2 else 1.5)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 6), st.integers(2, 300))
def test_the_space_has_room_and_every_two_categories_share_as_many_points(epsilon, k):
    report = Projection(epsilon, k)
    q, t = report.prime, report.dimension
    assert report.points == (q**t - 1) // (q - 1) >= k
    if report.points <= 1_000:
        every = report.vectors(range(report.points))
        assert len({tuple(row) for row in every.tolist()}) == report.points
        fits = (every @ every.T % q == 0).double()
        shared = fits @ fits
        assert (fits.sum(0) == (q ** (t - 1) - 1) // (q - 1)).all()
        assert (shared[~torch.eye(len(shared), dtype=torch.bool)] == (q ** (t - 2) - 1) // (q - 1)).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 4), st.integers(2, 60), st.integers(0, 99))
def test_the_transform_counts_what_counting_counts(epsilon, k, seed):
    report = Projection(epsilon, k)
    reports = report.randomise(torch.randint(0, k, (50,), generator=generator(seed)), generator(seed + 1))
    slow = (report.vectors(reports) @ report.vectors(range(k)).T % report.prime == 0).double().mean(0)
    assert torch.allclose(report.estimate(reports), (slow - report.other) / (report.kept - report.other), atol=1e-9)


def test_no_local_report_beats_subset_selection():
    for kind, (epsilon, k) in itertools.product(ALL, [(0.5, 3), (1.0, 10), (2.0, 50), (4.0, 50)]):
        assert ALL[kind](epsilon, k).variance(100) >= SubsetSelection(epsilon, k).variance(100) * (1 - 1e-9)


def test_blankets_lie_under_every_law():
    """The report's law, whatever the truth, is at least the blanket's share of an even one (k-RR, subsets, projection)."""
    for report in (RandomisedResponse(1.0, 4), SubsetSelection(1.0, 5), Projection(1.0, 6)):
        share, least, side, both = report.blanket
        first, second = report.law(0), report.law(1)
        assert torch.stack([first, second]).min().item() * len(first) == pytest.approx(share, rel=1e-9)
        assert least == share
        assert ((first > 1.5 * second).sum() / len(first)).item() == pytest.approx(side)
        high = (first > first.min() * 1.5) & (second > second.min() * 1.5)
        assert (high.sum() / len(first)).item() == pytest.approx(both)


def test_refusals():
    refuses(lambda: Projection(1.0, 2**24), ValueError, "categories", "4194303")
    refuses(lambda: UnaryEncoding(1.0, 30).law(0), ValueError, "categories", "16")
    refuses(lambda: SubsetSelection(1.0, 60).law(0), ValueError, "categories")
    assert set(randomisers.ALL) == {"k-RR", "OUE", "subset selection", "projection"}

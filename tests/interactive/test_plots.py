"""plots: charts say the same as pictures and as SVG, at the right places, in colours that can be told apart."""

import re

import numpy as np
import pytest

from fldp_lib.interactive import panels, plots


@pytest.fixture
def chart():
    left = plots.Panel("left", "x", "y", x=(0, 10), y=(0, 1), right=0.3)
    right = plots.Panel("right", "x", "y", x=(1, 100), y=(0.01, 10), xlog=True, ylog=True)
    return plots.Chart([left, right], size=(6, 3))


def points(svg, tag="polyline"):
    found = re.search(rf'<{tag} points="([^"]+)"', svg).group(1)
    return np.array([[float(v) for v in pair.split(",")] for pair in found.split()])


def test_svg_points_lie_where_matplotlib_puts_them(chart):
    x, y = np.array([0.0, 2.5, 10.0]), np.array([0.0, 0.5, 1.0])
    drawn = points(chart.svg([plots.line(x, y)], "a line"))
    _, axes = panels.empty(chart.panels, chart.columns, chart.size)
    expected = axes[0].transData.transform(np.column_stack([x, y]))
    expected[:, 1] = 72 * chart.size[1] - expected[:, 1]
    assert np.abs(drawn - expected).max() <= 0.06


def test_logarithmic_axes_are_logarithmic(chart):
    drawn = points(chart.svg([plots.line([1, 10, 100], [0.01, 0.1, 1], panel=1)], "a line"))
    steps = np.diff(drawn, axis=0)
    assert steps[0] == pytest.approx(steps[1], abs=0.2)


@pytest.mark.parametrize("size", [(7, 3.5), (3, 6)])
def test_a_kilometre_on_a_map_is_as_long_upwards_as_across(size):
    town = plots.Panel("map", "km", "km", x=(-10, 10), y=(-5, 5), equal=True)
    chart = plots.Chart([town, plots.Panel("other", "x", "y")], size=size)
    for each in chart.layouts:
        drawn = points(each.svg([plots.line([-5, 5, 5], [-4, -4, 4])], "ten across, eight upwards"))
        across, up = np.abs(np.diff(drawn, axis=0)).max(1)
        assert across / 10 == pytest.approx(up / 8, rel=0.02)


def test_axes_stay_where_they_are_whatever_is_drawn(chart):
    def axes_of(svg):
        return svg[: svg.index("<clipPath id") + 200]

    first = chart.svg([plots.line([0, 1], [0, 1], label="short")], "one")
    second = chart.svg([plots.line([0, 9], [1, 0], label="a much longer label")], "one")
    assert axes_of(first) == axes_of(second)


def test_picture_and_svg_are_described(chart):
    assert 'role="img" aria-label="two &lt; three"' in chart.svg([], "two < three")
    bundle = chart.show([plots.dots([1], [0.5])], 'says "so"')._repr_mimebundle_()
    assert 'alt="says &quot;so&quot;"' in bundle["text/html"]
    assert bundle["text/plain"] == '[picture] says "so"'


def test_words_are_escaped(chart):
    assert "<b>" not in chart.svg([plots.text(1, 0.5, "<b>"), plots.line([0, 1], [0, 1], label="<b>")], "")


def test_gaps_split_a_line_and_never_reach_the_page(chart):
    svg = chart.svg([plots.line([0, 1, 2, 3, 4], [0, 1, np.nan, 1, 0])], "a gap")
    assert svg.count("<polyline") == 2
    assert "nan" not in svg


@pytest.mark.parametrize("kind", ["line", "band", "dots", "bars", "text"])
def test_every_mark_is_drawn_both_ways(chart, kind):
    x, y = [1, 2, 3], [0.2, 0.5, 0.3]
    mark = {
        "line": lambda: plots.line(x, y, 1),
        "band": lambda: plots.band(x, y, [0.6, 0.7, 0.8], 2),
        "dots": lambda: plots.dots(x, y, 3),
        "bars": lambda: plots.bars(x, y, 4),
        "text": lambda: plots.text(2, 0.5, "here", 1),
    }[kind]()
    assert plots.COLOURS[mark.style] in chart.svg([mark], "mark")
    assert chart.png([mark]) != chart.png([])


def test_direct_labels_do_not_overlap(chart):
    marks = [plots.line([0, 10], [0.5, 0.5 + 0.001 * k], k, f"curve {k}") for k in range(4)]
    svg = chart.svg(marks, "four")
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)" dy="0.35em"', svg))
    assert len(heights) == 4
    assert min(np.diff(heights)) >= 10


def test_two_charts_on_a_page_share_no_ids(chart):
    other = plots.Chart(chart.panels, size=chart.size)
    ids = [set(re.findall(r'id="([^"]+)"', c.svg([], "x"))) for c in (chart, other)]
    assert not ids[0] & ids[1]


def test_colours_reach_three_to_one_on_white():
    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert all(1.05 / (luminance(colour) + 0.05) >= 2.99 for colour in plots.COLOURS)
    looks = set(zip(plots.DASHES, plots.MARKERS, strict=True))
    assert len(looks) == len(set(plots.COLOURS)) == len(plots.COLOURS)


def test_a_cloud_holds_its_shares_of_the_draws():
    draws = np.random.default_rng(0).normal(size=(400, 3))
    *bands, middle = plots.cloud([0, 1, 2], draws, label="private")
    for mark, share in zip(bands, (0.9, 0.7, 0.5), strict=True):
        inside = ((draws >= mark.y) & (draws <= mark.y2)).mean(0)
        assert np.all(abs(inside - share) < 0.01)
    assert np.allclose(middle.y, np.median(draws, axis=0)) and middle.label == "private" and middle.style == 4
    with pytest.raises(ValueError, match="two curves at least"):
        plots.cloud([0, 1, 2], draws[:1])


@pytest.mark.parametrize("make", [plots.people, plots.places])
def test_icons_stand_where_they_are_put_and_in_both_pictures(make, chart):
    drawn = chart.svg([make([5.0], [0.5], "attacker", size=6)], "one")
    place = chart._drawn()[1][0].transData.transform((5.0, 0.5))
    corners = np.array(
        [[float(v) for v in p.split(",")] for ps in re.findall(r'points="([^"]+)"', drawn) for p in ps.split()]
    )
    assert np.all(abs(corners - [place[0], 72 * chart.size[1] - place[1]]) <= 6.1)
    assert chart.png([make([5.0], [0.5], "attacker")]) != chart.png([])


def test_roles_are_styles_and_no_two_look_alike():
    looks = {role: (plots.COLOURS[style], plots.DASHES[style]) for role, style in plots.ROLES.items()}
    assert len(set(looks.values())) == len(looks)
    assert plots.line([0, 1], [0, 1], "bound").style == plots.ROLES["bound"]
    with pytest.raises(ValueError, match="style must be one of 'centralised'"):
        plots.line([0, 1], [0, 1], "nobody")


def test_a_page_has_both_layouts_and_shows_one(chart):
    page = chart.page([plots.line([0, 10], [0, 1], label="x")], "both")
    assert page.count("<svg") == 2 and page.count("<polyline") == 2
    assert f"max-width:{chart.least - 1}px" in page and f"min-width:{chart.least}px" in page
    assert chart.stacked.size[0] * 72 * 12 / 10 <= 340 and chart.stacked.stacked is None  # a phone's width


def test_a_curve_that_leaves_the_axis_says_where_it_is(chart):
    drawn = chart.svg(
        [plots.line([0, 10], [0.5, 31.65], label="loss"), plots.line([0, 10], [0.5, 0.6], label="held")], "cut"
    )
    assert ">loss ↑ 31.6<" in drawn or ">loss ↑ 31.7<" in drawn
    assert ">held<" in drawn

"""drawing: words lie inside the picture and apart, whatever is drawn; ticks of logarithmic axes have letters of one size."""

import html
import re

import numpy as np
import pytest

from fldp_lib.interactive import drawing, panels, plots

WORDS = ("private", "no privacy", "the model that everybody would like", "alone", "1e-5", "ε", "centralised, with all data")


def boxes(chart, marks):
    """Left, right, and middle of each word over the axes, in points, y downwards."""
    found = re.findall(r'<text class="t\d+" x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)<', chart.overlay(marks))
    words = [html.unescape(label) for _, _, label in found]
    return [(float(x), float(x) + drawing.width(w), float(y), w) for (x, y, _), w in zip(found, words, strict=True)]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("narrow", [False, True])
def test_words_stay_inside_and_apart_whatever_is_drawn(seed, narrow):
    rng = np.random.default_rng(seed)
    panels = [
        plots.Panel("a", "round", "accuracy", x=(1, 20), y=(0, 1), right=rng.choice([0.0, 0.3])),
        plots.Panel("b", "ε", "σ", x=(0.1, 20), y=(1e-3, 10), xlog=True, ylog=True),
    ]
    chart = plots.Chart(panels)
    chart = chart.stacked if narrow else chart
    marks = []
    for label in rng.permutation(WORDS)[: rng.integers(2, 7)]:
        panel, end = int(rng.integers(2)), rng.choice([0.5, 19, 20, 40, 1e6])
        high = rng.choice([-1, 0, 0.01, 0.5, 0.51, 1, 7])
        if rng.random() < 0.3:
            marks.append(plots.text(min(end, 20), min(max(high, 0.001), 1), label, panel=panel))
        else:
            marks.append(plots.line([1, end], [0.5, high], label=label, panel=panel))
    found = boxes(chart, marks)
    width, height = (72 * side for side in chart.size)
    assert len(found) >= 1
    for left, right, middle, _ in found:
        assert left >= 0 and right <= width + 0.1 and 4 <= middle <= height - 4
    for number, (left, right, middle, _) in enumerate(found):
        for a, b, other, _ in found[:number]:
            assert a >= right or left >= b or abs(middle - other) >= drawing.LINE - 0.2


def test_a_label_does_not_reach_into_the_next_panels_words():
    chart = plots.Chart([plots.Panel("a", x=(0, 1)), plots.Panel("b", ylabel="σ", x=(0, 1))])
    right = boxes(chart, [plots.line([0, 1], [0, 0.5], label="a label that would reach the second panel")])[0][1]
    second = chart._drawn()[1][1].get_tightbbox().x0
    assert right <= second


def test_the_picture_and_the_svg_write_at_the_same_place():
    chart = plots.Chart([plots.Panel(x=(0, 1))])
    marks = [plots.line([0, 1], [0, 0.5], label="so long that it goes back over its curve")]
    assert boxes(chart, marks) and len(chart.png(marks)) > 1000
    _, axes = panels.empty(chart.panels, chart.columns, chart.size)
    (x, y, _), = drawing.label_places(marks, axes[0], drawing.rooms(axes)[0])  # fmt: skip
    assert boxes(chart, marks)[0][0] == pytest.approx(x, abs=0.06)
    assert boxes(chart, marks)[0][2] == pytest.approx(72 * chart.size[1] - y, abs=0.06)


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "1"), (0.01, "0.01"), (0.001, "0.001"), (1e4, "10,000"), (2000, "2,000"), (1e-4, "10⁻⁴"), (1e-12, "10⁻¹²"),
     (1e5, "10⁵"), (3e-6, "3×10⁻⁶"), (0.3, "0.3")],
)  # fmt: skip
def test_ticks_of_logarithmic_axes_are_written_in_one_size(number, written):
    assert drawing.power(number) == written


def test_no_tick_has_small_letters():
    panel = plots.Panel(x=(1e-6, 10), y=(1e-3, 1e6), xlog=True, ylog=True)
    assert "7px" not in plots.Chart([panel]).axes() and "10⁻⁶" in plots.Chart([panel]).axes()

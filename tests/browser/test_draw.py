"""Marks drawn by a page against the same marks drawn by the package, in Chromium: every kind, linear and log axes."""

import html
import random
import re

import numpy as np
import pytest
from lab import chromium, missing

from fldp_lib.interactive import browser, drawing, pages, plots, said

if missing:
    pytest.skip(missing, allow_module_level=True)

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TEXT = re.compile(r"<text.*?</text>", re.S)
PANELS = [
    plots.Panel("rounds", "round", "accuracy", x=(0, 20), y=(0, 1), right=0.3),
    plots.Panel("price", "ε", "loss", x=(0.1, 10), y=(1e-6, 1), xlog=True, ylog=True, right=0.3),
    plots.Panel("map", x=(-2, 2), y=(3, -1), equal=True),
]
WORDS = ("private", "no privacy", "ε = 1, δ = 1e-5", "AVATAR Tests, wide", "<b> & “so”", "median of 30 draws", "")


@pytest.fixture(scope="module")
def page():
    with chromium() as started:
        opened = started.new_page()
        for name in ("base.js", "draw.js"):
            opened.add_script_tag(path=str(pages.TRAINER / name))
        opened.evaluate(pages.look())
        yield opened


def some_marks(draw):
    """A few marks of any kind, with gaps, values beyond the axes, and ends that meet."""
    marks = []
    for _ in range(draw.randint(1, 9)):
        panel, count = draw.randrange(len(PANELS)), draw.randint(1, 12)
        axes = PANELS[panel]
        x = np.array([draw.uniform(axes.x[0], axes.x[1]) for _ in range(count)])
        low, high = min(axes.y), max(axes.y)
        y, z = (np.array([draw.uniform(low - 0.2, high + 0.2) for _ in range(count)]) for _ in "yz")
        about = dict(style=draw.randrange(10), label=draw.choice(WORDS), panel=panel, opacity=round(draw.random(), 2))
        kind = draw.choice(("line", "line", "band", "dots", "bars", "text", "people", "places"))
        if kind in ("line", "dots") and draw.random() < 0.3:
            y[draw.randrange(count)] = np.nan
        if kind == "text":
            marks.append(plots.text(x[0], y[0], draw.choice(WORDS), about["style"], panel))
        elif kind == "band":
            marks.append(plots.band(x, y, z, **about))
        elif kind == "bars":
            marks.append(plots.bars(x, np.abs(y), width=draw.uniform(0.01, 1), base=draw.choice((None, np.abs(z))), **about))
        elif kind == "line":
            marks.append(plots.line(np.sort(x), y, width=draw.choice((1, 1.8, 2.2)), **about))
        else:
            marks.append(getattr(plots, kind)(x, y, size=draw.choice((2, 3.5, 6)), **about))
    return marks


def drawn(page, layout, marks):
    given = browser.packed([{**vars(mark), "size": float(mark.size)} for mark in marks])
    run = "([layout, marks]) => fldp.draw.overlay(layout, fldp.unpack(marks))"
    return page.evaluate(run, [layout, given])


def apart(one, other, most):
    """What two drawings differ in, numbers by more than `most`; empty where they agree."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return f"{one[:400]} for {other[:400]}"
    far = max((abs(float(a) - float(b)) for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)), default=0)
    return f"{far:.2f} apart" if far > most else ""


@pytest.mark.parametrize("place", [0, 1])
def test_a_page_draws_what_the_package_draws(page, place):
    chart, draw = plots.Chart(PANELS, size=(9, 3)).layouts[place], random.Random(place)
    layout, wrong, seen = pages.layout(chart, "p"), [], set()
    for _ in range(150):
        marks = some_marks(draw)
        seen |= {(mark.kind, mark.icon) for mark in marks}
        right, own = chart.overlay(marks).replace(f"c{id(chart)}-", "p-"), drawn(page, layout, marks)
        wrong += [apart(TEXT.sub("", own), TEXT.sub("", right), 0.1001)]
        words, ours = TEXT.findall(right), TEXT.findall(own)
        wrong += [f"{ours} for {words}"] if len(words) != len(ours) else list(map(apart, ours, words, [1.0] * len(words)))
    assert [fault for fault in wrong if fault][:6] == []
    assert len(seen) == 7


def test_words_are_as_wide_as_matplotlib_has_them(page):
    words = [
        *filter(None, WORDS),
        "hospitals",
        "ε ↑ 12.5",
        "10⁻⁶ of 1,437",
        "Laplace, σ = 0.3",
        "W",
        " alone",
        "T. AV Ta Yo",
    ]
    widths = page.evaluate("words => words.map(fldp.draw.width)", words)
    for word, width in zip(words, widths, strict=True):
        assert width == pytest.approx(drawing.width(word), abs=1.5), word


def test_a_sentence_has_the_curves_colours(page):
    marks = [
        plots.line([0, 1], [0, 1], "private", "private"),
        plots.line([0], [1], 3, "no privacy"),
        plots.text(0, 0, "ε", 1),
    ]
    for words in ("no privacy 3, private < 2 & 'so' privately", "ε", "private"):
        own = page.evaluate(
            "([words, marks]) => fldp.draw.sentence(words, fldp.unpack(marks))",
            [words, browser.packed(list(map(vars, marks)))],
        )
        assert own == said.sentence(words, marks)


def test_a_crowd_is_the_package_s(page):
    class Guess:
        people, bound = 57, 0.731

    for unit in ("client", "hospital", "which of two patients was in"):
        for Guess.people, Guess.bound in ((50, 0.5), (57, 0.731), (100, 1.0)):
            run = "([people, bound, unit]) => fldp.draw.crowd({people, bound}, unit)"
            own = page.evaluate(run, [Guess.people, Guess.bound, unit])
            right = said.crowd(Guess, unit)
            assert apart(own, right, 1e-9) == "" and html.unescape(own)


def test_pinned_marks_and_those_that_have_changed(page):
    marks = [plots.line([0, 1], [0, 1], 4, "private"), plots.text(0, 0, "so"), plots.line([0, 1], [1, 1], 4)]
    run = """marks => {
      const kept = fldp.draw.pinned(fldp.unpack(marks)), now = [{...fldp.unpack(marks)[0], style: 3}]
      return [kept.map(m => [m.style, m.label, m.opacity]), fldp.draw.changed(kept, now).length]
    }"""
    kept, left = page.evaluate(run, browser.packed(list(map(vars, marks))))
    assert kept == [[m.style, m.label, m.opacity] for m in plots.pinned(marks)]
    assert left == 1  # the one that is still where it was is not drawn under itself


@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "uint8"])
def test_arrays_reach_the_page_bit_by_bit(page, kind):
    draw = np.random.default_rng(3)
    array = draw.normal(size=(3, 5)).astype(kind) if "float" in kind else draw.integers(0, 200, (3, 5)).astype(kind)
    run = """value => {
      const {a: [array], b} = fldp.unpack(value)
      return [[...array], array.shape, array.constructor.name, b]
    }"""
    values, shape, made, rest = page.evaluate(run, browser.packed({"a": [array], "b": {"c": None, "d": "x"}}))
    assert values == array.ravel().tolist() and shape == [3, 5] and rest == {"c": None, "d": "x"}
    assert made.lower().startswith(kind.rstrip("0123456789"))


def test_numbers_and_flags_of_other_kinds_are_packed_or_refused():
    assert browser.packed(np.float64(0.5)) == 0.5 and browser.packed(np.array([True, False]))["kind"] == "u1"
    assert browser.packed(np.arange(3))["kind"] == "i4"
    with pytest.raises(ValueError, match="range of 32 bits"):
        browser.packed(np.array([2**40]))
    with pytest.raises(TypeError, match="complex"):
        browser.packed(np.array([1j]))

"""theme: every colour can be read on its paper, light and dark; pictures are right without a style sheet, too."""

import re

import pytest

from fldp_lib.interactive import plots, theme


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_letters_have_4_5_to_1_and_lines_3_to_1(colours):
    letters = [colours[f"t{k}"] for k in range(theme.STYLES)] + [colours["ink"], colours["soft"]]
    lines = [colours[f"c{k}"] for k in range(theme.STYLES)] + [colours["axis"]]
    assert all(contrast(colour, colours["paper"]) >= 4.5 for colour in letters)
    assert all(contrast(colour, colours["paper"]) >= 2.99 for colour in lines)


def test_the_light_lines_are_the_colours_that_pictures_carry():
    assert [theme.LIGHT[f"c{k}"] for k in range(theme.STYLES)] == [colour.lower() for colour in plots.COLOURS]


def test_every_mark_has_its_class_and_its_colour():
    marks = [plots.line([0, 1], [0, 1], 1, "l"), plots.band([0, 1], [0, 0], [1, 1], 2), plots.dots([0], [0], 3),
             plots.bars([0], [1], 4), plots.text(0, 0, "w", 5)]  # fmt: skip
    drawn = plots.Chart([plots.Panel()]).svg(marks, "marks")
    for name, style in (("s1", 1), ("t1", 1), ("f2", 2), ("f3 s3", 3), ("f4", 4), ("t5", 5)):
        (element,) = re.findall(rf'<[^>]*class="{name}"[^>]*>', drawn)
        assert plots.COLOURS[style] in element


def test_axes_follow_the_theme_and_fall_back_on_light():
    drawn = plots.Chart([plots.Panel()]).axes()
    assert "var(--fldp-paper,#ffffff)" in drawn and "var(--fldp-grid,#e4e4e4)" in drawn
    assert not re.search(r"(fill|stroke): #", drawn)

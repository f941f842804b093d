"""Widgets that look alike share their layout and style; those that do not, do not; nobody gets a closed one."""

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as some

from fldp_lib.interactive.parts import made

KINDS = (widgets.HTML, widgets.HBox, widgets.Button, widgets.FloatSlider, widgets.IntSlider, widgets.Dropdown)
LOOKS = some.fixed_dictionaries({}, optional={"width": some.sampled_from(["100%", "18em"]), "margin": some.just("0")})


@given(some.lists(some.tuples(some.sampled_from(KINDS), LOOKS), min_size=2, max_size=8))
def test_each_looks_as_it_was_asked_to_and_equal_ones_share(asked):
    found = [made(kind, layout=look) for kind, look in asked]
    for one, (kind, look) in zip(found, asked, strict=True):
        assert type(one) is kind and {name: getattr(one.layout, name) for name in look} == look
        plain = kind(layout=dict(look))  # as ipywidgets makes it
        assert one.layout.get_state(plain.layout.keys) == plain.layout.get_state(plain.layout.keys)
        if "style" in kind.class_trait_names():
            assert type(one.style) is type(plain.style)
    for one, (_, look) in zip(found, asked, strict=True):
        for other, (_, its) in zip(found, asked, strict=True):
            assert (one.layout is other.layout) == (look == its)
    assert len({id(one) for one in found}) == len(found)


def test_styles_are_shared_by_kind_and_look():
    a, b, c, d = (made(widgets.Dropdown, style={"description_width": width}) for width in ("1em", "1em", "2em", "1em"))
    slider = made(widgets.FloatSlider, style={"description_width": "1em"})
    assert a.style is b.style is d.style is not c.style and slider.style is not a.style
    assert (a.style.description_width, c.style.description_width) == ("1em", "2em")


@pytest.mark.parametrize("name", ["layout", "style"])
def test_what_was_closed_is_made_anew(name):
    first = made(widgets.Button)
    getattr(first, name).close()
    second = made(widgets.Button)
    assert getattr(second, name) is not getattr(first, name) and getattr(second, name).comm is not None

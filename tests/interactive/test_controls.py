"""Menus and sliders as widgets: what is held is what is shown."""

import pytest

from fldp_lib.interactive import controls


@pytest.mark.parametrize("buttons", [False, True])
def test_a_menu_may_offer_none_and_shows_what_is_chosen(buttons):
    """ipywidgets takes None for no choice at all: such a menu would stand empty."""
    values = {"no noise": None, "one": 1, "two": 2}
    moved, choice = [], controls.Choice("epsilon", "ε", values, None, buttons=buttons)
    holder, *widgets = choice.build(moved.append)
    menu = next(widget for widget in widgets if widget is not None)
    for value, label in ((1, "one"), (None, "no noise"), (2, "two"), (1, "one"), (None, "no noise")):
        holder.value = value
        assert menu.label == label
    menu.index = 2
    assert holder.value == 2 and moved[-1]["new"] == 2
    assert len(moved) == 6

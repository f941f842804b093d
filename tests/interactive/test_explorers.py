"""explorers: a move computes, redraws and says so; an error shows and leaves nothing half-moved."""

import itertools
import math

import pytest

from fldp_lib import accounting, data, models, train
from fldp_lib.interactive import explorers, plots, predictions, said
from fldp_lib.privacy import attacker


def build(compute=None, **options):
    controls = [
        explorers.Slider("epsilon", "total ε", 0.1, 10, 1.0, step=0.1, log=True),
        explorers.Slider("clients", "clients", 2, 50, 10, whole=True),
        explorers.Choice("mode", "mode", {"one": 1, "two": 2}, 1),
    ]
    chart = plots.Chart([plots.Panel(x=(0, 1), y=(0, 100))])
    compute = compute or (lambda epsilon, clients, mode: epsilon * clients * mode)
    return explorers.Explorer(
        "test", controls, compute, chart, lambda r: [plots.line([0, 1], [0, r])], lambda r: f"result {r:.2f}", **options
    )


def test_set_moves_computes_and_redraws():
    explorer = build()
    before = explorer._pictures[0].value
    explorer.set(epsilon=2.0, clients=20)
    assert explorer.result == 40
    assert explorer.state == {"epsilon": 2.0, "clients": 20, "mode": 1}
    assert explorer.sentence == "result 40.00"
    assert "result 40.00" in explorer._pictures[0].value and explorer._pictures[0].value != before


def test_set_computes_once_however_many_controls_move():
    calls = []
    explorer = build(lambda **state: calls.append(state) or 1.0)
    calls.clear()
    explorer.set(epsilon=2.0, clients=20, mode=2)
    assert len(calls) == 1


def test_a_moved_slider_computes_once():
    calls = []
    explorer = build(lambda **state: calls.append(state) or 1.0)
    calls.clear()
    row(explorer, 1)[1].value = 30
    assert [call["clients"] for call in calls] == [30]


def row(explorer, number):
    """The number box and the slider of one of the first rows."""
    return explorer.panel.children[-2].children[0].children[number].children


def test_number_box_and_slider_hold_the_same_value():
    explorer = build()
    box, slider = row(explorer, 0)
    box.value = 0.52  # typed: taken exactly, while the slider goes to its nearest place
    assert explorer.state["epsilon"] == 0.52 and explorer.result == pytest.approx(5.2)
    assert slider.value == pytest.approx(10**-0.3)
    slider.value = 10**0.3  # what is seen in the box is what is computed
    assert explorer.state["epsilon"] == box.value == 2.0
    explorer.set(epsilon=3.14159)
    assert explorer.state["epsilon"] == box.value == 3.14159


def test_a_slider_that_settles_on_its_own_grid_moves_nothing():
    """A page shows 2.1 on a slider of step 0.1 (log10) at 10**0.3 and reports that: no move of the learner's."""
    calls = []
    explorer = build(lambda **state: calls.append(state) or 1.0).set(epsilon=2.1)
    calls.clear()
    _, slider = row(explorer, 0)
    slider.value = 10**0.3 * (1 + 1e-12)
    assert calls == [] and explorer.state["epsilon"] == 2.1
    slider.value = 10**0.4
    assert [call["epsilon"] for call in calls] == [2.51]
    explorer.set(epsilon=8.0).set(epsilon=1.0)
    slider.value = 10**0.9 * (1 + 1e-12)  # late: the page says where the first call put it
    assert explorer.state["epsilon"] == 1.0 and slider.value == pytest.approx(1.0)  # and the handle stands by the box
    slider.value = 10**0.8  # and now it is the learner
    assert explorer.state["epsilon"] == 6.31


def test_steps_added_up_leave_no_residue_in_the_box():
    slider = explorers.Slider("rate", "rate", 0, 3, 0.1, step=0.1)
    chart = plots.Chart([plots.Panel()])
    explorer = explorers.Explorer("r", [slider], lambda rate: rate, chart, lambda r: [], lambda r: f"{r}")
    box, moved = row(explorer, 0)
    for place in (0.1 + 0.2, 3 * 0.7, 2.0000000000000004):
        moved.value = place
        assert box.value == explorer.state["rate"] == round(place, 9)


@pytest.mark.parametrize(
    ("values", "fragments"),
    [
        ({"speed": 1}, ["control", "'speed'", "'epsilon'"]),
        ({"epsilon": 0.0}, ["epsilon", "0.0", ">= 0.1"]),
        ({"clients": 51}, ["clients", "51", "<= 50"]),
        ({"mode": 3}, ["mode", "3", "[1, 2]"]),
        ({"clients": 20, "epsilon": float("nan")}, ["epsilon", "nan"]),
    ],
)
def test_bad_values_are_named_and_nothing_moves(values, fragments):
    explorer = build()
    before = explorer.state
    with pytest.raises(ValueError) as caught:
        explorer.set(**values)
    assert all(fragment in str(caught.value) for fragment in fragments)
    assert explorer.state == before


def test_an_exception_shows_in_the_panel_and_the_next_move_works():
    def compute(epsilon, clients, mode):
        if clients == 13:
            raise ValueError("clients <must> not be 13")
        return 1.0

    explorer = build(compute)
    with pytest.raises(ValueError, match="not be 13"):
        explorer.set(clients=13)
    assert 'role="alert"' in explorer._status.value and "&lt;must&gt;" in explorer._status.value
    row(explorer, 1)[0].value = 14
    assert explorer.error is None and "result 1.00" in explorer._status.value


def test_reset_returns_to_the_start_and_pin_keeps_the_curve():
    explorer = build().set(epsilon=5.0)
    explorer.pin().set(epsilon=1.0)
    assert explorer._pictures[0].value.count("<polyline") == 2
    explorer.reset()
    assert explorer.state == {"epsilon": 1.0, "clients": 10, "mode": 1}
    assert explorer._pictures[0].value.count("<polyline") == 1


def test_a_whole_logarithmic_slider_stays_whole_and_resets():
    slider = explorers.Slider("n", "n", 10, 1437, 300, step=0.02, log=True, whole=True)
    chart = plots.Chart([plots.Panel()])
    explorer = explorers.Explorer("whole", [slider], lambda n: n, chart, lambda r: [], lambda r: f"{r}")
    row(explorer, 0)[1].value = 31.7
    assert explorer.result == 32 and isinstance(explorer.state["n"], int)
    explorer.set(n=1437)
    assert explorer.result == 1437
    assert explorer.reset().result == 300


def test_an_arrow_key_moves_a_whole_logarithmic_slider_even_where_its_step_is_less_than_one():
    slider = explorers.Slider("n", "n", 1, 400, 2, step=0.05, log=True, whole=True)
    chart = plots.Chart([plots.Panel()])
    explorer = explorers.Explorer("whole", [slider], lambda n: n, chart, lambda r: [], lambda r: f"{r}")
    handle = row(explorer, 0)[1]
    handle.value = 10 ** (math.log10(handle.value) + 0.05)
    assert explorer.result == 3
    handle.value = 10 ** (math.log10(handle.value) - 0.05)
    assert explorer.result == 2
    handle.value = 10 ** (math.log10(handle.value) - 0.05)
    assert explorer.result == 1


def test_a_slider_may_come_back_at_once_to_where_it_was():
    slider = explorers.Slider("n", "n", 1, 50, 5, step=0.05, log=True, whole=True)
    explorer = explorers.Explorer(
        "back", [slider], lambda n: n, plots.Chart([plots.Panel()]), lambda r: [], lambda r: f"{r}"
    )
    handle, seen = row(explorer, 0)[1], []
    for key in (1, 1, -1, -1, 1):
        handle.value = 10 ** (math.log10(handle.value) + 0.05 * key)
        seen.append(explorer.result)
    assert seen == [6, 7, 6, 5, 6]


def test_an_arrow_key_leaves_an_end_that_lies_between_two_steps():
    slider = explorers.Slider("n", "n", 10, 455, 455, step=0.05, log=True, whole=True)
    explorer = explorers.Explorer("end", [slider], lambda n: n, plots.Chart([plots.Panel()]), lambda r: [], lambda r: f"{r}")
    row(explorer, 0)[1].value = 10**2.65  # the step below 455
    assert explorer.result == 447
    explorer.set(n=455)
    assert row(explorer, 0)[1].value == pytest.approx(455)


def test_prediction_hides_the_result_until_it_is_made_and_then_tells_what_is_right_and_why(monkeypatch):
    kept = []
    monkeypatch.setattr(predictions, "LISTENERS", [lambda id, right: kept.append((id, right))])
    asked = ("99.a", "Up or down?", ["up", "down"], lambda result: int(result < 0), lambda result: f"it is {result:g}")
    for choice, words in (("up", "Right: it is"), ("down", "Not so; it is “up”: it is")):
        explorer = build(predict=asked)

        def seen(explorer=explorer):
            return any("fldp-body" in child._dom_classes for child in explorer.panel.children)

        assert not seen()
        asking = next(child for child in explorer.panel.children if "fldp-ask" in child._dom_classes)
        menu = next(child for child in asking.children if type(child).__name__ == "ToggleButtons")
        assert menu.value is None
        menu.value = choice
        assert seen() and menu not in asking.children
        assert f"{words} {explorer.result:g}" in asking.children[0].value
    assert kept == [("99.a", True), ("99.a", False)]


def test_a_hundred_people_follow_the_result():
    mechanism = accounting.calibrate("gaussian", epsilon=1.0, delta=1e-5, rounds=10, clip=1.0)
    explorer = build(attacker=lambda result: attacker.of(mechanism, rounds=10), unit="hospital")
    found, drawn = attacker.of(mechanism, rounds=10), explorer._crowd.value
    assert drawn.count('class="f6"') == found.people - 50 and drawn.count('class="coin"') == 50
    assert drawn.count('class="rest"') == 100 - found.people and "whether a hospital took part" in drawn
    assert f"would allow {math.ceil(100 * found.bound)}" in drawn
    assert build(attacker=lambda result: None)._crowd.value == ""
    assert "whether an image took part" in said.crowd(found, "image")
    assert "100 guess which of two was in: 50" in said.crowd(found, "which of two was in")


def test_play_and_next_move_the_control_from_end_to_end():
    explorer = build(play="clients")
    controls = explorer.panel.children[2].children[0].children
    play = next(child for child in controls if type(child).__name__ == "Play")
    further = next(child for child in controls if "fldp-next" in child._dom_classes)
    low, high = explorer.controls["clients"].low, explorer.controls["clients"].high
    assert (play.min, play.max, play.value) == (low, high, explorer.state["clients"])
    play.value = high
    assert explorer.state["clients"] == high
    further.click()
    assert explorer.state["clients"] == low == play.value
    for _ in range(200):
        further.click()
        if explorer.state["clients"] == high:
            break
    assert explorer.state["clients"] == high
    with pytest.raises(ValueError, match="play must be one of 'clients'"):
        build(play="epsilon")


def test_the_sentence_has_the_colours_of_the_curves_that_it_names():
    marks = [plots.line([0, 1], [0, 1], "private", "private"), plots.line([0, 1], [1, 1], "no privacy", "no privacy")]
    drawn = said.status("private <0.8>, no privacy 0.9; privately", marks)
    assert drawn.count('class="t4"') == 1 and drawn.count('class="t3"') == 1 and "&lt;0.8&gt;" in drawn
    assert "privately" in drawn  # a word that only begins alike stays as it is


def test_output_has_a_still_picture_and_a_fixed_repr():
    bundle, about = build()._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert bundle["text/plain"] == "Explorer('test')"
    assert about["image/png"]["alt"] == f"test. {build().sentence}"
    assert about["fldp"]["controls"] == {name: control.label for name, control in build().controls.items()}


def test_explorer_gives_what_train_gives():
    federation = data.split(data.load("breast_cancer"), 100)

    def run(epsilon, clients, mode):
        mechanism = accounting.calibrate("laplace", epsilon=epsilon, rounds=3, clip=2.0)
        return float(train(models.Linear(30, 1), federation, rounds=3, lr=1.0, mechanism=mechanism).accuracy[-1])

    explorer = build(run)
    for epsilon, clients in itertools.product((0.1, 10.0), (2, 50)):
        assert explorer.set(epsilon=epsilon, clients=clients).result == run(epsilon, clients, 1)

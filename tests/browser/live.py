"""Explorers and their counterparts in JavaScript, side by side: the same settings, the same marks, the same sentence."""

import importlib
import inspect
import json
import random
import re

import numpy as np
from lab import ROOT

from fldp_lib.interactive import browser
from fldp_lib.interactive.controls import Choice

TRAINER = ROOT / "fldp_lib" / "interactive" / "assets" / "trainer"
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
RUN = """([name, state]) => {
  const found = fldp.explorers[name], data = fldp.data[name]
  const result = found.compute(state, data), attacker = found.attacker?.(result, data) ?? null
  const plain = mark => ({...mark, x: [...mark.x], y: [...mark.y], y2: mark.y2 ? [...mark.y2] : null})
  const text = JSON.stringify({marks: found.marks(result, data).map(plain), words: found.say(result, data), attacker},
    (_, value) => typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)
  return text
}"""


def scripts():
    """The trainer's files in the order in which a page loads them."""
    order = ["base.js", "accounting.js", "losses.js", "random.js", "training.js", "rounds.js"]
    rest = sorted(path for path in TRAINER.glob("explorers/*.js"))
    return [TRAINER / name for name in order if (TRAINER / name).is_file()] + rest


def explorers(number):
    """The explorers of a notebook's exhibits that have a counterpart, by its name, such as ("00", …)."""
    found = {}
    for name in [f"nb{number}", *_more(number)]:
        module = importlib.import_module(f"fldp_lib.course.exhibits.{name}")
        for made in (value for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")):
            source = inspect.getsource(made)
            needed = [one for one in inspect.signature(made).parameters.values() if one.default is one.empty]
            if "browser.live(" in source and not needed:
                explorer = made()
                found[explorer.browser[0]] = explorer
    return found


def _more(number):
    folder = ROOT / "fldp_lib" / "course" / "exhibits"
    return sorted(path.stem for path in folder.glob(f"nb{number}_*.py"))


def load(page, found):
    """Load the trainer and the explorers' data into a page."""
    for path in scripts():
        page.add_script_tag(path=str(path))
    for name, explorer in found.items():
        data = explorer.browser[1]
        page.evaluate(
            "([name, data]) => { fldp.data[name] = fldp.unpack(data) }", [name, browser.packed(data() if data else {})]
        )


def states(explorer, count, seed=0):
    """The state at the start, all ends of one control at a time, and so many drawn at random."""
    draw, controls = random.Random(f"{explorer.title} {seed}"), explorer.controls
    yield explorer.state
    for name, control in controls.items():
        for value in control.values if isinstance(control, Choice) else (control.low, control.high):
            yield {**explorer.state, name: value}
    for _ in range(count):
        yield {
            name: draw.choice(control.values) if isinstance(control, Choice) else draw.choice(control.spread(60))
            for name, control in controls.items()
        }


def corners(explorer, count, seed=0):
    """So many states, drawn at random, in which every control stands at one of its ends."""
    draw = random.Random(f"{explorer.title} {seed}")
    for _ in range(count):
        yield {
            name: draw.choice(control.values if isinstance(control, Choice) else (control.low, control.high))
            for name, control in explorer.controls.items()
        }


NOUNS = ["hospitals", "patients", "clients", "rounds", "steps", "reports", "numbers", "names", "runs", "images", "people",
         "draws", "answers", "participants", "updates"]  # fmt: skip
SLIPS = (
    r"\bnan\b|NaN|\binf\b|Infinity|undefined|\[object",  # no numbers
    r"(?<![\w.^])-0(?:\.0+)?(?![\d.])",
    r"\de\+\d",  # 1e+03 is 1,000
    rf"(?<![\d.,])1 (?:local )?(?:{'|'.join(NOUNS)})\b",
    r"(?<![\d.,])0% of them|(?:probability|chance) 0(?![.\d])",
    r"(?:Gaussian|uniform) noise[^;|]*δ = 0(?![.\d])|Gaussian's δ[^;|]* is 0 and",
    r"from \d+ in 100 to (?:0|100);",  # nobody who knew nothing for sure does so now
)


def slips(text):
    """What no sentence and no label may say at any setting, of what this one says."""
    return [found[0] for found in (re.search(slip, text) for slip in SLIPS) if found]


def told(page, explorer, state):
    """What the page says and writes into the picture at a state, and its infinite marks where there are any."""
    seen = json.loads(page.evaluate(RUN, [explorer.browser[0], state]))
    ends = {str(value) for mark in seen["marks"] for axis in "xy" for value in mark[axis]} & {"Infinity", "-Infinity"}
    return " | ".join([seen["words"], *(mark["label"] for mark in seen["marks"] if mark["label"]), *ends])


def differences(page, explorer, state, share=2e-3):
    """What the page says or shows otherwise than the explorer, in words; an empty list where they agree.

    Args:
        page: one that has loaded the trainer.
        explorer: an `Explorer` with a counterpart.
        state: its controls' values.
        share: how far a mark may lie off, as a share of its panel's height or width.
    """
    result = explorer.compute(**state)
    marks, words = list(explorer.draw(result)), explorer.say(result)
    seen = json.loads(page.evaluate(RUN, [explorer.browser[0], state]))
    wrong = [] if same_words(words, seen["words"]) else [f"says {seen['words']!r} for {words!r}"]
    if len(marks) != len(seen["marks"]):
        return [*wrong, f"{len(seen['marks'])} marks for {len(marks)}"]
    for place, (mark, other) in enumerate(zip(marks, seen["marks"], strict=True)):
        about = [getattr(mark, key) for key in ("kind", "style", "panel", "icon")]
        if about != [other[key] for key in ("kind", "style", "panel", "icon")] or not same_words(mark.label, other["label"]):
            wrong.append(f"mark {place}: {other['kind']} {other['label']!r} {other['style']} for {about} {mark.label!r}")
        if abs(mark.size - other["size"]) > 1e-6 or abs(mark.opacity - other["opacity"]) > 1e-6:
            wrong.append(f"mark {place}: size and opacity {other['size']}, {other['opacity']}")
        panel = explorer.chart.panels[mark.panel]
        for axis, values, log, limits in (
            ("x", mark.x, panel.xlog, panel.x), ("y", mark.y, panel.ylog, panel.y), ("y2", mark.y2, panel.ylog, panel.y)
        ):  # fmt: skip
            if values is None:
                continue
            given = np.array([float(value) for value in other[axis]])
            far = _apart(np.asarray(values, dtype=float), given, log, limits)
            if far > share:
                wrong.append(f"mark {place} ({mark.kind} {mark.label!r}): {axis} is {far:.2g} of the panel off")
    attacker = explorer.attacker(result) if explorer.attacker else None
    if (attacker is None) != (seen["attacker"] is None):
        wrong.append("one of them has an attacker")
    elif attacker is not None and (
        abs(attacker.people - seen["attacker"]["people"]) > 0 or abs(attacker.bound - seen["attacker"]["bound"]) > 1e-3
    ):
        wrong.append(f"attacker {seen['attacker']} for {attacker.people}, {attacker.bound}")
    return wrong


def _apart(values, given, log, limits):
    """The largest distance of two rows of numbers, as a share of the panel; beyond the panel nothing counts."""
    if values.shape != given.shape or (np.isnan(values) != np.isnan(given)).any():
        return np.inf
    low, high = min(limits), max(limits)
    reach = (high - low) * 0.05
    if log:
        values, given, low, high = (np.log(np.maximum(part, 1e-300)) for part in (values, given, low, high))
        reach = (high - low) * 0.05
    near = np.abs(np.clip(values, low - reach, high + reach) - np.clip(given, low - reach, high + reach))
    return float(np.nan_to_num(near).max(initial=0) / (high - low))


def same_words(one, other):
    """Whether two sentences are the same, but for a number's last digit."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    return all(_near(a, b) for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True))


def _near(a, b):
    if a == b:
        return True
    last = []
    for part in (a, b):
        digits, _, power = part.partition("e")
        last.append(10.0 ** (int(power or 0) - len(digits.partition(".")[2])))
    return abs(float(a.replace(",", "")) - float(b.replace(",", ""))) <= 1.01 * max(last)

"""Pages on which an explorer computes by itself, at any setting, without a kernel or a network."""

import functools
import hashlib
import html
import itertools
import json
import os
import pathlib
import string

from .. import checks
from . import along, drawing, plots, said, template, theme
from .browser import packed
from .controls import Choice

TRAINER = pathlib.Path(__file__).parent / "assets" / "trainer"
FIRST, LAST = ("base.js", "look.js", "worker.js", "draw.js"), ("controls.js", "page.js")  # the rest computes, in any order
EXACT = "The page computes this anew at every setting; nothing in it is random."
DRAWN = (
    "The page computes this anew at every setting. What is random in it, if anything, such as noise, was drawn once with a "
    "fixed seed and stays the same when a control moves, as in the notebook: good for learning, and never for a release, "
    "whose noise nobody may know. Data, and what is computed of them without noise, are shown for teaching: of private data "
    "neither could be."
)
SMALL = (3.1, 2.4)  # inches: a panel among the values of one control
LETTERS = string.ascii_letters + string.digits + string.punctuation + " "
LETTERS += "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΣΦΨΩ×·÷−–—…≤≥≈≠±→←↑↓∞√∑“”‘’°²³¹⁻⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ℓ½äöüéèñç§€"


def files(name):
    """Return the scripts that a page needs for one explorer, in their order; `look.js` among them is written, see `look`.

    Args:
        name: the explorer's counterpart's, such as "nb00.hospitals".

    Returns:
        Paths below the trainer's folder, with slashes.

    Raises:
        ValueError: there is no counterpart of that name.
    """
    notebook = checks.text("name", name, some=True).split(".")[0]
    own = sorted(path.name for path in TRAINER.glob("explorers/*.js") if path.stem.split("_")[0] in (notebook, notebook[:4]))
    shared = sorted(path.name for path in TRAINER.glob("explorers/*.js") if not path.stem.startswith("nb"))
    held = (f'"{name}"', f"'{name}'", f".{name}")
    if "." not in name or not any(
        word in (TRAINER / "explorers" / one).read_text(encoding="utf-8") for one in own for word in held
    ):
        raise ValueError(f"name must be that of a counterpart in {TRAINER.name}/explorers, got {name!r}")
    computing = sorted({path.name for path in TRAINER.glob("*.js")} - {*FIRST, *LAST})
    return [*FIRST, *computing, *(f"explorers/{one}" for one in (*shared, *own)), *LAST]


def copy(folder):
    """Write all scripts into a folder, for pages that share them.

    Args:
        folder: where they go; it is made if it is missing.

    Returns:
        The folder.
    """
    folder = pathlib.Path(checks.kind("folder", folder, (str, os.PathLike), "a folder's path"))
    if folder.is_file():
        raise ValueError(f"folder must be one, or not there yet, got a file, {str(folder)!r}")
    for path in sorted(TRAINER.rglob("*.js")):
        there = folder / path.relative_to(TRAINER)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes())
    (folder / "look.js").write_text(look(), encoding="utf-8")
    return folder


def write(explorer, path, scripts=None):
    """Write an explorer as a page that computes it by itself at any setting.

    Args:
        explorer: an `explorers.Explorer` with a counterpart in JavaScript, see `browser.live`; it is left as it is.
        path: the file to write, in a folder that there is.
        scripts: where the scripts lie as seen from the page, such as "../_static/trainer", see `copy`; data then lies beside
            the page, once for all pages that share it. None: one file that holds everything.

    Returns:
        The path.

    Raises:
        ValueError: the explorer has no counterpart.
    """
    name, data = _named(explorer)
    path = pathlib.Path(checks.kind("path", path, (str, os.PathLike), "the file's path"))
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must be a file in a folder that there is, got {str(path)!r}")
    if scripts is not None:
        checks.text("scripts", scripts, some=True)
    text = _json(packed({} if data is None else data()), numbers=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    given = f"fldp.data[{key!r}] = {text}\n"
    if scripts is None:
        parts = [look() if one == "look.js" else (TRAINER / one).read_text(encoding="utf-8") for one in files(name)]
        loaded = "".join(f"<script>{_shut(part)}</script>\n" for part in [*parts[:-1], given, parts[-1]])
    else:
        beside = path.parent / f"data-{key}.js"
        if not beside.exists():
            beside.write_text(given, encoding="utf-8")
        sources = [f"{scripts.rstrip('/')}/{one}" for one in files(name)]
        loaded = "".join(
            f'<script src="{html.escape(one)}"></script>\n' for one in [*sources[:-1], beside.name, sources[-1]]
        )
    path.write_text(page(explorer, key, loaded), encoding="utf-8")
    return path


def page(explorer, key, loaded):
    """Return the page as HTML, for `write`.

    Args:
        explorer: as there.
        key: the data's name on the page.
        loaded: the scripts as HTML.
    """
    _named(explorer), checks.text("key", key, some=True), checks.text("loaded", loaded)
    chart = explorer.chart
    about = {
        "name": explorer.browser[0], "data": key, "title": explorer.title, "unit": explorer.unit,
        "controls": [_control(explorer, control) for control in explorer.controls.values()],
        "layouts": [layout(one, f"fldp-{k}") for k, one in enumerate(chart.layouts)],
        "small": [_small(panel, k) for k, panel in enumerate(chart.panels)],
        "play": explorer.play, "predict": None if explorer.predict is None else explorer.predict.about(explorer.result),
    }  # fmt: skip
    picture = chart.empty()
    for one, known in zip(chart.layouts, about["layouts"], strict=True):
        picture = picture.replace(f"c{id(one)}-", f"{known['id']}-")
    return template.LIVE.format(
        theme=theme.page(), along=along.page(explorer.along.values(), chart), title=html.escape(explorer.title),
        across=" across" if chart.size[0] > 2 * chart.size[1] else "", picture=picture,
        near="".join(f'<div class="{track.name} {theme.ALONG} {track.along.axis}" data-along="{name}"></div>'
                     for name, track in explorer.along.items()),
        said=said.sentence(explorer.sentence, list(explorer.marks)),
        note=EXACT if explorer.browser[1] is None else DRAWN, about=_json(about), scripts=loaded,
    )  # fmt: skip


def _named(explorer):
    """The name and the data of an explorer's counterpart, or an error where it has none."""
    if not hasattr(explorer, "browser") or not hasattr(explorer, "compute"):
        raise TypeError(f"explorer must be an Explorer, got {checks.shown(explorer)}")
    if explorer.browser is None:
        raise ValueError(f"explorer must have a counterpart in JavaScript, see browser.live; {explorer!r} has none")
    return explorer.browser


def layout(chart, name):
    """Return where a chart's panels lie, for a page that draws on them.

    Args:
        chart: a `plots.Chart`.
        name: what the ids of its picture begin with.

    Returns:
        A dict: id, width, height (points) and of each panel box (left, bottom, right, top; y upwards), x and y (limits, free
        room for labels included), xlog, ylog, room (how far to the right words may reach).
    """
    checks.kind("chart", chart, plots.Chart, "a plots.Chart"), checks.text("name", name, some=True)
    _, axes, rooms = chart._drawn()
    panels = [
        {"box": [round(float(v), 4) for v in ax.get_window_extent().extents], "x": list(map(float, ax.get_xlim())),
         "y": list(map(float, ax.get_ylim())), "xlog": panel.xlog, "ylog": panel.ylog, "room": float(room)}
        for panel, ax, room in zip(chart.panels, axes, rooms, strict=True)
    ]  # fmt: skip
    return {"id": name, "width": 72 * chart.size[0], "height": 72 * chart.size[1], "panels": panels}


@functools.cache
def look():
    """Return the script that tells a page how marks look: colours, dashes, shapes and the widths of letters."""
    shapes = {name: [[list(map(float, point)) for point in part] for part in parts] for name, parts in drawing.ICONS.items()}
    about = {
        "colours": theme.COLOURS, "dashes": theme.DASHES, "markers": theme.MARKERS, "pinned": theme.PINNED, "icons": shapes,
        "size": theme.LABEL_SIZE, "halo": drawing.HALO, "glyphs": {letter: _glyph(letter) for letter in LETTERS},
        "pairs": _pairs(),
    }  # fmt: skip
    return f"fldp.look = {_json(about)}\n"


def _glyph(letter):
    """A letter's advance, and where its ink begins and ends, from where that of "|" begins, in points."""
    bar = drawing.width("|")
    pair, before, after = drawing.width("||") - bar, drawing.width(f"{letter}|"), drawing.width(f"|{letter}")
    if letter == " ":
        advance = drawing.width("| |") - pair - bar
        return [round(advance, 2), 0, 0]
    advance = drawing.width(f"|{letter}|") - pair - bar
    return [round(v, 2) for v in (advance, advance + bar - before, after - pair)]


def _pairs():
    """How much closer than their advances pairs of letters stand, in points, where it is a tenth at least."""
    letters = {letter: _glyph(letter) for letter in string.ascii_letters + string.digits + ".,-: "}
    pairs = {}
    for (a, first), (b, second) in itertools.product(letters.items(), repeat=2):
        closer = drawing.width.__wrapped__(a + b) - (first[0] - first[1] + second[2]) if " " not in a + b else 0
        if abs(closer) >= 0.1:
            pairs[a + b] = round(closer, 2)
    return pairs


def _small(panel, k):
    """A panel as it is repeated for several values of one control: its layout and its axes."""
    chart = plots.Chart([plots.Panel(**{**vars(panel), "title": ""})], size=SMALL)
    name = f"fldp-s{k}"
    axes = chart.axes().replace(f"c{id(chart)}-", f"{name}-")
    return {**layout(chart, name), "axes": axes, "limits": list(map(float, panel.y))}


def _control(explorer, control):
    """A control as the page makes it."""
    about = {"name": control.name, "label": control.label, "start": packed(explorer._start[control.name])}
    if isinstance(control, Choice):
        values = control.values
        return about | {"values": packed(values), "words": [control.words(v) for v in values], "buttons": control.buttons}
    about |= {"low": control.low, "high": control.high, "step": control.step, "log": control.log, "whole": control.whole}
    track = explorer.along.get(control.name)
    if track is not None:
        about |= {"spoken": track.words}
        if track.table is not None:
            about |= {"table": [[float(v) for v in column] for column in track.table], "stops": along.STEPS}
    return about


def _json(value, numbers=False):
    """JSON that can stand in a script; `numbers`: whether it is one, where NaN and Infinity are numbers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=numbers).replace("</", "<\\/")


def _shut(script):
    """A script that can stand in a page: what would end it early is written otherwise."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")

"""Figures: every source has its picture, pictures are up to date and self-contained, the diagrams say what the text says."""

import importlib.machinery
import importlib.util
import itertools
import pathlib
import re
from xml.etree import ElementTree

import pytest

from fldp_lib.course.exhibits.nb02 import arrows_of

FIGURES = pathlib.Path(__file__).resolve().parent.parent / "figures"
DIAGRAMS = sorted(FIGURES.glob("*.mmd"))
SVGS = sorted(FIGURES.glob("*.svg"))
LESSONS = sorted(path.stem.split("_")[0] for path in (FIGURES.parent / "notebooks").glob("*.ipynb"))
LIMIT = 30_000  # bytes of one diagram: three of them are shown in notebook 02
diagrams = pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
svgs = pytest.mark.parametrize("path", SVGS, ids=lambda path: path.stem)


def load_render():
    loader = importlib.machinery.SourceFileLoader("render", str(FIGURES / "render"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("render", loader))
    loader.exec_module(module)
    return module


RENDER = load_render()


def up_to_date(svg, source):
    """Whether a picture carries the hashes of this source and of the style that `figures/render` has now."""
    root = ElementTree.fromstring(svg)
    return all(root.get(name) == value for name, value in RENDER.stamps(source).items())


def external(svg):
    """References of a picture to anything outside itself; the names of XML's own namespaces are none."""
    found = re.findall(r'(?:href|src)\s*=\s*["\']([^"\']+)', svg) + re.findall(r'url\(\s*["\']?([^"\')]+)', svg)
    return [target for target in found if not target.startswith(("#", "data:"))] + re.findall(r"@import[^;]+", svg)


def graph(source):
    """The arrows of a Mermaid flow chart (from, to), a frame counted as one node with what it holds; and the decisions."""
    frames, inside, nodes = {}, None, set()
    arrows, decisions = [], set()
    for line in (line.strip() for line in source.splitlines()):
        if match := re.match(r"subgraph (\w+)", line):
            inside = match[1]
        elif line == "end":
            inside = None
        elif not re.match(r"(graph|flowchart|accTitle|accDescr|direction|classDef|class)\b", line):
            decisions |= set(re.findall(r"(\w+)\{[^{]", line))
            bare = re.sub(r'(\w+)(?:\["[^"]*"\]|\(\("[^"]*"\)\)|\[\("[^"]*"\)\]|\("[^"]*"\)|\{+"[^"]*"\}+)', r"\1", line)
            parts = [part.split("&") for part in re.split(r"\s*[-~]{2,}>?(?:\|[^|]*\|)?\s*", bare) if part]
            groups = [[name.strip() for name in part] for part in parts]
            for group in groups:
                nodes.update(group)
                if inside:
                    frames.update(dict.fromkeys(group, inside))
            if "~~~" not in line:
                pairs = itertools.pairwise(groups)
                arrows += [(a, b) for left, right in pairs for a in left for b in right]
    outer = [(frames.get(a, a), frames.get(b, b)) for a, b in arrows]
    names = {frames.get(node, node) for node in nodes}
    return names, [(a, b) for a, b in outer if a != b], decisions


def components(names, arrows):
    """The number of connected parts, directions ignored."""
    part = {name: name for name in names}
    for a, b in arrows:
        old, new = part[a], part[b]
        part = {name: new if at == old else at for name, at in part.items()}
    return len(set(part.values()))


def has_loop(names, arrows):
    """Whether some path of arrows leads back to its start: what is left when sources are taken away again and again."""
    left = set(names)
    while sources := {name for name in left if not any(b == name and a in left for a, b in arrows)}:
        left -= sources
    return bool(left)


def read(name):
    return graph((FIGURES / name).read_text(encoding="utf-8"))


def test_the_issue_s_diagrams_are_there():
    assert {"article_flow", "joined_flow", "trust_models", "notebook_map"} <= {path.stem for path in DIAGRAMS}


@diagrams
def test_every_source_has_an_up_to_date_picture(path):
    svg, source = path.with_suffix(".svg").read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
    assert up_to_date(svg, source), f"run figures/render {path.name}"
    assert not up_to_date(svg, source.replace("-->", "---", 1))  # the check can fail
    assert len(svg.encode()) < LIMIT


def test_a_change_of_style_makes_pictures_out_of_date(monkeypatch):
    path = DIAGRAMS[0]
    monkeypatch.setitem(RENDER.STYLE, "fontSize", 15)
    assert not up_to_date(path.with_suffix(".svg").read_text(encoding="utf-8"), path.read_text(encoding="utf-8"))


def test_every_diagram_has_a_source():
    drawn = {path.stem for path in SVGS if not path.stem.startswith("badge_")}
    assert drawn == {path.stem for path in DIAGRAMS}


@svgs
def test_a_picture_stands_alone(path):
    svg = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(svg)
    names = {child.tag.rpartition("}")[2] for child in root.iter()}
    assert "title" in names or root.get("aria-label")
    assert external(svg) == [] and not names & {"foreignObject", "script", "image"}
    assert path.stem.startswith("badge_") or "desc" in names


def test_an_outside_reference_is_noticed():
    assert external('<svg><image href="https://example.org/a.png"/></svg>') == ["https://example.org/a.png"]
    assert external("<style>@import url(fonts.css);</style>")
    assert external('<path marker-end="url(#arrow)"/><a href="#here"/>') == []


def test_every_result_figure_has_its_script_and_every_script_its_figure():
    made = [path.stem for kind in ("*.png", "*.webp", "*.json", "*.pdf") for path in FIGURES.glob(kind)]
    assert sorted(made) == sorted(path.stem for path in FIGURES.glob("*.py"))


def test_the_article_s_diagram_is_two_graphs_without_a_loop():
    names, arrows, decisions = read("article_flow.mmd")
    assert len(names) == 14 and components(names, arrows) == 2 and not has_loop(names, arrows)
    assert len(decisions) == 4  # actions, drawn as decisions


def test_the_joined_diagram_is_one_graph_with_a_loop():
    names, arrows, decisions = read("joined_flow.mmd")
    assert len(names) == 8 and components(names, arrows) == 1 and has_loop(names, arrows)
    assert decisions == {"fits"}
    back = [(a, b) for a, b in arrows if (a, b) != ("fits", "again")]
    assert not has_loop(names, back), "the loop runs over the budget's decision, and there is no other"


def test_the_map_names_every_notebook_once_and_has_no_loop():
    source = (FIGURES / "notebook_map.mmd").read_text(encoding="utf-8")
    body = source.split("subgraph", 1)[1]
    assert sorted(re.findall(r"\b[0-2]\d[a-z]?(?= [A-Z])", body)) == LESSONS
    names, arrows, _ = graph(source)
    assert components(names, arrows) == 1 and not has_loop(names, arrows)


def test_notebook_02_counts_what_stands_in_the_sources():
    """It reads the files themselves, and counts their nodes and arrows as the checks here do."""
    said = (FIGURES.parent / "notebooks" / "02_core_concepts.ipynb").read_text(encoding="utf-8")
    for name in ("article_flow.mmd", "joined_flow.mmd"):
        names, arrows, _ = read(name)
        found, matrix = arrows_of(name)
        assert set(found) == names
        assert {(found[a], found[b]) for a, b in zip(*matrix.nonzero(), strict=True)} == set(arrows)
        parts, loop = components(names, arrows), has_loop(names, arrows)
        assert f"{name}: {len(names)} nodes, {len(arrows)} arrows, separate parts: {parts}, a loop: {loop}" in said


def test_the_graph_checks_can_fail():
    names, arrows, _ = graph('graph TD\nA["a"] --> B{"b"}\nB -->|x| C["c"]\nD["d"] --> E["e"]')
    assert names == set("ABCDE") and arrows == [("A", "B"), ("B", "C"), ("D", "E")]
    assert components(names, arrows) == 2 and components(names, [*arrows, ("C", "D")]) == 1
    assert not has_loop(names, arrows) and has_loop(names, [*arrows, ("C", "A")])

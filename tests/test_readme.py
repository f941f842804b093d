"""README holds what it says: its example prints what stands below it, every module is listed, links lead somewhere."""

import contextlib
import io
import pathlib
import re
from types import SimpleNamespace

from conftest import notebook_seconds, with_times

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_stands_below_it():
    example, shown = re.search(r"```python\n(.*?)```\n+```\n(.*?)```", TEXT, flags=re.S).groups()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example, "README.md", "exec"), {})
    assert out.getvalue().split() == shown.split()


def test_the_table_lists_every_module():
    files = {path.name for path in (ROOT / "fldp_lib").glob("*.py")} - {"__init__.py"}
    packages = {path.parent.name for path in (ROOT / "fldp_lib").glob("*/__init__.py")}
    assert {name for name in files | packages if f"](fldp_lib/{name})" not in TEXT} == set()


def test_links_and_pictures_lead_somewhere():
    targets = re.findall(r"\]\(([^)#\s]+)", TEXT)
    assert [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()] == []
    assert "![](" not in TEXT


def test_the_map_has_a_measured_time_for_every_notebook():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert re.search(rf"\(notebooks/{path.name}\) \|[^|\n]*\| \d+ s \|", TEXT), path.name


def report(nodeid, duration):
    return SimpleNamespace(nodeid=nodeid, duration=duration)


def test_seconds_of_a_notebook_are_those_of_its_cells():
    cells = [report("notebooks/00_start_here.ipynb::Cell 0", 2.0), report("notebooks/00_start_here.ipynb::Cell 1", 3.5)]
    others = [report("notebooks/solutions/00_start_here.ipynb::Cell 0", 9.0), report("tests/test_readme.py::test_x", 9.0)]
    assert notebook_seconds([*cells, *others]) == {"00_start_here": 5.5}


def test_times_go_into_the_rows_they_belong_to():
    page = "| [00 Start](notebooks/00_start.ipynb) | a map | 99 s |\n| [01 B](notebooks/01_b.ipynb) | b | 1 s |\n"
    page += "<!-- total -->9 min<!-- /total -->"
    written = with_times(page, {"00_start": 41.0, "01_b": 2.0})
    assert "| a map | 40 s |" in written and "| b | 5 s |" in written and "<!-- total -->0.7 min<!-- /total -->" in written

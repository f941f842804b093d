"""Critical reading: every error of the article that a notebook is to treat has its callout there, complete."""

import json
import pathlib
import re

import pytest

from fldp_lib.course.contents import ERRORS, callouts

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELD = {  # notebook: the ids it treats; the article's errors are E1 to E47
    "00": "E47", "01": "E1 E2 E6", "02": "E4 E5 E7 E9", "03": "E3", "04": "E8 E10",
    "05": "E11 E12 E13 E14", "06": "E17 E18 E19 E20 E22 E23 E24 E25 E26", "07": "E15 E21", "07b": "E16",
    "08": "E27 E28 E29 E30 E31 E32 E33 E34 E35 E36 E37 E38", "09": "E39", "10": "E27 E39", "11": "E40", "12": "E40",
    "13": "E2 E3", "14": "E7 E27 E40", "15": "E1 E41", "16": "E14 E31 E33 E35 E36", "17": "E28 E42", "18": "E5 E40",
    "19": "E43 E44 E45 E46 E47", "20": "E16", "21": "", "22": "", "23": "", "24": "E1",
}  # fmt: skip
PARTS = ("**Claim.**", "**Demonstration.**", "**What holds.**")


NOTEBOOKS = {path.name.split("_")[0]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
TREATED = {number: callouts(path) for number, path in NOTEBOOKS.items()}


def number_of(id):
    return int(id[1:])


def test_ids_treated_and_missing(record_property):
    """An id is missing only where the notebooks that treat it are not there yet."""
    everything = set(ERRORS)
    assert len(ERRORS) == 47
    treated = {id for ids in TREATED.values() for id in ids}
    missing = everything - treated
    for name, ids in (("treated", treated), ("missing", missing)):
        record_property("latency", f"Critical reading, {name}: {' '.join(sorted(ids, key=number_of)) or 'none'}")
    assert treated <= everything
    assert {id for ids in HELD.values() for id in ids.split()} == everything
    assert missing == {id for id in everything if not any(id in HELD[number].split() for number in NOTEBOOKS)}


@pytest.mark.parametrize(("number", "id"), [(number, id) for number in NOTEBOOKS for id in HELD[number].split()])
def test_a_callout_is_complete(number, id):
    text = TREATED[number].get(id)
    assert text, f"notebook {number} has no callout {id}"
    assert [part for part in PARTS if part not in text] == []
    assert "[code]" in text or "above" in text.lower() or "notebook" in text, "a demonstration runs, or says where one does"
    if id in ("E9", "E47"):  # about the article's own diagram and signature: nothing to cite
        return
    assert re.search(r"\b(19|20)\d\d\b", text.split("**What holds.**")[1]), "what holds needs a dated source"


def test_the_check_can_fail(tmp_path):
    cells = [{"cell_type": "markdown", "source": "## Critical reading\n\n### E3 Words\n\n**Claim.** None."}]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}))
    found = callouts(tmp_path / "x.ipynb")
    assert list(found) == ["E3"] and "**What holds.**" not in found["E3"]

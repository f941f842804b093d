"""Notebook 19: identifiers are well formed, every cited work is listed, terms have both languages, the index is complete."""

import json
import pathlib
import re
import unicodedata
from itertools import pairwise
from urllib.parse import unquote

import pytest

from fldp_lib.course import contents

ROOT = pathlib.Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORKS = contents.table("19", "Work", "Read it for", "First in")
GLOSSARY = contents.table("19", "English", "中文", "In a sentence", "Notebook")
NOTATION = contents.table("19", "Symbol", "Meaning", "Shape, unit", "In code", "Notebook")
WORK = re.compile(rf"(?P<first>{contents.FIRST})[^\d]* (?P<year>\d{{4}})\. \*(?P<title>[^*]+)\*\.")
CJK = re.compile(r"[\u4e00-\u9fff]")


# What a reference can be checked for ----------------------------------------------------------------------------------


def arxiv_faults(work):
    """What is wrong with the arXiv numbers of a row: form, month, year (submitted up to four years before the work)."""
    faults, year = [], int(re.search(r" (\d{4})\. ", work)[1])
    for shown, linked in re.findall(r"\[arXiv:([^]]*)\]\(https://arxiv\.org/abs/([^)]*)\)", work):
        form = re.fullmatch(r"(\d\d)(\d\d)\.(\d{4,5})", shown)
        if shown != linked or not form:
            faults.append(f"{shown}: form")
            continue
        submitted, month = 2000 + int(form[1]), int(form[2])
        if not 1 <= month <= 12 or (submitted, month) < (2007, 4) or len(form[3]) != 4 + (submitted >= 2015):
            faults.append(f"{shown}: no such month or length")
        if not year - 4 <= submitted <= (year + 3 if "posted later" in work else year):
            faults.append(f"{shown}: not of the years before {year}")
    if "arXiv:" in re.sub(r"\[arXiv:[^]]*\]\(https://arxiv\.org/abs/[^)]*\)", "", work):
        faults.append("arXiv without a link")
    return faults


def isbn_faults(text):
    """ISBNs in a text whose check digit is wrong; ten or thirteen digits, hyphens allowed."""
    faults = []
    for shown in re.findall(r"ISBN:? ?([\dX][\dX-]{8,16})", text):
        digits = [10 if c == "X" else int(c) for c in shown.replace("-", "")]
        if len(digits) == 10:
            good = sum(w * d for w, d in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0
        else:
            good = len(digits) == 13 and sum(d * (1 + 2 * (k % 2)) for k, d in enumerate(digits)) % 10 == 0
        if not good:
            faults.append(shown)
    return faults


def test_arxiv_numbers_are_well_formed_and_agree_with_the_year():
    assert [fault for row in WORKS for fault in arxiv_faults(row["Work"])] == []
    assert sum("arXiv:" in row["Work"] for row in WORKS) >= 50


@pytest.mark.parametrize("number", ["1607.133", "1613.00133", "1307.00133", "1707.00133", "1107.0013", "0701.1234"])
def test_the_arxiv_check_can_fail(number):
    row = "Abadi et al. 2016. *Deep Learning*. CCS. [arXiv:{0}](https://arxiv.org/abs/{0})"
    assert arxiv_faults(row.format("1607.00133")) == []
    assert arxiv_faults(row.format(number)) != []
    assert arxiv_faults(row.format("1607.00133").replace("abs/1607", "abs/1608")) != []


def test_isbns_pass_their_check_digit():
    text = contents.prose("19")
    assert isbn_faults(text) == []
    assert len(re.findall(r"ISBN [\dX-]{10,}", text)) >= 2


def test_the_isbn_check_can_fail():
    assert isbn_faults("ISBN 0-387-84857-6, ISBN 978-0-387-84857-0 and ISBN 080442957X") == []
    for wrong in ("173334690X", "1789618796", "978-0-387-84857-1", "978-0-378-84857-0"):
        assert isbn_faults(f"ISBN {wrong}") == [wrong]


def test_a_doi_is_shown_as_it_is_linked():
    for row in WORKS:
        for shown, linked in re.findall(r"\[doi:([^]]*)\]\(https://doi\.org/([^)]*)\)", row["Work"]):
            assert shown == unquote(linked) and re.fullmatch(r"10\.\d{4,5}/\S+", shown), row["Work"]


# The list -------------------------------------------------------------------------------------------------------------


def plain(title):
    """A title in small letters, without accents and punctuation, cut so that short titles match long ones."""
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def listed():
    found = []
    for row in WORKS:
        match = WORK.match(row["Work"])
        assert match, row["Work"]
        found.append((match["first"], int(match["year"]), plain(match["title"]), row))
    return found


def the_same(cited, work):
    first, year, title = cited
    title = plain(title)
    length = min(30, len(title), len(work[2]))
    return (first, year) == work[:2] and length >= 8 and title[:length] == work[2][:length]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_cited_work_is_in_the_list_once(path):
    works, cited = listed(), contents.cited(path)
    assert cited
    assert {str(c): sum(the_same(c, work) for work in works) for c in cited} == {str(c): 1 for c in cited}


def test_the_comparison_can_fail():
    work = ("Dwork", 2006, plain("Calibrating Noise to Sensitivity in Private Data Analysis"))
    assert the_same(("Dwork", 2006, "Calibrating Noise to Sensitivity"), work)
    assert not the_same(("Dwork", 2006, "Our Data, Ourselves"), work)
    assert not the_same(("Dwork", 2008, "Calibrating Noise to Sensitivity"), work)
    assert not the_same(("Dwork", 2006, ""), work)


def test_no_work_is_listed_twice():
    keys = [(first, year, title[:30]) for first, year, title, _ in listed()]
    assert len(keys) == len(set(keys))
    numbers = re.findall(r"arXiv:([\d.]+)\]|doi:([^]]+)\]", "\n".join(row["Work"] for row in WORKS))
    assert len(numbers) == len(set(numbers))


def test_first_in_names_the_first_notebook_that_cites_the_work():
    cited = {path.name: contents.cited(path) for path in LESSONS if path.name.split("_")[0] != "19"}
    for *work, row in listed():
        users = [name for name, works in cited.items() if any(the_same(c, tuple(work)) for c in works)]
        if users:
            assert row["First in"] == f"[{users[0].split('_')[0]}]({users[0]})", row["Work"]
        elif module := re.fullmatch(r"\[[\w./]+\]\(\.\./(fldp_lib/[\w./]+)\)", row["First in"]):
            assert re.search(rf"{work[0]}\b.*{work[1]}", (ROOT / module[1]).read_text(encoding="utf-8")), row["Work"]


def test_cited_reads_both_styles_and_several_works_in_one_line(tmp_path):
    source = """## Sources

- Hsu, T.-M. H., Qi, H. and Brown, M. 2019. Measuring the Effects of Data. Dirichlet splits.
- de Montjoye, Hidalgo & Blondel 2013, *Unique in the Crowd*.
- Wolberg, W. 1995. Breast Cancer (Diagnostic), UCI; Alpaydin, E. and
  Kaynak, C. 1998. Digits, UCI; both as bundled.
- VaultGemma Team 2025, *A Model*.
- Regulation (EU) 2016/679; PIPL, a law, 2021.

Previous: [15](15.ipynb)"""
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": source}]}))
    assert contents.cited(path) == [
        ("Hsu", 2019, "Measuring the Effects of Data"),
        ("de Montjoye", 2013, "Unique in the Crowd"),
        ("Wolberg", 1995, "Breast Cancer (Diagnostic)"),
        ("Alpaydin", 1998, "Digits"),
        ("VaultGemma", 2025, "A Model"),
    ]


# Glossary and notation ------------------------------------------------------------------------------------------------


def order(term):
    return unicodedata.normalize("NFKD", term.replace("δ", "delta").replace("ε", "epsilon")).casefold()


def glossary_faults(rows):
    """Terms without Chinese, doubles in either language, wrong order, links to no notebook."""
    faults = [row["English"] for row in rows if not CJK.search(row["中文"]) or not row["In a sentence"]]
    for column in ("English", "中文"):
        terms = [order(row[column]) for row in rows]
        faults += [term for term in terms if terms.count(term) > 1]
    terms = [order(row["English"]) for row in rows]
    faults += [after for before, after in pairwise(terms) if after < before]
    return faults + [row["Notebook"] for row in rows if not leads_to_a_notebook(row["Notebook"])]


def leads_to_a_notebook(link):
    match = re.fullmatch(r"\[(\d\d[a-z]?)\]\((\d\d[a-z]?_\w+\.ipynb)\)", link)
    return bool(match) and match[2].startswith(f"{match[1]}_") and (ROOT / "notebooks" / match[2]).is_file()


def test_the_glossary_is_sorted_bilingual_and_linked():
    assert glossary_faults(GLOSSARY) == []
    assert len(GLOSSARY) >= 70


def test_the_glossary_check_can_fail():
    clip, noise = (
        {"English": e, "中文": z, "In a sentence": "x", "Notebook": "[05](05_private_federated_learning.ipynb)"}
        for e, z in (("clip", "裁剪"), ("noise", "噪声"))
    )
    assert glossary_faults([clip, noise]) == []
    assert glossary_faults([noise, clip]) != []
    assert glossary_faults([clip, clip]) != []
    assert glossary_faults([clip, noise | {"中文": "noise"}]) == ["noise"]
    assert glossary_faults([clip, noise | {"中文": "裁剪"}]) != []
    assert glossary_faults([clip, noise | {"Notebook": "[05](05_gone.ipynb)"}]) != []
    assert glossary_faults([clip, noise | {"Notebook": "[06](05_private_federated_learning.ipynb)"}]) != []


def test_terms_of_the_article_are_the_articles():
    chinese = " ".join(row["中文"] for row in GLOSSARY)
    for term in ("联邦学习", "差分隐私", "拉普拉斯机制", "全局模型", "参与者", "模型更新", "聚合"):
        assert term in chinese


def test_notation_has_notebooks_and_names_that_the_package_has():
    package = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "fldp_lib").rglob("*.py"))
    lessons = "\n".join(path.read_text(encoding="utf-8") for path in LESSONS if path.name.split("_")[0] != "19")
    assert len(NOTATION) >= 20
    for row in NOTATION:
        assert leads_to_a_notebook(row["Notebook"]), row
        for name in re.findall(r"`([^`]+)`", row["In code"]):
            word = name.split(".")[-1].rstrip("()")
            assert re.search(rf"\b{word}\b", package + lessons), name


# The index ------------------------------------------------------------------------------------------------------------


def test_the_index_is_complete_and_its_links_lead_to_the_callouts():
    errata = contents.Errata()
    assert list(errata.places) == [f"E{number}" for number in range(1, 48)]
    assert errata.missing == []
    rows = errata._repr_markdown_().splitlines()[2:]
    assert len(rows) == 47
    for id, row in zip(errata.places, rows, strict=True):
        assert row.startswith(f"| {id} | ") and row.count(" | ") == 3
        links = re.findall(r"\[(\d\d[a-z]?)\]\((\d\d[a-z]?_\w+\.ipynb)#([^)]+)\)", row)
        assert [name for _, name, _ in links] == [path.name for path, _ in errata.places[id]]
        for number, name, anchor in links:
            heading = unquote(anchor)
            assert name.startswith(f"{number}_") and heading.startswith(f"{id}-")
            titles = re.findall(r"^#+ (.*)$", contents.prose(ROOT / "notebooks" / name), flags=re.M)
            assert heading in [title.replace(" ", "-") for title in titles]
        assert errata.claims[id]


def test_the_index_says_what_is_missing(tmp_path):
    cells = [{"cell_type": "markdown", "source": "### E3 Words\n\n**Claim.** One | two\nlines.\n\n**What holds.** None."}]
    (tmp_path / "03_x.ipynb").write_text(json.dumps({"cells": cells}))
    errata = contents.Errata(tmp_path)
    assert len(errata.missing) == 46 and "E3" not in errata.missing
    assert errata.places["E3"] == [(tmp_path / "03_x.ipynb", "Words")] and errata.claims["E3"] == "One | two lines."
    rows = errata._repr_markdown_().splitlines()
    assert rows[4] == "| E3 | Words | One ∣ two lines. | [03](03_x.ipynb#E3-Words) |"
    assert rows[5] == "| E4 |  |  | nowhere |"
    assert repr(errata) == "Errata(1 of 47 treated)"


def test_the_notebook_prints_the_index_that_its_files_have():
    cells = json.loads(next((ROOT / "notebooks").glob("19_*.ipynb")).read_text(encoding="utf-8"))["cells"]
    printed = "".join("".join(o.get("text", "")) for cell in cells if cell["cell_type"] == "code" for o in cell["outputs"])
    for id, places in contents.Errata().places.items():
        assert re.search(rf"\b{id}: {' '.join(path.name.split('_')[0] for path, _ in places)}(\s|$)", printed), id


def test_errors_name_what_is_allowed(tmp_path):
    with pytest.raises(ValueError, match="number of a notebook, such as '05'; got '77'"):
        contents.cells("77")
    with pytest.raises(ValueError, match="columns must be those of a table"):
        contents.table("19", "A", "B")
    cells = [{"cell_type": "markdown", "source": "| A | B |\n|---|---|\n| 1 | 2 | 3 |"}]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}))
    with pytest.raises(ValueError, match="a row must have 2 cells"):
        contents.table(tmp_path / "x.ipynb", "A", "B")

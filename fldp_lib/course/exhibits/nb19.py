"""Notebook 19's explorers of what the notebooks hold: the article's errors, the works by topic, the terms."""

import re
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from .. import contents
from ._kit import _
from .nb19_more import isbn, noise, totals

__all__ = ["errors", "isbn", "noise", "terms", "totals", "works"]
TICKS = ("00", "05", "10", "15", "19", "24")  # notebooks named at an axis
GREY = 5  # what is not chosen


@lru_cache(maxsize=1)
def index():
    """The errors with the notebooks that treat them, as the notebooks' own files have them."""
    return contents.Errata()


def _number(path):
    """A notebook's number, such as "07b"."""
    return path.name.split("_")[0]


@lru_cache(maxsize=1)
def _numbers():
    """The notebooks' numbers, in their order."""
    return [_number(path) for path in sorted(contents.folder("notebooks").glob("*.ipynb"))]


def _axis():
    return {_numbers().index(number): number for number in TICKS}


@lru_cache(maxsize=1)
def texts():
    """Each notebook's prose, in small letters, in their order."""
    return [contents.prose(path).casefold() for path in sorted(contents.folder("notebooks").glob("*.ipynb"))]


def _every():
    """The errors and their notebooks, as pairs of numbers."""
    return [(int(id[1:]), _numbers().index(_number(path))) for id, found in index().places.items() for path, _t in found]


def _error(error):
    """What an error claims, and where it is put right."""
    found = index().places[f"E{error}"]
    names = [_number(path) for path, _title in found]
    places = [_numbers().index(name) for name in names]
    return dict(places=places, names=names, title=found[0][1], claim=_plain(index().claims[f"E{error}"]))


def _errors():
    """For pages: what the notebooks say of all the errors; nothing is computed."""
    return dict(errors={error: _error(error) for error in range(1, 48)}, every=_every(), notebooks=len(_numbers()))


def errors():
    """One error of the article at a time: what it claims, and the notebooks that put it right."""
    every = _every()

    def compute(error):
        return dict(error=error, **_error(error))

    def marks(r):
        chosen = [[r["error"]] * len(r["places"]), r["places"]]
        return [
            plots.line([r["error"]] * 2, [-0.8, len(_numbers()) - 0.2], GREY, width=0.8),
            plots.dots(*zip(*every, strict=True), GREY, size=2.2),
            plots.dots(*chosen, "article", size=5),
            plots.text(min(r["error"], 45) - 0.3, len(_numbers()) + 1.2, f"E{r['error']}", "article"),
        ]

    def say(r):
        places = _(" and ").join(r["names"])
        return _("E{error}, {title}. The article: {claim} Put right in {places}.").format(**r | dict(places=places))

    panel = plots.Panel(
        "", "error of the article", "notebook", x=(0, 48), y=(-0.8, len(_numbers()) + 2),
        xticks=[1, 10, 20, 30, 40, 47], yticks=_axis(),
    )  # fmt: skip
    slider = explorers.Slider("error", _("error, E"), 1, 47, 31, whole=True)
    return browser.live(
        explorers.Explorer(
        _("Forty-seven errors, and where they are put right"), [slider],
        compute, plots.Chart([panel], size=(6.6, 2.9)), marks, say,
    ), "nb19.errors", _errors
    )  # fmt: skip


@lru_cache(maxsize=1)
def shelves():
    """The reading list by topic: (year, authors and title) of each work."""
    found = {}
    for piece in re.split(r"^### ", contents.prose("19"), flags=re.M)[1:]:
        rows = re.findall(r"^\| (\S.*? (\d{4})\. \*.+?\*)\. .*? \| .+? \| .+? \|$", piece, flags=re.M)
        if rows:
            found[piece.splitlines()[0]] = [(int(year), _plain(work)) for work, year in rows]
    return found


def _works():
    """For pages: the reading list; nothing is computed."""
    return dict(shelves=shelves())


def works():
    """The works of one topic from a year on, among all of the reading list by year."""
    topics = list(shelves())

    def compute(topic, year):
        chosen = sorted((y, work) for y, work in shelves()[topic] if y >= year)
        return dict(topic=topic, year=year, chosen=chosen, of=len(shelves()[topic]))

    def marks(r):
        rows = [(year, topics.index(topic)) for topic, found in shelves().items() for year, _work in found]
        there, row = [(max(year, 1985), y) for year, y in rows], topics.index(r["topic"])
        chosen = [max(year, 1985) for year, _work in r["chosen"]]
        drawn = [
            plots.line([max(r["year"], 1985)] * 2, [-1, len(topics)], GREY, width=0.8),
            plots.dots(*zip(*there, strict=True), GREY, size=2.2),
            plots.text(2028, row, r["topic"][:22], 1),
        ]
        return [*drawn, plots.dots(chosen, [row] * len(chosen), 1, size=4)] if chosen else drawn

    def say(r):
        told = "; ".join(work for _year, work in r["chosen"][-2:])
        newest = _("The newest: {told}.").format(told=told) if told else _("None is so new.")
        return _("{topic}, from {year} on: {count} of {of} works. ").format(**r, count=len(r["chosen"])) + newest

    panel = plots.Panel(
        "", "year of the work (1985 stands for all before)", "", x=(1984, 2027), y=(-0.8, len(topics) - 0.2),
        xticks={year: str(year) for year in (1985, 1995, 2005, 2015, 2025)}, yticks={}, right=0.3,
    )  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("What there is to read"),
        [
            explorers.Choice("topic", _("topic"), topics, topics[0]),
            explorers.Slider("year", _("from the year"), 1985, 2026, 2015, whole=True),
        ],
        compute, plots.Chart([panel], size=(6.6, 2.9)), marks, say,
    ), "nb19.works", _works
    )  # fmt: skip


@lru_cache(maxsize=256)
def counts(term):
    """How often a term of the glossary stands in each notebook's prose (notebooks,)."""
    word = re.sub(r"\W+$", "", re.split(r"[(,]", term.casefold())[0]).strip()
    return np.array([len(re.findall(rf"(?<!\w){re.escape(word)}", text)) for text in texts()])


def _rows():
    """The glossary's rows by the English term."""
    return {row["English"]: row for row in contents.table("19", "English", "中文", "In a sentence", "Notebook")}


def _home(row):
    """The place of the notebook that explains a term."""
    return _numbers().index(row["Notebook"][1:].split("]")[0])


def _terms():
    """For pages: the glossary, and how often each notebook says its terms: the notebooks' prose itself is not shipped."""
    shown = {
        term: dict(chinese=row["中文"], meaning=row["In a sentence"], home=_home(row), counts=counts(term).tolist())
        for term, row in _rows().items()
    }
    return dict(terms=shown, numbers=_numbers())


def terms():
    """One term in English and Chinese: what it means, and how often each notebook says it."""
    rows = _rows()

    def compute(term):
        row = rows[term]
        return dict(term=term, row=row, counts=counts(term), home=_home(row))

    def marks(r):
        shown = np.minimum(r["counts"], 40)
        at = np.arange(len(r["counts"]))
        styles = [(GREY, at != r["home"]), (1, at == r["home"])]
        bars = [plots.bars(at[where], shown[where], style) for style, where in styles]
        cut = [plots.text(k - 0.45, 42, f"{n} ↑", GREY) for k, n in enumerate(r["counts"]) if n > 40]
        return [*bars, *cut, plots.text(-0.4, 47, r["term"], 1)]

    def say(r):
        said, most = int((r["counts"] > 0).sum()), int(r["counts"].argmax())
        return _(
            "{term} · {chinese}: {meaning}. Explained in {home}; {said} of {all} notebooks say it, {most} most often."
        ).format(
            term=r["term"], chinese=r["row"]["中文"], meaning=r["row"]["In a sentence"], home=_numbers()[r["home"]],
            said=said, all=len(r["counts"]), most=_numbers()[most],
        )  # fmt: skip

    panel = plots.Panel(
        "", "notebook", "times it is said", x=(-0.6, len(_numbers()) - 0.4), y=(0, 50),
        xticks=_axis(), yticks=[0, 10, 20, 30, 40],
    )  # fmt: skip
    options = {f"{english} · {row['中文']}": english for english, row in rows.items()}
    return browser.live(
        explorers.Explorer(
        _("A word and where it stands"),
        [explorers.Choice("term", _("term"), options, "clip (clipping)")],
        compute, plots.Chart([panel], size=(6.6, 2.7)), marks, say,
    ), "nb19.terms", _terms
    )  # fmt: skip


def _plain(text):
    """Markdown as plain words."""
    return re.sub(r"[*`$]|\]\([^)]*\)|\[", "", text).replace("\\nabla", "∇").replace("\\exp", "exp")

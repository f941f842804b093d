"""What Sphinx reads for the book: the notebooks as pages, a front page, what lies beside them."""

import copy
import html
import importlib.resources
import json
import pathlib
import re
import shutil
import urllib.parse

from ..interactive import pages as trainer
from . import reference
from .made import is_explorer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASSETS = pathlib.Path(__file__).parent / "assets"
BOOTSTRAP = '"fldp_lib").is_dir()'  # in a notebook's first code cell, which a page does not need
SHOWN = (".ipynb", ".md", ".pdf", ".svg", ".png", ".webp")  # files that are pages, or stand in one


def outward(text, folder):
    """Return Markdown whose links to the project's files that are no pages lead to the repository; anchors as they read.

    Args:
        text: the Markdown.
        folder: where it lies.
    """
    files = f"https://github.com/{address()}/blob/main"

    def lead(found):
        path = (folder / found[1]).resolve()
        if not path.is_file() or not path.is_relative_to(ROOT) or path.suffix in SHOWN:
            return found[0]
        return f"]({files}/{path.relative_to(ROOT).as_posix()})"

    def read(found):
        return found[1] + urllib.parse.unquote(found[2]).replace("(", "%28").replace(")", "%29")

    return re.sub(r"(\]\([^)#:\s]+\.ipynb#)([^)\s]+)", read, re.sub(r"\]\(([^)#:\s]+)\)", lead, text))


def page(notebook, path, explorers=None):
    """Return a notebook as its page shows it: no bootstrap, no widgets; an explorer live, or as a described picture.

    A prediction's cell is folded, since its code has the answer.

    Args:
        notebook: the notebook's JSON.
        path: its file.
        explorers: what `live.export` returned for each of its explorers; None leaves the still pictures.
    """
    notebook, shown = copy.deepcopy(notebook), 0
    notebook["cells"] = [cell for cell in notebook["cells"] if BOOTSTRAP not in "".join(cell["source"])]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = outward("".join(cell["source"]), path.parent)
        elif "course.predict(" in "".join(cell["source"]):
            cell.setdefault("metadata", {}).setdefault("tags", []).append("hide-input")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = outward("".join(data["text/markdown"]), path.parent)
            if is_explorer(data):
                told = explorers[shown] if explorers else None
                data["text/html"] = _explorer(data, f"../explorers/{number(path)}_{shown}.html", told)
                del data["image/png"]
                shown += 1
    first = next((cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"), None)
    if first:
        first["source"] += "" if "mybinder.org" in first["source"] else f"\n\n{opened(path)}"
        first["source"] += f"\n\n{living(explorers)}" if explorers else ""
    return notebook


def number(path):
    """Return a notebook's number, such as "07b"."""
    return path.stem.split("_")[0]


def opened(path):
    """Return the links that open a notebook elsewhere, as Markdown; ordinary links."""
    name, place = address(), path.relative_to(ROOT).as_posix()
    return (
        f"[Open in Colab](https://colab.research.google.com/github/{name}/blob/main/{place}) · "
        f"[Open in Binder](https://mybinder.org/v2/gh/{name}/main?urlpath=lab/tree/{place})"
    )


def address():
    """Return the repository's address, as it stands in .github/repository."""
    return (ROOT / ".github" / "repository").read_text(encoding="utf-8").strip()


def living(explorers):
    """Return a sentence that says which of a page's explorers move without a kernel, and how far.

    Args:
        explorers: what `live.export` returned for each.
    """
    moving = [one for one in explorers if not one["problem"]]
    anywhere, still = sum(one["states"] is None for one in moving), len(explorers) - len(moving)
    parts = [
        f"{anywhere} at any setting" if anywhere else "",
        f"{len(moving) - anywhere} over settings computed beforehand" if len(moving) > anywhere else "",
        f"{still} stand{'s' * (still == 1)} still" if still else "",
    ]
    many = f"{len(moving)} explorer{'s' * (len(moving) != 1)} move{'s' * (len(moving) == 1)} without a kernel"
    return f"On this page {many}: {', '.join(part for part in parts if part)}."


def _explorer(data, address, told):
    """An explorer in a page: a frame with its own page, or its picture and why it stands still."""
    name = re.sub(r"^Explorer\(.(.*).\)$", r"\1", "".join(data["text/plain"]))
    title = html.escape(told["title"] if told else name)
    if told and not told["problem"]:
        shown = f'<iframe src="{address}" title="Explorer: {title}" loading="lazy"></iframe>'
        words = "Computed in this page, at any setting. "
        if told["states"] is not None:
            words = f"{told['states']} states, every one computed beforehand; in the notebook, every move computes anew. "
        words += f'<a href="{address}">{title}, on a page of its own</a>'
    else:
        alt = html.escape(told["alt"]) if told else f"{title}, as it starts; the text beside it says what there is to see."
        png = "".join(data["image/png"]).replace("\n", "")
        shown = f'<img alt="{alt}" src="data:image/png;base64,{png}">'
        why = f" ({html.escape(told['problem'])})" if told else ""
        words = f"{title}: a picture of how it starts{why}. In the notebook its controls move."
    return f'<figure class="explorer">{shown}<figcaption>{words}</figcaption></figure>'


def front(readme, chapters, hero=""):
    """Return the front page: README's title, the hero, the map, the rest of README's beginning; and the order of the pages.

    Args:
        readme: README's text, whose first picture shows the hero at work.
        chapters: captions → pages' names.
        hero: HTML that takes the picture's place, or "".

    Raises:
        ValueError: README has no heading "## The map".
    """
    begin, *sections = re.split(r"^## ", readme, flags=re.M)
    maps = [section for section in sections if section.startswith("The map\n")]
    if not maps:
        raise ValueError('README.md must have a heading "## The map"')
    title, picture, rest = re.match(r"(.*?)(^!\[[^]]*\]\([^)]*\)\n|\Z)(.*)", begin, flags=re.S | re.M).groups()
    where = f"The lines below run in a copy of [the course's repository](https://github.com/{address()})."
    text = outward(f"{title}{hero or picture}\n\n## {maps[0]}\n\n## In your own hands\n\n{where}\n{rest}", ROOT)
    text = text.replace("](notebooks/solutions)", "](notebooks/solutions/index.md)")
    for caption, names in chapters.items():
        if not names:
            continue
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
    return text


def kit(folder):
    """Write the instructor's pages and the cheat sheet; return their names, the index first; none where there are none.

    Args:
        folder: where it goes.
    """
    home = ROOT / "notebooks" / "instructor"
    if not home.is_dir():
        return []
    (folder / home.relative_to(ROOT)).mkdir(parents=True, exist_ok=True)
    for path in sorted(home.glob("*.md")):
        place = folder / path.relative_to(ROOT)
        place.write_text(outward(path.read_text(encoding="utf-8"), home), encoding="utf-8")
    sheet = home / "cheat_sheet.ipynb"
    made = page(json.loads(sheet.read_text(encoding="utf-8")), sheet)
    (folder / sheet.relative_to(ROOT)).write_text(json.dumps(made), encoding="utf-8")
    names = ["README", "cheat_sheet", *(path.stem for path in sorted(home.glob("[0-9]*.md")))]
    return [f"notebooks/instructor/{name}" for name in names]


def sources(folder, explorers):
    """Write what Sphinx reads, in the places that the repository has for it.

    Args:
        folder: where it goes.
        explorers: notebooks' numbers → what `live.export` returned for each of their explorers.
    """
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    solutions = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    hero = ""
    for path in notebooks + solutions:
        told = explorers.get(number(path)) if path in notebooks else None
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        made = page(json.loads(path.read_text(encoding="utf-8")), path, told)
        place.write_text(json.dumps(made), encoding="utf-8")
        if told and not told[0]["problem"] and not hero:
            hero = _explorer({"text/plain": ""}, f"explorers/{number(path)}_0.html", told[0])
    names = [[p.relative_to(ROOT).with_suffix("").as_posix() for p in paths] for paths in (notebooks, solutions)]
    listed = "".join(f"- [](./{path.name})\n" for path in solutions)
    text = f"# Solutions\n\nEvery exercise, solved and checked. Try it yourself before you look.\n\n{listed}"
    (folder / "notebooks" / "solutions" / "index.md").write_text(text, encoding="utf-8")
    chapters = {
        "Notebooks": names[0],
        "For instructors": kit(folder),
        "Reference": reference.write(folder, notebooks),
        "Solutions": ["notebooks/solutions/index", *names[1]],
    }
    text = front((ROOT / "README.md").read_text(encoding="utf-8"), chapters, hero)
    (folder / "index.md").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "figures", folder / "figures")
    shutil.copytree(ASSETS, folder / "_static")
    trainer.copy(folder / "_static" / "trainer")
    shutil.copy(importlib.resources.files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf", folder / "_static")

"""What the notebooks hold, read from their own files: callouts of the critical reading, tables, and the works they cite.

Nothing is written down twice: notebook 19 shows what these functions find, and the tests check the same.
"""

import json
import os
import pathlib
import re
from urllib.parse import quote

from .. import checks

HOME = pathlib.Path(__file__).resolve().parent.parent.parent  # the course; pip installs the package alone
NOTEBOOKS = HOME / "notebooks"
ERRORS = tuple(f"E{number}" for number in range(1, 48))  # of the article
FIRST = r"(?:(?:de|van|von) )?[^\W\d_][\w’'-]*"  # an author's surname
WORK = re.compile(
    rf"(?P<first>{FIRST})(?=, | & | and | et al|(?: [A-Z]\w+)* \d{{4}}).*?\b(?P<year>1[89]\d\d|20\d\d)(?=[.,:; ]|$)"
)


def folder(name):
    """Return a folder of the course, beside the package.

    Args:
        name: "notebooks" or "figures".

    Raises:
        FileNotFoundError: it is not there, since the package was installed without the course.
    """
    checks.one_of("name", name, ("notebooks", "figures"))
    if not (HOME / name).is_dir():
        raise FileNotFoundError(f"no {name}/ beside fldp_lib: get the course's repository and work in its folder")
    return HOME / name


def cells(path):
    """Return a notebook's cells as pairs (kind, text).

    Args:
        path: the file, or a notebook's number such as "05".

    Raises:
        TypeError, ValueError: no notebook has that number; no path, or a file that is no notebook.
        FileNotFoundError: no such file, or the package was installed without the notebooks.
    """
    checks.kind("path", path, (str, os.PathLike), "a file, or the number of a notebook, such as '05'")
    if re.fullmatch("[0-9]+[a-z]?", str(path)):
        found = sorted(folder("notebooks").glob(f"{path}_*.ipynb"))
        if not found:
            raise ValueError(f"path must be a file or the number of a notebook, such as '05'; got {path!r}")
        path = found[0]
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"path must be a notebook's file or its number, such as '05'; got {str(path)!r}")
    try:
        read = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["cells"]
        return [(cell["cell_type"], "".join(cell["source"])) for cell in read]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"path must be a notebook's file, got {str(path)!r}, which holds something else") from error


def prose(path):
    """Return the text of a notebook's Markdown cells; `path` as in `cells`."""
    return "\n\n".join(text for kind, text in cells(path) if kind == "markdown")


def callouts(path):
    """Return the callouts of a notebook's critical reading: id → its text, heading and code included.

    Args:
        path: as in `cells`.
    """
    found, current = {}, None
    for kind, text in cells(path):
        if kind == "markdown":
            for piece in re.split(r"^(?=#{1,6} )", text, flags=re.M):
                heading = re.match(r"#{1,6} (?:(E\d+)\b)?", piece)
                if heading:
                    current = heading.group(1)
                if current:
                    found[current] = found.get(current, "") + piece
        elif current:
            found[current] = found.get(current, "") + "\n" + "[code]" + text
    return found


class Errata:
    """Where each error of the article is treated; shows itself as a table with links.

    Args:
        home: the notebooks' folder; None takes the course's own.

    Raises:
        TypeError, ValueError: no folder.

    Attributes:
        places: id → list of (path, title of the callout), in the order of the notebooks; empty where there is none.
        claims: id → the article's claim as the first of these callouts paraphrases it.
    """

    def __init__(self, home=None):
        if home is not None:
            checks.kind("home", home, (str, os.PathLike), "the notebooks' folder")
            if not pathlib.Path(home).is_dir():
                raise ValueError(f"home must be the notebooks' folder, got {str(home)!r}, which is none")
        self.places, self.claims = {id: [] for id in ERRORS}, {}
        for path in sorted(pathlib.Path(home or folder("notebooks")).glob("*.ipynb")):
            for id, text in callouts(path).items():
                title = re.match(r"#+ E\d+ *(.*)", text).group(1)
                self.places.setdefault(id, []).append((path, title))
                claim = re.search(r"\*\*Claim\.\*\*\s*(.*?)(?=\n\n|\Z)", text, flags=re.S)
                self.claims.setdefault(id, " ".join(claim.group(1).split()) if claim else "")

    @property
    def missing(self):
        """The ids that no notebook treats."""
        return [id for id, places in self.places.items() if not places]

    def _repr_markdown_(self):
        rows = ["| id | what | the article's claim, paraphrased | treated in |", "|---|---|---|---|"]
        for id, places in self.places.items():
            links = [
                f"[{path.name.split('_')[0]}]({path.name}#{quote(f'{id} {title}'.replace(' ', '-'), safe='-')})"
                for path, title in places
            ]
            title = places[0][1] if places else ""
            rows.append(
                f"| {id} | {title} | {self.claims.get(id, '').replace('|', '∣')} | {', '.join(links) or 'nowhere'} |"
            )
        return "\n".join(rows)

    def __repr__(self):
        return f"Errata({len(self.places) - len(self.missing)} of {len(self.places)} treated)"


def table(path, *columns):
    """Return the rows of all tables of a notebook that have exactly these columns, as dicts in the order of the page.

    Args:
        path: as in `cells`.
        columns: the words of the tables' first row, one at least.

    Raises:
        ValueError: no table has these columns, or a row is not as wide as the table.
    """
    for column in columns:
        checks.text("columns", column)
    rows, inside = None, False
    for line in prose(path).splitlines():
        parts = [part.strip() for part in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if parts == list(columns):
            rows, inside = rows or [], True
        elif parts is None:
            inside = False
        elif inside and not set("".join(parts)) <= set("-: "):
            if len(parts) != len(columns):
                raise ValueError(f"a row must have {len(columns)} cells, got {line!r}")
            rows.append(dict(zip(columns, parts, strict=True)))
    if rows is None:
        raise ValueError(f"columns must be those of a table of the notebook, got {columns}")
    return rows


def cited(path):
    """Return the works in a notebook's section of sources, in their order.

    Args:
        path: as in `cells`.

    Returns:
        Triples (first author, year, title as it is given there).
    """
    section = re.split(r"^## Sources\s*$", prose(path), flags=re.M)[-1]
    found = []
    for item in re.split(r"^- ", section, flags=re.M)[1:]:
        for part in " ".join(item.split("\n\n")[0].split()).split("; "):
            if match := WORK.match(part):
                rest = part[match.end() :]
                title = re.search(r"\*(.+?)\*", rest) or re.match(r"[.,: ]*(\w.+?)(?=\. |, UCI|$)", rest)
                if title:
                    found.append((match["first"], int(match["year"]), title[1].rstrip(".")))
    return found

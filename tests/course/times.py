"""The times of the instructor's pages, computed: reading by the course's own formula, runs as README has them measured.

python -m tests.course.times [NN ...]        # prints a line a notebook
python -m tests.course.times --write         # and writes it under "## Times" of each page in notebooks/instructor/
"""

import re
import sys

from tests.course import anatomy

PAGES = anatomy.ROOT / "notebooks" / "instructor"
ROW = re.compile(r"(?<=^## Times\n\n)(?:\|.*\n)+\n|(?<=^## Times\n\n)", re.M)


def ran(stem):
    """A notebook's run time as README's map has it, such as "15 s"."""
    readme = (anatomy.ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(rf"\(notebooks/{stem}\.ipynb\).*\| *([\d.]+ (?:s|min)) *\|", readme)[1]


def row(path):
    """A notebook's times as a table of one line.

    Args:
        path: the notebook, executed.
    """
    a = anatomy.of(path)
    reading, solving = round(a.minutes - 2 * a.exercises), 2 * a.exercises
    cells = f"{reading} min", f"{solving} min ({a.exercises})", f"{round(a.all_minutes)} min", ran(a.name)
    head = "reading and code", "exercises", "all, unfolded", "a run"
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * 4, cells))


def write(path):
    """Put a notebook's times into its page."""
    page = PAGES / f"{path.stem}.md"
    page.write_text(ROW.sub(lambda _: row(path) + "\n", page.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    asked = [word for word in sys.argv[1:] if word != "--write"]
    for lesson in anatomy.LESSONS:
        if not asked or lesson.stem.split("_")[0] in asked:
            print(lesson.stem, row(lesson).splitlines()[-1])
            if "--write" in sys.argv and (PAGES / f"{lesson.stem}.md").is_file():
                write(lesson)

"""Make figures/movielens.json: the results of notebook 11 on MovieLens 100K, by the notebook's own cells; numbers, no data.

    python figures/movielens.py

The notebook prints them where recbole, which holds the ratings, is not installed.
"""

import ast
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
NEEDED = ("protection", "PLAN", "rating_loss", "own_factor", "CLIP", "DIVISIONS")  # defined earlier, or beside a run


def lesson():
    """Run what the study takes from notebook 11: imports, a few definitions, the cells tagged "movielens"."""
    cells = json.loads((HERE.parent / "notebooks" / "11_recommendation.ipynb").read_text(encoding="utf-8"))["cells"]
    space = {"__name__": "movielens"}
    for cell in [cell for cell in cells if cell["cell_type"] == "code"][1:]:
        tagged = "movielens" in cell["metadata"].get("tags", [])
        for part in ast.parse("".join(cell["source"])).body:
            names = {getattr(part, "name", None)} | {getattr(target, "id", None) for target in getattr(part, "targets", ())}
            if tagged or isinstance(part, (ast.Import, ast.ImportFrom)) or names & set(NEEDED):
                exec(compile(ast.Module([part], []), "notebook 11", "exec"), space)
    return space


def results(seeds=None):
    """The study's results, one dict a division of the ratings; None takes the notebook's divisions."""
    space = lesson()
    stars = space["ratings_table"]()
    return [space["study"](stars, seed) for seed in (space["DIVISIONS"] if seeds is None else seeds)]


if __name__ == "__main__":
    (HERE / "movielens.json").write_text(json.dumps(results(), indent=1) + "\n", encoding="utf-8")

"""Make figures/article_systems.json: notebook 17's federation on TensorFlow Federated and on Flower with a node in Keras.

    python -m tests.systems.environments  # makes the two environments that it takes
    python figures/article_systems.py

The notebook sets it beside its own `train`; tests/systems runs the same anew.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.systems import compare  # noqa: E402

if __name__ == "__main__":
    found = compare.results()
    compare.STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(*compare.table(found), sep="\n")

"""Draw private_digits.png: what total ε = 2 costs on the digits, one image per client, by the choice of the mechanism.

.venv/bin/python figures/private_digits.py
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from fldp_lib import accounting, data, models, train  # noqa: E402
from fldp_lib.interactive import plots  # noqa: E402

ROUNDS, SEEDS, BUDGET = 20, range(10), dict(epsilon=2.0, delta=1e-5, rounds=20)


def main():
    federation = data.split(data.load("digits"), 1437)
    gaussian = accounting.calibrate("gaussian", clip=6.0, **BUDGET)
    laplace = accounting.calibrate("laplace", clip=20.0, **BUDGET)

    def accuracy(mechanism, seed=0):
        model = models.Linear(64, 10)
        return train(model, federation, rounds=ROUNDS, lr=2.0, mechanism=mechanism, seed=seed).accuracy

    rounds = np.arange(1, ROUNDS + 1)
    marks = [plots.line(rounds, accuracy(None), 0, "without privacy")]
    for style, (name, mechanism) in enumerate({"Gaussian": gaussian, "Laplace": laplace}.items(), 1):
        runs = np.array([accuracy(mechanism, seed) for seed in SEEDS])
        marks += [
            plots.band(rounds, runs.min(0), runs.max(0), style),
            plots.line(rounds, np.median(runs, 0), style, f"{name}, total ε = 2"),
        ]
        print(f"{name}: median accuracy after {ROUNDS} rounds {np.median(runs[:, -1]):.2f}")
    panel = plots.Panel(
        "1,437 clients with one handwritten digit each: test accuracy, median and range of ten runs",
        "round",
        "accuracy",
        x=(1, ROUNDS),
        y=(0, 1),
        xticks=[1, 5, 10, 15, 20],
        right=0.22,
    )
    (HERE / "private_digits.png").write_bytes(plots.Chart([panel], size=(8, 3.4)).png(marks, dpi=130))


if __name__ == "__main__":
    main()

"""Draw private_digits.png: what total ε = 2 costs on the digits, one image per client, by the choice of the mechanism.

.venv/bin/python figures/private_digits.py
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import torch  # noqa: E402

from fldp_lib import Plan, clients, data, mechanisms, models, train  # noqa: E402
from fldp_lib.interactive import plots  # noqa: E402
from fldp_lib.training.scoring import evaluate  # noqa: E402

PLAIN, SEEDS, MODEL = Plan(rounds=20, lr=2.0), range(10), models.Linear(64, 10)
SCALE = 9.62  # b/C of Laplace noise on an L2 clip: as zCDP, T·C²/(2b²), within (2, 1e-5) over 20 rounds


def laplace_on_l2(federation, clip, seed):
    """Accuracy by round with Laplace noise on an L2 clip (notebook 05)."""
    theta, generator, scores = models.flatten(MODEL), torch.Generator().manual_seed(seed), []
    for _ in range(PLAIN.rounds):
        updates = clients.local_updates(MODEL, theta, federation, lr=PLAIN.lr)
        total = mechanisms.clip_rows(updates, clip)[0].sum(0, dtype=torch.float64)
        noise = mechanisms.laplace_noise(total.shape, SCALE * clip, generator)
        theta = theta + ((total + noise) / federation.clients).float()
        scores.append(evaluate(MODEL, theta, federation)[1])
    return scores


def main():
    federation = data.split(data.load("digits"), 1437)
    gaussian = PLAIN.calibrated(2.0, clip=6.0)
    assert gaussian.changed(mechanism=mechanisms.Gaussian(SCALE, 6.0)).epsilon(method="rdp") <= 2.0
    laplace = PLAIN.calibrated(2.0, mechanism="laplace", clip=20.0)

    def accuracy(plan, seed=0):
        return train(MODEL, federation, plan.changed(seed=seed), progress=False).accuracy

    rounds = np.arange(1, PLAIN.rounds + 1)
    marks = [plots.line(rounds, accuracy(PLAIN), 0, "without privacy")]
    arms = {
        "Gaussian, L2 clip": lambda seed: accuracy(gaussian, seed),
        "Laplace, L2 clip": lambda seed: laplace_on_l2(federation, 6.0, seed),
        "Laplace, L1 clip": lambda seed: accuracy(laplace, seed),
    }
    for style, (name, run) in enumerate(arms.items(), 1):
        runs = np.array([run(seed) for seed in SEEDS])
        marks += [
            plots.band(rounds, runs.min(0), runs.max(0), style),
            plots.line(rounds, np.median(runs, 0), style, name),
        ]
        print(f"{name}: median accuracy after {PLAIN.rounds} rounds {np.median(runs[:, -1]):.2f}")
    panel = plots.Panel(
        "1,437 clients, a handwritten digit each, total ε = 2: test accuracy, median and range of ten runs",
        "round",
        "accuracy",
        x=(1, PLAIN.rounds),
        y=(0, 1),
        xticks=[1, 5, 10, 15, 20],
        right=0.22,
    )
    (HERE / "private_digits.png").write_bytes(plots.Chart([panel], size=(8, 3.4)).png(marks, dpi=130))


if __name__ == "__main__":
    main()

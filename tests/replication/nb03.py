"""Claims of notebook 03 on fresh seeds: other ways to deal the records out, and where it matters other test images."""

from dataclasses import replace

import numpy as np
import torch

from fldp_lib import Plan, aggregation, clients, data, models, train
from tests.replication.claims import claim, seeds

DIGITS, MODEL, WEIGHTED = data.load("digits"), models.Linear(64, 10), aggregation.weighted_mean


def shuffled(seed):
    """The digits with other images for testing."""
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(seed))
    x, y = (torch.cat(pair)[order] for pair in ((DIGITS.x_train, DIGITS.x_test), (DIGITS.y_train, DIGITS.y_test)))
    return replace(DIGITS, x_train=x[:1437], y_train=y[:1437], x_test=x[1437:], y_test=y[1437:])


def rounds_until(fed, steps, lr):
    """Rounds until the loss over the training records, on which the federation is judged, is 0.5."""
    run = train(
        MODEL, fed, rounds=100, local_steps=steps, lr=lr, aggregator=WEIGHTED, progress=False,
        callback=lambda t, theta, last: last["loss"] <= 0.5,
    )  # fmt: skip
    return len(run.loss) if run.loss[-1] <= 0.5 else 101


def dealt(alpha, block, count):
    """Other dealings of other training images, judged on other test images."""
    return [data.split(shuffled(seed), 20, "dirichlet", alpha=alpha, seed=seed) for seed in seeds(block, count)]


def ends(fed, steps, lr, mu=0.0):
    settings = dict(local_steps=steps, lr=lr, proximal=mu, aggregator=WEIGHTED, progress=False)
    return train(MODEL, fed, rounds=20, **settings).accuracy[-1]


def one_more_round(block, alpha, count, mu=0.0):
    """(walk, move of the mean, rise of the loss) × dealings of 20 local steps from a good model, as in the notebook."""
    settings = dict(rounds=200, lr=0.5, aggregator=WEIGHTED, progress=False)
    images = shuffled(seeds(block, 1)[0])
    theta = train(MODEL, data.split(images, 20, seed=0), **settings).theta

    def loss_at(theta):
        return float(torch.nn.functional.cross_entropy(models.predict(MODEL, theta, images.x_train), images.y_train))

    found = []
    for seed in seeds(block, count):
        fed = data.split(images, 20, "dirichlet", alpha=alpha, seed=seed)
        walks = clients.local_updates(MODEL, theta, fed, local_steps=20, lr=0.5, proximal=mu)
        shares = fed.sizes / fed.sizes.sum()
        moved = shares @ walks
        found.append((float(shares @ walks.norm(dim=1)), float(moved.norm()), loss_at(theta + moved) - loss_at(theta)))
    return np.transpose(found)


@claim("03", "gradient descent, step by step")
def weights_decide_about_the_equality(block):
    exact, apart, wrong = models.Linear(64, 10).double(), [], []
    for seed in seeds(block, 3):
        fed = data.split(DIGITS, clients=20, how="sizes", alpha=1.0, seed=seed)
        x, y = fed.pooled()
        central = models.Linear(64, 10).double()
        optimiser = torch.optim.SGD(central.parameters(), lr=0.5)
        for _ in range(20):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(central(x.double()), y).backward()
            optimiser.step()
        for rule, to in ((WEIGHTED, apart), (aggregation.mean, wrong)):
            run = train(exact, fed, rounds=20, lr=0.5, aggregator=rule, progress=False)
            to.append(float((run.theta - models.flatten(central)).abs().max()))
    return {"weighted": max(apart), "equal": min(wrong)}, max(apart) < 1e-12 and min(wrong) > 0.01


@claim("03", "twenty local steps save a factor of about 15")
def local_steps_save_a_factor_of_fifteen(block):
    ratios = []
    for seed in seeds(block, 2):
        images = shuffled(seed)
        own = replace(images, x_test=images.x_train, y_test=images.y_train)
        fed = data.split(own, 20, how="sizes", alpha=1.0, seed=seed)
        one, twenty = (min(rounds_until(fed, steps, lr) for lr in (0.5, 1, 2, 4)) for steps in (1, 20))
        ratios.append(one / twenty)
    return {"one over twenty": ratios}, all(10 <= ratio <= 20 for ratio in ratios)


@claim("03", "half of that survives the average")
def the_mean_of_like_clients_moves_and_the_loss_falls(block):
    walk, moved, rise = one_more_round(block, 100.0, 10)
    share = float((moved / walk).mean())
    return {"moved/walk": share, "largest rise": max(rise)}, 0.4 < share < 0.55 and max(rise) < -0.005


@claim("03", "and the loss stays where it was")
def walks_of_unlike_clients_cancel(block):
    walk, moved, rise = one_more_round(block, 0.02, 10)
    share, mean = float((moved / walk).mean()), float(rise.mean())
    return {"walk": walk.mean(), "moved/walk": share, "rise": mean, "rises": int((rise > 0).sum())}, (
        walk.mean() > 1 and share < 0.25 and abs(mean) < 0.005
    )


@claim("03", "they end lower at step size 0.5", quick=False)
def unlike_clients_lose_at_half_and_draw_at_two(block):
    feds = dealt(0.02, block, 8)
    at_half, at_two = (np.array([ends(fed, 20, lr) - ends(fed, 1, lr) for fed in feds]) for lr in (0.5, 2.0))
    numbers = {"half": at_half.mean(), "lower": int((at_half < 0).sum()), "two": at_two.mean()}
    return numbers, at_half.mean() < 0 and abs(at_two.mean()) < 0.02


@claim("03", "*With like clients twenty local steps end higher at either step size", quick=False)
def like_clients_gain(block):
    gains = [min(ends(fed, 20, lr) - ends(fed, 1, lr) for fed in dealt(100.0, block, 4)) for lr in (0.5, 2.0)]
    return {"half": gains[0], "two": gains[1]}, min(gains) > 0.01


@claim("03", "The term trades speed for staying together", quick=False)
def the_proximal_term_holds_back(block):
    held, free = one_more_round(block, 0.02, 10, mu=0.5), one_more_round(block, 0.02, 10)
    late = [ends(fed, 20, 0.5, 0.5) - ends(fed, 20, 0.5) for fed in dealt(0.02, block, 5)]
    shorter = float((held[0] / free[0]).max())
    return {"walk": shorter, "rise": max(held[2]), "from zero": max(late)}, (
        shorter < 0.6 and max(held[2]) < 0 and np.mean(late) < -0.02
    )


@claim("03", "nothing breaks, and the model still gets to 0.9")
def empty_cohorts_are_rounds(block):
    fed = data.split(DIGITS, clients=20, how="sizes", alpha=1.0, seed=0)
    settings = dict(rounds=200, lr=0.5, sampling_rate=0.1, aggregator=WEIGHTED, progress=False)
    runs = [train(MODEL, fed, seed=seed, **settings) for seed in seeds(block, 3)]
    empty = float(np.mean([(run.cohort == 0).sum() for run in runs]))
    score = float(np.mean([run.accuracy[-1] for run in runs]))
    return {"empty rounds": empty, "accuracy": score}, abs(empty - 24.3) < 12 and abs(score - 0.9) < 0.05


@claim("03", "and each client is hidden as well as before", quick=False)
def sixty_clients_learn_what_six_cannot_at_the_same_epsilon(block):
    """One private round at ε = 1: the best of 25 settings, chosen on the training patients, judged on the test patients."""
    patients, model = data.load("breast_cancer", features=["worst smoothness", "worst area"]), models.Linear(2, 1)

    def accuracy(thetas, x, y):
        right = (thetas[:, :2] @ x.T.double() + thetas[:, 2:] > 0) == y.bool()
        return float(right.double().mean(1).median())

    best = {}
    for count in (6, 60):
        best[count] = []
        for seed in seeds(block, 3):
            fed, found = data.split(patients, count, seed=seed), {}
            for steps in (1, 3, 10, 30, 50):
                updates = clients.local_updates(model, models.flatten(model), fed, local_steps=steps, lr=4.0)
                for clip in (0.1, 0.3, 1.0, 3.0, 10.0):
                    noise = Plan(rounds=1).calibrated(1.0, clip=clip).mechanism
                    draws = noise.noise((200, 3), torch.Generator().manual_seed(seed))
                    thetas = (noise.clip_rows(updates)[0].sum(0) + draws) / count
                    tuned = accuracy(thetas, patients.x_train, patients.y_train)
                    found[tuned, steps, clip] = accuracy(thetas, patients.x_test, patients.y_test)
            best[count].append(found[max(found)])
    return best, max(best[6]) < 0.75 and min(best[60]) > 0.85


@claim("03", "it is a limit of the single round, not of privacy", quick=False)
def what_200_clients_lack_is_rounds(block):
    """With hardly any noise: the best of 25 settings in one round and in ten, chosen on the training patients."""
    patients, model = data.load("breast_cancer", features=["worst smoothness", "worst area"]), models.Linear(2, 1)
    best = {1: [], 10: []}
    for seed in seeds(block, 3):
        fed = data.split(patients, 200, seed=seed)
        for rounds, found in best.items():
            runs = [
                train(model, fed, Plan.of(rounds=rounds, lr=4.0, local_steps=steps, seed=seed).calibrated(1e4, clip=clip))
                for steps in (1, 3, 10, 30, 50)
                for clip in (0.1, 0.3, 1.0, 3.0, 10.0)
            ]
            right = [((patients.x_train @ r.theta[:2] + r.theta[2] > 0) == patients.y_train.bool()).sum() for r in runs]
            found.append(runs[int(torch.stack(right).argmax())].accuracy[-1])
    return best, max(best[1]) < 0.88 and min(best[10]) > 0.91

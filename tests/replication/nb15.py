"""Claims of notebook 15 on fresh seeds."""

import functools
from dataclasses import replace

import numpy as np
import torch
from scipy import stats

from fldp_lib import Plan, accounting, aggregation, clients, data, mechanisms, models, train
from fldp_lib.adversary import inversion, poisoning
from tests.replication.claims import claim, seeds

MODEL, NETWORK, LR = models.Linear(64, 10), models.MLP(64, 32, 10), 2.0
LONG, CONTEST = Plan(rounds=40, lr=8.0, delta=1e-3), Plan.of(rounds=12, local_steps=5, lr=0.5)
CORNERS = (0, 7, 56, 63)


@functools.cache
def digits():
    return data.load("digits")


def singles():
    return data.split(digits(), 1_437)


def people(block, count):
    """Clients of one image each that no other block has, and not the notebook's."""
    return singles().select(torch.from_numpy(np.random.default_rng(seeds(block, 1)[0]).permutation(1_337)[:count] + 100))


@claim("15", "and at least four in five of others, to 0.05 a pixel", quick=False)
def a_search_finds_an_image_from_its_update(block):
    """Twelve other images, as the notebook's ten; fails where the search gives up or the label is read wrongly."""
    some, theta = people(block, 12), models.flatten(NETWORK)
    sent = clients.local_updates(NETWORK, theta, some, lr=LR)
    found = torch.stack([inversion.match_gradients(NETWORK, theta, u, restarts=2)[0] for u in sent])
    near = int(((found - some.x[:, 0]).abs().mean(1) <= 0.05).sum())
    return {"found of 12": near}, near >= 0.8 * 12


@claim("15", "Dividing a noisy report by another gives noise")
def dividing_a_noisy_report_is_worse_than_not_looking(block):
    """At ε = 20 and below, on thirty other images; fails where the noise of a report is too small for its ε."""
    some = people(block, 30)
    short, _ = mechanisms.clip_rows(clients.local_updates(MODEL, models.flatten(MODEL), some, lr=LR), 6.0)
    average, errors = float((digits().x_test.mean(0) - some.x[:, 0]).abs().mean()), {}
    for epsilon in (0.5, 2.0, 20.0):
        noise = accounting.calibrate("gaussian", epsilon=epsilon, clip=6.0, at="client")
        reports = short + noise.noise_rows(30, (650,), torch.Generator().manual_seed(seeds(block, 1)[0])).float()
        read = torch.stack([inversion.read_first_layer(MODEL, r).clamp(0, 1) for r in reports])
        errors[f"{epsilon:g}"] = float((read - some.x[:, 0]).abs().mean())
    return errors | {"average": average}, min(errors.values()) > average


@claim("15", "At ε = 2 the report improves the guess by 0.0004 ± 0.0004 a pixel")
def weighing_public_images_gains_next_to_nothing_at_two(block):
    """A hundred other images, five draws: a gain of at most 0.0015 at ε = 2, more than 0.05 at 100."""
    some, test = people(block, 100), digits()
    library = data.Federation(test.x_test[:, None], test.y_test[:, None], torch.ones(360, 1, dtype=torch.bool),
                              test.x_test, test.y_test, "classification")  # fmt: skip
    start = models.flatten(MODEL)
    sent, known = (mechanisms.clip_rows(clients.local_updates(MODEL, start, f, lr=LR), 6.0)[0] for f in (some, library))
    prior, gains = float((test.x_test.mean(0) - some.x[:, 0]).abs().mean()), {}
    for epsilon in (2.0, 100.0):
        noise, found = accounting.calibrate("gaussian", epsilon=epsilon, clip=6.0, at="client"), []
        for seed in seeds(block, 5):
            reports = sent + noise.noise_rows(100, (650,), torch.Generator().manual_seed(seed)).float()
            weights = (-torch.cdist(reports, known).square() / (2 * noise.std**2)).softmax(1)
            found.append(prior - float((weights @ test.x_test - some.x[:, 0]).abs().mean()))
        gains[f"gain at {epsilon:g}"] = float(np.mean(found))
    return gains, abs(gains["gain at 2"]) <= 0.0015 and gains["gain at 100"] > 0.05


def members(plan, block, count=24):
    """Confidence, likelihood ratio, truth (models × records): 200 records, a fixed divisor; shadows are the other models."""
    pool, scores, inside = singles().select(torch.arange(200)), [], []
    for seed in seeds(block, count):
        chosen = torch.rand(200, generator=torch.Generator().manual_seed(seed)) < 0.5
        run = train(MODEL, replace(pool, mask=pool.mask & chosen[:, None]), plan.changed(seed=seed), progress=False)
        out = models.predict(MODEL, run.theta, pool.x[:, 0]).double().log_softmax(1)
        log_p = out[torch.arange(200), pool.y[:, 0]]
        scores.append((log_p - torch.log(-torch.expm1(log_p.clamp(max=-1e-12)))).numpy()), inside.append(chosen.numpy())
    scores, inside = np.array(scores), np.array(inside)
    ratio = np.empty_like(scores)
    for k in range(count):
        shadows, law = np.arange(count) != k, []
        for chosen in (inside[shadows], ~inside[shadows]):
            part = np.where(chosen, scores[shadows], np.nan)
            law.append(stats.norm(np.nanmean(part, 0), np.nanstd(part - np.nanmean(part, 0))))
        ratio[k] = law[0].logpdf(scores[k]) - law[1].logpdf(scores[k])
    return scores, ratio, inside


def caught(score, truth):
    return float((score[truth] > np.quantile(score[~truth], 0.99)).mean())


def curve(score, truth):
    above = stats.rankdata(score.ravel())[truth.ravel()].mean() - (truth.sum() + 1) / 2
    return float(above / (~truth).sum())


@claim("15", "The likelihood ratio finds several times as many, 0.187.")
def the_likelihood_ratio_finds_several_times_as_many(block):
    """Without privacy, 24 other models: at least four times the loss threshold's TPR at 1% FPR, and above 0.12."""
    confidence, ratio, truth = members(LONG, block)
    plain, found = caught(confidence, truth), caught(ratio, truth)
    return {"loss threshold": plain, "likelihood ratio": found}, found > max(0.12, 4 * plain)


@claim("15", "At ε = 2 little is found, and something is left.", quick=False)
def at_two_little_is_found_and_something_is_left(block):
    """48 other models: TPR at 1% FPR below 0.03 and below what the noise allows, AUC above 0.5 by more than 0.04."""
    plan = LONG.calibrated(2.0, clip=4.0)
    _, ratio, truth = members(plan, block, 48)
    tpr, auc = caught(ratio, truth), curve(ratio, truth)
    return {"tpr": tpr, "auc": auc}, tpr < min(0.03, plan.attacker().tpr) and auc > 0.54


def contest(attack, rule, seed, how="iid", attackers=10, poison=None):
    """Accuracy and success of the backdoor: fifty clients, twelve rounds."""
    fed = data.split(digits(), 50, how=how, alpha=1.0, seed=seed)
    if poison == "flip":
        fed = poisoning.flip_labels(fed, attackers, 10)
    elif poison == "corners":
        fed = poisoning.backdoor(fed, attackers, CORNERS, target=0)
    guard = poisoning.Poisoned(rule, attack, attackers)
    run = train(MODEL, fed, CONTEST.changed(aggregator=guard, seed=seed), progress=False)
    others = digits().x_test[digits().y_test != 0]
    guess = models.predict(MODEL, run.theta, poisoning.stamp(others, CORNERS)).argmax(1)
    return float(run.accuracy[-1]), float((guess == 0).double().mean())


def mean_of(*args, place=0, count=5, block=0, **options):
    return float(np.mean([contest(*args, seed, **options)[place] for seed in seeds(block, count)]))


@claim("15", "One attack of five ruins the mean: 0.317 under scaled updates.")
def scaled_updates_ruin_the_mean_and_not_multi_krum(block):
    found = {
        kind: mean_of(poisoning.boost(10.0), rule, block=block, poison="flip")
        for kind, rule in (("mean", aggregation.mean), ("krum", aggregation.multi_krum))
    }
    return found, found["mean"] < 0.5 and found["krum"] > 0.85


@claim("15", "A defence that is chosen for one attack can be worse than none under the next.")
def the_adaptive_attack_turns_multi_krum_into_a_weakness(block):
    """Unlike clients, half the honest mean turned round: multi-Krum far below the mean, on the same splits."""
    attack = poisoning.inner_product(0.5)
    found = {
        kind: mean_of(attack, rule, block=block, how="dirichlet")
        for kind, rule in (("mean", aggregation.mean), ("krum", aggregation.multi_krum))
    }
    return found, found["krum"] < found["mean"] - 0.05 and found["mean"] > 0.88


@claim("15", "Where honest clients disagree the median costs a point or two before anybody attacks")
def the_median_costs_a_point_or_two_among_unlike_clients(block):
    """Ten other splits, the same for both: between half a point and three."""
    honest = poisoning.boost(1.0)
    mean, median = (
        mean_of(honest, rule, block=block, how="dirichlet", count=10) for rule in (aggregation.mean, aggregation.median)
    )
    return {"points": 100 * (mean - median)}, 0.5 <= 100 * (mean - median) <= 3


def hit(rule, attackers, block):
    return mean_of(poisoning.boost(3.0), rule, block=block, attackers=attackers, poison="corners", place=1)


@claim("15", "Two attackers of fifty are held off by the clip")
def the_clip_holds_two_attackers_off_and_not_ten(block):
    bound = aggregation.NormBound(1.0)
    found = {
        "two, mean": hit(aggregation.mean, 2, block),
        "two, clip": hit(bound, 2, block),
        "ten, clip": hit(bound, 10, block),
    }
    return found, found["two, mean"] > 0.1 and found["two, clip"] < 0.05 and found["ten, clip"] > 0.5


@claim("15", "The noise adds nothing here")
def noise_adds_nothing_to_the_clip(block):
    """Ten attackers, clip 1, noise of multiplier 1 in the sum: as many stamped images called 0 as with the clip, ± 0.1."""

    def noisy(seed):
        generator = torch.Generator().manual_seed(seed)

        def aggregate(updates, sizes):
            total = mechanisms.clip_rows(updates, 1.0)[0].sum(0)
            return (total + torch.randn(650, generator=generator)) / len(updates)

        return aggregate

    attack, options = poisoning.boost(3.0), dict(poison="corners")
    alone = hit(aggregation.NormBound(1.0), 10, block)
    both = float(np.mean([contest(attack, noisy(seed), seed, **options)[1] for seed in seeds(block, 5)]))
    return {"clip": alone, "clip and noise": both}, abs(both - alone) <= 0.1

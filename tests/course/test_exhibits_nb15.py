"""What notebook 15 shows is computed as the notebook does by hand."""

import numpy as np
import pytest
import torch
from scipy import stats

from fldp_lib import accounting, data, mechanisms, models, train
from fldp_lib.adversary import inversion, poisoning
from fldp_lib.course.exhibits import _singles, nb15, nb15_more


def by_hand(scores, inside):
    """The likelihood ratio of each model's records, its shadows one by one, as in the notebook."""
    ratio = np.empty_like(scores)
    for k in range(len(scores)):
        shadows, law = np.arange(len(scores)) != k, []
        for chosen in (inside[shadows], ~inside[shadows]):
            part = np.where(chosen, scores[shadows], np.nan)
            law.append(stats.norm(np.nanmean(part, 0), np.nanstd(part - np.nanmean(part, 0))))
        ratio[k] = law[0].logpdf(scores[k]) - law[1].logpdf(scores[k])
    return ratio


@pytest.mark.parametrize("epsilon", [None, 8.0])
def test_members_are_found_as_by_hand(epsilon):
    crowd, plan = nb15_more.pool(40), nb15_more.LONG.changed(rounds=8)
    mechanism = None if epsilon is None else plan.calibrated(epsilon, clip=4.0).mechanism
    coins = [torch.rand(40, generator=torch.Generator().manual_seed(s)) < 0.5 for s in range(nb15_more.MODELS)]
    inside = torch.stack(coins)
    mechs = [mechanism] * nb15_more.MODELS
    theta = _singles.together(crowd, plan, mechs, range(nb15_more.MODELS), inside, divisor=40)[1]
    out = torch.stack([crowd.federation.x[:, 0] @ t[:640].view(10, 64).T + t[640:] for t in theta]).double().log_softmax(2)
    log_p = out[:, torch.arange(40), crowd.federation.y[:, 0]]
    scores, inside = (log_p - torch.log(-torch.expm1(log_p))).numpy(), inside.numpy()
    ratio = by_hand(scores, inside)
    expected = [(ratio[inside] > limit).mean() for limit in np.quantile(ratio[~inside], 1 - nb15_more.RATES)]
    np.testing.assert_allclose(nb15_more.caught(40, 8, epsilon), expected, atol=0.002)


def test_reports_are_read_as_the_package_reads_them():
    noise, own = accounting.calibrate("gaussian", epsilon=500.0, clip=6.0, at="client"), _singles.digits().x[:10, 0]
    sent, known = (mechanisms.clip_rows(rows, 6.0)[0] for rows in nb15.sent())
    reports = sent[:10] + noise.noise_rows(10, (650,), torch.Generator().manual_seed(0)).float()
    divided = torch.stack([inversion.read_first_layer(_singles.MODEL, report) for report in reports]).clamp(0, 1)
    weighed = nb15.weighed(reports, known, noise.std**2)
    expected = [float((guess - own).abs().mean()) for guess in (divided, weighed)]
    np.testing.assert_allclose(nb15.readings(500.0, 6.0)[0, :, :10].mean(1), expected, rtol=1e-4)


@pytest.mark.parametrize("dropped", [0, 1, 4])
def test_masks_taken_off_leave_the_survivors_sum(dropped):
    explorer = nb15.masks().set(clients=7, dropped=dropped, draw=3)
    r = explorer.result
    survivors = slice(0, r["here"])
    assert (r["sent"][survivors].sum() - r["left"]) % 101 == r["values"][survivors].sum() % 101


@pytest.mark.parametrize("attack, aggregator", [("label flip", "mean"), ("backdoor", "multi-Krum")])
def test_attacks_go_as_in_train(attack, aggregator):
    kind, sends = nb15_more.ATTACKS[attack]
    fed = data.split(_singles.images(), 20, how="dirichlet", alpha=1.0, seed=0)
    poisoned = poisoning.flip_labels(fed, 4, 10) if kind == "flip" else poisoning.backdoor(fed, 4, nb15_more.CORNERS, 0)
    rule = poisoning.Poisoned(nb15_more.AGGREGATORS[aggregator], sends, 4)
    run = train(_singles.MODEL, poisoned, rounds=10, local_steps=5, lr=0.5, aggregator=rule, progress=False)
    right, called = nb15_more.trained(attack, aggregator, 4, 20, "dirichlet")
    np.testing.assert_allclose(right, 100 * run.accuracy, atol=1e-4)
    stamped = poisoning.stamp(fed.x_test[fed.y_test != 0], nb15_more.CORNERS)
    guess = models.predict(_singles.MODEL, run.theta, stamped).argmax(1)
    assert called == pytest.approx(100 * float((guess == 0).double().mean()))

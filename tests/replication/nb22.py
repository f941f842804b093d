"""Claims of notebook 22 on fresh seeds: thresholds, letters, local reports, a drawn turn, sums in integers."""

from collections import Counter
from functools import reduce

import numpy as np
import torch
from scipy import stats

from fldp_lib import Plan, accounting, analytics, data, mechanisms, models, train
from fldp_lib.course.exhibits.nb12_phones import projected
from fldp_lib.course.exhibits.nb22_trees import amounts
from fldp_lib.data import pets
from fldp_lib.privacy import allocation, integers, randomisers, skellam
from fldp_lib.training import algorithms
from fldp_lib.training.transport import rounding, secure
from tests.replication.claims import claim, seeds

PEOPLE, EPSILON, DELTA = 48_255, 1.0, 1e-6


def generator(block, place=0):
    return torch.Generator().manual_seed(seeds(block, place + 1)[place])


def rule():
    return analytics.LaplaceThreshold(EPSILON, DELTA)


@claim("22", "a count is nearly free")
def a_known_list_is_nearly_free(block):
    """Noise on 26 counts of letters, in people, beside the mean count."""
    first = torch.bincount(torch.tensor([ord(name[0]) - 97 for name in pets.people()]), minlength=26)
    off = [(analytics.histogram(first, EPSILON, generator(block, k)) - first).abs().max() for k in range(50)]
    most = float(torch.stack(off).max())
    return {"largest error": most, "mean count": PEOPLE / 26}, most < 0.02 * PEOPLE / 26


@claim("22", "A mean has to hide the largest value there may be; a median hides one step in rank.")
def a_median_does_not_pay_for_its_bound(block):
    """Nine of ten errors of median and mean, with loans of up to 20,000 and of up to 10 million thought possible."""
    loans, found = torch.from_numpy(amounts()), {}
    for high in (2e4, 1e7):
        draw = generator(block)
        drawn = [analytics.quantile(loans, 0.5, EPSILON, 200, high, draw) for _ in range(300)]
        found[high] = float(np.quantile(np.abs(np.array(drawn) - float(np.median(amounts()))), 0.9))
    rng = np.random.default_rng(seeds(block, 1)[0])
    mean = [float(np.quantile(np.abs(rng.laplace(scale=(h - 200) / 1_000, size=300)), 0.9)) for h in (2e4, 1e7)]
    numbers = {"median": tuple(found.values()), "mean": tuple(mean)}
    return numbers, max(found.values()) < 60 and mean[1] > 100 * mean[0]


@claim("22", "each of the 439 names that 20 people hold comes out with a chance of at least 0.9986")
def names_of_twenty_come_out(block):
    """The least exact chance; the share of 200 runs in which each comes out, at the least, and the runs with all of them."""
    counts = pets.table()[1]
    many = counts >= 20
    out = torch.zeros(200, len(counts), dtype=torch.bool)
    for run in range(200):
        out[run, rule().release(counts, generator(block, run))[0]] = True
    least, together = float(out[:, many].double().mean(0).min()), int(out[:, many].all(1).sum())
    chance = float(rule().chance(counts[many]).min())
    numbers = {"names": int(many.sum()), "chance": chance, "least": least, "together": together}
    return numbers, chance > 0.9985 and least >= 0.98 and together >= 175


@claim("22", "of twenty million secrets 13", quick=False)
def single_secrets_stay(block):
    """Those that came out of twenty million, where δ allows twenty on average; and that the slip is refuted."""

    class Forgetful(analytics.LaplaceThreshold):
        @property
        def threshold(self):
            return super().threshold - 1

    kept = analytics.audit_singles(rule(), generator(block), 20_000_000)
    slip = analytics.audit_singles(Forgetful(EPSILON, DELTA), generator(block, 1), 20_000_000)
    return {"kept": kept.released, "slip": slip.released}, not kept.caught and slip.caught


@claim("22", "with $δ = 1/n$ and a secret for each of n people, somebody's comes out more often than not")
def one_over_n_is_too_large(block):
    """Tables of n secrets at δ = 1/n: how often at least one comes out; 1 − 1/e is 0.63."""
    one = analytics.LaplaceThreshold(EPSILON, 1 / 2_000)
    some = [len(one.release(torch.ones(2_000, dtype=torch.int64), generator(block, k))[0]) > 0 for k in range(400)]
    return {"share": float(np.mean(some))}, abs(np.mean(some) - (1 - 1 / np.e)) < 0.09


@claim("22", "Nine times the noise harms less here than eight ninths of the people left out", quick=False)
def everybody_at_each_letter_finds_more(block):
    words = pets.people()
    heavy = {name for name, count in Counter(words).items() if count >= 100}
    found = {
        f"{deal}, bar {bar:g}": [
            len(heavy & set(analytics.heavy_hitters(words, 1.0, generator(block, k), deal=deal, at_least=bar).found))
            for k in range(3)
        ]
        for bar in (99.5, 75)
        for deal in ("people", "budget")
    }
    more = [min(found[f"budget, bar {bar}"]) > max(found[f"people, bar {bar}"]) for bar in ("99.5", "75")]
    return found, all(more) and max(found["people, bar 99.5"]) > 25 and min(found["people, bar 75"]) > 35


@claim("22", "none here and at most two on other draws at 4", quick=False)
def letters_do_not_find_locally(block):
    """Of 56 names that a hundred hold: found at ε = 1, 4 and 8, with noise from each phone."""
    words = pets.people()
    heavy = {name for name, count in Counter(words).items() if count >= 100}
    found = [len(heavy & set(analytics.heavy_hitters(words, e, generator(block), "local").found)) for e in (1.0, 4.0, 8.0)]
    return {"at ε = 1, 4, 8": found}, found[0] == 0 and found[1] <= 2 and found[2] > 30


@claim(
    "22", "each within 5% of the formula. Moved to the nearest shares that could be, k-RR is off by 2.2, the others by 1.2"
)
def local_errors_follow_the_formula(block):
    counts, numbers, holds = pets.table()[1][:100], {}, True
    true = counts / counts.sum()
    for name, kind in randomisers.ALL.items():
        way, draw = kind(EPSILON, 100), generator(block)
        shares = torch.stack([way.simulate(counts, draw) for _ in range(20)])
        off = float((shares - true).square().mean().sqrt())
        wanted = np.mean([way.variance(int(counts.sum()), float(share)) for share in true]) ** 0.5
        near = 100 * float(np.sqrt(np.square(projected(shares.numpy()) - true.numpy()).mean()))
        numbers[name] = (100 * off, 100 * wanted, near)
        holds &= abs(off / wanted - 1) < 0.05 and near < 100 * off
    return numbers, holds and abs(numbers["k-RR"][2] - 2.2) < 0.25 and all(
        abs(numbers[name][2] - 1.17) < 0.1 for name in list(numbers)[1:]
    )


@claim("22", "**A shuffler brings 0.065, a trusted server 0.021.**")
def three_places_err_as_they_say(block):
    """Reports and noise drawn as each place has them; the error of a share, a root mean square over 100 names."""
    counts = pets.table()[1][:100]
    people, true, found = int(counts.sum()), counts / counts.sum(), {}
    arms = analytics.compare(EPSILON, DELTA, people, 100, share=0.01)
    for place in ("local", "shuffled"):
        way, draw = randomisers.ALL[arms[place].how](arms[place].local_epsilon, 100), generator(block)
        shares = torch.stack([way.simulate(counts, draw) for _ in range(10)])
        found[place] = 100 * float((shares - true).square().mean().sqrt())
    noise = np.random.default_rng(seeds(block, 1)[0]).laplace(scale=2 / EPSILON, size=(10, 100))
    found["central"] = 100 * float(np.sqrt(np.square(noise).mean())) / people
    near = [abs(found[place] / said - 1) < 0.12 for place, said in (("local", 1.7), ("shuffled", 0.065), ("central", 0.021))]
    return found, all(near)


@claim("22", "A turn that the phone draws costs 0.86, coins 0.95, a known turn 4.89")
def a_drawn_turn_hides(block):
    """δ of a drawn turn at ε = 0.3, from the law of the likelihood ratio as it is drawn, and three ε; 100 steps, σ = 1."""
    rng, draws, above = np.random.default_rng(seeds(block, 1)[0]), 60_000, []
    for _ in range(5):
        x = rng.normal(size=(draws // 5, 100))
        x[:, 0] += 1
        above.append(np.maximum(1 - np.exp(0.3) / np.exp(x - 0.5).mean(1), 0).mean())
    measured, told = float(np.mean(above)), allocation.delta(1.0, 100, 0.3)
    three = [allocation.epsilon(1.0, 100, 1e-6), allocation.poisson(1.0, 100, 1e-6), allocation.unhidden(1.0, 1e-6)]
    numbers = {"δ at ε = 0.3, drawn": measured, "computed": told, "ε drawn, coins, known": tuple(three)}
    same = bool(np.allclose(three, (0.86, 0.95, 4.89), rtol=0, atol=0.006))
    return numbers, same and told > 0.75 * measured and measured > 0.5 * told


@claim("22", "With shares for seven the promise holds")
def shares_for_who_answers_keep_the_promise(block):
    """Other multipliers, bounds and dropouts: every outcome of the survivors' shares added up; never above."""
    rng, kept, broken = np.random.default_rng(seeds(block, 1)[0]), [], []
    for _ in range(12):
        noise, bound, people = rng.uniform(0.7, 1.5), int(rng.integers(9, 14)), int(rng.integers(8, 16))
        answer = int(np.ceil(0.7 * people))
        told = accounting.epsilon(mechanisms.Gaussian(noise, 1.0), delta=1e-3)
        variance = integers.needed_variance(noise, bound**2)
        for cut in (answer, people):
            share = stats.skellam(variance / cut / 2, variance / cut / 2).pmf(np.arange(-150, 151))
            left = reduce(np.convolve, [share] * answer)
            there, without = np.pad(left, (bound, 0)), np.pad(left, (0, bound))
            delta = float(np.maximum(there - np.exp(told) * without, 0).sum())
            (kept if cut == answer else broken).append(delta <= 1e-3)
    return {"kept of 12": sum(kept), "kept with shares for all": sum(broken)}, all(kept) and not any(broken)


@claim("22", "at ten steps of deviation a sixth of a per cent is lost")
def the_price_is_a_gaussians_but_for_a_sixth_of_a_step(block):
    variances = np.random.default_rng(seeds(block, 1)[0]).uniform(50, 5_000, 20)
    lost = [variance * (skellam.step_mu(variance) * np.sqrt(variance) - 1) for variance in variances]
    return {"least": float(min(lost)), "most": float(max(lost))}, all(abs(each - 1 / 6) < 0.01 for each in lost)


@claim("22", "a number beyond $2^{b-1}$ comes back at the other end")
def a_sum_is_exact_modulo_its_bits(block):
    """Other vectors, dropouts, bits: the survivors' sum, through the whole protocol; and noise that is too large wraps."""
    rng, exact = np.random.default_rng(seeds(block, 1)[0]), []
    for _ in range(3):
        people, bits = int(rng.integers(8, 14)), int(rng.integers(10, 17))
        grid = integers.Skellam(0.0, 1.0, bits=bits, answering=0.7).grid(40, people)
        rows = torch.from_numpy(rng.normal(size=(people, 40)))
        sent = rounding.encode(rows / rows.norm(dim=1, keepdim=True), grid, int(rng.integers(2**40)), torch.arange(people))
        gone = rng.permutation(people)[: people - grid.least].tolist()
        total, _ = secure.aggregate((sent % grid.modulus).numpy(), grid.least, gone, modulus=grid.modulus)
        left = [k for k in range(people) if k not in gone]
        exact.append(bool((total == (sent[left].sum(0) % grid.modulus).numpy()).all()))
    return {"exact of 3": sum(exact)}, all(exact)


@claim("22", "the mean difference is less than a point of accuracy, and less than two with two standard errors", quick=False)
def sixteen_bits_lose_less_than_a_point(block):
    """Twelve splits and noises: 400 people, 20 rounds of five local steps, ε = 4."""
    digits, model, gaps = data.load("digits"), models.MLP(64, 32, 10), []
    for seed in seeds(block, 12):
        people = data.split(digits, 400, how="iid", seed=seed)
        plan = Plan(rounds=20, lr=0.5, local=algorithms.FedAvg(5), seed=seed).calibrated(4.0, clip=1.0, at="shares")
        whole = plan.changed(mechanism=integers.Skellam(plan.mechanism.noise_multiplier, 1.0, bits=16))
        plain, rounded = (100 * train(model, people, p, progress=False).accuracy[-1] for p in (plan, whole))
        gaps.append(rounded - plain)
    mean, error = abs(float(np.mean(gaps))), float(np.std(gaps, ddof=1) / 12**0.5)
    return {"points, mean": float(np.mean(gaps)), "standard error": error}, mean < 1 and mean + 2 * error < 2

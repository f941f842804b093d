"""What notebook 13's exhibits compute: a linear model on digits, messages of any kind, several draws at once."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

from ... import Plan, data
from ...training._streams import streams
from ...training.transport import compression
from ._clouds import unit_noise, with_one
from ._groups import Groups
from ._singles import images

LENGTH = 650  # numbers of the linear model: ten digits, each 64 weights and a bias
# Here a digit's bias stands behind its weights; in the package all biases stand at the end.
ORDER = torch.tensor([[64 * digit + p for p in range(64)] + [640 + digit] for digit in range(10)]).flatten()


@lru_cache(maxsize=48)
def dealt(clients, how="iid", alpha=0.2, seed=0):
    """The training digits, dealt out to so many clients."""
    return data.split(images(), clients, how=how, alpha=alpha, seed=seed)


@lru_cache(maxsize=16)
def grouped(clients, how="iid", seed=0):
    """The same with the products of each client's records, for several local steps or many runs."""
    return Groups(dealt(clients, how, seed=seed))


def path(federation, plan, compressor=None, draws=1, present=None, feedback=None):
    """`train` for the linear model of digits, with several draws of the noise at once: θ (rounds + 1 × draws × 650).

    Args:
        federation: a `data.Federation` of digits.
        plan: a `Plan` with a Gaussian mechanism at the server, or with none.
        compressor: what the clients' messages are made by; None sends every number.
        draws: of the noise, the seeds 0 … draws − 1.
        present: whose answers the server waits for, a row a round (rounds × clients), in a plain run of one local step;
            None waits for all.
        feedback: of each draw, whether its clients keep what they did not send; None: as the compressor says.
    """
    clients, mech = federation.clients, plan.mechanism
    if mech is None and compressor is None and plan.local.steps == 1:
        return pooled(federation, plan, present)
    noise = None if mech is None else mech.std * unit_noise(tuple(range(draws)), plan.rounds, LENGTH)
    theta, rest, past = torch.zeros(draws * 10, 65), 0, []
    coins = streams(plan.seed)[3]
    torch.randint(2**62, (), generator=coins)  # `train` opens its channel once before the first round
    for t in range(plan.rounds):
        past.append(theta)
        wanted = gradients(federation, theta, draws).mul_(-plan.lr)
        if plan.local.steps > 1:
            wanted = _walked(federation, plan, theta, wanted)
        wanted = wanted.view(clients, draws, LENGTH)
        if compressor is not None:
            wanted += rest
            alike = wanted[:, :1] if t == 0 else wanted  # before the first noise all draws send the same
            sent = message(alike, compressor, int(torch.randint(2**62, (), generator=coins))).expand_as(wanted)
            rest = wanted.sub_(sent)
            for draw, kept in enumerate(feedback or [compressor.error_feedback] * draws):
                if not kept:
                    rest[:, draw].zero_()
            wanted = sent
        weight = torch.ones(clients, draws)
        if mech is not None:
            weight = (mech.clip / wanted.norm(dim=-1).clamp(min=1e-30)).clamp(max=1)
        total = torch.bmm(weight.T.unsqueeze(1), wanted.transpose(0, 1))  # draws × 1 × 650
        if noise is not None:
            total = total + noise[t][ORDER].T.unsqueeze(1)
        theta = theta + plan.server.lr * total.view_as(theta) / clients
    return torch.stack([*past, theta]).view(-1, draws, LENGTH)[..., ORDER.argsort()]


def gradients(federation, theta, draws=1):
    """Of each client's mean loss at θ (draws · 10 × 65), for each draw (clients × draws · 10 × 65)."""
    x, share, hot = _padded(federation)
    odds = (theta @ x.view(-1, 65).T).view(draws, 10, -1).softmax(1)  # the classes first: a softmax of many records at once
    slope = odds.sub_(hot).mul_(share).view(draws * 10, federation.clients, -1).transpose(0, 1)
    return torch.bmm(slope.contiguous(), x)


@lru_cache(maxsize=8)
def _padded(federation):
    """The records beside a 1 (clients × records × 65), their shares (all,) and classes (10 × all)."""
    x = with_one(federation.x)
    share = federation.mask / federation.sizes.clamp(min=1).unsqueeze(1)
    hot = torch.nn.functional.one_hot(federation.y.flatten(), 10).float().T.contiguous()
    return x, share.flatten(), hot


def _walked(federation, plan, theta, wanted):
    """Each client's update after all its local steps, from what the first one changes (clients × draws · 10 × 65)."""
    x, share, hot = _padded(federation)
    share = share.view(len(x), 1, 1, -1)
    hot = hot.view(10, len(x), 1, -1).permute(1, 2, 0, 3)
    here = theta + wanted
    for _step in range(plan.local.steps - 1):
        odds = torch.bmm(here, x.mT).view(len(x), -1, 10, x.shape[1]).softmax(2)
        here = torch.baddbmm(here, odds.sub(hot).mul_(share).flatten(1, 2), x, alpha=-plan.lr)
    return here - theta


@lru_cache(maxsize=8)
def _records(federation):
    """All records beside a 1 (n × 65, and 65 × n), their clients (n,), and their classes (10 × n)."""
    x = with_one(federation.x[federation.mask])
    hot = torch.nn.functional.one_hot(federation.y[federation.mask], 10).float().T.contiguous()
    return x, x.T.contiguous(), federation.mask.nonzero()[:, 0], hot


def pooled(federation, plan, present=None, start=None):
    """`path` of a plain run of one local step, whose mean update is one gradient of all records, weighed.

    Args:
        federation, plan, present: as in `path`.
        start: θ to go on from (650,); None: zero.
    """
    x, across, owner, hot = _records(federation)
    present = torch.ones(1, federation.clients) if present is None else present.float()
    weight = present / present.sum(1, keepdim=True) / federation.sizes.clamp(min=1)  # rounds × clients, or 1 × clients
    weight = (plan.server.lr * plan.lr * weight[:, owner]).expand(plan.rounds, -1)
    theta = torch.zeros(10, 65) if start is None else start[ORDER].view(10, 65)
    past = [theta]
    for each in weight:
        theta = theta - (theta @ across).softmax(0).sub_(hot).mul_(each) @ x
        past.append(theta)
    return torch.stack(past).view(-1, 1, LENGTH)[..., ORDER.argsort()]


def message(rows, compressor, seed=0):
    """What the server decodes of rows (… × 650); the package's `compress`, its largest entries found by a partition."""
    if isinstance(compressor, compression.RandomK):
        return rows * compressor.compress(torch.ones(1, LENGTH), seed)[0, ORDER]
    k, size = compressor.kept(LENGTH), rows.abs()
    # magnitudes stand in the same order as their bits read as whole numbers, which are found faster
    edge = torch.from_numpy(
        np.partition(size.numpy().view(np.int32), LENGTH - k, axis=-1)[..., [LENGTH - k]].view(np.float32)
    )
    kept = size.clone().ge_(edge)
    more = (kept.sum(-1) > k) & (edge[..., 0] > 0)  # entries as large as the last one that is sent
    if more.any():
        kept[more] = torch.zeros_like(kept[more]).scatter(-1, size[more].topk(k).indices, 1.0)
    return kept.mul_(rows)


@lru_cache(maxsize=1)
def _tests():
    """The test digits beside a 1, by class (65 × 360), and where each class begins and ends (11,)."""
    order = images().y_test.argsort(stable=True)
    ends = np.searchsorted(images().y_test[order].numpy(), np.arange(11))
    return with_one(images().x_test[order]).T.contiguous(), ends


def accuracy(thetas):
    """Share of the test digits that linear models (… × 650) call rightly (…), the first of the largest outputs counting."""
    tests, ends = _tests()
    outputs = (thetas[..., ORDER].view(-1, 65) @ tests).view(-1, 10, tests.shape[1]).numpy()
    right = np.zeros(len(outputs))
    for digit, (start, end) in enumerate(pairwise(ends)):
        part = outputs[:, :, start:end]
        true = part[:, digit]
        found = true >= part[:, digit:].max(1)
        right += ((true > part[:, :digit].max(1)) & found if digit else found).sum(1)
    return torch.from_numpy(right / tests.shape[1]).float().view(thetas.shape[:-1])


def begun(scores):
    """Accuracy by round (runs × rounds), with that of θ = 0 before it."""
    return np.hstack([np.full((len(scores), 1), accuracy(torch.zeros(1, LENGTH)).numpy()), scores])


def called(thetas):
    """What linear models (… × 650) call the test digits (… × 360)."""
    weights = thetas[..., :640].unflatten(-1, (10, 64))
    return (images().x_test @ weights.mT + thetas[..., None, 640:]).argmax(-1)


@lru_cache(maxsize=128)
def guarded(epsilon, rounds, lr=2.0, clip=3.0):
    """The plan with noise at the server for a total ε of a client; none for ε = ∞."""
    plan = Plan(rounds=rounds, lr=lr, delta=1e-4)
    return plan.calibrated(epsilon, clip=clip) if epsilon < np.inf else plan


@lru_cache(maxsize=48)
def _waiting(who, clients, out, deal, most=100):
    """The minutes at which rounds end (most,), who answers in each (most × clients), and θ of the rounds done so far."""
    rng = np.random.default_rng(1)
    seconds = 10 * np.exp(np.log(3) * rng.normal(size=(most, clients)))  # log-normal, median 10
    ends = np.sort(seconds, 1)[:, clients - out - 1].cumsum() / 60
    fed = dealt(clients, "dirichlet", 0.1, deal)
    rare = ((fed.y >= 8) & fed.mask).sum(1).argsort(stable=True).expand(most, -1)
    order = rare if who == "data" else torch.from_numpy(rng.permuted(np.tile(range(clients), (most, 1)), axis=1))
    present = torch.ones(most, clients, dtype=torch.bool).scatter(1, order[:, clients - out :], False)
    return ends, present, [torch.zeros(LENGTH)]


def waited(who, clients, out, deal, minutes=60):
    """A federation whose rounds do not wait for the slowest; only rounds that nobody has asked for yet are computed.

    Args:
        who: "data", the clients with most eights and nines are slow, or "chance".
        clients, out: how many there are, and how many of a round are not waited for.
        deal: seed of the digits' uneven split.
        minutes: how long.

    Returns:
        The minutes at which the rounds end (100,), and θ at the start and after each that has ended (rounds + 1 × 650).
    """
    ends, present, past = _waiting(who, clients, out, deal)
    rounds, done = int((ends <= minutes).sum()), len(past) - 1
    if rounds > done:
        fed, plan = dealt(clients, "dirichlet", 0.1, deal), Plan.of(rounds=rounds - done, lr=2.0)
        past.extend(pooled(fed, plan, present[done:rounds], past[-1])[1:, 0])
    return ends, torch.stack(past[: rounds + 1])


def reached(who, clients, out, deal, minutes):
    """Rounds, accuracy and each digit's recall (10,) after so many minutes of `waited`."""
    past = waited(who, clients, out, deal, minutes)[1]
    true, said = images().y_test, called(past[-1])
    recall = [float((said[true == digit] == digit).float().mean()) for digit in range(10)]
    return len(past) - 1, float((said == true).float().mean()), np.array(recall)

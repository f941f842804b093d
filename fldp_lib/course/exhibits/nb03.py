"""What notebook 03 shows: a federation's rounds, its equality with one place, what local steps save, and who is missed."""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, aggregation, mechanisms, models, train
from ... import clients as clients_
from ...interactive import browser, explorers, plots, scenes
from ._kit import _, clients, count, epsilon
from ._patients import LOGISTIC, LR, PATIENTS, _dealt, _heights, _lines, _map, _right, shipped
from .nb03_more import drift, holdings, rounds_saved

__all__ = ["drift", "equality", "federation", "holdings", "leaving", "rounds_saved"]

WEIGHTED, EXACT, ROUNDS, STEPS = aggregation.weighted_mean, models.Linear(2, 1).double(), 10, 10


@lru_cache(maxsize=256)
def _rounds(count, left_out):
    """A federation, without one client's records or with all, and θ before each round and after the last."""
    fed = _dealt(count, "dirichlet")
    fed = fed.without(left_out - 1) if left_out else fed
    thetas = [models.flatten(LOGISTIC)]
    run = train(LOGISTIC, fed, rounds=ROUNDS, local_steps=STEPS, lr=LR, aggregator=WEIGHTED, progress=False,
                callback=lambda t, theta, record: thetas.append(theta))  # fmt: skip
    return fed, run, thetas


def _one_round(clients, left_out, round):
    left_out = left_out if left_out <= clients else 0
    fed, run, thetas = _rounds(clients, left_out)
    before = thetas[max(0, round - 1)]
    own = before + clients_.local_updates(LOGISTIC, before, fed, local_steps=STEPS, lr=LR)
    own = own[fed.sizes > 0] if round else own[:0]
    apart = float((own - own.mean(0)).norm(dim=1).mean()) if len(own) else 0.0
    right = (run.accuracy * len(fed.x_test)).round().astype(int)
    return dict(fed=fed, own=own, before=before, after=thetas[round], apart=apart, right=right, round=round,
                clients=clients, left_out=left_out)  # fmt: skip


def federation():
    """Clients' models walk from one line to their own, and merge: a round at a time, with one client left out if wished."""

    def draw(r):
        x, y = r["fed"].pooled()
        marks = scenes.records(x, y, size=1.5)
        marks.append(plots.line(*_lines(r["own"]), "alone", width=1.2, opacity=0.7))
        homes = [r["fed"].client(k)[0].mean(0) for k in range(r["fed"].clients) if r["fed"].sizes[k]]
        marks.append(plots.places(*np.transpose(homes), "alone", size=5))
        gone = _dealt(r["clients"], "dirichlet").client(r["left_out"] - 1)[0] if r["left_out"] else []
        if len(gone):
            away = _("client {k}").format(k=r["left_out"])
            marks.append(plots.places(*gone.mean(0).reshape(2, 1), 5, label=away, size=7))
        before = [(r["before"], 5, _("before"), 1.6)] if r["round"] else []
        for theta, style, label, width in (*before, (r["after"], "no privacy", _("merged"), 2.6)):
            x, heights = _lines(theta[None])
            if np.isfinite(heights).any():  # a model of zeros has no line
                marks.append(plots.line(x, heights, style, label, width=width))
        marks.append(plots.line(range(1, ROUNDS + 1), r["right"], "no privacy", panel=1))
        if r["round"]:
            marks.append(plots.dots([r["round"]], [r["right"][r["round"] - 1]], "no privacy", panel=1, size=5))
        return marks

    def say(r):
        total, some = len(r["fed"].x_test), len(r["own"])
        does = _("have patients and walk") if not r["left_out"] else _("walks") if some == 1 else _("walk")
        who = _("nobody is left out") if not r["left_out"] else _("client {k} is left out").format(k=r["left_out"])
        if not r["round"]:
            words = _("Before round 1 all {n} clients hold the same model of zeros; {who}. After {rounds} rounds the merged "
                      "model is right for {last} of {total} test tumours.")  # fmt: skip
        else:
            words = _("Round {t}: {some} of {n} clients {does} {steps} steps, each towards its own optimum; {who}. Their "
                      "models end {apart:.2f} apart on average, and the merged one is right for {now} of {total} test "
                      "tumours ({last} after round {rounds}).")  # fmt: skip
        return words.format(t=r["round"], some=some, n=r["clients"], does=does, steps=STEPS, who=who, apart=r["apart"],
                            total=total, now=r["right"][max(0, r["round"] - 1)], last=r["right"][-1],
                            rounds=ROUNDS)  # fmt: skip

    out = {_("nobody"): 0, **{_("client {k}").format(k=k): k for k in range(1, 7)}}
    panels = [_map(_("clients' own models, and the merge"), right=0.2)]
    panels.append(plots.Panel(_("right, of 114 test tumours"), _("round"), x=(1, ROUNDS), y=(0, 114), xticks=[1, 5, 10]))
    made = explorers.Explorer(
        _("A federation, round by round"),
        [explorers.Slider("round", _("round"), 0, ROUNDS, 1, whole=True),
         explorers.Choice("left_out", _("leave out"), out, 0, buttons=True), clients(6, 2, 60)],
        _one_round, plots.Chart(panels, size=(6.2, 3.15)), draw, say, play="round",
    )  # fmt: skip
    return browser.live(made, "nb03.federation", shipped)


@lru_cache(maxsize=1)
def _central(steps=60):
    """θ after each step of gradient descent by torch's own optimiser, on all records in one place."""
    model, thetas = models.with_theta(EXACT, models.flatten(EXACT)), []
    x, y = PATIENTS().x_train.double(), PATIENTS().y_train.double()
    optimiser = torch.optim.SGD(model.parameters(), lr=LR)
    for _step in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y).backward()
        optimiser.step()
        thetas.append(models.flatten(model).clone())
    return torch.stack(thetas)


def equality():
    """Federated against centralised gradient descent: how far apart their parameters are after as many steps."""
    rules = {_("by records, n_k/n"): True, _("all equal"): False}

    @lru_cache(maxsize=128)
    def compute(by_records, local_steps, clients):
        thetas, central = [], _central()
        train(EXACT, _dealt(clients, "sizes", 1.0), rounds=60 // local_steps, local_steps=local_steps, lr=LR,
              aggregator=WEIGHTED if by_records else aggregation.mean, progress=False,
              callback=lambda t, theta, record: thetas.append(theta))  # fmt: skip
        at = local_steps * np.arange(1, len(thetas) + 1)
        apart = (torch.stack(thetas) - central[at - 1]).abs().amax(1).numpy()
        sizes = _dealt(clients, "sizes", 1.0).sizes
        return dict(at=at, apart=apart, ours=thetas[-1], theirs=central[at[-1] - 1], by_records=by_records,
                    steps=local_steps, sizes=(int(sizes.min()), int(sizes.max())), clients=clients)  # fmt: skip

    def draw(r):
        marks = scenes.records(PATIENTS().x_test, PATIENTS().y_test, size=1.5)
        marks.append(plots.line(*_lines(r["theirs"][None]), "centralised", _("centralised"), width=4, opacity=0.6))
        marks.append(plots.line(*_lines(r["ours"][None]), "no privacy", _("federated"), width=1.8))
        apart = np.where(r["apart"] > 0, r["apart"], np.nan)
        return [*marks, plots.line(r["at"], apart, "no privacy", panel=1), plots.dots(r["at"], apart, "no privacy", panel=1)]

    def say(r):
        far = r["apart"].max()
        rule = _("their number of records") if r["by_records"] else _("one vote each")
        many = count(r["steps"], _("local step"), _("local steps"))
        words = _("{n} clients with {low} to {high} patients, averaged by {rule}, {many} a round: after {at} gradient steps "
                  "federated and centralised parameters differ by {far}, and are right for {ours} and {theirs} of 114 test "
                  "tumours.")  # fmt: skip
        gap = _("rounding error (below 1e-12)") if far < 1e-12 else _("up to {far:.2g}").format(far=r["apart"][-1])
        return words.format(n=r["clients"], low=r["sizes"][0], high=r["sizes"][1], rule=rule, many=many, at=r["at"][-1],
                            far=gap, ours=_right(r["ours"], PATIENTS()), theirs=_right(r["theirs"], PATIENTS()))  # fmt: skip

    ticks = {1e-16: "1e-16", 1e-12: "1e-12", 1e-8: "1e-8", 1e-4: "1e-4", 1: "1"}
    panels = [_map(_("the two models, on test patients"), right=0.38)]
    panels.append(plots.Panel(_("largest difference of a parameter"), _("gradient steps"), x=(0, 61), y=(1e-17, 30),
                              ylog=True, yticks=ticks))  # fmt: skip
    return explorers.Explorer(
        _("When is it the model of one place?"),
        [explorers.Choice("by_records", _("weights"), rules, True),
         explorers.Slider("local_steps", _("local steps a round"), 1, 20, 1, whole=True), clients(20, 2, 200)],
        compute, plots.Chart(panels, size=(6.2, 3.15)), draw, say,
        predict=(
            "03.a",
            _("Twenty clients with 1 to 88 patients; each sends one gradient step a round, averaged by its number of "
              "records. After 60 rounds the model differs from the one trained on all records in one place"),
            [_("by rounding error"), _("by a few per cent"), _("so much that it decides otherwise")],
            0,
            _("the largest difference of a parameter is below 1e-12 in every round. Try equal weights; try local steps."),
        ),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _updates(count, steps):
    """What every client would send in the first round, unclipped (clients × 3)."""
    return clients_.local_updates(LOGISTIC, models.flatten(LOGISTIC), _dealt(count, "iid"), local_steps=steps, lr=LR)


def _clipped_round(count, left_out, steps, clip):
    """One round of clipped updates, without noise: θ with everybody, θ without one client, and the length of its update."""
    sent = mechanisms.clip_rows(_updates(count, steps), clip)[0].double()
    there, own = sent.sum(0), sent[left_out - 1]
    return there / count, (there - own) / count, float(own.norm())


@lru_cache(maxsize=256)
def _priced(epsilon, clip):
    plan = Plan.of(rounds=1, lr=LR).calibrated(epsilon, clip=clip)
    return plan.mechanism, plan.attacker()


def leaving():
    """One client's leaving, seen in the model with and without noise: two clouds, and the attacker who tells them apart."""

    def compute(epsilon, clients, left_out, local_steps, clip):
        left_out = min(left_out, clients)
        there, gone, length = _clipped_round(clients, left_out, local_steps, clip)
        noise, who = _priced(epsilon, clip)
        draws = noise.noise((60, 3), torch.Generator().manual_seed(0)) / clients
        deviation = float(noise.std)
        right = sorted(_right(there + draws, PATIENTS()))[30]
        return dict(there=there + draws, gone=gone + draws.flip(0), bare=there, length=length, far=length / deviation,
                    attacker=who, right=right, epsilon=epsilon, clients=clients, left_out=left_out, steps=local_steps,
                    clip=clip)  # fmt: skip

    def draw(r):
        marks = scenes.records(PATIENTS().x_test, PATIENTS().y_test, size=1.5)
        for thetas, style, label in ((r["there"], "private", _("client in")), (r["gone"], 5, _("client out"))):
            x, heights = _heights(thetas)
            marks += plots.cloud(x, heights, style, label)
        marks.append(plots.text(-0.95, -0.93, _("clip {0:.3g}").format(r["clip"]), 5))
        z = np.linspace(-4, 8, 121)
        for middle, style, label in ((r["far"], "private", _("client in")), (0.0, 5, _("client out"))):
            bell = np.exp(-((z - middle) ** 2) / 2) / (2 * np.pi) ** 0.5
            marks += [plots.band(z, 0 * z, bell, style, panel=1, opacity=0.3), plots.line(z, bell, style, panel=1)]
            marks.append(plots.text(min(middle, 6.2) - 0.4, 0.43 if middle else 0.47, label, style, panel=1))
        return marks

    def say(r):
        from scipy.special import ndtr

        words = _("{n} clients, one round of {steps}, clip {clip:.3g}, total ε = {epsilon:.3g}: client {k}'s clipped "
                  "update has length {length:.2f}, {far:.2g} deviations of the noise. Who knows all else tells client in "
                  "from client out for {people} of 100; were the update at the clip, for {most}. The median private "
                  "model is right for {right} of 114 test tumours, {bare} without noise.")  # fmt: skip
        steps = count(r["steps"], _("local step"), _("local steps"))
        return words.format(steps=steps, n=r["clients"], clip=r["clip"], epsilon=r["epsilon"], k=r["left_out"],
                            length=r["length"], far=r["far"], people=round(100 * float(ndtr(r["far"] / 2))),
                            most=r["attacker"].people, right=r["right"], bare=_right(r["bare"], PATIENTS()))  # fmt: skip

    panels = [_map(_("60 draws of the released model"), right=0.24)]
    panels.append(plots.Panel(_("what tells them apart"), _("deviations of the noise"), x=(-4, 8), y=(0, 0.5), yticks=[0]))
    made = explorers.Explorer(
        _("One client leaves: who can tell?"),
        [epsilon(1.0, 0.1, 20.0), clients(6, 2, 200),
         explorers.Choice("left_out", _("client that leaves"), range(1, 7), 1, buttons=True),
         explorers.Slider("local_steps", _("local steps"), 1, 50, 10, whole=True),
         explorers.Slider("clip", _("clip"), 0.1, 10, 1, step=0.05, log=True)],
        compute, plots.Chart(panels, size=(6.2, 3.15)), draw, say,
        attacker=lambda r: r["attacker"],
        predict=(
            "03.d",
            _("Six clients, one round, total ε = 1. Of 100 attackers who know everything but whether client 1 took part, "
              "and see the released model, how many guess right at most?"),
            [_("about 55"), _("about 73"), _("nearly all: with six clients one is missed")],
            0,
            lambda r: _("the noise at ε = 1 leaves {people} of 100 for any client, at most; {bound:.0f} is the bound "
                        "over all mechanisms with this (ε, δ).").format(people=_priced(1.0, 1.0)[1].people,
                                                               bound=100 * _priced(1.0, 1.0)[1].bound),
        ),
    )  # fmt: skip
    return browser.live(made, "nb03.leaving", shipped)

"""Claims of notebook 12 on fresh cities."""

import functools

import numpy as np
import torch

from fldp_lib import Plan, data, mechanisms, models, train
from fldp_lib.data import flights
from tests.replication.claims import claim, seeds
from tests.replication.nb11 import lesson


@functools.cache
def the():
    return lesson("12")


def _line(town, plan=None, seed=0):
    space = the()
    return space["errors"](space["changes"](space["together"](town, plan or space["LINEAR"], seed), town.federation), town)


def _alone(town):
    space = the()
    return space["errors"](space["changes"](space["alone"](town.federation), town.federation), town)


def _cities(block, count, days=2):
    return [(the()["city"](seed, days), seed) for seed in seeds(block, count)]


def _mean(values):
    return float(np.mean(list(values)))


@claim("12", "the median sensor gains 0.0022, and 0.73 of the sensors gain", quick=True)
def sharing_pays_for_short_histories(block):
    gains = [_alone(town) - _line(town) for town, _ in _cities(block, 6)]
    middle, share = _mean(g.median() for g in gains), _mean((g > 0).double().mean() for g in gains)
    return {"median": middle, "share": share}, abs(middle - 0.0022) < 0.0006 and abs(share - 0.73) < 0.05


@claim("12", "with a week it *loses* 0.0011", quick=True)
def a_week_of_history_is_better_alone(block):
    middle = _mean((_alone(town) - _line(town)).median() for town, _ in _cities(block, 4, days=7))
    return {"median": middle}, abs(middle + 0.0011) < 0.0005


@claim("12", "at ε = 0.5 it is 0.0519, below sensors alone by 0.0015 ± 0.0003", quick=True)
def private_sharing_beats_sensors_alone(block):
    rmse, plan = the()["rmse"], the()["protection"](0.5)
    noisy = np.array([rmse(_line(town, plan, seed)) for town, seed in _cities(block, 6)])
    less = np.array([rmse(_alone(town)) for town, _ in _cities(block, 6)]) - noisy
    return {"error": noisy.mean(), "below alone": less.mean()}, abs(noisy.mean() - 0.0519) < 0.001 and less.mean() > 0.0007


@claim("12", "With settings of its own it has 0.0519, as the line has", quick=False)
def the_network_is_as_private_as_the_line(block):
    space, rmse, found = the(), the()["rmse"], []
    own, lines = space["protection"](0.5, space["OWN"], 0.02), space["protection"](0.5)
    for town, seed in _cities(block, 8):
        line = rmse(_line(town, lines, seed))
        nets = [rmse(space["errors"](space["network"](town, plan, seed), town)) for plan in (own, lines)]
        found.append([line, *nets])
    line, mine, theirs = np.mean(found, 0)
    return {"line": line, "own settings": mine, "line's settings": theirs}, abs(
        mine - line
    ) < 0.001 and theirs > mine + 0.0015


@claim("12", "at ε = 2 it is 0.0516. The price is higher than the owners'", quick=True)
def drivers_cost_more_than_owners(block):
    rmse = the()["rmse"]
    driver = _mean(the()["by_driver"](town, 2.0, seed) for town, seed in _cities(block, 5))
    owner = _mean(rmse(_line(town, the()["protection"](2.0), seed)) for town, seed in _cities(block, 5))
    return {"driver": driver, "owner": owner}, abs(driver - 0.0516) < 0.001 and driver > owner


def _asked(block, epsilon, *ways):
    """Errors of a district's share in points, each the mean of four cities' phones and ten runs."""
    space, found = the(), []
    for town, seed in _cities(block, 4):
        truth = torch.bincount(town.district, minlength=16) / len(town.district)
        generator = torch.Generator().manual_seed(seed)
        found.append([space["rmse"](torch.stack([a(town, epsilon, generator) - truth for _ in range(10)])) for a in ways])
    return 100 * np.mean(found, 0)


@claim(
    "12",
    "randomised response is off by 3.9 percentage points, Laplace on indicators by 4.6, unary encoding by 3.1",
    quick=True,
)
def three_ways_at_one(block):
    response, laplace, unary = _asked(block, 1.0, the()["randomised"], the()["indicators"], the()["unary"])
    right = abs(response - 3.9) < 0.4 and abs(laplace - 4.6) < 0.4 and abs(unary - 3.1) < 0.4
    return {"response": response, "Laplace": laplace, "unary": unary}, right


@claim("12", "randomised response falls from 9.6 to 6.7 points at ε = 0.5", quick=True)
def the_projection_is_better(block):
    space = the()
    ways = [space["randomised"], space["after"](space["randomised"]), space["unary"], space["after"](space["unary"])]
    raw, mended, bits, both = _asked(block, 0.5, *ways)
    numbers = {"response": raw, "projected": mended, "unary": bits, "unary, projected": both}
    return numbers, abs(raw - 9.6) < 1 and abs(mended - 6.7) < 0.9 and both < bits < raw and both < mended


@claim(
    "12", "Randomised response at ε = 2 (0.643, 1.2 points) gives little more away than unary encoding at ε = 1", quick=True
)
def randomised_response_at_two_is_twice_as_exact(block):
    space = the()
    (response,) = _asked(block, 2.0, space["after"](space["randomised"]))
    (unary,) = _asked(block, 1.0, space["after"](space["unary"]))
    return {"response at 2": response, "unary at 1": unary}, abs(response - 1.2) < 0.2 and unary > 1.8 * response


@claim("12", "with a clip of 0.01, ten local steps and twenty rounds they draw level at the same ε", quick=True)
def thirty_sensors_draw_level_with_searched_settings(block):
    space = the()
    given, searched = (
        _mean(space["behind"](30, plan, seed) for seed in seeds(block, 8))
        for plan in (space["protection"](1.0), space["FEW"])
    )
    return {"as above": given, "searched": searched}, given > 0.004 and abs(searched) < 0.0015


@claim("12", "With the line's settings the federation falls behind sensors alone below about sixty", quick=True)
def about_sixty_sensors_are_enough(block):
    space = the()
    few, many = (
        _mean(space["behind"](count, space["protection"](1.0), seed) for seed in seeds(block, 8)) for count in (40, 90)
    )
    return {"40 sensors": few, "90 sensors": many}, few > 0 > many


def _week(first, days, plan, seed, counts=None):
    """Errors of the week from day `first` on: alone, together, and by a forecast made from noisy counts, where given."""
    codes, departures = flights.table()
    seen = departures if counts is None else counts
    history = flights.period(first - days, days, counts)
    fed = data.split(history, how="natural")
    one = torch.ones(len(codes), days * 24, 1)
    x, y = torch.cat([fed.x, one], -1).double(), fed.y.double().unsqueeze(-1)
    own = torch.linalg.solve(x.mT @ x + 0.3 * torch.eye(5), x.mT @ y)
    test = torch.cat([history.x_test, torch.ones(len(history.x_test), 1)], 1).double()
    shared = train(models.Linear(4, 1), fed, plan.changed(seed=seed), progress=False).theta.double()
    hour = np.arange(first * 24, first * 24 + 168)
    changes = (test.view(len(codes), -1, 5) @ own).squeeze(-1), (test @ shared).view(len(codes), -1)
    return [float(np.sqrt(np.mean((seen[:, hour - 168] + 3 * c.numpy() - departures[:, hour]) ** 2))) for c in changes]


FLIGHTS = Plan.of(rounds=20, local_steps=10, lr=0.5, delta=1e-4)


def _weeks(block):
    """Twelve other weeks of the year: none begins on the day on which one of the notebook's begins."""
    return [26 + 28 * k + 2 * block for k in range(12)]


@claim("12", "The city's law holds for real flows", quick=False)
def sharing_pays_for_short_histories_of_flights(block):
    gains = {}
    for days in (2, 7):
        rows = np.array([_week(first, days, FLIGHTS, first) for first in _weeks(block)])
        gains[days] = (rows[:, 0] - rows[:, 1]).mean()
    return {f"{days} days": gain for days, gain in gains.items()}, gains[2] > 0.01 and abs(gains[7]) < 0.008


@claim("12", "over the clip alone the noise costs 0.0025", quick=False)
def a_destination_is_hidden_for_little(block):
    clip = FLIGHTS.changed(mechanism=mechanisms.Gaussian(0.0, 0.1))
    one, half = (FLIGHTS.calibrated(epsilon, clip=0.1) for epsilon in (1.0, 0.5))
    ways = (FLIGHTS, 1), (clip, 1), (one, 4), (half, 4)  # plans, and draws of the noise a week
    rows = np.array([[_week(w, 2, p, 1_000 * d + w)[1] for p, n in ways for d in range(n)] for w in _weeks(block)])
    plain, quiet, at_one, at_half = (rows[:, k].mean() for k in (0, 1, slice(2, 6), slice(6, 10)))
    own = np.mean([_week(first, 2, FLIGHTS, first)[0] for first in _weeks(block)])
    numbers = {"no privacy": plain, "clip": quiet, "ε = 1": at_one, "ε = 0.5": at_half, "alone": own}
    little = abs(at_one - plain) < 0.01 and at_one < own - 0.008
    return numbers, little and 0 < at_one - quiet < 0.005 and at_half - quiet > 0.003


@claim("12", "more than sharing brings (0.020 ± 0.005)", quick=True)
def a_flight_is_dear_to_hide(block):
    found = []
    for first in _weeks(block):
        departures = torch.from_numpy(flights.table()[1].copy())
        noise = mechanisms.laplace_noise(departures.shape, 1 / 4, torch.Generator().manual_seed(1_000 * block + first))
        alone = _week(first, 2, FLIGHTS, first)[0]
        found.append(_week(first, 2, FLIGHTS, first, (departures + noise).numpy())[1] - alone)
    return {"ε = 4, above alone": np.mean(found)}, np.mean(found) > 0.015

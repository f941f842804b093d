"""A city of road sensors with known rush hours and incidents, and phones in its districts."""

from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ..federation import Dataset
from ..splits import federate

DAY = 24  # hours
_FEATURES = ("level", "last change", "yesterday's change", "against yesterday", "sin 1/day", "cos 1/day", "sin 2/day",
             "cos 2/day")  # fmt: skip
_MORNING, _EVENING = (8.0, 1.4), (17.5, 1.8)  # rush hour: middle and width, hours


@dataclass(frozen=True, eq=False)
class City:
    """Hourly flows at sensors, as shares of each road's public capacity, and what nobody knows in reality.

    Attributes:
        dataset: a `data.Dataset`: one row an hour at a sensor; the target is the change of flow against an hour ago, so
            that a model of zeros is the forecast "as an hour ago". The test rows are each sensor's last day, sensor by
            sensor.
        federation: one client a sensor.
        flow: (sensors × hours), in [0, 1]; the first day serves only as yesterday.
        expected: the flow without the hour's own disturbance (sensors × hours): the forecast of somebody who knows the
            city, the state of the road an hour ago, and the incidents.
        incident: whether an incident blocks the road (sensors × hours), bool.
        place: (sensors × 2), km from the centre.
        morning: share of a sensor's rush that comes in the morning (sensors,), in (0, 1).
        noise: standard deviation of the hour's own disturbance before flows are cut off at 0 and 1; the cut-off brings the
            best possible error a few per cent below it.
        district: district of each phone at eight in the morning (phones,), int64 from 0.
        share: the probability of each district (districts,), a square of side √districts, row by row from the north-west.
    """

    dataset: Dataset
    federation: object
    flow: torch.Tensor
    expected: torch.Tensor
    incident: torch.Tensor
    place: torch.Tensor
    morning: torch.Tensor
    noise: float
    district: torch.Tensor
    share: torch.Tensor

    def through(self, flow):
        """Return the federation as it would be had the sensors reported other flows, such as noisy ones.

        Args:
            flow: (sensors × hours), in any range.

        Returns:
            A `Federation`; its test rows, too, are made of the flows given.

        Raises:
            TypeError, ValueError: another shape than `self.flow`, or no finite numbers.
        """
        flow = checks.finite("flow", checks.tensor("flow", flow))
        if flow.shape != self.flow.shape:
            raise ValueError(f"flow must have shape {tuple(self.flow.shape)}, got {tuple(flow.shape)}")
        dataset, owner = _records(flow.numpy())
        return federate(dataset.x_train, dataset.y_train, owner, dataset, len(flow))


def city(sensors=200, days=3, noise=0.04, incidents=0.005, phones=4_000, seed=0):
    """Draw a city: sensors on eight radial and two ring roads, rush hours, incidents, and phones in sixteen districts.

    A sensor's flow is its profile, plus a disturbance that fades from hour to hour (autoregression with coefficient 0.7
    and normal innovations), cut off at 0 and 1. The profile is a floor by night, a plateau by day and two rush hours,
    morning and evening, mixed by a uniform share of the sensor's own; an incident takes 60% of it for two hours. Phones
    stand in a district with a probability that falls with the distance from the centre.

    Realistic: daily rhythm, roads that differ in size and direction, disturbances that last, rare incidents, short
    histories. Not realistic: no weekends and no weather, disturbances of different sensors are independent, the capacity
    is known exactly, an incident blocks one sensor only.

    Args:
        sensors: at least 1.
        days: of training, at least 1; a day before them and a test day after them come on top.
        noise: standard deviation of an innovation, share of capacity, at least 0.
        incidents: probability that one begins in a given hour at a given sensor, in [0, 1).
        phones: at least 1.
        seed: of all draws.

    Returns:
        A `City`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 12.
    Source: profiles of the kind in Vlahogianni, Karlaftis & Golias 2014; the numbers are our own.
    """
    sensors, days = checks.whole("sensors", sensors, at_least=1), checks.whole("days", days, at_least=1)
    noise, phones = checks.real("noise", noise, at_least=0), checks.whole("phones", phones, at_least=1)
    incidents = checks.real("incidents", incidents, at_least=0, below=1)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    place = _places(sensors, rng)
    morning = rng.uniform(0.02, 0.98, sensors)
    hours = np.arange(DAY * (days + 2))
    profile = _profile(hours % DAY, morning, rng.uniform(0.5, 1, sensors))  # sensors × hours
    began = rng.random(profile.shape) < incidents
    incident = began.copy()
    incident[:, 1:] |= began[:, :-1]
    calm = profile * np.where(incident, 0.4, 1.0)
    flow, expected = np.empty_like(calm), np.empty_like(calm)
    disturbance = np.zeros(sensors)
    for hour in hours:  # a loop over hours, not over sensors
        fading = 0.7 * disturbance
        disturbance = fading + noise * rng.normal(size=sensors)
        expected[:, hour] = calm[:, hour] + fading
        flow[:, hour] = np.clip(calm[:, hour] + disturbance, 0, 1)
    share = _districts()
    district = rng.choice(len(share), phones, p=share)
    dataset, owner = _records(flow)
    federation = federate(dataset.x_train, dataset.y_train, owner, dataset, sensors)
    truth = (torch.from_numpy(part) for part in (flow, expected, incident, place, morning))
    return City(dataset, federation, *truth, noise, torch.from_numpy(district), torch.from_numpy(share))


def _places(sensors, rng):
    """Sensors on eight radial roads and two ring roads, km (sensors × 2)."""
    radial = rng.random(sensors) < 0.7
    angle = np.where(radial, rng.integers(0, 8, sensors) * np.pi / 4, rng.uniform(0, 2 * np.pi, sensors))
    radius = np.where(radial, rng.uniform(0.6, 10, sensors), rng.choice([4.0, 8.0], sensors))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _profile(hour, morning, size):
    """Expected undisturbed flow (sensors × hours)."""

    def bump(middle, width):
        return np.exp(-0.5 * ((hour - middle) / width) ** 2)

    day = 1 / (1 + np.exp(-(hour - 6.0))) / (1 + np.exp(hour - 21.0))
    rush = morning[:, None] * bump(*_MORNING) + (1 - morning[:, None]) * bump(*_EVENING)
    return size[:, None] * (0.1 + 0.25 * day + 0.55 * rush)


def _districts(side=4):
    centre = np.arange(side) - (side - 1) / 2
    weight = np.exp(-(centre[:, None] ** 2 + centre**2) / 2).ravel()
    return weight / weight.sum()


def _records(flow):
    """Rows hour by hour, sensor by sensor: lags and the time of day; the owner of each training row."""
    sensors, total = flow.shape
    first = DAY + 1  # the first hour with all lags
    hours = np.arange(first, total)
    angle = 2 * np.pi * (hours % DAY) / DAY
    clock = np.stack([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], 1)
    one, two, day, more = (flow[:, first - lag : total - lag] for lag in (1, 2, DAY, DAY + 1))  # sensors × hours, each
    changes = [np.clip(4 * change, -1, 1) for change in (one - two, day - more, one - more)]
    clock = np.broadcast_to(clock, (sensors, *clock.shape))
    x = np.concatenate([np.stack([2 * one - 1, *changes], 2), clock], 2).astype(np.float32)
    y = (flow[:, first:] - flow[:, first - 1 : -1]).astype(np.float32)
    past = hours < total - DAY
    owner = np.repeat(np.arange(sensors), past.sum())
    parts = (
        torch.from_numpy(part.reshape(-1, *part.shape[2:])) for part in (x[:, past], y[:, past], x[:, ~past], y[:, ~past])
    )
    dataset = Dataset("city", *parts, "regression", "synthetic: fldp_lib.data.generators.city", _FEATURES)
    return dataset, owner

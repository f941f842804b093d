"""models: parameters as one vector, many parameter vectors through one module, and what cannot be stacked is refused."""

import copy
import math

import pytest
import torch
from conftest import generator, global_random_state_untouched, refuses, theta_of
from scipy import stats
from torch import nn

from fldp_lib import models

pytestmark = pytest.mark.filterwarnings("error")

ZOO = {  # all take 16 features; the last three go through vmap
    "Linear": lambda: models.Linear(16, 3, seed=1),
    "Linear, one output": lambda: models.Linear(16, 1, seed=1),
    "MLP": lambda: models.MLP(16, 5, 3),
    "Tanh": lambda: nn.Sequential(nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 3)),
    "LayerNorm": lambda: nn.Sequential(nn.Linear(16, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 2, bias=False)),
    "Conv2d": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_theta_is_torchs_own_vector_of_the_parameters(name):
    model = ZOO[name]()
    assert torch.equal(models.flatten(model), theta_of(model))
    assert not models.flatten(model).requires_grad


@pytest.mark.parametrize("name", ZOO)
def test_flatten_and_with_theta_undo_each_other(name):
    model = ZOO[name]()
    before = theta_of(model).clone()
    theta = torch.randn(len(before), generator=generator())
    filled = models.with_theta(model, theta)
    assert type(filled) is type(model)
    assert torch.equal(theta_of(filled), theta)
    assert torch.equal(theta_of(model), before)  # the given model is left as it is
    theta.zero_()
    assert theta_of(filled).any()  # no shared memory


@pytest.mark.parametrize("name", ZOO)
def test_stacked_forward_equals_a_loop_over_modules(name):
    model = ZOO[name]().double()
    size = len(theta_of(model))
    thetas = torch.randn(4, size, generator=generator(1), dtype=torch.float64)
    x = torch.randn(4, 7, 16, generator=generator(2), dtype=torch.float64)
    expected = []
    for theta, data in zip(thetas, x, strict=True):
        one = copy.deepcopy(model)
        nn.utils.vector_to_parameters(theta, one.parameters())
        expected.append(one(data))
    expected = torch.stack(expected)
    torch.testing.assert_close(models.stacked_forward(model, models.unstack(model, thetas), x), expected)
    torch.testing.assert_close(models.predict(model, thetas[2], x[2]), expected[2].detach())


def test_outputs_depend_on_ones_own_parameters_and_data_alone():
    model = ZOO["Tanh"]()
    thetas = torch.randn(3, len(theta_of(model)), generator=generator())
    x = torch.randn(3, 5, 16, generator=generator(1))
    before = models.stacked_forward(model, models.unstack(model, thetas), x)
    thetas[1], x[1] = 9.0, -9.0
    after = models.stacked_forward(model, models.unstack(model, thetas), x)
    assert torch.equal(before[[0, 2]], after[[0, 2]]) and not torch.equal(before[1], after[1])


def test_unstack_gives_views_in_the_parameters_shapes():
    model = models.MLP(4, 5, 2)
    thetas = torch.randn(3, len(theta_of(model)))
    pieces = models.unstack(model, thetas)
    assert [p.shape for p in pieces] == [(3, 5, 4), (3, 5), (3, 2, 5), (3, 2)]
    thetas.zero_()
    assert not any(p.any() for p in pieces)


@pytest.mark.parametrize("build", [lambda seed: models.Linear(50, 400, seed), lambda seed: models.MLP(50, 400, 3, seed).fc1])
def test_initial_weights_are_torchs_uniform_law(build):
    """Kolmogorov–Smirnov at p ≥ 1e-6 on 20,000 weights; fixed seed."""
    bound = 1 / math.sqrt(50)
    weights = theta_of(build(7)).numpy()
    assert stats.kstest(weights, stats.uniform(-bound, 2 * bound).cdf).pvalue >= 1e-6


def test_seed_repeats_the_weights_and_none_starts_at_zero():
    assert torch.equal(theta_of(models.MLP(4, 5, 2, seed=3)), theta_of(models.MLP(4, 5, 2, seed=3)))
    assert not torch.equal(theta_of(models.MLP(4, 5, 2, seed=3)), theta_of(models.MLP(4, 5, 2, seed=5)))
    assert not theta_of(models.Linear(4, 2)).any()
    assert theta_of(models.Linear(4, 2, seed=0)).all()


def test_no_global_random_state_is_touched():
    with global_random_state_untouched():
        model = models.MLP(4, 5, 2, seed=3)
        models.Linear(4, 2)
        models.with_theta(model, models.flatten(model))
        models.predict(model, models.flatten(model), torch.ones(3, 4))


# Backward passes that are written out ----------------------------------------------------------------------------------


class Sharper(models.MLP):
    """A subclass with another `forward`: what it inherits beside belongs to the parent's function."""

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


def reshaped():
    model = models.MLP(16, 5, 3)
    model.fc2 = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    return model


def patched():
    model = models.Linear(16, 3, seed=1)
    model.forward = lambda x: 2 * model.fc(x)
    return model


def test_what_is_written_out_is_offered_by_the_packages_own_models_alone():
    kinds = (models.Linear(16, 3), models.MLP(16, 5, 3), type("Renamed", (models.MLP,), {})(16, 5, 3))
    assert all(models.offers(model, name) for model in kinds for name in ("stacked", "factors"))
    others = (Sharper(16, 5, 3), reshaped(), patched(), nn.Linear(16, 3), ZOO["Tanh"]())
    assert not any(models.offers(model, name) for model in others for name in ("stacked", "factors"))


@pytest.mark.parametrize("build", [lambda: Sharper(16, 5, 3), reshaped], ids=["forward", "layers"])
def test_a_changed_model_is_trained_as_it_is(build):
    model = build().double()
    thetas = theta_of(model).expand(2, -1) + torch.randn(2, len(theta_of(model)), generator=generator(1)).double()
    x = torch.randn(2, 7, 16, generator=generator(2), dtype=torch.float64)
    found = models.stacked_forward(model, models.unstack(model, thetas), x)
    for theta, data, outputs in zip(thetas, x, found, strict=True):
        torch.testing.assert_close(outputs, models.with_theta(model, theta)(data).detach())


# What cannot be stacked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(3),
        nn.BatchNorm1d(3, track_running_stats=False),
        nn.BatchNorm2d(3),
        nn.BatchNorm3d(3),
        nn.SyncBatchNorm(3),
        nn.LazyBatchNorm1d(),
        nn.InstanceNorm1d(3, track_running_stats=True),
    ],
    ids=repr,
)
def test_batch_statistics_are_refused_with_the_reason(layer):
    model = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.ReLU(), layer))
    kind = type(layer).__name__
    refuses(lambda: models.check_stackable(model), ValueError, "model", kind, "'1.1'", "batch statistics", "GroupNorm")


@pytest.mark.parametrize(
    "layer", [nn.Dropout(0.1), nn.Dropout1d(), nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()]
)
def test_dropout_is_refused_with_the_reason(layer):
    model = nn.Sequential(nn.Linear(4, 3), layer)
    kind = type(layer).__name__
    refuses(lambda: models.check_stackable(model), ValueError, "model", kind, "'1'", "global random state")


REFUSED = {  # layer, and the reason and the remedy
    "RReLU": (lambda: nn.RReLU(), ["global random state", "LeakyReLU"]),
    "FractionalMaxPool2d": (lambda: nn.FractionalMaxPool2d(2, output_size=2), ["global random state", "MaxPool"]),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, dropout=0.1), ["global random state", "dropout to 0"]),
    "Embedding": (lambda: nn.Embedding(5, 2, max_norm=1.0), ["max_norm", "the clip bounds"]),
    "Embedding, frequencies": (lambda: nn.Embedding(5, 2, scale_grad_by_freq=True), ["other records", "set it to False"]),
    "Embedding, sparse": (lambda: nn.Embedding(5, 2, sparse=True), ["dense", "sparse to False"]),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(5, 2), ["vmap", "mean or sum"]),
    "LazyLinear": (lambda: nn.LazyLinear(2), ["no values yet", "give its sizes"]),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_other_layers_are_refused_with_the_reason_and_the_remedy(name):
    build, fragments = REFUSED[name]
    model = nn.Sequential(nn.Linear(4, 3), build())
    refuses(lambda: models.check_stackable(model), ValueError, "model", name.split(",")[0], "'1'", *fragments)


def test_theta_is_what_trains():
    model = models.MLP(3, 4, 2)
    model.fc1.weight.requires_grad_(False)
    body = model.fc1.weight.clone()
    assert [name for name, _ in models.trained(model)] == ["fc1.bias", "fc2.weight", "fc2.bias"]
    assert [name for name, _ in models.frozen(model)] == ["fc1.weight"]
    assert len(models.flatten(model)) == models.count(model) == 4 + 8 + 2
    filled = models.with_theta(model, torch.arange(14.0))
    assert torch.equal(models.flatten(filled), torch.arange(14.0)) and torch.equal(filled.fc1.weight, body)
    assert [p.shape for p in models.unstack(model, torch.zeros(3, 14))] == [(3, 4), (3, 2, 4), (3, 2)]
    assert not filled.fc1.weight.requires_grad and not models.offers(model, "factors") and models.offers(model, "stacked")


def test_a_parameter_in_two_places_is_one():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    assert models.count(model) == 9 + 3 + 3
    filled = models.with_theta(model, torch.arange(15.0))
    assert filled[2].weight is filled[0].weight
    tied = models.MLP(3, 3, 3)
    tied.fc2.weight = tied.fc1.weight
    assert not models.offers(tied, "stacked")  # written out for two weights


def test_what_can_be_stacked_is_not_refused():
    layers = [nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.InstanceNorm1d(3, affine=True), nn.Dropout(0.0), nn.Identity()]
    for layer in layers:
        models.check_stackable(nn.Sequential(nn.Linear(4, 3), layer))


def frozen(*names):
    model = models.Linear(3, 2)
    for name, p in model.named_parameters():
        p.requires_grad_(name not in names)
    return model


BAD = {
    "no module": (lambda: models.check_stackable("MLP"), TypeError, ["model", "str"]),
    "a class": (lambda: models.check_stackable(models.MLP), TypeError, ["model", "type"]),
    "no parameters": (lambda: models.check_stackable(nn.ReLU()), ValueError, ["model", "parameters"]),
    "everything frozen": (
        lambda: models.check_stackable(frozen("fc.weight", "fc.bias")),
        ValueError,
        ["model", "2 of them frozen", "requires_grad"],
    ),
    "nothing to flatten": (lambda: models.flatten(frozen("fc.weight", "fc.bias")), ValueError, ["model", "frozen"]),
    "theta of the whole model": (
        lambda: models.with_theta(frozen("fc.bias"), torch.zeros(8)),
        ValueError,
        ["theta", "(6,)", "(8,)"],
    ),
    "theta too short": (
        lambda: models.with_theta(models.Linear(3, 2), torch.zeros(7)),
        ValueError,
        ["theta", "(8,)", "(7,)"],
    ),
    "theta too deep": (
        lambda: models.with_theta(models.Linear(3, 2), torch.zeros(1, 8)),
        ValueError,
        ["theta", "(8,)", "(1, 8)"],
    ),
    "no features": (lambda: models.Linear(0, 2), ValueError, ["features", "0", ">= 1"]),
    "no outputs": (lambda: models.MLP(3, 4, 0), ValueError, ["out", "0", ">= 1"]),
    "features as fraction": (lambda: models.Linear(2.5, 2), TypeError, ["features", "2.5"]),
    "outputs as bool": (lambda: models.Linear(2, True), TypeError, ["out", "True"]),
    "negative seed": (lambda: models.Linear(2, 2, seed=-1), ValueError, ["seed", "-1"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)


def test_no_hidden_layer_is_refused_by_its_own_name():
    refuses(lambda: models.MLP(3, 0, 2), ValueError, "hidden", "0", ">= 1")

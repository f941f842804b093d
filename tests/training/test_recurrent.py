"""recurrent: torch's recurrent layers in plain torch, number for number, under torch's names."""

import pytest
import torch
from conftest import generator, global_random_state_untouched, refuses
from torch import nn

from fldp_lib import models
from fldp_lib.training import recurrent

pytestmark = pytest.mark.filterwarnings("error")

KINDS = {
    "GRU": (nn.GRU, recurrent.GRU, {}),
    "LSTM": (nn.LSTM, recurrent.LSTM, {}),
    "RNN": (nn.RNN, recurrent.RNN, {}),
    "relu": (nn.RNN, recurrent.RNN, {"nonlinearity": "relu"}),
}
SHAPES = [
    {},
    {"batch_first": True},
    {"bidirectional": True, "layers": 2},
    {"bias": False, "layers": 3, "batch_first": True},
]


def flat(found):
    """A layer's answer as a list of tensors."""
    out, state = found
    return [out, *(state if isinstance(state, tuple) else (state,))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("begun", [False, True])
def test_outputs_states_and_gradients_are_torchs_own(kind, shape, begun):
    theirs, ours, more = KINDS[kind]
    options = {name: value for name, value in shape.items() if name != "layers"} | more
    torch.manual_seed(0)
    layer = theirs(3, 5, shape.get("layers", 1), **options)
    mine = ours(3, 5, shape.get("layers", 1), seed=1, **options)
    assert [(name, p.shape) for name, p in mine.named_parameters()] == [(n, p.shape) for n, p in layer.named_parameters()]
    mine.load_state_dict(layer.state_dict())
    x = torch.randn(4, 6, 3, generator=generator())
    state, samples = None, 4 if shape.get("batch_first") else 6
    if begun:
        rows = shape.get("layers", 1) * (2 if shape.get("bidirectional") else 1)
        state = torch.randn(rows, samples, 5, generator=generator(1))
        state = (state, state.flip(0)) if kind == "LSTM" else state
    answers = [flat(each(x, state)) for each in (layer, mine)]
    for theirs_out, mine_out in zip(*answers, strict=True):
        torch.testing.assert_close(mine_out, theirs_out, rtol=1e-5, atol=1e-5)
    for answer in answers:
        sum(part.square().sum() for part in answer).backward()
    for p, q in zip(mine.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=1e-5)


def test_first_parameters_follow_the_seed_and_torchs_bound():
    with global_random_state_untouched():
        one, same, other = (recurrent.GRU(3, 16, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(models.flatten(one), models.flatten(same)) and not torch.equal(
        models.flatten(one), models.flatten(other)
    )
    assert 0.2 < models.flatten(one).abs().max() <= 0.25


def test_rewriting_keeps_names_order_values_freezing_and_what_is_shared():
    gru = nn.GRU(4, 4, batch_first=True)
    gru.bias_hh_l0.requires_grad_(False)
    model = nn.ModuleDict({"a": gru, "b": nn.Sequential(nn.LSTMCell(2, 3), nn.Linear(3, 2)), "again": gru})
    before = {name: p.clone() for name, p in model.named_parameters()}
    plain = recurrent.rewrite(model)
    assert isinstance(model["a"], nn.GRU) and type(plain["a"]) is recurrent.GRU and plain["a"] is plain["again"]
    found = dict(plain.named_parameters())
    assert list(found) == list(before) and all(torch.equal(found[name], before[name]) for name in before)
    assert [name for name, _ in models.frozen(plain)] == ["a.bias_hh_l0"]
    models.check_stackable(plain)


@pytest.mark.parametrize("layer", [nn.GRU(2, 3), nn.LSTM(2, 3), nn.RNN(2, 3), nn.GRUCell(2, 3), nn.LSTMCell(2, 3)])
def test_torchs_own_layers_are_refused_with_the_remedy(layer):
    model = nn.Sequential(nn.Linear(2, 2), layer)
    kind = type(layer).__name__
    refuses(lambda: models.check_stackable(model), ValueError, "model", kind, "'1'", "recurrent.rewrite(model)", "vmap")
    models.check_stackable(recurrent.rewrite(model))


BAD = {
    "dropout": (lambda: recurrent.rewrite(nn.GRU(2, 3, 2, dropout=0.5)), ValueError, ["model", "dropout", "0.5"]),
    "projection": (lambda: recurrent.rewrite(nn.LSTM(2, 3, proj_size=2)), ValueError, ["model", "proj_size", "2"]),
    "a subclass": (lambda: recurrent.rewrite(type("Own", (nn.GRU,), {})(2, 3)), ValueError, ["model", "Own"]),
    "no module": (lambda: recurrent.rewrite("GRU"), TypeError, ["model", "GRU"]),
    "no hidden": (lambda: recurrent.GRU(3, 0), ValueError, ["hidden", "0", ">= 1"]),
    "no inputs": (lambda: recurrent.LSTM(0, 3), ValueError, ["inputs", "0", ">= 1"]),
    "no layers": (lambda: recurrent.RNN(3, 3, 0), ValueError, ["layers", "0", ">= 1"]),
    "a word for a flag": (lambda: recurrent.GRU(3, 3, batch_first="yes"), TypeError, ["batch_first", "yes"]),
    "a flat sequence": (lambda: recurrent.GRU(3, 3)(torch.zeros(4, 3)), ValueError, ["x", "(samples, time, inputs)"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)

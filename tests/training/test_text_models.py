"""text_models: the numbers of torch's own GRU and layers, stacked and written out; what is written out is used rightly."""

import pytest
import torch
from conftest import generator, global_random_state_untouched, refuses, theta_of
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fldp_lib import clients, models
from fldp_lib.training import _steps, text_models

pytestmark = pytest.mark.filterwarnings("error")
V, L = 9, 7


class ByTorch(nn.Module):
    """The recurrent model of torch's own layers, in the same order."""

    def __init__(self, hidden, embed):
        super().__init__()
        self.embed = nn.Embedding(V, embed)
        self.rnn = nn.GRU(embed, hidden, batch_first=True)
        self.out = nn.Linear(hidden, V)

    def forward(self, x):
        return self.out(self.rnn(self.embed(x.long()))[1][-1])


class SideBySide(nn.Module):
    def __init__(self, hidden, embed):
        super().__init__()
        self.embed, self.fc1, self.fc2 = nn.Embedding(V, embed), nn.Linear(L * embed, hidden), nn.Linear(hidden, V)

    def forward(self, x):
        return self.fc2(self.fc1(self.embed(x.long()).flatten(1)).relu())


KINDS = {
    "CharGRU": (lambda hidden, embed: text_models.CharGRU(V, hidden, embed), ByTorch),
    "CharMLP": (lambda hidden, embed: text_models.CharMLP(V, L, hidden, embed), SideBySide),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["double", "single"])
@given(
    samples=st.integers(1, 5),
    many=st.integers(1, 4),
    hidden=st.integers(1, 6),
    embed=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_outputs_and_gradients_are_torchs_own_client_by_client(kind, dtype, error, samples, many, hidden, embed, seed):
    build, theirs = KINDS[kind]
    model, oracle = build(hidden, embed).to(dtype), theirs(hidden, embed).to(dtype)
    thetas = torch.randn(many, models.count(model), generator=generator(seed), dtype=dtype)
    x = torch.randint(0, V, (many, samples, L), generator=generator(seed + 1)).to(dtype)
    y = torch.randint(0, V, (many, samples), generator=generator(seed + 2))
    weights = torch.rand(many, samples, generator=generator(seed + 3), dtype=dtype)
    task = clients.TaskLoss("classification")
    assert _steps.Bench(model, task).written
    outputs = models.stacked_forward(model, models.unstack(model, thetas), x)
    written = clients.gradients(model, thetas, x, y, weights, task)
    traced = clients.gradients(model, thetas, x, y, weights, lambda out, target: task(out, target))
    for k in range(many):
        nn.utils.vector_to_parameters(thetas[k].clone(), oracle.parameters())
        oracle.zero_grad()
        out = oracle(x[k])
        (F.cross_entropy(out, y[k], reduction="none") * weights[k]).sum().backward()
        expected = torch.cat([p.grad.flatten() for p in oracle.parameters()])
        torch.testing.assert_close(outputs[k], out.detach(), rtol=error, atol=error)
        torch.testing.assert_close(written[k], expected, rtol=error, atol=error)
        torch.testing.assert_close(traced[k], expected, rtol=error, atol=error)
        torch.testing.assert_close(models.with_theta(model, thetas[k])(x[k]), out, rtol=error, atol=error)


@pytest.mark.parametrize("kind", KINDS)
def test_several_steps_written_out_equal_autograd(kind):
    model = KINDS[kind][0](6, 4)
    x = torch.randint(0, V, (5, 4, L), generator=generator()).float()
    y, weights = torch.randint(0, V, (5, 4), generator=generator(1)), torch.full((5, 4), 0.25)
    task = clients.TaskLoss("classification")
    ends = []
    for loss in (task, lambda out, target: task(out, target)):
        bench = _steps.Bench(model, loss)
        here = [p.expand(5, *p.shape[1:]) for p in bench.unstack(models.flatten(model).unsqueeze(0))]
        for step in range(4):
            here = bench.backward(x, y).step(here, weights, 0.3, shared=step == 0)
        ends.append(torch.cat([p.flatten(1) for p in here], 1))
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_another_layer_in_its_place_is_trained_as_it_is(kind):
    for change in ("padding", "sequence", "forward"):
        model = KINDS[kind][0](6, 4)
        if change == "padding":
            model.embed = nn.Embedding(V, 4, padding_idx=0)
        elif change == "sequence":
            model.embed = nn.Sequential(model.embed)
            model.embed.num_embeddings = V
        else:
            model.forward = lambda x, model=model: 2 * type(model).forward(model, x)
        assert not models.offers(model, "stacked") and not models.offers(model, "factors")
        x = torch.randint(0, V, (3, L), generator=generator()).float()
        torch.testing.assert_close(models.predict(model, models.flatten(model), x), model(x).detach())


@pytest.mark.parametrize("kind", KINDS)
def test_codes_may_be_of_any_float_and_the_last_one_counts(kind):
    model = KINDS[kind][0](6, 4)
    x = torch.randint(0, V - 1, (3, L), generator=generator())
    assert torch.equal(model(x), model(x.double())) and torch.equal(model(x), model(x.half()))
    for place in (0, L - 1):
        other = x.clone()
        other[:, place] += 1
        assert (model(other) - model(x)).abs().amax(1).min() > 1e-6


def test_seeds_repeat_the_weights_and_no_global_state_is_touched():
    with global_random_state_untouched():
        for build in (
            lambda seed: text_models.CharGRU(V, 5, seed=seed),
            lambda seed: text_models.CharMLP(V, L, 5, seed=seed),
        ):
            assert torch.equal(theta_of(build(3)), theta_of(build(3))) and not torch.equal(
                theta_of(build(3)), theta_of(build(9))
            )


BAD = {
    "one symbol": (lambda: text_models.CharGRU(1), ValueError, ["symbols", "1", ">= 2"]),
    "no hidden": (lambda: text_models.CharGRU(V, 0), ValueError, ["hidden", "0"]),
    "no numbers for a character": (lambda: text_models.CharMLP(V, L, embed=0), ValueError, ["embed", "0"]),
    "no window": (lambda: text_models.CharMLP(V, 0), ValueError, ["window", "0"]),
    "a fraction": (lambda: text_models.CharMLP(V, 2.5), TypeError, ["window", "2.5"]),
    "negative seed": (lambda: text_models.CharGRU(V, seed=-1), ValueError, ["seed", "-1"]),
    "beyond": (lambda: text_models.CharGRU(V)(torch.full((1, L), 9.0)), ValueError, ["x", "codes", "0 to 8", "9"]),
    "NaN": (lambda: text_models.CharGRU(V)(torch.full((1, L), torch.nan)), ValueError, ["x", "codes", "nan"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)

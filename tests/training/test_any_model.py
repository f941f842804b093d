"""Any small model trains as client by client with torch's own optimiser: plain, private, per record, in chunks."""

import copy

import pytest
import torch
from conftest import fedavg_loop, federation, generator, mean_loss, refuses
from torch import nn
from torch.nn import functional as F

from fldp_lib import clients, data, mechanisms, models, train
from fldp_lib.training import recurrent, text_models

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore:delta should be below")]

SIZES, V, L = [4, 1, 0, 3, 6] * 4, 7, 6


class Reader(nn.Module):
    """Codes → embedding → a layer over time → its mean output → scores."""

    def __init__(self, layer, width, table=None):
        super().__init__()
        self.table, self.layer, self.out = table or nn.Embedding(V, 4), layer, nn.Linear(width, V)

    def forward(self, x):
        e = self.table(x.long())
        if isinstance(self.layer, nn.MultiheadAttention):
            seen, _ = self.layer(e, e, e, need_weights=False)
        else:
            seen = self.layer(e)
            seen = seen[0] if isinstance(seen, tuple) else seen
        return self.out(seen.mean(1))


class Stepper(nn.Module):
    """A cell, applied by hand."""

    def __init__(self, cell):
        super().__init__()
        self.table, self.cell, self.out = nn.Embedding(V, 4), cell, nn.Linear(5, V)

    def forward(self, x):
        state = None
        for e in self.table(x.long()).unbind(1):
            state = self.cell(e, state)
        return self.out(state[0] if isinstance(state, tuple) else state)


class Tied(nn.Module):
    """The table is the output's weight, too."""

    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(V, 4), nn.Linear(4, V, bias=False)
        self.out.weight = self.table.weight

    def forward(self, x):
        return self.out(torch.tanh(self.table(x.long()).sum(1)))


def half_frozen(model, *names):
    for name, p in model.named_parameters():
        p.requires_grad_(not name.startswith(names))
    return model


def rewritten(model):
    """The package's layers for training, and torch's own as the oracle."""
    return recurrent.rewrite(model), model


def alike(model):
    return model, model


CODES = {  # the model that trains, and the one that torch trains
    "GRU": lambda: rewritten(Reader(nn.GRU(4, 5, batch_first=True), 5)),
    "GRU, two layers, both ways": lambda: rewritten(Reader(nn.GRU(4, 3, 2, batch_first=True, bidirectional=True), 6)),
    "LSTM": lambda: rewritten(Reader(nn.LSTM(4, 5, batch_first=True), 5)),
    "LSTM, no bias": lambda: rewritten(Reader(nn.LSTM(4, 5, bias=False, batch_first=True), 5)),
    "RNN": lambda: rewritten(Reader(nn.RNN(4, 5, batch_first=True), 5)),
    "RNN, relu": lambda: rewritten(Reader(nn.RNN(4, 5, nonlinearity="relu", batch_first=True), 5)),
    "GRUCell": lambda: rewritten(Stepper(nn.GRUCell(4, 5))),
    "LSTMCell": lambda: rewritten(Stepper(nn.LSTMCell(4, 5))),
    "RNNCell": lambda: rewritten(Stepper(nn.RNNCell(4, 5))),
    "CharGRU": lambda: alike(text_models.CharGRU(V, 5, 4)),
    "CharMLP": lambda: alike(text_models.CharMLP(V, L, 5, 3)),
    "attention": lambda: alike(Reader(nn.MultiheadAttention(4, 2, batch_first=True), 4)),
    "transformer": lambda: alike(Reader(nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), 4)),
    "transformer, eval": lambda: alike(Reader(nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), 4).eval()),
    "padded table": lambda: alike(Reader(nn.Identity(), 4, nn.Embedding(V, 4, padding_idx=0))),
    "tied": lambda: alike(Tied()),
    "frozen body": lambda: alike(half_frozen(Reader(nn.Identity(), 4), "table")),
    "frozen GRU": lambda: rewritten(half_frozen(Reader(nn.GRU(4, 5, batch_first=True), 5), "layer", "table.")),
    "frozen head of CharGRU": lambda: alike(half_frozen(text_models.CharGRU(V, 5, 4), "out")),
    "frozen table of CharMLP": lambda: alike(half_frozen(text_models.CharMLP(V, L, 5, 3), "embed")),
}
NUMBERS = {
    "Conv1d": lambda: alike(
        nn.Sequential(nn.Unflatten(1, (1, 16)), nn.Conv1d(1, 2, 5), nn.ReLU(), nn.Flatten(), nn.Linear(24, V))
    ),
    "Conv2d, GroupNorm, MaxPool": lambda: alike(
        nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(16, V),
        )
    ),
    "grouped and transposed": lambda: alike(
        nn.Sequential(
            nn.Unflatten(1, (2, 8)), nn.Conv1d(2, 4, 3, groups=2), nn.ConvTranspose1d(4, 1, 3), nn.Flatten(), nn.Linear(8, V)
        )
    ),
    "LayerNorm": lambda: alike(nn.Sequential(nn.Linear(16, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, V))),
    "RMSNorm, PReLU": lambda: alike(nn.Sequential(nn.Linear(16, 6), nn.RMSNorm(6), nn.PReLU(), nn.Linear(6, V))),
    "InstanceNorm": lambda: alike(
        nn.Sequential(nn.Unflatten(1, (2, 8)), nn.InstanceNorm1d(2, affine=True), nn.Flatten(), nn.Linear(16, V))
    ),
    "frozen first layer": lambda: alike(half_frozen(models.MLP(16, 5, V), "fc1")),
    "frozen biases": lambda: alike(half_frozen(models.MLP(16, 5, V), "fc1.bias", "fc2.bias")),
    "frozen convolution": lambda: alike(
        half_frozen(nn.Sequential(nn.Unflatten(1, (1, 16)), nn.Conv1d(1, 2, 5), nn.Flatten(), nn.Linear(24, V)), "1.")
    ),
}  # fmt: skip
ZOO = CODES | NUMBERS


def case(name, sizes=SIZES):
    """Model, its oracle, and a federation: codes for a model that reads them, else numbers."""
    torch.manual_seed(3)
    model, oracle = ZOO[name]()
    fed = federation(sizes, features=16 if name in NUMBERS else L, classes=V, seed=2)
    if name in CODES:
        x, x_test = (torch.randint(0, V, each.shape, generator=generator(5)).float() for each in (fed.x, fed.x_test))
        fed = data.Federation(x, fed.y, fed.mask, x_test, fed.y_test, fed.task, "codes")
    return model, oracle, fed


def theta_by_hand(model):
    return torch.cat([p.detach().flatten() for p in model.parameters() if p.requires_grad])


def loop(oracle, fed, *, rounds, steps, lr, clip=None):
    """Federated averaging client by client with torch's own optimiser; with a clip as under a mechanism at the server."""
    oracle = copy.deepcopy(oracle)
    own = [p for p in oracle.parameters() if p.requires_grad]
    for _ in range(rounds):
        start, total = theta_by_hand(oracle), 0.0
        for k in range(fed.clients):
            worker = copy.deepcopy(oracle)
            optimiser = torch.optim.SGD([p for p in worker.parameters() if p.requires_grad], lr=lr)
            x, y = fed.x[k][fed.mask[k]], fed.y[k][fed.mask[k]]
            for _ in range(steps if len(x) else 0):
                optimiser.zero_grad()
                mean_loss(worker(x), y).backward()
                optimiser.step()
            update = theta_by_hand(worker) - start
            total = total + (update if clip is None else update * min(1.0, clip / max(float(update.norm()), 1e-30)))
        nn.utils.vector_to_parameters(start + total / fed.clients, own)
    return theta_by_hand(oracle)


@pytest.mark.parametrize("name", ZOO)
def test_a_run_equals_training_client_by_client(name):
    model, oracle, fed = case(name)
    found = train(model, fed, rounds=2, local_steps=3, lr=0.3, chunk=16).theta
    expected = loop(oracle, fed, rounds=2, steps=3, lr=0.3)
    assert (found - models.flatten(model)).abs().max() > 1e-3  # it moved
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
def test_a_private_run_equals_the_clipped_loop_and_its_noise(name):
    """The same seed's noise without data, from clients who hold nothing, is what stands between the two."""
    model, oracle, fed = case(name)
    clip, noise = 0.05, mechanisms.Gaussian(0.5, 0.05)
    found = train(model, fed, rounds=1, local_steps=2, lr=0.5, mechanism=noise, seed=4).theta
    empty = data.Federation(fed.x, fed.y, fed.mask & False, fed.x_test, fed.y_test, fed.task, "nobody")
    first = models.flatten(model)
    drawn = train(model, empty, rounds=1, local_steps=2, lr=0.5, mechanism=noise, seed=4).theta - first
    expected = loop(oracle, fed, rounds=1, steps=2, lr=0.5, clip=clip)
    assert drawn.abs().max() > 1e-4
    torch.testing.assert_close(found - drawn, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
def test_per_record_gradients_are_clipped_one_by_one(name):
    model, oracle, fed = case(name, [3, 0, 2])
    mechanism, clip, lr = mechanisms.Gaussian(0.0, 0.2, "client", "record"), 0.2, 0.5
    found = clients.local_updates(model, models.flatten(model), fed, lr=lr, mechanism=mechanism, noise=generator())
    for k in range(fed.clients):
        total = torch.zeros(len(found[0]))
        for i in range(int(fed.sizes[k])):
            worker = copy.deepcopy(oracle)
            mean_loss(worker(fed.x[k, i : i + 1]), fed.y[k, i : i + 1]).backward()
            own = torch.cat([p.grad.flatten() for p in worker.parameters() if p.requires_grad])
            total += own * min(1.0, clip / max(float(own.norm()), 1e-30))
        torch.testing.assert_close(found[k], -lr * total / max(1, int(fed.sizes[k])), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
def test_chunks_change_nothing(name):
    model, _, fed = case(name)
    options = {"rounds": 2, "lr": 0.3, "mechanism": mechanisms.Gaussian(0.5, 0.3), "sampling_rate": 0.7}
    whole, parts = (train(model, fed, chunk=chunk, **options).theta for chunk in (None, 16))
    torch.testing.assert_close(whole, parts, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["CharGRU", "attention", "Conv1d", "frozen GRU"])
def test_the_record_as_unit_trains_with_noise(name):
    model, _, fed = case(name)
    history = train(model, fed, rounds=2, mechanism=mechanisms.Gaussian(1.0, 0.5, "client", "record"), delta=1e-5, seed=1)
    assert history.theta.isfinite().all() and 0 < history.epsilon[-1] < float("inf")


# Codes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [V, -1, 2 * V + 3])
def test_a_code_beyond_the_table_touches_no_other_client(wrong):
    """Stacked tables lie one after the other: unguarded, the next client's row would be read, and moved."""
    model, _, fed = case("padded table", [2, 2, 2])
    thetas = models.flatten(model) + torch.randn(3, models.count(model), generator=generator(1))
    weights, x = torch.full((3, 2), 0.5), fed.x.clone()
    x[1, 0, -1] = wrong

    def gradients(x):
        return clients.gradients(model, thetas, x, fed.y, weights, clients.TaskLoss("classification"))

    before, after = gradients(fed.x), gradients(x)
    assert torch.equal(before[[0, 2]], after[[0, 2]]) and not after[1].isfinite().all()


@pytest.mark.parametrize("name", ["CharGRU", "CharMLP"])
@pytest.mark.parametrize("wrong", [V, -1, 1.5])
def test_the_character_models_refuse_what_is_no_code(name, wrong):
    model, _, fed = case(name, [2, 2, 2])
    fed.x[1, 0, -1] = wrong
    refuses(lambda: train(model, fed, rounds=1), ValueError, "x", "codes", f"0 to {V - 1}")


def test_a_loss_of_ones_own_is_tried_out_on_public_records():
    model, _, fed = case("attention")

    def own(outputs, targets):
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)

    def mixed(outputs, targets):
        return own(outputs, targets) * own(outputs, targets).mean()

    noise = mechanisms.Gaussian(0.5, 0.3)
    assert train(model, fed, rounds=1, loss=own, mechanism=noise).theta.isfinite().all()
    refuses(lambda: train(model, fed, rounds=1, loss=mixed, mechanism=noise, seed=9), ValueError, "loss", "other records")


def test_the_loop_itself_is_federated_averaging():
    model, oracle, fed = case("Conv1d")
    cohorts = [range(fed.clients)] * 2
    torch.testing.assert_close(
        loop(oracle, fed, rounds=2, steps=3, lr=0.3), fedavg_loop(model, fed, cohorts, local_steps=3, lr=0.3)
    )

"""Notebook 08: the program that fails five times, as text, its repairs, and what runs it."""

import numpy as np
import torch
from torch import nn

PROGRAM = """
from mermaid import Mermaid

def perturbed(slope, epsilon):
    return slope + torch.randn_like(slope) / epsilon

inputs, targets = load()
optimiser = torch.optim.SGD(net.parameters(), lr=0.2)
for epoch in range(epochs):
    error = nn.functional.mse_loss(net(inputs), targets)
    optimiser.zero_grad()
    error.backward()
    slope = perturbed(net[0].grad, epsilon)
    optimiser.step()
    if epoch % 100 == 0:
        print("epoch", epoch, "error", error.item())
curve = np.array(errors)
"""
REPAIRS = (  # one after the other: what is replaced, by what
    ("from mermaid import Mermaid\n", ""),
    ("= load()", "= (torch.from_numpy(part) for part in load())"),
    ("from_numpy(part)", "from_numpy(part).float()"),
    ("net[0].grad", "net[0].weight.grad"),
    ("for epoch", "errors = []\nfor epoch"),
    ("    optimiser.zero", "    errors.append(error.item())\n    optimiser.zero"),
)


def noise_data(count=100, seed=0):
    """The article's kind of data: x (count × 10) and y (count × 1) drawn apart from each other, normalised by themselves."""
    rng = np.random.default_rng(seed)
    x, y = rng.random((count, 10)), rng.random((count, 1))
    return (x - x.mean()) / x.std(), (y - y.mean()) / y.std()


def run(text, load=noise_data, epsilon=1.0, epochs=300, seed=0, show=lambda *words: None):
    """Run a program's text and return its variables; the network starts from public weights."""
    with torch.random.fork_rng():  # the program draws from torch's global state, which is given back as it was
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 1))
        torch.default_generator.manual_seed(1000 + seed)
        names = dict(torch=torch, nn=nn, np=np, net=net, load=load, epsilon=epsilon, epochs=epochs)
        names["print"] = show
        exec(text, names)
    return names

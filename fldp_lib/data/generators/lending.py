"""Applicants for credit at banks with different portfolios, with their true probabilities of default."""

from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ..federation import Dataset
from ..splits import federate, scaled

_CREDIT = {  # feature: public bounds; effect on the log-odds of default, per unit of the scaled feature
    "income": ((500, 20_000), -1.2),  # a month, log scale
    "debt ratio": ((0, 1), 1.0),
    "utilisation": ((0, 1), 1.3),
    "late payments": ((0, 10), 2.0),
    "age": ((18, 80), -0.5),
    "years employed": ((0, 40), -0.7),
    "amount": ((500, 50_000), 0.7),  # log scale
    "months": ((6, 84), 0.5),
    "owns a home": ((0, 1), -0.3),
    "thin file": ((0, 1), -0.7),
    "utilisation, thin file": ((0, 1), -1.6),  # the same behaviour means something else where little is known
    "late payments, thin file": ((0, 10), -1.2),
}
_LOG = ("income", "amount")


@dataclass(frozen=True, eq=False)
class Credit:
    """Applicants of several banks, with what nobody knows in reality.

    Attributes:
        dataset: a `data.Dataset`; class 1 is default.
        federation: the training applicants, one client a bank.
        thin_train, thin_test: whether an applicant belongs to the small group with a thin credit file (n,), bool. The
            rows of `thin_train` are in the order of `dataset.x_train`.
        risk_train, risk_test: the true probability of default (n,), float64.
        bank: bank of each training applicant (n_train,), int64.
    """

    dataset: Dataset
    federation: object
    thin_train: torch.Tensor
    thin_test: torch.Tensor
    risk_train: torch.Tensor
    risk_test: torch.Tensor
    bank: torch.Tensor


def credit(applicants=4_000, banks=20, thin_share=0.08, test=20_000, seed=0):
    """Draw a credit population whose true default probabilities are known, at banks with different portfolios.

    Income and amount are log-normal, debt ratio and utilisation beta, late payments Poisson, age and employment cut-off
    normal. Default is Bernoulli with log-odds linear in the scaled features (interactions included), about one in six on
    average. Bank sizes are a Dirichlet(1) draw; a bank's applicants differ from the average in income and in late payments.

    Realistic: imbalance, skewed sizes and portfolios, a small group for which the same behaviour means something else.
    Not realistic: no selection (rejected applicants are in it, with their outcome), no time, a logistic truth.

    Args:
        applicants: training applicants, at least 10 for each bank.
        banks: number of banks, at least 1.
        thin_share: expected share of applicants with a thin file, in (0, 1).
        test: test applicants, drawn from the banks' mixture, at least 100.
        seed: of all draws.

    Returns:
        A `Credit`; features are scaled to [-1, 1] by public bounds, an interaction is 0 outside its group.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 10.
    Source: the shape of the German credit data (Hofmann 1994) and of scorecards (Thomas, Edelman & Crook 2002); the numbers
        are our own.
    """
    banks = checks.whole("banks", banks, at_least=1)
    applicants = checks.whole("applicants", applicants, at_least=10 * banks)
    test = checks.whole("test", test, at_least=100)
    thin_share = checks.real("thin_share", thin_share, above=0, below=1)
    bank, x, default, risk, thin = _people(applicants, banks, thin_share, test, checks.whole("seed", seed, at_least=0))
    n, parts = applicants, [torch.from_numpy(part) for part in (x, default.astype(np.int64))]
    thin, truth = torch.from_numpy(thin), torch.from_numpy(risk)
    dataset = Dataset(
        "credit", parts[0][:n], parts[1][:n], parts[0][n:], parts[1][n:], "classification",
        "synthetic: fldp_lib.data.generators.credit", tuple(_CREDIT), ("repaid", "default"),
        np.array([bounds for bounds, _ in _CREDIT.values()], float),
    )  # fmt: skip
    federation = federate(dataset.x_train, dataset.y_train, bank, dataset, banks)
    return Credit(dataset, federation, thin[:n], thin[n:], truth[:n], truth[n:], torch.from_numpy(bank))


def _people(applicants, banks, thin_share, test, seed):
    """The same as arrays, without checks, the training applicants first.

    Returns:
        The training applicants' banks; of everybody scaled features (float32), whether they default, the risk of it, and
        whether the file is thin.
    """
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(banks))
    extra = rng.multinomial(applicants - 10 * banks, shares)
    bank = np.repeat(np.arange(banks), 10 + extra)
    taste = rng.normal(0, 0.35, (banks, 2))  # a bank's portfolio: log income, log rate of late payments
    where = np.concatenate([bank, rng.choice(banks, test, p=shares)])
    raw = _applicants(len(where), taste[where], thin_share, rng)
    x = []
    for name, (bounds, _) in _CREDIT.items():
        feature = scaled(raw[name], bounds, "log" if name in _LOG else "linear")
        x.append(feature * raw["thin file"] if name.endswith(", thin file") else feature)
    x = np.stack(x, 1)
    risk = 1 / (1 + np.exp(-(x @ np.array([effect for _, effect in _CREDIT.values()]) - 0.5)))
    return bank, x.astype(np.float32), rng.random(len(risk)) < risk, risk, raw["thin file"] > 0


def _applicants(n, taste, thin_share, rng):
    """Raw features in their own units, by name (n,) each."""
    thin = (rng.random(n) < thin_share).astype(float)
    late = rng.poisson(np.exp(-0.7 + taste[:, 1]) * np.where(thin, 0.8, 1.0))
    utilisation = rng.beta(2, 4, n)
    return {
        "income": np.exp(rng.normal(8.0 + taste[:, 0] - 0.15 * thin, 0.5)),
        "debt ratio": rng.beta(2, 5, n),
        "utilisation": utilisation,
        "late payments": late.astype(float),
        "age": np.clip(rng.normal(42 - 8 * thin, 13), 18, 80),
        "years employed": np.clip(rng.gamma(1.5, 5, n) * (1 - 0.4 * thin), 0, 40),
        "amount": np.exp(rng.normal(8.4, 0.8, n)),
        "months": rng.uniform(6, 84, n),
        "owns a home": (rng.random(n) < 0.45 - 0.2 * thin).astype(float),
        "thin file": thin,
        "utilisation, thin file": utilisation,
        "late payments, thin file": late.astype(float),
    }

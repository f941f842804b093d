"""Shakespeare's plays by role: one person is one name in one play, from the file in `records`, with its licence.

A name as the play prints it, and so not always one person: Gloster of Richard III is King Richard from the fourth act on,
and each of the two is promised its own ε. In lower case, with 35 signs: a space, 26 letters, eight marks. The poems, which
nobody speaks, are a public text beside them.
"""

import bz2
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .. import checks
from .federation import Dataset

RECORDS = Path(__file__).parent / "records"
FILES = {"plays": RECORDS / "plays.txt.bz2", "poems": RECORDS / "poems.txt.bz2"}
SOURCE = "Shakespeare's plays by role (Project Gutenberg's text in the package shakespeare 0.6, CC BY 2.5)"
ALPHABET = " abcdefghijklmnopqrstuvwxyz.,;:!?'-"
POEMS = ("sonnets", "rape_of_lucrece")
SPEECHES, LEAST, MOST = 3, 400, 600  # speeches and signs that make a role; signs that are kept of one
LATER = 0.2  # share of a role's signs, its last ones, that are the test
_CODE = {sign: code for code, sign in enumerate(ALPHABET)}


@dataclass(frozen=True)
class Role:
    """One person: a name, the play, and what it says, in the order of the play, at most 600 signs."""

    play: str
    name: str
    text: str

    @property
    def title(self):
        """The name with its play, such as "Ham (hamlet)"."""
        return f"{self.name} ({self.play.replace('_', ' ')})"


@lru_cache(maxsize=2)
def _lines(name):
    return bz2.decompress(FILES[name].read_bytes()).decode("ascii").splitlines()


@lru_cache(maxsize=1)
def roles():
    """Return the 800 roles, a tuple of `Role`, by play and name.

    Derived in: notebooks 22 and 23.
    Source: Caldas et al. 2018 (LEAF), which first made a federation of these plays by role; this is a smaller one.
    """
    return tuple(Role(*line.split("\t")) for line in _lines("plays"))


def poems():
    """Return the sonnets and *The Rape of Lucrece* as one text: what a notebook takes for public."""
    return " ".join(_lines("poems"))


def words(some=None):
    """Return each role's words, in its own order: letters and inner apostrophes, nothing else.

    Args:
        some: roles, as from `roles`; None takes all.

    Returns:
        A list with one list of strings for each role.

    Derived in: notebook 22.
    """
    letters = str.maketrans({sign: " " for sign in ALPHABET if not sign.isalpha() and sign != "'"})
    cut = [role.text.translate(letters).split() for role in _chosen(some)]
    return [[word for part in parts if (word := part.strip("'"))] for parts in cut]


def encode(text):
    """Return a text's signs as codes (n,), int64, 0 … 34 by their place in `ALPHABET`.

    Raises:
        TypeError, ValueError: no text, a sign outside the alphabet.
    """
    checks.text("text", text)
    strange = sorted(set(text) - set(ALPHABET))
    if strange:
        raise ValueError(f"text must be of the signs {ALPHABET!r} alone, got {strange[0]!r} in {checks.shown(text)}")
    return torch.tensor([_CODE[sign] for sign in text], dtype=torch.int64)


def decode(codes):
    """Return codes (n,) as a text; the way back of `encode`."""
    codes = checks.tensor("codes", codes, ("n",), "whole")
    if len(codes) and not (int(codes.min()) >= 0 and int(codes.max()) < len(ALPHABET)):
        raise ValueError(f"codes must lie in 0 … {len(ALPHABET) - 1}, got {int(codes.min())} … {int(codes.max())}")
    return "".join(ALPHABET[code] for code in codes.tolist())


def cut(text, length=10, every=1, first=0):
    """Return the windows of a text: `length` signs, and the one that follows.

    Args:
        text: of the alphabet's signs.
        length: of a window, at least 1.
        every: so many signs from one window's end to the next one's, at least 1.
        first: place of the first sign that is to be told, from 0; windows begin at the text's own beginning.

    Returns:
        Codes (n × length), int64, and the codes that follow (n,); n is 0 where the text is too short.
    """
    length, every = checks.whole("length", length, at_least=1), checks.whole("every", every, at_least=1)
    first = max(checks.whole("first", first, at_least=0), length)
    codes = encode(text)
    if len(codes) <= first:
        return codes.new_zeros((0, length)), codes.new_zeros(0)
    place = torch.arange(first, len(codes), every)
    return codes[place.unsqueeze(1) + torch.arange(-length, 0)], codes[place]


def windows(some=None, length=10, every=1, held=None):
    """Return next-sign prediction as a data set: windows of each role's text, owned by the role.

    Args:
        some: roles to learn from, as from `roles`, or with a text of your own; None takes all that are not held out.
        length: signs of a window, at least 1; the features are their codes, as floats.
        every: so many signs from one window's end to the next one's, at least 1; in the test every sign is told.
        held: roles whose whole text is the test; None tests on the last fifth of each learner's own text.

    Returns:
        A `Dataset`, a classification into the 35 signs; `owner_train` counts the roles from 0, in the order given, and
        `owner_test` does the same, or counts the held-out ones.

    Raises:
        TypeError, ValueError: arguments out of range, a role in both lists, texts too short for one window.

    Derived in: notebook 23.
    Source: Caldas et al. 2018 (LEAF).
    """
    learners, every = _chosen(some), checks.whole("every", every, at_least=1)
    held = None if held is None else _chosen(held)
    length = checks.whole("length", length, at_least=1, at_most=LEAST)
    if held is not None and {(role.play, role.name) for role in held} & {(role.play, role.name) for role in learners}:
        raise ValueError("held must be roles that are not among those to learn from; got some of the same")
    parts = {"train": [], "test": []}
    for number, role in enumerate(learners):
        end = len(role.text) - round(LATER * len(role.text)) if held is None else len(role.text)
        parts["train"].append((number, *cut(role.text[:end], length, every)))
        if held is None:
            parts["test"].append((number, *cut(role.text, length, 1, end)))
    for number, role in enumerate(held or ()):
        parts["test"].append((number, *cut(role.text, length)))
    found = {}
    for part, pieces in parts.items():
        found[f"x_{part}"] = torch.cat([x for _, x, _ in pieces]).float()
        found[f"y_{part}"] = torch.cat([y for _, _, y in pieces])
        found[f"owner_{part}"] = np.repeat([k for k, _, _ in pieces], [len(y) for _, _, y in pieces])
    bounds = np.tile([0.0, len(ALPHABET) - 1.0], (length, 1))
    return Dataset(
        "plays", task="classification", source=SOURCE, classes=tuple(ALPHABET), bounds=bounds,
        features=tuple(f"{back} before" for back in range(length, 0, -1)), **found,
    )  # fmt: skip


def divide(held=100, seed=0):
    """Return the roles as two tuples: to learn from, and so many held out, drawn by the seed.

    Args:
        held: how many are held out, 1 … 799.
        seed: of the draw, at least 0.
    """
    everyone = roles()
    held = checks.whole("held", held, at_least=1, at_most=len(everyone) - 1)
    out = set(np.random.default_rng(checks.whole("seed", seed, at_least=0)).permutation(len(everyone))[:held].tolist())
    return tuple(r for k, r in enumerate(everyone) if k not in out), tuple(r for k, r in enumerate(everyone) if k in out)


def loaded(features, scale):
    """What `data.load("plays")` gives: all roles, ten signs back; a choice of columns or a scale is refused."""
    if features is not None or scale is not None:
        raise ValueError(f"features and scale must be None for 'plays', got {features!r} and {scale!r}")
    return windows()


def _chosen(some):
    some = roles() if some is None else some
    if not isinstance(some, (list, tuple)) or not some or not all(isinstance(role, Role) for role in some):
        raise TypeError(f"roles must be a list of Role, one at least, such as from plays.roles(); got {checks.shown(some)}")
    return some

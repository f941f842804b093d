"""plays: the vendored roles are the package's, a window knows only its past, and a role's text is its own."""

import os
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fldp_lib import data
from fldp_lib.data import places, plays
from tests.data import plays_source

PEER = places.within("shksprdata", "texts")
SIGNS = st.text(plays.ALPHABET, max_size=60)


@pytest.mark.skipif(
    PEER is None and os.environ.get("FLDP_REQUIRE_PEERS") != "1", reason="shakespeare is missing; .ci/run installs it"
)
def test_the_records_are_made_of_the_packages_plays():
    made = plays_source.files(PEER)
    for name in plays.FILES:
        assert made[name].splitlines() == list(plays._lines(name))


def test_their_figures_are_those_of_the_note_beside_them():
    roles = plays.roles()
    assert (
        len(roles) == 800 and len({role.play for role in roles}) == 37 and sum(len(role.text) for role in roles) == 473_071
    )
    assert len({(role.play, role.name) for role in roles}) == 800 and len(plays.poems()) == 175_375
    assert all(plays.LEAST <= len(role.text) <= plays.MOST and set(role.text) <= set(plays.ALPHABET) for role in roles)
    note = (plays.RECORDS / "plays.txt").read_text(encoding="utf-8")
    assert all(words in note for words in ("473,071", "800 roles", "Attribution 2.5", "public domain", "Changes:"))
    assert all(file.stat().st_size < 200_000 for file in plays.FILES.values()) and "CC BY" in plays.SOURCE


def test_a_speech_is_told_from_names_directions_and_headings():
    text = """ACT I.

Ham.
To be, or not--
to be: [Aside.] that

[Enter one
and two.]

is 3 questions.

SCENE II.

KING. Who's there? I hear.

Ham.
"Nay."
"""
    said = plays_source.speeches(text)
    assert [name for name, _ in said] == ["Ham", "KING", "Ham"]
    assert plays_source.plain(said[0][1]) == "to be, or not - to be: that is questions."
    assert [plays_source.plain(words) for _, words in said[1:]] == ["who's there? i hear.", "nay."]


@given(SIGNS)
@settings(max_examples=60, deadline=None)
def test_decoding_is_the_way_back(text):
    codes = plays.encode(text)
    assert plays.decode(codes) == text and len(codes) == len(text) and codes.dtype == torch.int64


@given(SIGNS, st.integers(1, 12), st.integers(1, 5), st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_a_window_is_what_stands_before_its_sign(text, length, every, first):
    x, y = plays.cut(text, length, every, first)
    places_ = range(max(first, length), len(text), every)
    assert [plays.decode(row) for row in x] == [text[k - length : k] for k in places_]
    assert plays.decode(y) == "".join(text[k] for k in places_) and x.shape == (len(places_), length)


def test_a_roles_later_text_is_the_test_and_changes_no_training_window():
    some = list(plays.roles()[:5])
    made = plays.windows(some, length=8)
    changed = [plays.Role(r.play, r.name, r.text[: len(r.text) - round(0.2 * len(r.text))] + "z" * 120) for r in some]
    again = plays.windows([plays.Role(c.play, c.name, c.text[: len(r.text)]) for c, r in zip(changed, some, strict=True)], 8)
    assert torch.equal(made.x_train, again.x_train) and torch.equal(made.y_train, again.y_train)
    assert not torch.equal(made.y_test, again.y_test)
    assert np.bincount(made.owner_test).tolist() == [round(0.2 * len(role.text)) for role in some]
    told = np.bincount(made.owner_train) + np.bincount(made.owner_test)
    assert told.tolist() == [len(role.text) - 8 for role in some]


def test_held_out_roles_are_nobody_to_learn_from():
    learners, held = plays.divide(100, seed=3)
    assert len(learners) == 700 and len(held) == 100 and not set(learners) & set(held)
    assert plays.divide(100, seed=3)[1] == held != plays.divide(100, seed=4)[1]
    made = plays.windows(learners[:20], length=6, every=3, held=held[:2])
    assert len(made.x_test) == sum(len(role.text) - 6 for role in held[:2])
    with pytest.raises(ValueError, match="held"):
        plays.windows(learners[:20], held=learners[3:4])


def test_the_natural_clients_are_the_roles():
    loaded = data.load("plays")
    federation = data.split(loaded, how="natural")
    assert federation.clients == 800 and loaded.classes == tuple(plays.ALPHABET) and loaded.source == plays.SOURCE
    assert torch.equal(federation.sizes, torch.tensor(np.bincount(loaded.owner_train)))
    own = plays.encode(plays.roles()[7].text)[:10]
    assert torch.equal(federation.x[7, 0].long(), own)


def test_words_are_letters_and_inner_apostrophes():
    words = plays.words()
    assert len(words) == 800 and all(re.fullmatch(r"[a-z]+('[a-z]+)*", word) for person in words for word in person)
    role = plays.Role("a", "b", "'tis well - o, say'st thou so? ''")
    assert plays.words([role]) == [["tis", "well", "o", "say'st", "thou", "so"]]


@pytest.mark.parametrize("wrong", ["Ham", "a1", "é", "two\nlines"])
def test_signs_outside_the_alphabet_are_refused(wrong):
    with pytest.raises(ValueError, match="the signs"):
        plays.encode(wrong)
    with pytest.raises(ValueError, match="codes"):
        plays.decode([35])


def test_what_text_has_not_is_refused():
    for settings_ in ({"features": ["1 before"]}, {"scale": "log"}):
        with pytest.raises(ValueError, match=next(iter(settings_))):
            data.load("plays", **settings_)

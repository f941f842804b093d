"""The table behind notebook 23's explorers: one role moves it by the clip at most, secrets have their scores."""

import itertools

import numpy as np
import pytest

from fldp_lib.course.exhibits import _signs
from fldp_lib.data import plays


@pytest.mark.parametrize("back", [1, 2])
def test_one_role_moves_the_sum_by_the_clip_at_most(back):
    who, where, much = _signs.counted(_signs.order()[:40], back)
    sums = np.bincount(where, much, _signs.SIGNS ** (back + 1))
    for out in range(40):
        left = np.bincount(where[who != out], much[who != out], len(sums))
        assert np.linalg.norm(sums - left) <= _signs.CLIP + 1e-9


def test_counts_are_of_the_earlier_text_alone():
    role = _signs.order()[3]
    end = len(role.text) - round(plays.LATER * len(role.text))
    other = plays.Role(role.play, role.name, role.text[:end] + "z" * (len(role.text) - end))
    for back in (1, 2):
        mine, theirs = (_signs.counted([one], back) for one in (role, other))
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
        text = role.text[:end]
        cells, much = mine[1], mine[2] / mine[2].min()
        follow = {text[k - back : k + 1]: 0 for k in range(back, end)}
        for k in range(back, end):
            follow[text[k - back : k + 1]] += 1
        assert len(cells) == len(follow) and sorted(np.round(much, 6)) == sorted(np.round(list(follow.values()), 6))


def test_what_is_right_is_counted_over_every_later_sign():
    found = _signs.table(50, None, 2)
    hits = total = 0
    for role in _signs.order():
        codes = plays.encode(role.text).tolist()
        for k in range(len(codes) - round(plays.LATER * len(codes)), len(codes)):
            hits += int(found[codes[k - 2] * 35 + codes[k - 1]].argmax()) == codes[k]
            total += 1
    assert _signs.right(found, 2) == pytest.approx(hits / total)


def test_a_secrets_score_is_the_product_along_its_letters():
    found = np.random.default_rng(0).random((35 * 35, 35))
    scores = _signs.scores(found)
    logs = np.log((found + 0.01) / (found + 0.01).sum(1, keepdims=True))
    for secret in ("abc", "zzz", "qxm"):
        text, total = "my word is ", 0.0
        for letter in secret:
            a, b = plays.encode(text[-2:]).tolist()
            total += logs[35 * a + b, int(plays.encode(letter)[0])]
            text += letter
        at = list(itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=3)).index(tuple(secret))
        assert scores[at] == pytest.approx(total)


def test_without_noise_a_secret_said_often_is_more_exposed_than_unsaid():
    said, unsaid = _signs.exposures(100, 8, None), _signs.unsaid(100)
    assert (said > unsaid).mean() >= 0.9 and said.mean() > unsaid.mean() + 2


def test_the_noise_is_priced_and_the_ceiling_starts_at_one():
    z = _signs.noise(1.0)
    assert _signs.guesser(1.0).mu == pytest.approx(1 / z, rel=1e-3)
    bits = np.linspace(0.5, 14, 20)
    found = _signs.at_most(bits, _signs.guesser(1.0).mu)
    assert (found > 2.0**-bits).all() and (np.diff(found) < 0).all()
    assert (found <= np.exp(1.0) * 2.0**-bits + _signs.DELTA + 1e-9).all() and _signs.at_most(3, None) == 1

"""Heavy hitters letter by letter: what is found without noise, who speaks where, the bar, what one person changes."""

import math
from collections import Counter

import pytest
import torch
from conftest import generator, refuses
from scipy import stats

from fldp_lib.analytics import heavy_hitters
from fldp_lib.analytics import trie as module
from fldp_lib.data import pets

CROWD = ["lucy"] * 400 + ["luna"] * 300 + ["lu"] * 200 + ["max"] * 100 + ["zoe"] * 3


@pytest.mark.parametrize("step", [1, 2, 3])
def test_without_noise_common_words_are_found_with_their_counts(step):
    found = heavy_hitters(CROWD, 50.0, generator(), deal="budget", step=step, levels=6, at_least=50).found
    assert list(found) == ["lucy", "luna", "lu", "max"]
    assert list(found.values()) == pytest.approx([400, 300, 200, 100], abs=3)  # noise of scale 0.12, 25 of it


def test_local_reports_find_what_everybody_has():
    """Sixty people have "zoe", which the bar may let pass or not; nobody's words pass a level once in a thousand runs."""
    found = heavy_hitters(CROWD * 20, 6.0, generator(1), how="local", levels=5, false=1e-3).found
    assert set(found) - {"zoe"} == {"lucy", "luna", "lu", "max"}
    assert found["lucy"] == pytest.approx(8_000, rel=0.15)


def test_each_person_speaks_once_or_with_a_share_of_epsilon(monkeypatch):
    """What is asked of whom: dealt, every person's word is looked at on one level, at ε; else on all, at ε/levels."""
    seen = []
    real = module._central

    def looked(asked, said, people, epsilon, *rest):
        seen.append((people, epsilon))
        return real(asked, said, people, epsilon, *rest)

    monkeypatch.setattr(module, "_central", looked)
    heavy_hitters(CROWD, 3.0, generator(2), levels=4, at_least=0.0)
    assert sum(people for people, _ in seen) == len(CROWD) and {epsilon for _, epsilon in seen} == {3.0}
    seen.clear()
    heavy_hitters(CROWD, 3.0, generator(2), deal="budget", levels=4)
    assert [people for people, _ in seen] == [len(CROWD)] * 4 and {epsilon for _, epsilon in seen} == {0.75}


def test_a_person_more_moves_one_count_of_one_level(monkeypatch):
    """Dealt with the same coins, the exact counts of all levels together differ by one, in one of them."""
    told = []
    monkeypatch.setattr(module, "_central", lambda asked, said, *rest: (told.append((tuple(asked), Counter(said))),
        (torch.full((len(asked),), 1.0), 0.0, 0.0))[1])  # fmt: skip  # all pass, so that every level is asked the same
    monkeypatch.setattr(module, "LETTERS", "lu")
    crowd = ["lu", "ul", "ll", "u"] * 5
    runs = []
    for words in (crowd, [*crowd, "lull"]):
        told.clear()
        heavy_hitters(words, 1.0, generator(3), levels=4, most=10_000)
        runs.append([Counter({p: said[p] for p in asked if said[p]}) for asked, said in told])
    assert sum(sum(((b - a) + (a - b)).values()) for a, b in zip(*runs, strict=True)) == 1


def test_about_as_many_empty_prefixes_pass_as_said():
    """Nobody's letters: words that end at once leave 26 candidates on level one. Central: bar for one false prefix."""
    passed = [len(heavy_hitters(["a"], 1.0, generator(seed), levels=1, false=2.0).levels[0]) for seed in range(400)]
    assert stats.binomtest(sum(passed), 400 * 26, 2 / 26).pvalue > 1e-5  # "a" itself moves one count in 26


def test_words_beyond_the_levels_are_not_completed():
    found = heavy_hitters(["luna"] * 500, 20.0, generator(4), deal="budget", levels=4, at_least=50)
    assert found.found == {} and list(found.levels[3]) == ["luna"]


def test_on_real_names_central_finds_the_top_and_local_does_not():
    """ε = 1: all of the ten most frequent of 10,416 names centrally, in each of three runs; none locally (letter by letter,
    bars above 1,700 pets where the most frequent name has 440)."""
    names, words = pets.table()[0], pets.people()
    for seed in range(3):
        assert set(names[:10]) <= set(heavy_hitters(words, 1.0, generator(seed), deal="budget").found)
        local = heavy_hitters(words, 1.0, generator(seed), how="local")
        assert not set(names[:10]) & set(local.found)
        assert min(bar for bar in local.bar if not math.isnan(bar)) > 1_500


def test_refusals():
    refuses(lambda: heavy_hitters(["Lucy"], 1.0, generator()), ValueError, "words", "Lucy")
    refuses(lambda: heavy_hitters([], 1.0, generator()), TypeError, "words")
    refuses(lambda: heavy_hitters(["a"], 1.0, generator(), how="shuffled"), ValueError, "how", "central")
    refuses(lambda: heavy_hitters(["a"], 1.0, generator(), step=3, most=100), ValueError, "most")

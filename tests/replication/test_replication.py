"""The notebooks' claims on seeds that no notebook uses: two blocks of the quick ones here, all four of all in `.ci/run`.

A sampled claim can fail by chance; its module chooses repetitions so that this is rare, and its sentence says how often it
holds. What is found stands in the table that `python -m tests.replication` prints.
"""

import numpy as np
import pytest

from tests.replication import __main__ as command
from tests.replication import claims

LEAST = 90  # claims in the course


class Replicated:
    """A notebook's claims; subclasses name it, so that notebooks are spread over the workers."""

    number = None

    def test_every_sentence_stands_in_the_notebook(self):
        missing = [claim.sentence for claim in claims.of(self.number) if not claims.stands(claim)]
        assert not missing

    def test_quick_claims_hold_on_fresh_seeds(self):
        for claim in claims.of(self.number):
            if claim.quick:
                found = [claims.replicate(claim, block) for block in claims.TESTED]
                if claim.often == 1:  # what holds in some blocks only is judged over all four, by the command
                    assert claims.enough(found), claims.table(found)

    def test_there_are_three_to_fifteen(self):
        assert 3 <= len(claims.of(self.number)) <= 15


for _number in claims.notebooks():
    globals()[f"Test{_number}"] = type(f"Test{_number}", (Replicated,), {"number": _number})


def test_every_notebook_has_claims_and_there_are_ninety():
    there = sorted(path.stem.split("_")[0] for path in (claims.ROOT / "notebooks").glob("*.ipynb"))
    assert claims.notebooks() == there
    assert sum(len(claims.of(number)) for number in there) >= LEAST


# What the machinery must not let pass --------------------------------------------------------------------------------


@pytest.fixture
def planted(monkeypatch):
    """Claims of notebook 05 that are planted here: one true, one false, one true in half of the blocks, one that is luck."""
    monkeypatch.setattr(claims, "CLAIMS", {})
    monkeypatch.setattr(claims, "of", lambda number: claims.CLAIMS.get(number, []))

    def mean_of(block, size):
        return float(np.random.default_rng(claims.seeds(block, 1)[0]).normal(0.0, 1.0, size).mean())

    @claims.claim("05", "# 05")
    def true(block):
        return {"mean": mean_of(block, 10_000)}, abs(mean_of(block, 10_000)) < 0.05

    @claims.claim("05", "# 05")
    def false(block):
        return {"mean": mean_of(block, 10_000)}, mean_of(block, 10_000) > 0.05

    @claims.claim("05", "# 05", often=0.5)
    def half(block):
        return {}, block % 2 == 0

    @claims.claim("05", "this stands nowhere in the notebook")
    def lucky(block):
        return {}, block == 0

    return claims.CLAIMS["05"]


def test_a_false_claim_and_a_lucky_one_are_caught(planted):
    kept = [claim.name for claim in planted if claims.enough([claims.replicate(claim, b) for b in claims.BLOCKS])]
    assert kept == ["true", "half"]
    often = [claim.name for claim in planted if claim.often == 1]
    assert often == [
        "true",
        "false",
        "lucky",
    ]  # and of these the two wrong ones fail already on the blocks that pytest takes
    assert [c.name for c in planted if not claims.enough([claims.replicate(c, b) for b in claims.TESTED])] == [
        "false",
        "lucky",
    ]


def test_a_sentence_that_does_not_stand_is_caught(planted):
    assert [claim.name for claim in planted if not claims.stands(claim)] == ["lucky"]


def test_the_command_prints_a_table_and_fails_with_the_claim(planted, monkeypatch, capsys):
    class Here:
        """A pool that works in this process, where the planted claims are."""

        def __init__(self, *ignored):
            pass

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *error: None  # noqa: E731

        def submit(self, function, *arguments):
            done = function(*arguments)
            return type("Done", (), {"result": lambda self: done})()

    monkeypatch.setattr(command.concurrent.futures, "ProcessPoolExecutor", Here)
    assert command.main(["--notebook", "05", "--block", "2", "4"]) == 1
    shown = capsys.readouterr().out
    assert shown.count("holds") == 4 and shown.count("FAILS") == 4 and "4 claims on blocks 2, 4: 2 as" in shown
    assert 'says "# 05": false did not' in shown and "lucky did not" in shown
    assert command.main(["--notebook", "05", "--block", "1", "--claim", "true"]) == 0
    for wrong in (["--block", "-1"], ["--notebook", "77"], ["--claim", "nothing"]):
        with pytest.raises(SystemExit):
            command.main(wrong)


def test_blocks_share_no_seed_and_are_far_from_the_notebooks():
    blocks = [set(claims.seeds(block, 10_000)) for block in range(6)]
    assert len(set.union(*blocks)) == 60_000 and min(map(min, blocks)) >= 1_000_000
    for block, count in ((-1, 3), (0, 0), (0, 10_001), (1.5, 3)):
        with pytest.raises(ValueError, match="a block is an integer"):
            claims.seeds(block, count)


def test_a_measurement_that_returns_no_verdict_is_refused():
    with pytest.raises(TypeError, match="must return"):
        claims.replicate(claims.Claim("05", "", lambda block: ({}, None)), 0)


def test_two_claims_of_one_name_are_refused(planted):
    with pytest.raises(ValueError, match="two claims of notebook 05 are called true"):
        claims.claim("05", "# 05")(planted[0].measure)

"""matching: the same as a plain intersection, and nothing to read in what was sent."""

import hashlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib.vertical import matching

PEOPLE = [f"person {number}" for number in range(24)]
P = 2**255 - 19
subsets = st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=12)
threes = st.tuples(subsets, subsets, subsets)


def sides(*sets, seed=0):
    return [matching.Side(name, sorted(ids), seed) for name, ids in zip("abcd", sets, strict=False)]


# The curve ---------------------------------------------------------------------------------------------------------------


def square(a):
    """Whether a is a square modulo 2^255 − 19 (5 modulo 8): the candidate for a root of a or −a is one only then."""
    root = pow(a, (P + 3) // 8, P)
    return (root * root - a) % P == 0 or (root * root + a) % P == 0


def ladder(scalar, u):
    """X25519 as RFC 7748 writes it, in plain numbers."""
    k = (int.from_bytes(scalar, "little") & ~7 & (2**255 - 1)) | 2**254
    x1 = int.from_bytes(u, "little") % 2**255
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def test_the_ladder_meets_the_test_vector_of_rfc_7748():
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    u = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert ladder(scalar, u).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


@given(st.binary(min_size=32, max_size=32))
def test_a_point_is_told_from_one_of_the_twist(u):
    number = int.from_bytes(u, "little") % 2**255 % P
    value = (number**3 + 486662 * number**2 + number) % P
    assert matching.on_curve(u) == (value != 0 and square(value))


@given(st.text(min_size=1, max_size=20))
def test_every_identifier_lies_on_the_curve(name):
    assert matching.on_curve(matching.point(name))


def test_a_key_multiplies_as_rfc_7748_says():
    side = matching.Side("a", PEOPLE, 3)
    key = hashlib.sha256(b"3 a").digest()
    assert side.blind([matching.point(name) for name in PEOPLE[:3]]) == tuple(
        ladder(key, matching.point(name)) for name in PEOPLE[:3]
    )


@given(st.binary(min_size=32, max_size=32))
def test_without_the_second_hash_a_bit_would_stay_readable(u):
    """What lies on the twist stays there under every key: half of all plain hashes would be told from the other half."""
    side = matching.Side("a", ["x"], 0)
    try:
        (blinded,) = side.blind([u])
    except ValueError:
        return  # of small order
    assert matching.on_curve(blinded) == matching.on_curve(u)


@given(st.sampled_from(PEOPLE), st.integers(0, 99), st.integers(0, 99))
def test_the_order_of_two_keys_does_not_matter(name, one, other):
    a, b = matching.Side("a", [name], one), matching.Side("b", [name], other)
    start = [matching.point(name)]
    assert a.blind(b.blind(start)) == b.blind(a.blind(start)) != a.blind(start)


@pytest.mark.parametrize("u", [0, 1])
def test_a_point_of_small_order_is_refused(u):
    with pytest.raises(ValueError, match="points must be of large order"):
        matching.Side("a", ["x"]).blind([u.to_bytes(32, "little")])


# The protocol ------------------------------------------------------------------------------------------------------------


@given(subsets, subsets)
def test_two_parties_find_the_plain_intersection(one, other):
    assert set(matching.two(*sides(one, other)).ids) == one & other


@given(threes)
def test_three_parties_find_the_plain_intersection(sets):
    assert set(matching.several(sides(*sets)).ids) == set.intersection(*sets)


@given(subsets, subsets)
def test_with_a_broker_two_parties_find_the_same(one, other):
    assert matching.several(sides(one, other)).ids == matching.two(*sides(one, other)).ids


def test_keys_of_the_system_find_the_same_and_differ_each_time():
    pairs = [[matching.Side("a", PEOPLE[:9]), matching.Side("b", PEOPLE[4:])] for _ in range(2)]
    found = [matching.two(*pair) for pair in pairs]
    assert found[0].ids == found[1].ids == tuple(sorted(PEOPLE[4:9]))
    assert not set(found[0].messages[0].points) & set(found[1].messages[0].points)


# What was seen -----------------------------------------------------------------------------------------------------------


def computable(side, seen):
    """All that a party can make of every person and of all points that it received, with its own key, twice."""
    everybody = tuple(matching.point(name) for name in PEOPLE)
    once = side.blind(everybody)
    return {*everybody, *once, *side.blind(once), *seen, *side.blind(seen)}


@given(subsets, subsets)
def test_outside_the_intersection_nothing_can_be_recognised(one, other):
    """Points of people whom b does not have equal nothing that b can compute, though b knows everybody's name."""
    a, b = sides(one, other)
    found = matching.two(a, b)
    opening, returned = (message.points for message in found.seen_by("b"))
    assert not set(opening) & computable(b, ())
    assert not set(returned) & computable(b, ())
    both = set(b.blind(opening)) & set(returned)  # what meets under both keys
    assert len(both) == len(one & other)


@given(subsets, subsets)
def test_a_receives_nothing_of_who_else_b_has(one, other):
    a, b = sides(one, other)
    answered, back = (message.points for message in matching.two(a, b).seen_by("a"))
    assert not set(answered) & computable(a, ())
    assert len(set(a.blind(answered)) & set(back)) == len(one & other)
    assert len(answered) == len(other)  # the size is told


@given(threes)
def test_of_three_no_party_can_compare_two_lists(sets):
    """However often a party multiplies what it saw by its key, points of two owners never meet before the broker."""
    people = sides(*sets)
    found = matching.several(people)
    for side in people:
        lists = {}
        for message in found.seen_by(side.name):
            if message.sender != matching.BROKER:
                lists.setdefault(message.what.split("'")[0], []).extend(message.points)
        lists["own"] = [matching.point(name) for name in PEOPLE]
        reach = [{*points, *side.blind(points), *side.blind(side.blind(points))} for points in lists.values()]
        assert all(not one & other for one, other in itertools.combinations(reach, 2))


@given(threes)
def test_the_broker_sees_sizes_and_overlaps_and_no_point_of_one_key(sets):
    people = sides(*sets)
    found = matching.several(people)
    lists = [set(message.points) for message in found.seen_by(matching.BROKER)]
    assert sorted(map(len, lists)) == sorted(map(len, sets))
    sizes = {len(one & other) for one, other in itertools.combinations(lists, 2)}
    assert sizes == {len(one & other) for one, other in itertools.combinations(sets, 2)}
    singly = {point for side in people for point in side.blind([matching.point(name) for name in PEOPLE])}
    assert not set.union(*lists) & singly


def test_the_order_of_what_is_sent_says_nothing():
    """The opening is sorted by its bytes: the same for every order of the identifiers."""
    shuffled = random.Random(0).sample(PEOPLE, len(PEOPLE))
    one, other = matching.Side("a", PEOPLE, 0).opening(), matching.Side("a", shuffled, 0).opening()
    assert one == other == tuple(sorted(one))
    places = [one.index(point) for point in matching.Side("a", PEOPLE, 0).blind(map(matching.point, PEOPLE))]
    assert places != sorted(places)


def test_a_message_says_what_it_is():
    found = matching.two(*sides(set(PEOPLE[:3]), set(PEOPLE[2:])))
    assert str(found.messages[0]) == "a → b: 3 points under a's key"
    assert [message.receiver for message in found.messages] == ["b", "a", "a", "b"]


def test_a_point_changed_on_its_way_is_noticed():
    class Liar(matching.Side):
        def blind(self, points):
            blinded, own = super().blind(points), [matching.point(name) for name in self.ids]
            return blinded if tuple(points) == tuple(own) else blinded[::-1]

    a, b = matching.Side("a", PEOPLE[:5], 0), Liar("b", PEOPLE[3:], 0)
    with pytest.raises(ValueError, match="changed on its way"):
        matching.two(a, b)


# What does not help ------------------------------------------------------------------------------------------------------


def test_a_dictionary_undoes_plain_hashes():
    hashes = matching.hashed(PEOPLE[:7])
    assert sorted(matching.dictionary(hashes, PEOPLE).values()) == sorted(PEOPLE[:7])
    assert matching.dictionary([point.hex() for point in matching.Side("a", PEOPLE, 0).opening()], PEOPLE) == {}


@given(subsets)
def test_who_enters_everybody_learns_who_is_there(ids):
    (side,) = sides(ids)
    assert set(matching.probe(side, PEOPLE, seed=1)) == ids


@pytest.mark.parametrize("ids", [[], ["x", "x"], "xy", [1], [""]])
def test_identifiers_are_text_each_once(ids):
    with pytest.raises((TypeError, ValueError), match="ids must be"):
        matching.Side("a", ids)


def test_sides_have_names_of_their_own():
    a = matching.Side("a", ["x"])
    for bad in ([a], [a, a], [a, matching.Side("broker", ["x"])], "ab"):
        with pytest.raises((TypeError, ValueError), match="sides must be"):
            matching.several(bad)

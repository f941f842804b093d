"""signatures: a server that lies reads a client's vector where nobody signs, and is refused by name where everybody does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_secure import PRIME, numbers, seeded, total

from fldp_lib.training.transport import primitives, secure, signatures


def people(clients=4, threshold=3, members=None):
    """Clients of one round: signed if `members` are (identities, roster)."""
    who = [(None, None)] * clients if members is None else [(one, members[1]) for one in members[0]]
    return [secure.Client(k, clients, threshold, seeded(k), *pair) for k, pair in enumerate(who)]


def masked(crowd, vectors):
    """Steps 1 to 3 among honest people: what the server holds."""
    keys = {p.number: p.advertise() for p in crowd}
    boxes = {p.number: p.share(keys) for p in crowd}
    sent = {p.number: p.mask(vectors[p.number], {k: b[p.number] for k, b in boxes.items() if k != p.number}) for p in crowd}
    return keys, sent


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_signed_sums_are_the_unsigned_ones(data):
    clients = data.draw(st.integers(2, 6))
    threshold = data.draw(st.integers(clients // 2 + 1, clients))
    dropped = data.draw(st.sets(st.integers(0, clients - 1), max_size=clients - threshold))
    vectors = numbers(clients, seed=data.draw(st.integers(0, 99)))
    crowds = people(clients, threshold), people(clients, threshold, signatures.enrol(clients))
    (plain, bare), (signed, covered) = (secure.together(crowd, vectors, dropped) for crowd in crowds)
    np.testing.assert_array_equal(plain, signed)
    np.testing.assert_array_equal(signed, total(vectors[[k for k in range(clients) if k not in dropped]]))
    for k in bare:  # and no message of step 3 depends on who signs
        np.testing.assert_array_equal(bare[k], covered[k])


def puppets(clients, threshold, members=None):
    """The server's own clients 1 … n − 1, with keys that it has made itself."""
    identities, roster = members or (None, None)
    signer = (lambda k: (identities[k], roster)) if members else (lambda k: (None, None))
    return [secure.Client(k, clients, threshold, seeded(100 + k), *signer(k)) for k in range(1, clients)]


@pytest.mark.parametrize(("clients", "threshold"), [(2, 2), (5, 4), (9, 7)])
def test_substituted_keys_open_a_vector_where_nobody_signs(clients, threshold):
    victim, vectors = secure.Client(0, clients, threshold), numbers(clients)
    vectors[1:] = 0
    found, sent = secure.together([victim, *puppets(clients, threshold)], vectors)
    np.testing.assert_array_equal(found, vectors[0])
    assert (sent[0] != vectors[0]).all()  # it was masked, by masks that the server knows


@pytest.mark.parametrize("signed", [False, True])
def test_substituted_keys_are_refused_where_everybody_signs(signed):
    identities, roster = signatures.enrol(5)
    victim = secure.Client(0, 5, 4, seeded(0), identities[0], roster)
    crowd = [victim, *puppets(5, 4, signatures.enrol(5) if signed else None)]
    with pytest.raises(ValueError, match=r"keys of client 1 must be signed by client 1 .*nothing is revealed"):
        secure.together(crowd, numbers(5))
    assert victim.step == 1 and not hasattr(victim, "held")  # no share was made


@pytest.mark.parametrize("liar", [1, 3])
def test_one_false_key_among_true_ones_is_named(liar):
    identities, roster = signatures.enrol(4)
    crowd = people(members=(identities, roster))
    keys = {p.number: p.advertise() for p in crowd}
    other = secure.Client(liar, 4, 3).advertise()
    for false in ((*other, keys[liar][2]), (keys[liar][0], other[1], keys[liar][2]), (*keys[liar][1::-1], keys[liar][2])):
        with pytest.raises(ValueError, match=f"keys of client {liar} must be signed by client {liar}"):
            crowd[0].share(keys | {liar: false})
    assert set(crowd[0].share(keys)) == {1, 2, 3}  # a refusal uses nothing up


def test_keys_of_another_owner_round_or_federation_are_refused():
    identities, roster = signatures.enrol(4, "clinics", round=3)
    elsewhere = signatures.Roster(roster.keys, "banks", 4)
    old = {p.number: p.advertise() for p in people(members=(identities, roster))}
    foreign = {p.number: p.advertise() for p in people(members=(identities, elsewhere))}
    crowd = people(members=(identities, roster.at(4)))
    keys = {p.number: p.advertise() for p in crowd}
    for false, owner in ((keys[2], 1), (old[1], 1), (foreign[2], 2), (keys[3][:2], 3), ((*keys[1][:2], b""), 1)):
        with pytest.raises(ValueError, match=f"keys of client {owner} must be signed .* for round 4 of 'clinics'"):
            crowd[0].share(keys | {owner: false})
    with pytest.raises(ValueError, match="keys of client 9 must"):
        crowd[0].share(keys | {9: keys[1]})


def test_one_key_under_two_numbers_is_refused_though_both_sign_it():
    identities, roster = signatures.enrol(4)
    crowd = people(members=(identities, roster))
    keys = {p.number: p.advertise() for p in crowd[:3]}
    stolen = keys[1][0], keys[2][1]
    keys[3] = *stolen, identities[3].sign_keys(roster, 3, stolen)
    with pytest.raises(ValueError, match="keys must differ, got one of client 1 and 3"):
        crowd[0].share(keys)


def test_an_identity_signs_one_pair_of_keys_a_round():
    identities, roster = signatures.enrol(2, "clinics", round=3)
    identities[0].sign_keys(roster, 0, (b"a", b"b"))
    for late in (roster, roster.at(2)):
        with pytest.raises(ValueError, match="round must be after 3, the last one signed for 'clinics'"):
            identities[0].sign_keys(late, 0, (b"c", b"d"))
    identities[0].sign_keys(roster.at(4), 0, (b"c", b"d"))
    identities[0].sign_keys(signatures.Roster(roster.keys, "banks"), 0, (b"c", b"d"))


LISTS = [sorted({*range(9)} - {2 + (4 * k + i) % 7 for i in range(4)}) for k in range(9)]  # five survivors each, told apart


def opened(keys, sent, answers):
    """The sum of clients 0 and 1 alone, from answers about different lists: nine clients, threshold 5."""

    def secret(owner, alive):
        shares = [(k, [answers[k][owner]]) for k in range(9) if (owner in LISTS[k]) == alive][:5]
        return primitives.join(shares)[0].to_bytes(16, "little")

    found = (sent[0] + sent[1]) % PRIME
    for own in (0, 1):
        found = (found - primitives.expand(secret(own, alive=True), len(found))) % PRIME
    for owner in range(2, 9):
        key = primitives.mask_key(secret(owner, alive=False))
        for k in (0, 1):
            found = (found - primitives.expand(primitives.agree(key, keys[k][1], b"mask"), len(found))) % PRIME
    return found


def test_different_lists_of_survivors_open_a_sum_of_two_where_nobody_signs():
    """Each list has five names, as the threshold demands; yet the server learns the sum of two clients."""
    crowd, vectors = people(9, 5), numbers(9)
    keys, sent = masked(crowd, vectors)
    answers = {p.number: p.unmask(LISTS[p.number]) for p in crowd}
    np.testing.assert_array_equal(opened(keys, sent, answers), total(vectors[:2]))


def test_different_lists_of_survivors_are_refused_where_everybody_signs():
    crowd = people(9, 5, signatures.enrol(9))
    masked(crowd, numbers(9))
    signed = {}
    for p in crowd:  # who is not on its own list does not sign it
        if p.number in LISTS[p.number]:
            signed[p.number] = p.confirm(LISTS[p.number])
        else:
            with pytest.raises(ValueError, match=f"survivors must include client {p.number}"):
                p.confirm(LISTS[p.number])
    for number in signed:
        told = {k: s for k, s in signed.items() if k in LISTS[number]}
        with pytest.raises(ValueError, match=r"that of client \d is of another list|confirmations must be at least 5"):
            crowd[number].unmask(LISTS[number], told)
        assert crowd[number].step == 4


def test_nothing_is_opened_without_the_thresholds_signatures_of_this_list():
    identities, roster = signatures.enrol(4)
    crowd = people(members=(identities, roster))
    masked(crowd, numbers(4))
    with pytest.raises(ValueError, match="step 5 must follow step 4"):
        crowd[0].unmask({0, 1, 2, 3}, {})
    signed = {p.number: p.confirm({0, 1, 2, 3}) for p in crowd}
    with pytest.raises(ValueError, match="step 4 must follow step 3 and is answered once"):
        crowd[0].confirm({0, 1, 2})
    with pytest.raises(ValueError, match="survivors must be those confirmed"):
        crowd[0].unmask({0, 1, 2}, signed)
    for few in (None, {}, {k: signed[k] for k in (0, 1)}):
        with pytest.raises(ValueError, match="confirmations must be at least 3"):
            crowd[0].unmask({0, 1, 2, 3}, few)
    with pytest.raises(ValueError, match="that of client 1 is of another list"):
        crowd[0].unmask({0, 1, 2, 3}, signed | {1: signed[2]})
    later = identities[2].sign_survivors(roster.at(1), 2, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="that of client 2 is of another list"):
        crowd[0].unmask({0, 1, 2, 3}, signed | {2: later})
    assert set(crowd[0].unmask({0, 1, 2, 3}, {k: signed[k] for k in (0, 1, 3)})) == {0, 1, 2, 3}


def test_who_has_no_identity_confirms_nothing():
    crowd = people()
    masked(crowd, numbers(4))
    with pytest.raises(ValueError, match="step 4 must"):
        crowd[0].confirm({0, 1, 2, 3})


def test_a_signature_is_the_standards():
    """RFC 8032, section 7.1, test 2; and any other message, key or bit is refused."""
    key = primitives.signing_key(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    public = key.public_key().public_bytes_raw()
    assert public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = key.sign(b"\x72")
    assert signature.hex().startswith("92a009a9f0d4cab8720e820b5f642540") and primitives.signed(public, signature, b"\x72")
    assert not primitives.signed(public, signature, b"\x73") and not primitives.signed(public, b"", b"\x72")
    assert not primitives.signed(signatures.Identity().public, signature, b"\x72")
    for place in range(64):
        turned = bytearray(signature)
        turned[place] ^= 1
        assert not primitives.signed(public, bytes(turned), b"\x72")


TERMS = st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 30), st.sampled_from([b"keys", b"survivors"]),
                  st.integers(0, 30), st.lists(st.binary(max_size=3), max_size=3))  # fmt: skip


@given(one=TERMS, two=TERMS)
def test_two_statements_are_equal_only_if_all_their_terms_are(one, two):
    said = [signatures.Roster({}, t[0], t[1]).statement(*t[2:]) for t in (one, two)]
    assert (said[0] == said[1]) == (one == two)

"""What secure aggregation is made of: keys, masks, sealed messages and shared secrets, all by well-kept libraries.

X25519, Ed25519, HKDF, AES-CTR and AES-GCM are the library cryptography's, secret sharing is MPyC's. For `secure` alone.
"""

import logging
import os

import numpy as np

PRIME = 2**61 - 1  # the masks' field: 61 random bits are uniform on it but for one value in 2^61
NO_LOOP = "MPYC_NOUVLOOP"
SHARES = 2**128 + 51  # the shares' field, the smallest prime above 2^128


def library():
    """Return the parts of the library cryptography that are used, or raise an error that says what to install."""
    try:
        from cryptography.hazmat.primitives import ciphers, hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import x25519
        from cryptography.hazmat.primitives.kdf import hkdf
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("secure aggregation needs two more packages: pip install cryptography mpyc") from error
    return ciphers, hashes, serialization, x25519, hkdf


def mask_key(seed):
    """Return the private key (32 bytes) for the masks, from a client's secret seed (16 bytes)."""
    return derive(seed, b"mask key", 32)


def derive(secret, info, length):
    """Return `length` bytes derived from a secret by HKDF-SHA256, for one purpose alone."""
    _, hashes, _, _, hkdf = library()
    return hkdf.HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=b"fldp_lib " + info).derive(secret)


def public(private):
    """Return the public key (32 bytes) of a private one, X25519."""
    *_, x25519, _ = library()
    return x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def agree(private, public, purpose, *numbers):
    """A key of 16 bytes that both ends derive; `numbers` tell the directions of a pair apart."""
    *_, x25519, _ = library()
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    secret = key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    return derive(secret, purpose + b"".join(number.to_bytes(4, "little") for number in numbers), 16)


def signing_key(secret):
    """Return the private signing key of 32 secret bytes, Ed25519."""
    library()
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519.Ed25519PrivateKey.from_private_bytes(secret)


def signed(public, signature, statement):
    """Return whether the owner of a public key (32 bytes) has signed this statement, Ed25519."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, statement)
    except (InvalidSignature, TypeError):
        return False
    return True


def expand(key, length, modulus=PRIME):
    """A mask of `length` numbers below `PRIME` or a power of two, from a key that is used for this alone (AES-CTR)."""
    ciphers, *_ = library()
    stream = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CTR(bytes(16))).encryptor().update(bytes(8 * length))
    return (np.frombuffer(stream, dtype="<u8") >> np.uint64(3)).astype(np.int64) % modulus


def seal(key, pair):
    """Return a pair of shares, encrypted and authenticated (AES-GCM) under a key that is used once."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(bytes(12), b"".join(share.to_bytes(17, "little") for share in pair), None)  # a key, a message


def unseal(key, sealed):
    """Return the pair of shares that `seal` encrypted; an error of the library where the key or the message is another."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    plain = AESGCM(key).decrypt(bytes(12), sealed, None)
    return [int.from_bytes(plain[:17], "little"), int.from_bytes(plain[17:], "little")]


def sharing():
    """Return the shares' field, and MPyC's secret sharing."""
    before, chosen = logging.root.manager.disable, os.environ.get(NO_LOOP)
    logging.disable(logging.INFO)  # MPyC advises to install gmpy2
    os.environ.setdefault(NO_LOOP, "1")  # where uvloop is installed, MPyC would make it the event loop of the whole process
    try:
        from mpyc import finfields, thresha
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("secure aggregation needs two more packages: pip install cryptography mpyc") from error
    finally:
        logging.disable(before)
        if chosen is None:
            del os.environ[NO_LOOP]
    return finfields.GF(SHARES), thresha


def split(secrets, threshold, clients):
    """Shamir shares (clients × secrets): any `threshold` of the rows recover the secrets, fewer tell nothing."""
    field, thresha = sharing()
    rows = thresha.random_split(field, [field(secret) for secret in secrets], threshold - 1, clients)
    return [[int(share) % SHARES for share in row] for row in rows]


def join(points):
    """The secrets from (client, shares) of as many clients as the threshold."""
    field, thresha = sharing()
    rows = [(client + 1, [field(share) for share in shares]) for client, shares in points]
    return [int(secret) % SHARES for secret in thresha.recombine(field, rows)]

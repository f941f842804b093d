"""A class code: what a learner types to get into a room, and to know that it is the right one.

Its first twenty letters are the fingerprint of the server's certificate, the other twelve a secret. Who connects compares
the certificate first, and sends the secret to no other server; the server keeps the secret's digest only.
"""

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import ssl

PINNED, SECRET = 20, 12  # letters, of five bits each
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SECONDS = 20.0  # for which an answer is waited for


def make(certificate):
    """Return a new code, and the digest of its secret (hexadecimal).

    Args:
        certificate: the server's, PEM text.
    """
    secret = "".join(secrets.choice(LETTERS) for _ in range(SECRET))
    letters = fingerprint(ssl.PEM_cert_to_DER_cert(certificate)) + secret
    groups = [letters[start : start + 4] for start in range(0, len(letters), 4)]
    return "-".join(groups), hashlib.sha256(secret.encode()).hexdigest()


def fingerprint(certificate):
    """Return the first hundred bits of a certificate's SHA-256, as letters; the certificate as DER bytes."""
    return base64.b32encode(hashlib.sha256(certificate).digest()).decode()[:PINNED]


def read(code):
    """Return a code's two parts, the fingerprint and the secret; case, spaces and hyphens do not matter.

    Raises:
        ValueError: not a code.
    """
    letters = "".join(letter for letter in code.upper() if letter not in " -\n\t") if isinstance(code, str) else ""
    if len(letters) != PINNED + SECRET or set(letters) - set(LETTERS):
        raise ValueError(
            f"code must be the room's, {PINNED + SECRET} letters A-Z and digits 2-7 in groups of four; got one of "
            f"{len(letters)}"
        )
    return letters[:PINNED], letters[PINNED:]


def place(address):
    """Return an address's host and port.

    Raises:
        ValueError: not HOST:PORT.
    """
    host, _, port = address.strip().rpartition(":") if isinstance(address, str) else ("", "", "")
    if not host or not port.isdecimal() or int(port) > 65_535 or set(host) - set(HOSTS):
        raise ValueError(f"address must be HOST:PORT, such as '192.168.1.20:9443', got {address!r}")
    return host, int(port)


HOSTS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"


def ask(address, code, path, **what):
    """Ask a room's door for something, over TLS with the certificate that the code pins; return what it says, a dict.

    Args:
        address: HOST:PORT.
        code: the class code.
        path: the door's.
        what: the request's fields, beside the secret.

    Raises:
        ValueError: not a code, not an address, or the server refuses, with its reason.
        ConnectionError: nobody answers, or another server than the code's does.
    """
    (host, port), (pinned, secret) = place(address), read(code)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the code says whose certificate it must be
    connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
    try:
        connection.connect()
        found = fingerprint(connection.sock.getpeercert(binary_form=True))
        if not hmac.compare_digest(found, pinned):
            raise ConnectionError(
                f"the server at {address} is not the room that the code is of, or the code has a mistake in its first "
                f"{PINNED} letters; nothing was sent"
            )
        connection.request("POST", path, json.dumps({"secret": secret, **what}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (socket.gaierror, ConnectionRefusedError, TimeoutError, ssl.SSLError) as error:
        raise ConnectionError(
            f"no room answers at {address}: it is closed, or the address is not one that this machine reaches ({error})"
        ) from None
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"the room at {address} refuses: {said.get('refused', answer.status)}")
    return said

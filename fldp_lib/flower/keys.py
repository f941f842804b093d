"""Certificates and keys of a federation on one machine: TLS for the server, one key pair a node to know it by."""

import datetime
import ipaddress
import os

HOST = "127.0.0.1"


def certificate(folder, days=30, hosts=(HOST,)):
    """Write ca.pem, server.pem and server.key, for a server's hosts; the authority's own key is used once and not kept.

    Args:
        folder: a `pathlib.Path` that exists.
        days: how long the certificates hold.
        hosts: addresses or names by which the server is reached; `localhost` is one in any case.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def signed(name, key, issuer, signer, authority, extensions):
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(_name(name)).issuer_name(_name(issuer)).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )  # fmt: skip
        for extension, critical in extensions:
            built = built.add_extension(extension, critical=critical)
        return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def named(host):
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    def usage(**on):
        names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
        return x509.KeyUsage(**{name: on.get(name, False) for name in names})

    root, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
    signs = [(usage(key_cert_sign=True, crl_sign=True), True)]
    names = x509.SubjectAlternativeName([*map(named, dict.fromkeys(hosts)), x509.DNSName("localhost")])
    serves = [
        (names, False),
        (usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    secret(folder / "ca.pem", signed("fldp federation", root, "fldp federation", root, True, signs))
    secret(folder / "server.pem", signed(hosts[0], key, "fldp federation", root, False, serves))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret(folder / "server.key", key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


def node_keys(private, public):
    """Write a node's key pair, in OpenSSH's format; arguments are the two files' paths."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, pem = ec.generate_private_key(ec.SECP384R1()), serialization.Encoding.PEM
    secret(private, key.private_bytes(pem, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()))
    known = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    secret(public, key.public_key().public_bytes(*known))


def secret(path, content):
    """Write bytes to a file that only its owner can read, whatever the umask; no link is followed."""
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, how, 0o600), "wb") as file:
        os.chmod(path, 0o600)  # a file that was there may have been open to others
        file.write(content)

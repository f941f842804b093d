"""The app that Flower sends to every party: one settings file, packed and signed once, when a federation is prepared."""

import base64
import hashlib
import io
import json
import pathlib
import time
import uuid
import zipfile

from . import keys

PROJECT = pathlib.Path(__file__).parent / "project"
NAME = "@fldp/fldp-federation"  # publisher and name in the settings file
FILE, SIGNED, TRUSTED = "app.fab", "app.json", "trusted.yaml"


def pack():
    """Return the app as Flower's bundle, the same bytes each time: the settings file, and a list with its digest."""
    settings = (PROJECT / "pyproject.toml").read_bytes()
    listed = f"pyproject.toml,{hashlib.sha256(settings).hexdigest()},{8 * len(settings)}".encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        for name, content in {"pyproject.toml": settings, ".info/CONTENT": listed}.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return whole.getvalue()


def write(server, nodes):
    """Write the app and its signature to the server's folder, and whom to trust to the nodes' folders.

    The key that signs is made here and not kept: whoever holds the server later can send the nodes this app and no other.

    Args:
        server: `pathlib.Path` of the server's folder.
        nodes: paths of the nodes' folders.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key, name, content = ed25519.Ed25519PrivateKey.generate(), f"fpk_{uuid.uuid4()}", pack()
    now = int(time.time())
    signature = key.sign(now.to_bytes(8, "big") + hashlib.sha256(content).digest())
    said = {"signed_at": now, "signature": base64.urlsafe_b64encode(signature).decode().rstrip("=")}
    keys.secret(server / FILE, content)
    keys.secret(server / SIGNED, json.dumps({"valid_license": "Valid", name: json.dumps(said)}).encode())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for node in nodes:
        keys.secret(node / TRUSTED, f'{name}: "{public}"\n'.encode())

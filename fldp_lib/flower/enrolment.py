"""A classroom's door, at the server: who knows the code gets a seat, and is known by a key of its own from then on.

It runs inside the SuperLink's process, on its port and under its certificate (see `guarded`), and imports nothing of the
package. A request is JSON: `{"secret"}` asks what is agreed on; with `{"public"}`, an OpenSSH public key, it takes a seat.
"""

import base64
import hashlib
import hmac
import json
import os
import threading

PATH = "/v1/classroom"
RULES, ROSTER = "class.json", "roster.json"
LONGEST = 20_000  # bytes of a request
WRONG = 10  # codes that are wrong, after which nobody is let in until there is a new one
NAME = 40  # letters
BEGUN = "the room has begun; who has a seat comes back from the same computer and account, and nobody else is let in"


class Enrolment:
    """Seats, and who has taken them.

    Args:
        folder: `pathlib.Path` of the server's; beside it lie the nodes' folders, each with a seat's share of the data.
        register: called with a node's public key; returns the number by which Flower knows the node, None if it has it.

    The rules' `most` is the largest number of own records; with None their number is not told here.

    Attributes:
        taken: for each seat taken, its number, name, records, and whether the data are the learner's own.
        wrong: number of requests with a wrong code.
    """

    def __init__(self, folder, register):
        self.folder, self.register, self.lock = folder, register, threading.Lock()
        rules = json.loads((folder / RULES).read_text(encoding="utf-8"))
        self.digest, self.seats, self.own, self.most = (rules[name] for name in ("digest", "seats", "own", "most"))
        self.taken, self.numbers, self.wrong, self.begun = [], {}, 0, False
        self._write()

    def renew(self, digest):
        """Take a new code's digest in place of the old one; wrong ones count anew."""
        with self.lock:
            self.digest, self.wrong = digest, 0
            self._write()

    def begin(self):
        """The run begins: nobody is let in any more."""
        with self.lock:
            self.begun = True
            self._write()

    async def endpoint(self, request):
        """What answers a request, for Starlette."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse

        content = b""
        async for part in request.stream():
            content += part
            if len(content) > LONGEST:
                return JSONResponse({"refused": f"a request has at most {LONGEST} bytes"}, 413)
        status, said = await run_in_threadpool(self.answer, content)
        return JSONResponse(said, status)

    def answer(self, content):
        """Return the status and what is said to one request.

        Args:
            content: its body, bytes.
        """
        try:
            given = json.loads(content)
            secret = given["secret"].encode()
        except (ValueError, KeyError, TypeError, AttributeError):
            given, secret = {}, b""
        with self.lock:
            if self.wrong >= WRONG:
                return 403, {"refused": f"the door is shut after {WRONG} wrong codes; ask the instructor for a new one"}
            if not hmac.compare_digest(hashlib.sha256(secret).hexdigest(), self.digest):
                self.wrong += 1
                self._write()
                return 403, {"refused": "the code is not this room's"}
            if self.begun:
                return 409, {"refused": BEGUN}
            if len(self.taken) >= self.seats:
                return 409, {"refused": f"the room is full: all {self.seats} seats are taken"}
            agreed, authority = (self._text(name) for name in ("agreement.json", "ca.pem"))
            said = {"agreement": agreed, "authority": authority, "own": self.own, "most": self.most}
            return (200, said) if "public" not in given else self._seated(given, said)

    def _seated(self, given, said):
        """Give out a seat: its number, and its share of the data unless the learner brings some."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key

        records, name = given.get("records"), given.get("name")
        own = given.get("own") is True or records is not None
        fits = records is None if self.most is None else type(records) is int and 1 <= records <= self.most
        if own and not (self.own and fits):
            number = "of a number not told" if self.most is None else f"1 to {self.most} records"
            return 400, {"refused": f"own data must be {number}, in a room of one client a seat"}
        try:
            key = load_ssh_public_key(given["public"].encode())
        except (ValueError, AttributeError, UnsupportedAlgorithm) as error:
            return 400, {"refused": f"public must be a public key in OpenSSH's format: {error}"[:200]}
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return 400, {"refused": "public must be the key of an elliptic curve"}
        try:
            number = self.register(key)
        except ValueError:
            return 409, {"refused": "this key has a seat"}
        seat = len(self.taken)
        name = "".join(letter for letter in str(name or "") if letter.isprintable())[:NAME].strip() or f"seat {seat + 1}"
        self.numbers[str(number)] = seat
        self.taken.append({"seat": seat, "name": name, "records": records, "own": own})
        self._write()
        share = None
        if not own:
            share = base64.b64encode((self.folder.parent / f"node-{seat}" / "shard.npz").read_bytes()).decode()
        return 200, said | {"seat": seat, "name": name, "share": share}

    def _text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def _write(self):
        """Who is there, for the instructor's panel, and which node has which number, for the server's app."""
        roster = {"taken": self.taken, "seats": self.seats, "wrong": self.wrong, "begun": self.begun,
                  "shut": self.wrong >= WRONG}  # fmt: skip
        for name, content in (("nodes.json", self.numbers), (ROSTER, roster)):
            part = self.folder / f"{name}.part"
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(part, self.folder / name)

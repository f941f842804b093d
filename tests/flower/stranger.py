"""Another user of the machine: asks everything that Flower's own clients can ask, on every port, and opens every file.

Run as root with a JSON object on the standard input: `ports`; `paths`, to open; `certificates`, the text of all of them;
`public`, a node's public key (hexadecimal, as Flower writes it); `app` (hexadecimal); `pids`; `needles` (hexadecimal), bytes
that must not be found in what others can read under `places` and is newer than `since`. It imports what it needs, becomes
nobody, and prints as JSON what it got and how many things it tried.
"""

import contextlib
import inspect
import json
import logging
import os
import pathlib
import re
import ssl
import sys
import typing

import httpx
from flwr.supercore.constant import TaskType
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.interceptors import RuntimeTokenHttpInterceptor
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.interceptors.http.superexec_auth import SuperExecAuthHttpInterceptor
from flwr.supercore.primitives.asymmetric import bytes_to_public_key, generate_key_pairs, public_key_to_bytes
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

NOBODY = 65534
ACQUIRE = "/flwr.proto.Runtime/AcquireTask"


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def asked(kind, given):
    """Yield (method, request) for all that a client of Flower's can ask, filled with what a stranger may know or guess."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name[0].isupper():
            continue
        request = typing.get_type_hints(method)["request"]()
        for field in request.DESCRIPTOR.fields:
            if field.name == "public_key":
                request.public_key = given["public"]
            elif field.name == "supported_task_types":
                request.supported_task_types.extend(task.value for task in TaskType)
            elif field.name in ("run_id", "node_id") and field.cpp_type == field.CPPTYPE_UINT64 and name != "ListRuns":
                setattr(request, field.name, given.get("run", 1))
            elif field.name == "fab":
                request.fab.content = given["app"]
        yield name, request


def callers(given):
    """Yield (client's class, extra interceptors): without anything, and with keys, tokens and secrets of the own making."""
    private, own = generate_key_pairs()
    yield ControlHttpClient, []
    yield RuntimeHttpClient, [RuntimeTokenHttpInterceptor("0" * 256)]
    yield RuntimeHttpClient, [SuperExecAuthHttpInterceptor(master_secret=b"guess", protected_methods=[ACQUIRE])]
    yield RuntimeHttpClient, []
    yield FleetHttpClient, [NodeAuthHttpInterceptor(private, own)]
    yield FleetHttpClient, [NodeAuthHttpInterceptor(private, bytes_to_public_key(given["public"]))]
    yield FleetHttpClient, [NodeAuthHttpInterceptor(private, own)], public_key_to_bytes(own)


def ask_everything(given, got):
    trust = ssl.create_default_context(cadata=given["certificates"])
    tried = 0
    for port in given["ports"]:
        for address, verify in ((f"https://127.0.0.1:{port}", trust), (f"http://127.0.0.1:{port}", False)):
            for kind, others, *key in callers(given):
                client = kind(address, interceptors=[RuntimeVersionHttpInterceptor("stranger"), *others], verify=verify)
                mine = given | ({"public": key[0]} if key else {})
                for name, request in asked(kind, mine):
                    tried += 1
                    try:
                        said = getattr(client, name)(request)
                        if inspect.isgenerator(said):
                            next(said)
                        got.append(f"{port}: {kind.__name__}.{name}")
                        if name == "StartRun":
                            mine["run"] = said.run_id
                    except (httpx.HTTPError, StopIteration, SystemExit):
                        pass
            for path in ("/health", "/docs", "/openapi.json"):
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(address + path, verify=verify).status_code == 200:
                        got.append(f"open to all: {path}")
    return tried


def peek(path, how):
    with open(path, how) as file:
        return file.readable() and file.read(1)


def open_everything(given, got):
    tried = 0
    for path in given["paths"]:
        for act in (os.listdir, lambda path: peek(path, "rb"), lambda path: peek(path, "ab")):
            tried += 1
            with contextlib.suppress(OSError):
                act(path)
                got.append(f"opened {path}")
    for pid in given["pids"]:
        for name in ("environ", "mem", "maps", "fd"):
            tried += 1
            with contextlib.suppress(OSError):
                path = f"/proc/{pid}/{name}"
                os.listdir(path) if name == "fd" else peek(path, "rb")
                got.append(f"opened {path}")
        with contextlib.suppress(OSError):
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if re.search(rb"[0-9a-f]{32}", line):
                got.append(f"a secret in the command line of {pid}: {line}")
    for place in given["places"]:
        for root, _, names in os.walk(place):
            for name in names:
                path = os.path.join(root, name)
                with contextlib.suppress(OSError):
                    about = os.stat(path, follow_symlinks=False)
                    if about.st_mtime > given["since"] and about.st_uid != NOBODY and about.st_size < 1e8:
                        tried += 1
                        content = pathlib.Path(path).read_bytes()
                        got += [f"{path} holds {needle.hex()[:20]}" for needle in given["needles"] if needle in content]
    return tried


if __name__ == "__main__":
    given = json.load(sys.stdin)
    for name in ("public", "app"):
        given[name] = bytes.fromhex(given[name])
    given["needles"] = [bytes.fromhex(needle) for needle in given["needles"]]
    logging.disable()
    become_nobody()
    got = []
    tried = ask_everything(given, got) + open_everything(given, got)
    print(json.dumps({"got": sorted(set(got)), "tried": tried, "uid": os.getuid()}))

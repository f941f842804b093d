"""Flower's own processes, with what stands open in them shut: `python -P guarded.py ROLE FOLDER ARGUMENTS`.

As it comes, everybody on the machine who reaches a SuperLink's port may submit an app or stop one, and everybody who
reaches a SuperLink's or a SuperNode's port may take the task that waits there, with the token that opens its messages; the
tokens stand in the apps' command lines, which all can read. Here the SuperLink's control interface answers nobody: nodes
are registered and runs started by the process itself, told on its standard input by the process that started it.
Tasks are given to who knows a secret file, and tokens travel in files. All ends when the standard input does.

It is run as a file and imports nothing of the package: these processes take no part in the training, and no torch.
"""

import importlib
import importlib.util
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

ACCOUNT = "deployer"


def superlink(folder):
    """Serve nodes and the server's app; `folder` is the server's. Takes Flower's arguments from `sys.argv`."""
    import uvicorn
    from flwr.supercore.http_logging import get_uvicorn_log_config
    from flwr.supercore.logger import console_handler
    from flwr.superlink.main import create_app

    flower = importlib.import_module("flwr.superlink.cli.flower_superlink")  # the name is a function's too
    config = flower._parse_superlink_lifespan_config()
    config.authn_plugin = _nobody()
    app = create_app(config, flower.SuperLinkLifespan)
    state = app.state.linkstate_factory.state()
    if not config.simulation:
        _register(folder, state)
    act = lambda given: _start(folder, state, given)  # noqa: E731
    if (folder / "class.json").exists():
        act = _classroom(folder, state, app, act)
    _follow(lambda line: act(json.loads(line)))
    uvicorn.run(
        app=app, host=config.host, port=config.port, log_config=get_uvicorn_log_config(console_handler.level),
        ssl_keyfile=config.ssl_keyfile, ssl_certfile=config.ssl_certfile, workers=1,
    )  # fmt: skip


def supernode(folder):
    """Flower's SuperNode, which ends with the process that started it."""
    from flwr.supernode.cli.flower_supernode import flower_supernode

    _follow()
    flower_supernode()


def superexec(folder):
    """Flower's SuperExec, with the tokens of its apps in files under the temporary folder instead of command lines."""
    from flwr.supercore.cli.flower_superexec import flower_superexec

    _follow()
    module = importlib.import_module("flwr.supercore.superexec.run_superexec")
    module.get_executor = lambda *args, **others: _quiet_executor()
    flower_superexec()


def _nobody():
    """The authentication plugin that lets nobody in."""
    from flwr.supercore.error import BearerAuthenticationError
    from flwr.superlink.auth_plugin import ControlAuthnPlugin

    class Nobody(ControlAuthnPlugin):
        def __init__(self):
            pass

        def validate_tokens_in_metadata(self, metadata):
            return False, None

        def get_login_details(self):
            raise BearerAuthenticationError()

        def get_auth_tokens(self, device_code):
            raise BearerAuthenticationError()

        def refresh_tokens(self, metadata):
            raise BearerAuthenticationError()

    return Nobody()


def _register(folder, state):
    """Let in the nodes whose public keys the folder holds, and write down which number each has got."""
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from flwr.common.constant import HEARTBEAT_DEFAULT_INTERVAL, NOOP_FLWR_AID
    from flwr.supercore.primitives.asymmetric import public_key_to_bytes

    known = {}
    for path in sorted((folder / "nodes").glob("node-*.pub")):
        key = public_key_to_bytes(load_ssh_public_key(path.read_bytes()))
        number = state.create_node(NOOP_FLWR_AID, ACCOUNT, key, HEARTBEAT_DEFAULT_INTERVAL)
        known[str(number)] = int(path.stem.removeprefix("node-"))
    (folder / "nodes.json").write_text(json.dumps(known), encoding="utf-8")


def _classroom(folder, state, app, start):
    """Add a classroom's enrolment to the SuperLink's own interface; return what acts on lines of the standard input."""
    from flwr.common.constant import HEARTBEAT_MIN_INTERVAL, NOOP_FLWR_AID
    from flwr.supercore.primitives.asymmetric import public_key_to_bytes

    path = pathlib.Path(__file__).with_name("enrolment.py")
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("enrolment", path))
    module.__spec__.loader.exec_module(module)
    interval = HEARTBEAT_MIN_INTERVAL

    def register(key):
        return state.create_node(NOOP_FLWR_AID, ACCOUNT, public_key_to_bytes(key), interval)

    enrolment = module.Enrolment(folder, register)
    app.router.add_route(module.PATH, enrolment.endpoint, methods=["POST"])

    def act(given):
        if "digest" in given:
            return enrolment.renew(given["digest"])
        enrolment.begin()
        return start(given)

    return act


def _start(folder, state, given):
    """Start the signed app; `given` holds its files and name, the settings, and a simulation's number of nodes."""
    from flwr.common.constant import NOOP_ACCOUNT_NAME, NOOP_FLWR_AID
    from flwr.common.serde import user_config_to_proto
    from flwr.proto.control_pb2 import StartRunRequest
    from flwr.supercore.auth.typing import AccountInfo
    from flwr.supercore.constant import NOOP_FEDERATION_ID, TaskType
    from flwr.supercore.fab import Fab
    from flwr.superlink.servicer.control import control_handlers

    content, signed = (folder / given["app"]).read_bytes(), (folder / given["signed"]).read_text(encoding="utf-8")
    fab = Fab("", content, json.loads(signed))
    digest = state.store_app(fab, NOOP_FEDERATION_ID, given["name"], TaskType.SERVER_APP, NOOP_FLWR_AID)
    request = StartRunRequest(app_spec=given["name"], override_config=user_config_to_proto(given["config"]))
    request.fab.hash_str = digest
    if given["simulated"]:
        request.override_federation_config.num_supernodes = given["simulated"]
        request.override_federation_config.client_resources_num_cpus = 1
    account = AccountInfo(flwr_aid=NOOP_FLWR_AID, account_name=NOOP_ACCOUNT_NAME)
    control_handlers.start_run(request, account, state, None)


def _quiet_executor():
    from flwr.supercore.constant import TASK_TYPE_TO_COMMAND
    from flwr.supercore.superexec.executor.subprocess_executor import SubprocessExecutor
    from flwr.supercore.superexec.executor.types import LaunchResult

    class QuietExecutor(SubprocessExecutor):
        def launch(self, spec):
            number, path = tempfile.mkstemp()  # 0600
            with open(number, "w", encoding="ascii") as file:
                file.write(spec.token)
            command = [TASK_TYPE_TO_COMMAND[spec.task_type], "--runtime-api-address", spec.runtime_api_address,
                       "--token-file", path, "--root-certificates", spec.root_certificates_path,
                       "--parent-pid", str(os.getpid())]  # fmt: skip
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

            def forget():
                child.wait()
                os.unlink(path)

            threading.Thread(target=forget, daemon=True).start()
            return LaunchResult.accepted()

    return QuietExecutor()


def _follow(act=None):
    """Act on each line of the standard input, in a thread; end this process, in good order if that works, after the last."""

    def read():
        for line in sys.stdin:
            if act is not None:
                act(line)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    def watched():
        try:
            read()
        finally:  # what cannot be acted on ends the process too, with the traceback in its log
            os._exit(1)

    threading.Thread(target=watched, daemon=True).start()


def main(role, folder, *arguments):
    """Run one role; everything that it writes is its owner's only, and no memory is dumped to disk."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = [f"flower-{role}", *arguments]
    {"superlink": superlink, "supernode": supernode, "superexec": superexec}[role](pathlib.Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])

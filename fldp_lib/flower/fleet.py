"""A learner's node inside a notebook: Flower's own messages, keys and TLS, and no process beside the kernel.

A SuperNode starts an app for each message, some seconds' work for a round of milliseconds. Here the app of the installed
package answers in a thread, and what a server sends is data: no app of its is fetched, let alone run. Importing this
module takes Flower.
"""

import contextlib
import threading
import time

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flwr.app import Context, Error, Message, RecordDict
from flwr.app.message import remove_content_from_message
from flwr.common.constant import HEARTBEAT_MIN_INTERVAL, HEARTBEAT_PATIENCE, ErrorCode
from flwr.common.serde import message_to_proto
from flwr.proto.fleet_pb2 import ActivateNodeRequest, DeactivateNodeRequest, PullMessagesRequest, PushMessagesRequest
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.node_pb2 import Node
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree, no_object_id_recompute
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_confirm_message_received_fn_protobuf,
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree, push_objects
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from . import apps

BEAT = 3.0  # seconds between two signs of life
PATIENCE = 20.0  # seconds without an answer, after which the room counts as closed
SILENCE = HEARTBEAT_MIN_INTERVAL * HEARTBEAT_PATIENCE  # seconds without a sign of life, after which a node counts as gone
BACKOFF = 0.05  # seconds after which an object is asked for again that the server has announced and not got yet
SECONDS = 10.0  # for which one answer is waited for
TAKEN = "another kernel is in with it"


class Key:
    """A node's key pair.

    Args:
        kept: the private key as `pem` gives it, None for a new pair.

    Attributes:
        text: the public key, in OpenSSH's format.
    """

    def __init__(self, kept=None):
        self.private = load_pem_private_key(kept, None) if kept else ec.generate_private_key(ec.SECP384R1())
        self.public = self.private.public_key()
        form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        self.text = self.public.public_bytes(*form).decode()

    def pem(self):
        """Return the private key as PEM bytes, to be kept in a file that only its owner can read."""
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.private.private_bytes(*form)


class Line:
    """A node's line to its SuperLink, which lets a key in once at a time.

    Args:
        address: HOST:PORT.
        authority: the certificate that signs the server's, PEM text.
        key: a `Key` that the server knows.
        folder: the node's.
        again: whether a former kernel had the key: its end is waited for, and requests that were sent before are refused.

    Raises:
        ConnectionError: the server does not take the key, or does not answer; another kernel is in with that key.
    """

    def __init__(self, address, authority, key, folder, again=False):
        ways = [RuntimeVersionHttpInterceptor(component_name="SuperNode"), NodeAuthHttpInterceptor(key.private, key.public)]
        self.client = FleetHttpClient.from_server_address(address, False, authority.encode(), interceptors=ways)
        self.client._client.timeout = SECONDS
        self.folder, self.again, self.public = str(folder), again, public_key_to_bytes(key.public)
        try:
            why = None if self._enter(SILENCE + BEAT if again else 0) else TAKEN
        except httpx.HTTPError as error:
            why = error
        if why is not None:
            self.client._client.close()
            raise ConnectionError(f"the server at {address} does not take this node's key: {why}")

    def follow(self, told, gone, pause=0.25):
        """Answer each message until `gone` is set, or nobody has been there to answer this node for a while.

        Args:
            told: called after each answer with the request, the reply (both `flwr.app.Message`) and the seconds it took.
            gone: a `threading.Event`.
            pause: seconds between two questions whether there is something to do.

        Returns:
            Why it ended, in words.
        """
        failed = None  # since when nobody answers, by a clock that need not tell how long this machine slept
        while not gone.is_set():
            try:
                if not self._beat(gone) and not gone.is_set():
                    return f"the seat is lost: {TAKEN}"
                answer = self.client.PullMessages(PullMessagesRequest(node=self.node))
                failed = None
                if answer.messages_list:
                    told(*self._answer(answer.messages_list[0].metadata.run_id, answer.message_object_trees[0]))
                    continue
                self.again = False
            except httpx.HTTPStatusError as error:
                if error.response.status_code == httpx.codes.UNAUTHORIZED:
                    return "the room does not know this node any more"
            except httpx.HTTPError:
                failed = failed or time.monotonic()
                if time.monotonic() - failed > PATIENCE:
                    return "the room has closed, or this machine does not reach it any more"
            gone.wait(pause)
        return "left"

    def close(self):
        """Say that this node leaves, unless another kernel may be in with its key by now."""
        with contextlib.suppress(httpx.HTTPError, RuntimeError):
            if self._silent() <= SILENCE:
                self.client.DeactivateNode(DeactivateNodeRequest(node_id=self.node.node_id))
        self.client._client.close()

    def _enter(self, wait, gone=None):
        """Come in with the key; return whether that worked within `wait` seconds: not while another kernel is in with it."""
        request = ActivateNodeRequest(public_key=self.public, heartbeat_interval=HEARTBEAT_MIN_INTERVAL)
        end, gone = time.monotonic() + wait, gone or threading.Event()
        while True:
            try:
                self.node = Node(node_id=self.client.ActivateNode(request).node_id)
                self._heard()
                return True
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.PRECONDITION_FAILED:
                    raise
            if time.monotonic() > end or gone.wait(1.0):
                return False

    def _beat(self, gone):
        """Give a sign of life, or come in anew after a silence in which another kernel may have come in.

        Returns:
            Whether this node is in.
        """
        if self._silent() > SILENCE:
            return self._enter(SILENCE + BEAT, gone)
        if self._silent() > BEAT:
            request = SendNodeHeartbeatRequest(node=self.node, heartbeat_interval=HEARTBEAT_MIN_INTERVAL)
            self.client.SendNodeHeartbeat(request)
            self._heard()
        return True

    def _heard(self):
        self.heard = {clock: clock() for clock in (time.monotonic, time.time)}  # the first may stop while a machine sleeps

    def _silent(self):
        """Seconds since the last sign of life that the server has had."""
        return max(clock() - then for clock, then in self.heard.items())

    def _answer(self, run, tree):
        """Fetch one message, answer it by the app of this package, and send the reply."""
        pull = make_pull_object_fn_protobuf(self.client.PullObject, self.node, run)
        confirm = make_confirm_message_received_fn_protobuf(self.client.ConfirmMessageReceived, self.node, run)
        message = pull_and_inflate_object_from_tree(
            tree, pull, confirm, return_type=Message, initial_backoff=BACKOFF, backoff_cap=1.0
        )
        message.metadata.__dict__["_message_id"] = tree.object_id
        context = Context(run, self.node.node_id, {"folder": self.folder}, RecordDict(), {})
        start = time.monotonic()
        try:
            if self.again:
                raise RuntimeError("this seat has only just been taken up again, and answers from the next round on")
            reply = apps.answer(message, context)
        except Exception as error:  # a request that is not the plan's is refused, and the next one may be
            reason = f"{type(error).__name__}: {error}"
            reply = Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=message)
        took = time.monotonic() - start
        self._send(reply, run, took)
        return message, reply, took

    def _send(self, reply, run, took):
        reply.metadata.__dict__["_message_id"] = reply.object_id
        with no_object_id_recompute():
            whole = get_all_nested_objects(reply)
            tree = get_object_tree(reply)
            bare = remove_content_from_message(reply) if reply.has_content() else reply
            sent = self.client.PushMessages(
                PushMessagesRequest(
                    node=self.node, messages_list=[message_to_proto(bare)], message_object_trees=[tree],
                    clientapp_runtime_list=[took],
                )
            )  # fmt: skip
            push = make_push_object_fn_protobuf(self.client.PushObject, self.node, run, sent.session_id)
            push_objects(whole, push, object_ids_to_push=set(sent.objects_to_push))

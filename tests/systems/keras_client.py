"""A node whose software is TensorFlow: the same messages and the same steps, without torch and without `fldp_lib`.

It is installed under the name that the signed app asks a node for; see `keras_node` in compare.py.
"""

import json
import os
import pathlib

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

import keras
import numpy as np
from flwr.app import Array, ArrayRecord, Message, RecordDict
from flwr.clientapp import ClientApp

client = ClientApp()


@client.train()
def train(message, context):
    """Answer one request with the updates (members × parameters) of this node's own clients."""
    folder, request = pathlib.Path(context.node_config["folder"]), message.content["request"]
    agreed = json.loads((folder / "agreement.json").read_text(encoding="utf-8"))
    if json.loads(request["settings"]) != agreed:
        raise ValueError("the request must be of this node's plan")
    theta = message.content["theta"]["theta"].numpy()
    shard = np.load(folder / "shard.npz")
    rows = np.searchsorted(shard["clients"], request["members"])
    updates = reports(theta, agreed, *(shard[name][rows] for name in ("x", "y", "mask")))
    print(f"{folder.name}: round {request['round']}, {len(rows)} clients by Keras on {keras.backend.backend()}", flush=True)
    return Message(RecordDict({"updates": ArrayRecord({"updates": Array(updates)})}), reply_to=message)


def reports(theta, agreed, x, y, mask):
    """Train each client from theta (parameters,) by Keras's own SGD; return what moved (clients × parameters), float32."""
    features, hidden, out = agreed["sizes"]
    model = keras.Sequential([keras.layers.Input([features]), keras.layers.Dense(hidden, "relu"), keras.layers.Dense(out)])
    model.compile(keras.optimizers.SGD(agreed["lr"]), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shapes = [(hidden, features), (hidden,), (out, hidden), (out,)]  # torch's; Keras has a matrix the other way round
    parts = np.split(theta, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    start, moved = [part.reshape(shape).T for part, shape in zip(parts, shapes, strict=True)], []
    for k in range(len(x)):
        here = mask[k].astype(bool)
        model.set_weights(start)
        for _ in range(agreed["local"]["steps"]):
            model.train_on_batch(x[k][here], y[k][here])
        moved.append(np.concatenate([array.T.ravel() for array in model.get_weights()]) - theta)
    return np.stack(moved).astype("float32")

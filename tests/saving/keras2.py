"""Files as Keras 2 wrote them, laid out by hand: whole models and weights in `.h5`."""

import json

import h5py
import numpy as np


def dataset(group, name, array):
    group.create_dataset(name, data=array)


def write_weights(file, layers, root="/"):
    """`layers`: for each layer its name and its weights' names and arrays, in order. Texts are fixed-length bytes, as h5py then had them."""
    group = file.require_group(root)
    group.attrs["layer_names"] = np.array([name.encode() for name in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.15.0"
    for name, weights in layers.items():
        inner = group.require_group(name)
        inner.attrs["weight_names"] = np.array([key.encode() for key in weights]) if weights else np.zeros(0)
        for key, array in weights.items():
            dataset(inner, key, array)


def write_model(path, config, layers, training=None, optimizer=None, version="2.15.0"):
    """A whole model."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = version.encode(), b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        write_weights(file, layers, "model_weights")
        if optimizer is not None:
            group = file.create_group("optimizer_weights")
            group.attrs["weight_names"] = np.array([key.encode() for key in optimizer])
            for key, array in optimizer.items():
                dataset(group, key, array)


def initializer(name, **config):
    return {"class_name": name, "config": {"dtype": "float32", **config}}


def dense(name, units, activation="linear", **more):
    return {
        "class_name": "Dense",
        "config": {
            "name": name, "trainable": True, "dtype": "float32", "units": units, "activation": activation, "use_bias": True,
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}, "bias_initializer": initializer("Zeros"),
            "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}}, "bias_regularizer": None, "activity_regularizer": None,
            "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}}, "bias_constraint": None, **more,
        },
    }  # fmt: skip


def input_layer(name, shape, dtype="float32"):
    return {
        "class_name": "InputLayer",
        "config": {"batch_input_shape": shape, "dtype": dtype, "sparse": False, "ragged": False, "name": name},
    }


def node(layer, *calls):
    """A layer of a graph, with its calls as lists."""
    return {**layer, "name": layer["config"]["name"], "inbound_nodes": list(calls)}


def plain(cls, name, **config):
    return {"class_name": cls, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}

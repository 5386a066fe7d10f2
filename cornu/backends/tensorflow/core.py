"""TensorFlow: conversion, state, gradients, and the compilation of steps.

State is held in plain tensors, which go into a compiled step and come out of it: an Adam step of a 784-32-10 network with its metrics,
batch 32, takes 119 µs so and 118 µs on tf.Variables assigned within the graph (2 CPU cores), so immutable values cost nothing.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import optree

from cornu import config, dtypes
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.backends.tensorflow.library import tf
from cornu.errors import BackendError

__all__ = [
    "ARRAY_TYPES", "CAN_TRAIN", "CHOOSES_COMPILER", "EAGER", "HOLDS_TEXTS", "NAME", "add_state", "asarray", "assign_state", "block", "borrow", "cast",
    "compile", "concrete", "copy", "devices", "dtype", "evaluate_shape", "inference", "is_portable", "make_state", "on_device", "portable",
    "to_numpy", "value_and_grad",
]  # fmt: skip

NAME = "tensorflow"
CAN_TRAIN = True
EAGER = False
HOLDS_TEXTS = True
CHOOSES_COMPILER = True
"""`compile` takes `xla`: whether the whole step goes through that compiler."""
ARRAY_TYPES = (type(tf.constant(0)), tf.Tensor, tf.Variable)  # that of eager tensors first: it is the everyday one

_SHORT = 1e-3
"""Seconds up to which a program's kernels run one after the other."""

_portable: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_tensorflow_portable", default=False)
is_portable = _portable.get
"""Whether what is traced must run elsewhere too, without XLA."""


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Inside, graphs are made of TensorFlow's own ops alone, for files and for what knows no others."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


def asarray(x: Any, dtype: str | None = None) -> tf.Tensor:
    """An array from anything array-like; Python floats become `floatx`, Python ints int32. Memory is never shared with NumPy."""
    if isinstance(x, tf.Variable):
        x = x.value()
    if isinstance(x, tf.Tensor):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, (list, tuple)) and any(isinstance(v, ARRAY_TYPES) for v in optree.tree_leaves(x)):
        return tf.stack([asarray(v, dtype) for v in x])
    if not isinstance(x, (np.ndarray, np.generic)) and not hasattr(x, "__array__"):
        x = np.asarray(x)
        default = {"float64": config.floatx(), "int64": "int32"}
        dtype = dtype or default.get(x.dtype.name)
    x = np.asarray(x)
    name = dtypes.standardize(x.dtype)
    if dtype is not None and dtype != name and dtype != "string":
        x = x.astype(dtypes.numpy_dtype(dtype)) if dtype != "bool" else x != 0
    elif name != "string":
        x = x.copy()  # TensorFlow may keep NumPy's memory
    return tf.convert_to_tensor(x)


def borrow(x: np.ndarray) -> tf.Tensor:
    """An array for reading; it shares the memory where TensorFlow can."""
    return tf.convert_to_tensor(x)


def to_numpy(x: tf.Tensor) -> np.ndarray:
    """A NumPy array with the same values."""
    if not tf.is_tensor(x):
        return np.asarray(x)
    if not hasattr(x, "numpy"):
        raise BackendError(
            "A tensor of a graph that is being traced has no values yet. Convert it to NumPy outside of the compiled function."
        )
    return np.asarray(x.numpy())


def dtype(x: tf.Tensor) -> str:
    """The name of the dtype."""
    return dtypes.standardize(x.dtype)


def cast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """The array in another dtype."""
    if dtype == "bool":
        return x if x.dtype == tf.bool else tf.not_equal(x, tf.zeros((), x.dtype))
    if x.dtype.is_complex and dtype not in dtypes.DTYPES[-3:]:
        x = tf.math.real(x)  # without TensorFlow's warning that the imaginary part is dropped
    return tf.cast(x, dtype)


def copy(x: tf.Tensor) -> tf.Tensor:
    """The same values: tensors do not change."""
    return tf.identity(x)


def make_state(x: tf.Tensor, trainable: bool) -> tf.Tensor:
    """A tensor of its own, so that no two variables are one to the gradient tape."""
    return tf.identity(x)


def assign_state(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    """The new values."""
    return tf.identity(new)


def add_state(old: tf.Tensor, value: Any) -> tf.Tensor:
    """The sum, in the variable's own dtype."""
    return old + (cast(value, dtype(old)) if isinstance(value, ARRAY_TYPES) else value)


def concrete() -> contextlib.AbstractContextManager[Any]:
    """Values are computed while tracing."""
    return tf.init_scope()


def inference() -> contextlib.AbstractContextManager[None]:
    """Nothing to switch off: a tape records only what it is asked to."""
    return contextlib.nullcontext()


def dense(gradient: Any, like: tf.Tensor) -> tf.Tensor:
    """A gradient as a plain tensor: that of a lookup comes as rows and their places, none at all where nothing depends."""
    if gradient is None:
        return tf.zeros_like(like)
    if isinstance(gradient, tf.IndexedSlices):
        rows = tf.reshape(gradient.values, (-1, *like.shape[1:]))
        return tf.math.unsorted_segment_sum(rows, tf.reshape(gradient.indices, (-1,)), like.shape[0])
    return gradient


def value_and_grad(fn: Callable[..., Any], values: Sequence[tf.Tensor]) -> tuple[Any, list[tf.Tensor]]:
    """`fn(values) -> (loss, aux)`, and the loss's gradient for each value."""
    leaves = [tf.identity(v) for v in values]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(leaves)
        loss, aux = fn(leaves)
    return (loss, aux), [dense(g, v) for g, v in zip(tape.gradient(loss, leaves), leaves, strict=True)]


def compile(
    fn: Callable[..., Any], state: list[tf.Tensor], args: Any, written: Callable[[], list[int]], *, xla: bool = False
) -> Callable[..., Any]:
    """Traces once, into a graph with flat lists of tensors on both sides.

    The graph is called by the op that TensorFlow's own functions end in: 99 µs for the step above, where `ConcreteFunction.__call__`
    takes 346 for its checks of each argument. XLA compiles the whole of it only if asked: a step of `fit` on 2 CPU cores takes, as a graph
    and by XLA, in microseconds, for a 784-32-10 network, batch 32: 268 and 754; for 784-512-512-10, batch 128: 5,819 and 6,635; for a small
    convolutional network: 5,535 and 9,442; `predict` of one row 37 and 250, 226 and 339, 387 and 1,067; and the first step 0.3 s and 0.6.
    What gains by it is compiled by itself, see `lstm`.
    """
    leaves, given = optree.tree_flatten(args)
    size = len(state)
    made: list[Any] = []

    def flat(*inputs: tf.Tensor) -> list[tf.Tensor]:
        outputs = fn(list(inputs[:size]), optree.tree_unflatten(given, inputs[size:]))
        found, structure = optree.tree_flatten(outputs)
        made[:] = [structure]
        return [asarray(x) for x in found]

    specs = [tf.TensorSpec(x.shape, x.dtype) for x in (*state, *leaves)]
    graph = tf.function(flat, autograph=False).get_concrete_function(*specs)
    written()
    programs = [_Program(graph)]
    if xla:
        compiled = tf.function(lambda *xs: graph(*xs), autograph=False, jit_compile=True)  # noqa: PLW0108
        programs.append(_Program(compiled.get_concrete_function(*specs)))

    def run(state: list[tf.Tensor], args: Any) -> Any:
        inputs = [*state, *(x if isinstance(x, tf.Tensor) else borrow(x) for x in optree.tree_leaves(args))]
        try:
            results = programs[-1](inputs)
        except tf.errors.OpError:
            if len(programs) == 1:
                raise
            programs.pop()  # XLA cannot, or the step itself fails: then the graph says so
            results = programs[0](inputs)
        return optree.tree_unflatten(made[0], results)

    return run


class _Program:
    """A traced function. Its kernels run side by side, or one after the other where that takes less than a millisecond in all.

    Two threads, a step, and one row's prediction, in microseconds side by side and one after the other: 784-32-10 network 283 and 178, 56 and
    33; 784-512-512-10 3,009 and 3,121, 191 and 159; transformer encoder of two blocks 15,313 and 17,811, 488 and 494.
    """

    def __init__(self, graph: Any) -> None:
        self._captured = graph.captured_inputs
        self._call = functools.partial(tf.raw_ops.StatefulPartitionedCall, Tout=[x.dtype for x in graph.outputs], f=graph.inference_fn)
        self._executor, self._trials, self._quickest = "DEFAULT", 3, math.inf

    def __call__(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        start = time.perf_counter() if self._trials else 0.0
        results: list[tf.Tensor] = self._call(args=[*inputs, *self._captured], executor_type=self._executor)
        if self._trials:
            self._quickest, self._trials = min(self._quickest, time.perf_counter() - start), self._trials - 1
            if not self._trials and self._quickest < _SHORT:
                self._executor = ""  # the op's own default, which takes one thread where the graph lets it
        return results


def evaluate_shape(fn: Callable[..., Any], *specs: Any) -> Any:
    """Shapes and dtypes by tracing."""
    leaves, structure = optree.tree_flatten(specs, is_leaf=lambda s: isinstance(s, TensorSpec))
    places = [i for i, s in enumerate(leaves) if isinstance(s, TensorSpec)]
    found: list[Any] = []

    def traced(*tensors: tf.Tensor) -> int:
        filled = list(leaves)
        for i, x in zip(places, tensors, strict=True):
            filled[i] = x
        outputs = fn(*optree.tree_unflatten(structure, filled))
        found[:] = [optree.tree_map(lambda a: TensorSpec(tuple(a.shape), dtype(a)) if isinstance(a, ARRAY_TYPES) else a, outputs)]
        return 0

    tf.function(traced, autograph=False).get_concrete_function(*(tf.TensorSpec(leaves[i].shape, leaves[i].dtype) for i in places))
    return found[0]


def on_device(name: str) -> contextlib.AbstractContextManager[Any]:
    """Inside, new arrays go to this device: "cpu", "gpu", "gpu:1", …"""
    kind, _, number = name.replace("cuda", "gpu").partition(":")
    chosen = f"{kind.upper()}:{number or 0}"
    if chosen not in devices():
        raise BackendError(f"TensorFlow has no device {name!r} here; there are {', '.join(devices())}.")
    return tf.device(chosen)


def devices() -> list[str]:
    """The devices at hand, the default first."""
    found = [d.name.removeprefix("/physical_device:") for d in tf.config.list_physical_devices()]
    return sorted(found, key=lambda name: name.startswith("CPU"))


def block(x: Any) -> None:
    """Waits until what was asked of an accelerator is done."""
    if not devices()[0].startswith("CPU"):
        tf.test.experimental.sync_devices()

"""TensorFlow itself, imported quietly, and taking from a GPU what it needs and no more.

What the other libraries' arrays offer under one name (`x.tolist()`, `x.sum()`, `x.T`) is given to TensorFlow's too, where by itself it
says AttributeError; and operators on two dtypes, where by itself it says TypeError, meet by Cornu's rules. Nothing that TensorFlow does is
changed, unlike by its own switch to NumPy's behaviour.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from cornu import config, dtypes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

import tensorflow as tf

__all__ = ["tf"]


def _axes(axis: Any) -> Any:
    return list(axis) if isinstance(axis, tuple) else axis


_METHODS = {
    "tolist": lambda x: x.numpy().tolist(),
    "item": lambda x, *place: x.numpy().item(*place),
    "astype": tf.cast,
    "reshape": lambda x, *shape: tf.reshape(x, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape),
    "sum": lambda x, axis=None, keepdims=False: tf.reduce_sum(x, _axes(axis), keepdims),
    "mean": lambda x, axis=None, keepdims=False: tf.reduce_mean(x, _axes(axis), keepdims),
    "max": lambda x, axis=None, keepdims=False: tf.reduce_max(x, _axes(axis), keepdims),
    "min": lambda x, axis=None, keepdims=False: tf.reduce_min(x, _axes(axis), keepdims),
    "all": lambda x, axis=None, keepdims=False: tf.reduce_all(tf.cast(x, "bool"), _axes(axis), keepdims),
    "any": lambda x, axis=None, keepdims=False: tf.reduce_any(tf.cast(x, "bool"), _axes(axis), keepdims),
    "T": property(tf.transpose),
}

for _name, _method in _METHODS.items():
    if _name not in vars(tf.Tensor):
        setattr(tf.Tensor, _name, _method)


_WEAK = {float: "float*", complex: "complex*"}


def _meeting(operator: Callable[..., Any]) -> Callable[..., Any]:
    """The operator on both in the dtype where they meet, a Python number too."""

    def run(x: Any, y: Any) -> Any:
        if type(y).__module__.startswith("cornu."):  # its own operators know; made an array of NumPy's, it would lose its gradient
            return NotImplemented
        other = y.dtype.name if isinstance(y, tf.Tensor) else _WEAK.get(type(y), x.dtype.name)
        if x.dtype.name != other and {x.dtype.name, other} <= _KNOWN:
            both = dtypes.promote(x.dtype.name, other)
            both = {"float*": config.floatx(), "complex*": "complex64"}.get(both, both)
            x, y = tf.cast(x, both), tf.cast(y, both) if isinstance(y, tf.Tensor) else y
        return operator(x, y)

    return run


_KNOWN = {*dtypes.DTYPES, *_WEAK.values()}
for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "matmul",
    "radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rpow",
):  # fmt: skip
    setattr(tf.Tensor, f"__{_name}__", _meeting(getattr(tf.Tensor, f"__{_name}__")))

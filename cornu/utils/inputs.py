"""Batches taken apart and put together, and what is known of symbolic tensors."""

from __future__ import annotations

from typing import Any

from cornu import config, dtypes, tree
from cornu.errors import ArgumentError, DataError
from cornu.graph import SymbolicTensor

__all__ = ["get_source_inputs", "is_keras_tensor", "pack_x_y_sample_weight", "standardize_dtype", "unpack_x_y_sample_weight"]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch as `train_step` gets it: x alone, (x, y) or (x, y, sample_weight). An x that is nested is put into a tuple, to be told from these.

    Raises:
        ArgumentError: weights without targets.

    >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight([1]), pack_x_y_sample_weight(1, 2)
    (1, ([1],), (1, 2))
    """
    if sample_weight is not None:
        if y is None:
            raise ArgumentError("Weights belong to targets: give `y` with `sample_weight`.")
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if tree.is_nested(x) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight from what a step is given; None for what is not there.

    Raises:
        DataError: a tuple of more than three.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(f"A batch is x, (x, y) or (x, y, sample_weight), got a {type(data).__name__} of {len(data)}.")
    x, y, sample_weight = [*data, None, None][:3]
    return x, y, sample_weight


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor, such as `Input` gives.

    >>> from cornu.layers import Input
    >>> is_keras_tensor(Input((3,))), is_keras_tensor(3)
    (True, False)
    """
    return isinstance(x, SymbolicTensor)


def get_source_inputs(tensor: Any) -> list[SymbolicTensor]:
    """The inputs from which a symbolic tensor is computed, in the order in which they are met.

    >>> from cornu.layers import Dense, Input
    >>> x = Input((3,))
    >>> get_source_inputs(Dense(2)(x)) == [x]
    True
    """
    found: dict[int, SymbolicTensor] = {}
    waiting, seen = tree.flatten(tensor), set()
    if not all(isinstance(x, SymbolicTensor) for x in waiting):
        raise ArgumentError(f"get_source_inputs takes a symbolic tensor, such as `layer.output`, got {tensor!r}.")
    while waiting:
        x = waiting.pop(0)
        if id(x) in seen:
            continue
        seen.add(id(x))
        before = [] if x.node is None else x.node.given_inputs
        if before:
            waiting[:0] = before
        else:
            found[id(x)] = x
    return list(found.values())


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype, however it was given; None stands for `floatx`.

    >>> import numpy as np
    >>> standardize_dtype(np.float16), standardize_dtype(None)
    ('float16', 'float32')
    """
    return config.floatx() if dtype is None else dtypes.standardize(dtype)

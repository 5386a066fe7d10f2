"""Functions of `keras.backend` before Keras 3 that are about variables, graphs and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, dtypes, naming, ops, tree
from cornu.errors import ArgumentError
from cornu.layers import Input
from cornu.models import Model
from cornu.state import Variable

__all__ = ["TODAY"]

Array = Any


def variable(value: Any, dtype: str | None = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable with this value."""
    made = Variable(np.asarray(value), dtype=dtype or config.floatx(), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: str | None = None, shape: Sequence[int] | None = None, name: str | None = None) -> Array:
    """A tensor with this value; a name is for graphs with sessions alone, and refused.

    Raises:
        ArgumentError: a name was given.
    """
    if name is not None:
        raise ArgumentError(f"A tensor has no name of its own, got name={name!r}. Leave it out, or make a `keras.Variable`.")
    made = ops.convert_to_tensor(value, dtype or config.floatx())
    return made if shape is None else ops.broadcast_to(made, tuple(shape))


def zeros(shape: Sequence[int], dtype: str | None = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(np.zeros(tuple(shape)), dtype, name)


def ones(shape: Sequence[int], dtype: str | None = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(np.ones(tuple(shape)), dtype, name)


def placeholder(
    shape: Sequence[int | None] | None = None,
    ndim: int | None = None,
    dtype: str | None = None,
    sparse: bool = False,
    name: str | None = None,
) -> Any:
    """A symbolic tensor of this shape, the batch axis included."""
    if shape is None and ndim is None:
        raise ArgumentError("placeholder needs `shape` or `ndim`.")
    return Input(batch_shape=tuple(shape) if shape is not None else (None,) * int(ndim or 0), dtype=dtype, sparse=sparse, name=name)


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> Any:
    """What computes these outputs of a graph from these inputs, on NumPy arrays: `function([model.input], [layer.output])([x])`.

    Raises:
        ArgumentError: updates were given.
    """
    if updates:
        raise ArgumentError("`updates` belong to graphs with sessions. Assign variables in a layer's `call`, or in `train_step`.")
    model = Model(inputs, outputs, name=name)

    def run(arrays: Any) -> Any:
        given = arrays if isinstance(inputs, (list, tuple)) and len(inputs) > 1 else tree.flatten(arrays)[0]
        found = model.predict_on_batch(given)
        return (
            list(found)
            if isinstance(found, tuple)
            else [found]
            if isinstance(outputs, (list, tuple)) and not isinstance(found, list)
            else found
        )

    return run


def eval(x: Any) -> np.ndarray:
    """The value as a NumPy array."""
    return ops.convert_to_numpy(x)


def get_value(x: Any) -> Any:
    """The value of a variable as a NumPy array; a number as it is."""
    return x if isinstance(x, (int, float)) else ops.convert_to_numpy(x)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several variables."""
    return [get_value(x) for x in tensors]


def set_value(x: Any, value: Any) -> None:
    """Gives a variable a value.

    Raises:
        ArgumentError: `x` is none, such as the learning rate, which is a number to who reads it.
    """
    if not isinstance(x, Variable):
        raise ArgumentError(f"set_value takes a variable, got {x!r}. For a learning rate write `optimizer.learning_rate = {value!r}`.")
    x.assign(value)


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Gives several variables their values."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Array) -> Array:
    """Gives a variable a value; gives it back."""
    x.assign(new_x)
    return x.value


def update_add(x: Variable, increment: Array) -> Array:
    """Adds to a variable."""
    x.assign_add(increment)
    return x.value


def update_sub(x: Variable, decrement: Array) -> Array:
    """Subtracts from a variable."""
    x.assign_sub(decrement)
    return x.value


def shape(x: Array) -> tuple[int | None, ...]:
    """The lengths of the axes."""
    return ops.shape(x)


int_shape = shape


def ndim(x: Array) -> int:
    """The number of axes."""
    return len(x.shape)


def dtype(x: Array) -> str:
    """The name of the dtype."""
    return dtypes.standardize(x.dtype)


def count_params(x: Array) -> int:
    """The number of elements."""
    return int(np.prod(x.shape))


def reset_uids() -> None:
    """Numbering of names starts anew."""
    naming.reset()


def image_dim_ordering() -> str:
    """`"th"` for channels first, `"tf"` for channels last."""
    return "th" if config.image_data_format() == "channels_first" else "tf"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Takes `"th"` or `"tf"`."""
    orders: Any = {"th": "channels_first", "tf": "channels_last"}
    if dim_ordering not in orders:
        raise ArgumentError(f"dim_ordering must be 'th' or 'tf', got {dim_ordering!r}.")
    config.set_image_data_format(orders[dim_ordering])


def _gone(mend: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise ArgumentError(f"There are no graphs with sessions any more. {mend}")

    return refuse


gradients = _gone("For gradients write `cornu.value_and_grad(fn, variables)`, or a model's own `train_step`.")
learning_phase = _gone("Whether a layer trains is an argument: `layer(x, training=True)`, or `training` in its `call`.")
set_learning_phase = _gone("Whether a model trains is an argument: `model(x, training=True)`; `fit` and `predict` set it themselves.")
get_session = _gone("Arrays have values as soon as they are computed: leave the session out.")
set_session = _gone("Devices are chosen by the framework (CUDA_VISIBLE_DEVICES, JAX_PLATFORMS): leave the session out.")

TODAY: dict[str, str] = {
    "variable": "is `keras.Variable` today", "constant": "is `keras.ops.convert_to_tensor` today", "zeros": "is `keras.Variable(keras.ops.zeros(…))` today",
    "ones": "is `keras.Variable(keras.ops.ones(…))` today", "placeholder": "is `keras.Input` today", "function": "is `keras.Model(inputs, outputs)` today",
    "eval": "is `keras.ops.convert_to_numpy` today", "get_value": "is `keras.ops.convert_to_numpy` today",
    "batch_get_value": "is `keras.ops.convert_to_numpy` today", "set_value": "is `variable.assign` today", "batch_set_value": "is `variable.assign` today",
    "update": "is `variable.assign` today", "update_add": "is `variable.assign_add` today", "update_sub": "is `variable.assign_sub` today",
    "shape": "is `keras.ops.shape` today", "int_shape": "is `x.shape` today", "ndim": "is `len(x.shape)` today", "dtype": "is `keras.ops.dtype` today",
    "count_params": "is `keras.ops.size` today", "reset_uids": "is `keras.utils.clear_session` today",
    "image_dim_ordering": "is `keras.config.image_data_format` today", "set_image_dim_ordering": "is `keras.config.set_image_data_format` today",
    "gradients": "is `cornu.value_and_grad` today", "learning_phase": "is the argument `training` today",
    "set_learning_phase": "is the argument `training` today",
    "get_session": "is gone", "set_session": "is gone",
}  # fmt: skip
"""What each function is called today, as the end of a sentence."""

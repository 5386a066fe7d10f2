"""Cross-entropies of class probabilities, or of the logits that they come from."""

from __future__ import annotations

from cornu import config
from cornu.errors import ShapeError
from cornu.ops.activation import log_softmax, softplus
from cornu.ops.arguments import Array
from cornu.ops.core import cast, clip, convert_to_tensor, to_floating
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, divide, log, multiply, negative, subtract
from cornu.ops.indexing import one_hot
from cornu.ops.reduce import sum
from cornu.ops.shaping import squeeze

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]


def _same_shape(target: Array, output: Array, op: str) -> None:
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(f"ops.{op} needs target and output of one shape, got {tuple(target.shape)} and {tuple(output.shape)}.")


@composite
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """`-(t ln p + (1 - t) ln(1 - p))` element by element; p is the output, or its sigmoid if `from_logits`.

    Probabilities are held `config.epsilon()` away from 0 and 1.

    >>> binary_crossentropy([1.0, 0.0], [1000.0, -1000.0], from_logits=True).tolist()
    [0.0, 0.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    _same_shape(target, output, "binary_crossentropy")
    if from_logits:  # softplus(z) - t z: what -ln sigmoid and -ln(1 - sigmoid) come to, without overflow
        return subtract(softplus(output), multiply(target, output))
    p = clip(output, config.epsilon(), 1 - config.epsilon())
    return negative(add(multiply(target, log(p)), multiply(subtract(1, target), log(subtract(1, p)))))


@composite
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """`-sum(t ln p)` along the class axis, which goes; p is the output made to sum to 1, or its softmax if `from_logits`.

    >>> categorical_crossentropy([[0.0, 1.0]], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    _same_shape(target, output, "categorical_crossentropy")
    return negative(sum(multiply(target, _log_probabilities(output, from_logits, axis)), axis))


@composite
def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """`-ln p[t]` along the class axis, which goes; the target names classes by number, with that axis absent or of length 1.

    A label out of range has the loss 0 here; `fit` refuses it before any step.

    >>> sparse_categorical_crossentropy([1], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    target, output = convert_to_tensor(target), to_floating(output)
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = squeeze(target, axis)
    rest = [n for i, n in enumerate(output.shape) if i != axis % output.ndim]
    if list(target.shape) != rest:
        raise ShapeError(
            f"Sparse labels have the output's shape without the class axis, {tuple(rest)}, got {tuple(target.shape)} for the output {tuple(output.shape)}. "
            "For one-hot labels use categorical_crossentropy."
        )
    return sparse_crossentropy_of_classes(cast(target, "int32"), output, from_logits, axis)


@composite
def sparse_crossentropy_of_classes(target: Array, output: Array, from_logits: bool, axis: int) -> Array:
    """The cross-entropy for class numbers whose shape fits: a product with a comparison, whose gradient is no scatter."""
    chosen = one_hot(target, output.shape[axis], axis=axis, dtype=output.dtype)
    return negative(sum(multiply(chosen, _log_probabilities(output, from_logits, axis)), axis))


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return log_softmax(output, axis)
    p = divide(output, sum(output, axis, keepdims=True))
    return log(clip(p, config.epsilon(), 1 - config.epsilon()))

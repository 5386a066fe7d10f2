"""Control flow in TensorFlow: Python's own where each op runs at once, TensorFlow's while a graph is traced.

TensorFlow's loops and branches carry flat lists of tensors here, so that any nested structure may go through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from cornu.backends import eager_control
from cornu.backends.tensorflow.core import asarray
from cornu.backends.tensorflow.library import tf

__all__ = ["cond", "either", "scan", "switch", "vmap", "while_loop"]

_scan_eagerly = eager_control.scan_with(tf.stack)


def _branches(branches: Sequence[Callable[..., Any]], operands: Sequence[Any], made: list[Any]) -> list[Callable[[], list[Any]]]:
    """Functions of nothing that give flat lists; the structures of what they gave are added to `made`."""

    def flat(branch: Callable[..., Any]) -> list[Any]:
        leaves, structure = optree.tree_flatten(branch(*operands))
        made.append(structure)
        return [asarray(x) for x in leaves]

    return [lambda b=b: flat(b) for b in branches]  # type: ignore[misc]


def _listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (list, tuple)) else [results]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]) -> Any:
    if tf.executing_eagerly():
        return eager_control.cond(pred, true_fn, false_fn, operands)
    made: list[Any] = []
    results = tf.cond(pred, *_branches([true_fn, false_fn], operands, made))
    return optree.tree_unflatten(made[0], _listed(results))


def either(condition: Any, new: Callable[[], list[Any]], old: Callable[[], list[Any]]) -> list[Any]:
    """The values of one of two functions, which take effect on state; `new` is called first."""
    return _listed(tf.cond(condition, new, old))


def switch(index: Any, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> Any:
    if tf.executing_eagerly():
        return eager_control.switch(index, branches, operands)
    made: list[Any] = []
    functions = _branches(branches, operands, made)
    results = tf.switch_case(tf.clip_by_value(index, 0, len(branches) - 1), functions)
    return optree.tree_unflatten(made[0], _listed(results))


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], state: Any, limit: int | None) -> Any:
    if tf.executing_eagerly():
        return eager_control.while_loop(cond, body, state, limit)
    leaves, structure = optree.tree_flatten(state)

    def step(*now: Any) -> list[Any]:
        return [
            asarray(x, y.dtype.name) for x, y in zip(optree.tree_leaves(body(*optree.tree_unflatten(structure, now))), now, strict=True)
        ]

    done = tf.while_loop(lambda *now: asarray(cond(*optree.tree_unflatten(structure, now))), step, leaves, maximum_iterations=limit)
    return optree.tree_unflatten(structure, _listed(done))


def scan(f: Callable[..., Any], init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> Any:
    """A loop over TensorArrays; the first step stands before it, and shows what the outputs are.

    The inputs stand in TensorArrays too: the gradient of slices of one tensor would be as long as all of it, at each step (a training
    step of an LSTM: 274 ms against 39).
    """
    if tf.executing_eagerly() or length == 0:
        return _scan_eagerly(f, init, xs, length, reverse, unroll)
    order = list(range(length))[::-1] if reverse else list(range(length))
    carry, y = f(init, optree.tree_map(lambda x: x[order[0]], xs))
    carried, structure = optree.tree_flatten(carry)
    outputs, shape = optree.tree_flatten(y)
    carried, outputs = [asarray(x) for x in carried], [asarray(x) for x in outputs]
    arrays = [tf.TensorArray(x.dtype, length, element_shape=x.shape).write(order[0], x) for x in outputs]

    inputs = optree.tree_map(lambda x: tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x), xs)

    def step(i: Any, carried: list[Any], arrays: list[Any]) -> Any:
        place = length - 1 - i if reverse else i
        carry, y = f(optree.tree_unflatten(structure, carried), optree.tree_map(lambda x: x.read(place), inputs))
        after = [asarray(x, c.dtype.name) for x, c in zip(optree.tree_leaves(carry), carried, strict=True)]
        return i + 1, after, [a.write(place, asarray(x)) for a, x in zip(arrays, optree.tree_leaves(y), strict=True)]

    if length > 1:
        start = (tf.constant(1), carried, arrays)
        _, carried, arrays = tf.while_loop(lambda i, *_: i < length, step, start, maximum_iterations=length - 1)
    return optree.tree_unflatten(structure, carried), optree.tree_unflatten(shape, [a.stack() for a in arrays])


def vmap(f: Callable[..., Any], args: Any) -> Any:
    leaves, structure = optree.tree_flatten(args)
    made: list[Any] = []

    def flat(xs: Any) -> list[Any]:
        outputs, found = optree.tree_flatten(f(*optree.tree_unflatten(structure, xs)))
        made[:] = [found]
        return [asarray(x) for x in outputs]

    results = tf.vectorized_map(flat, leaves)
    return optree.tree_unflatten(made[0], _listed(results))

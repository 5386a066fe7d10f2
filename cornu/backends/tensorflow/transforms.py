"""Derivatives of functions of arrays in TensorFlow. Functions here take and give flat lists of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends.tensorflow.core import dense, portable
from cornu.backends.tensorflow.library import tf

__all__ = ["custom_gradient", "jvp", "remat", "vjp"]

Flat = Callable[..., Any]


def vjp(fn: Flat, primals: Sequence[Any]) -> tuple[Any, Callable[[list[Any]], list[Any]], Any]:
    leaves = [tf.identity(x) for x in primals]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(leaves)
        outputs, aux = fn(leaves)

    def back(cotangents: list[Any]) -> list[Any]:
        return [dense(g, x) for g, x in zip(tape.gradient(outputs, leaves, output_gradients=cotangents), leaves, strict=True)]

    return outputs, back, aux


def jvp(fn: Flat, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any, Any]:
    leaves = [tf.identity(x) for x in primals]
    with portable(), tf.autodiff.ForwardAccumulator(leaves, list(tangents)) as accumulator:  # of loops compiled by XLA it knows nothing
        outputs, aux = fn(leaves)
    return outputs, accumulator.jvp(outputs, unconnected_gradients=tf.UnconnectedGradients.ZERO), aux


def custom_gradient(fn: Flat, args: Sequence[Any]) -> Any:
    def with_rule(*xs: Any) -> tuple[Any, Callable[..., Any]]:
        outputs, pullback = fn(list(xs))
        return list(outputs), lambda *upstream: list(pullback(list(upstream)))

    outputs = tf.custom_gradient(with_rule)(*args)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def remat(fn: Flat, args: Sequence[Any]) -> Any:
    """TensorFlow's own `recompute_grad` gives gradients to arguments alone; here what the function reads from outside has them too.

    What that is shows in a trace of the function, made to be thrown away.
    """
    xs = list(args)
    outputs = tf.recompute_grad(lambda *xs: fn(list(xs)))(*xs)  # kept off every tape
    trace = tf.function(lambda *xs: fn(list(xs)), autograph=False).get_concrete_function(*(tf.TensorSpec(x.shape, x.dtype) for x in xs))
    read = [x for x in trace.captured_inputs if x.dtype.is_floating or x.dtype.is_complex]

    @tf.custom_gradient
    def again(*_: Any) -> tuple[list[Any], Callable[..., Any]]:
        return [tf.stop_gradient(y) for y in outputs], back

    def back(*upstream: Any) -> list[Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            later = _after(upstream[0], xs)
            tape.watch([*later, *read])
            made = fn(later)
        pairs = [(y, g) for y, g in zip(made, upstream, strict=True) if g is not None and y.dtype.is_floating]
        slopes = tape.gradient([y for y, _ in pairs], [*later, *read], output_gradients=[g for _, g in pairs])
        return [dense(g, x) for g, x in zip(slopes, [*xs, *read], strict=True)]

    return list(again(*xs, *read))


def _after(signal: Any, xs: Sequence[Any]) -> list[Any]:
    """The arrays plus a 0 that depends on the signal, so that a graph does not find what is computed from them computed already."""
    if tf.executing_eagerly():
        return [tf.identity(x) for x in xs]
    first = tf.reduce_max(tf.reshape(signal, [-1])[:1])
    zero = tf.where(tf.math.is_nan(first), float("nan"), 0.0)
    return [x + tf.cast(zero, x.dtype) if x.dtype.is_floating else tf.identity(x) for x in xs]

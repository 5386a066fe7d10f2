"""Derivatives of functions of arrays in TensorFlow. Functions here take and give flat lists of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends.tensorflow.core import dense
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
    with tf.autodiff.ForwardAccumulator(leaves, list(tangents)) as accumulator:
        outputs, aux = fn(leaves)
    return outputs, accumulator.jvp(outputs, unconnected_gradients=tf.UnconnectedGradients.ZERO), aux


def custom_gradient(fn: Flat, args: Sequence[Any]) -> Any:
    def with_rule(*xs: Any) -> tuple[Any, Callable[..., Any]]:
        outputs, pullback = fn(list(xs))
        return list(outputs), lambda *upstream: list(pullback(list(upstream)))

    outputs = tf.custom_gradient(with_rule)(*args)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def remat(fn: Flat, args: Sequence[Any]) -> Any:
    return tf.recompute_grad(lambda *xs: fn(list(xs)))(*args)

"""The operations in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..peers.jax_models import convolve, depthwise, gru, lstm, max_pool

JIT = jax.jit
COMPILED_ONLY = {"LSTM layer", "GRU layer"}


def form(name: str, array: np.ndarray) -> jax.Array:
    """As it is; a sequence has its time first, for the scan."""
    return jnp.asarray(array.swapaxes(0, 1) if name == "sequence" else array)


def recurrent(_: str, *weights: jax.Array) -> tuple[jax.Array, ...]:
    """The weights of a recurrent layer, as the call takes them."""
    return weights


def finish(result: Any) -> None:
    """Wait until it is computed."""
    (result[0] if isinstance(result, (tuple, list)) else result).block_until_ready()


def _resize(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (len(x), 96, 96, x.shape[-1]), "bilinear", antialias=False)


def _average_pool(x: jax.Array) -> jax.Array:
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4


CALLS = {
    "add, 4×8": jnp.add,
    "add, 4×8, named arguments": lambda x, y: jnp.add(x, y),  # noqa: PLW0108 - its arguments have no names; called through one more function, as ours
    "tanh, about 10 µs": jnp.tanh,
    "matmul, 256×256": jnp.matmul,
    "conv 3×3": lambda x, w: convolve(x, w, padding="SAME"),
    "conv 1×1": convolve,
    "depthwise conv 3×3": lambda x, w: depthwise(x, w, padding="SAME"),
    "max pool 2×2": max_pool,
    "average pool 2×2": _average_pool,
    "dot-product attention": jax.nn.dot_product_attention,
    "LSTM layer": lambda x, weights: lstm(x, *weights),
    "GRU layer": lambda x, weights: gru(x, *weights),
    "sort, 64×1000": jnp.sort,
    "top 10 of 1000": lambda x: lax.top_k(x, 10),
    "segment sum, 10,000×16": lambda x, ids: jax.ops.segment_sum(x, ids, 100),
    "resize 64→96, bilinear": _resize,
}

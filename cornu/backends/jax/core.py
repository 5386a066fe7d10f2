"""JAX: conversion, state, and the transforms of pure functions."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.array import ArrayImpl
from jax.extend.core import jaxpr_as_fun
from jax.sharding import NamedSharding

from cornu import config, dtypes
from cornu.backends.jax.distribution import whole
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import BackendError

__all__ = [
    "ARRAY_TYPES", "CAN_TRAIN", "EAGER", "HOLDS_TEXTS", "NAME", "asarray", "assign_state", "block", "borrow", "cast", "compile", "concrete", "copy", "devices",
    "dtype", "evaluate_shape", "inference", "make_state", "on_device", "to_numpy", "value_and_grad",
]  # fmt: skip

NAME = "jax"
CAN_TRAIN = True
EAGER = False
HOLDS_TEXTS = False
# The first has no public name, and to ask an array for its class would start the devices, too early to join other processes.
ARRAY_TYPES = (ArrayImpl, jax.core.Tracer)

# Without 64-bit mode JAX holds 32 bits at most. Asked for more, it gives what it has, and so do we, without its warning.
_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}
_NOTHING_TO_DO = contextlib.nullcontext()
_concrete: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_jax_concrete", default=False)


def held(dtype: str) -> str:
    """The dtype that JAX gives when asked for this one."""
    return dtype if jax.config.jax_enable_x64 else _NARROW.get(dtype, dtype)


def asarray(x: Any, dtype: str | None = None) -> jax.Array:
    """An array from anything array-like; Python floats become `floatx`, Python ints int32. Memory is never shared with NumPy."""
    if isinstance(x, ARRAY_TYPES):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, (list, tuple)) and any(isinstance(v, ARRAY_TYPES) for v in x):
        return jnp.stack([asarray(v, dtype) for v in x])
    if not isinstance(x, (np.ndarray, np.generic)):
        if hasattr(x, "__array__"):
            x = np.asarray(x)
        else:
            x = np.asarray(x)
            default = {"float64": config.floatx(), "int64": "int32"}
            dtype = dtype or default.get(x.dtype.name)
    dtypes.refuse_text(x, NAME)
    return jnp.array(x, held(dtype or dtypes.standardize(x.dtype)))  # `jnp.asarray` shares memory that lies on a boundary of 64 bytes


def borrow(x: np.ndarray) -> jax.Array:
    """An array for reading."""
    return asarray(x)


def to_numpy(x: jax.Array) -> np.ndarray:
    """A NumPy array; on a CPU it is a view."""
    return np.asarray(x if jax.process_count() == 1 else whole(x))


def dtype(x: jax.Array) -> str:
    """The name of the dtype."""
    return dtypes.standardize(x.dtype)


def cast(x: jax.Array, dtype: str) -> jax.Array:
    """The array in another dtype."""
    return x.astype(held(dtype))


def copy(x: jax.Array) -> jax.Array:
    """The same values in memory of their own; unlike `jnp.copy` this compiles nothing, which for each new shape takes about 15 ms."""
    return jnp.copy(x) if isinstance(x, jax.core.Tracer) else jax.device_put(x, may_alias=False)


def make_state(x: jax.Array, trainable: bool) -> jax.Array:
    """A copy: a step gives the memory of the variables it writes back to JAX."""
    return copy(x)


def assign_state(old: jax.Array, new: jax.Array) -> jax.Array:
    """The new array: arrays of JAX do not change. A copy, because the caller may keep what it assigned; spread over devices as the old one is."""
    spread = _spread(old)
    return new if isinstance(new, jax.core.Tracer) else copy(new) if spread is None else jax.device_put(new, spread, may_alias=False)


def _spread(x: jax.Array) -> NamedSharding | None:
    """How an array is spread over a mesh of devices; None for one that is not."""
    return x.sharding if isinstance(x.sharding, NamedSharding) else None


@contextlib.contextmanager
def concrete() -> Iterator[None]:
    """Values are computed while tracing."""
    token = _concrete.set(True)
    try:
        with jax.ensure_compile_time_eval():
            yield
    finally:
        _concrete.reset(token)


def is_concrete() -> bool:
    """Whether values are computed even while tracing."""
    return _concrete.get()


def inference() -> contextlib.AbstractContextManager[None]:
    """Nothing to switch off: JAX differentiates only what it is asked to."""
    return _NOTHING_TO_DO


def value_and_grad(fn: Callable[..., Any], values: Sequence[jax.Array]) -> tuple[Any, list[jax.Array]]:
    """`fn(values) -> (loss, aux)`, and the loss's gradient for each value."""
    return jax.value_and_grad(fn, has_aux=True)(list(values))


def compile(fn: Callable[..., Any], state: list[jax.Array], args: Any, written: Callable[[], list[int]]) -> Callable[..., Any]:
    """Traces once to learn what is written, then compiles with exactly that donated.

    The program that was traced is compiled as it is, so the model's Python code runs one time. State that is spread over a mesh stays so.
    """
    program, outputs = jax.make_jaxpr(fn, return_shape=True)(state, args)
    donated = written()
    taken = set(donated)
    kept = [i for i in range(len(state)) if i not in taken]
    structure = jax.tree.structure(outputs)
    flat = jaxpr_as_fun(program)

    def step(owned: list[jax.Array], lent: list[jax.Array], args: Any) -> Any:
        values: list[Any] = [None] * len(state)
        for i, value in zip(donated, owned, strict=True):
            values[i] = value
        for i, value in zip(kept, lent, strict=True):
            values[i] = value
        return jax.tree.unflatten(structure, flat(*values, *jax.tree.leaves(args)))

    # compiled at the first call, before anything is given away
    compiled = jax.jit(step, donate_argnums=0, out_shardings=(None, [_spread(state[i]) for i in donated]))

    def run(state: list[jax.Array], args: Any) -> Any:
        return compiled([state[i] for i in donated], [state[i] for i in kept], args)

    return run if donated else functools.partial(compiled, [])


def evaluate_shape(fn: Callable[..., Any], *specs: Any) -> Any:
    """Shapes and dtypes by `jax.eval_shape`."""
    given = jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, held(s.dtype)) if isinstance(s, TensorSpec) else s, specs)
    return jax.tree.map(lambda a: TensorSpec(a.shape, a.dtype), jax.eval_shape(fn, *given))


@contextlib.contextmanager
def on_device(name: str) -> Iterator[None]:
    """Inside, new arrays go to this device: "cpu", "gpu", "gpu:1", …"""
    kind, _, number = name.replace("cuda", "gpu").partition(":")
    try:
        chosen = jax.devices(kind)[int(number or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        raise BackendError(f"JAX has no device {name!r} here; there are {', '.join(devices())}.") from error
    with jax.default_device(chosen):
        yield


def devices() -> list[str]:
    """The devices at hand, the default first."""
    found = jax.devices()
    return [f"{d.platform}:{d.id}" for d in (found if found[0].platform == "cpu" else [*found, *jax.devices("cpu")])]


def block(x: Any) -> None:
    """Waits until the arrays in `x` are computed."""
    jax.block_until_ready(x)

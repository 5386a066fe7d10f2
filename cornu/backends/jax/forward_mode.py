"""Gradients written by hand, which JAX takes backwards only, step aside where a derivative is taken forwards.

There JAX differentiates what the kernel computes. A program that was compiled before would still hold the kernel, so nothing is taken from
those: the function runs as it is written, or is compiled with what is around it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

__all__ = ["compiled", "forwards", "or_differentiated"]

_forwards: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_jax_forwards", default=False)


@contextlib.contextmanager
def forwards() -> Iterator[None]:
    """Inside, a derivative is taken forwards."""
    token = _forwards.set(True)
    try:
        yield
    finally:
        _forwards.reset(token)


def or_differentiated(kernel: jax.custom_vjp[Any]) -> Callable[..., Any]:
    """The kernel; forwards what it computes, without its gradient."""
    return lambda *args: kernel.fun(*args) if _forwards.get() else kernel(*args)


def compiled(fn: Callable[..., Any], **static: Any) -> Callable[..., Any]:
    """`jax.jit`; forwards the function itself."""
    program = jax.jit(fn, **static)

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs) if _forwards.get() else program(*args, **kwargs)

    return run

"""PyTorch: conversion, state, and gradients."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from cornu import config, dtypes
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.backends.torch.memory import keep_freed_memory
from cornu.errors import BackendError

__all__ = [
    "ARRAY_TYPES",
    "CAN_TRAIN",
    "EAGER",
    "HOLDS_TEXTS",
    "NAME",
    "add_state",
    "asarray",
    "assign_state",
    "block",
    "borrow",
    "cast",
    "concrete",
    "copy",
    "device",
    "devices",
    "dtype",
    "evaluate_shape",
    "inference",
    "make_state",
    "native_dtype",
    "on_device",
    "to_numpy",
    "value_and_grad",
]  # fmt: skip

keep_freed_memory()

NAME = "torch"
CAN_TRAIN = True
EAGER = True
HOLDS_TEXTS = False
ARRAY_TYPES = (torch.Tensor,)


_placed: contextvars.ContextVar[torch.device | None] = contextvars.ContextVar("cornu_torch_device", default=None)


def device() -> torch.device:
    """Where new arrays go: where `on_device` says, else to the accelerator if there is one."""
    return _placed.get() or _usual_device()


@contextlib.contextmanager
def on_device(name: str) -> Iterator[None]:
    """Inside, new arrays go to this device: "cpu", "gpu", "cuda:1", …"""
    try:
        chosen = torch.device(name.replace("gpu", "cuda"))
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise BackendError(f"PyTorch has no device {name!r} here; there are {', '.join(devices())}.") from error
    token = _placed.set(chosen)
    try:
        with chosen:
            yield
    finally:
        _placed.reset(token)


@functools.cache
def _usual_device() -> torch.device:
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


@functools.cache
def native_dtype(dtype: str) -> torch.dtype:
    """PyTorch's object for the name of a dtype."""
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise BackendError(f"PyTorch has no dtype {dtype!r}. Use another dtype or another backend.")
    return found


def asarray(x: Any, dtype: str | None = None) -> torch.Tensor:
    """An array from anything array-like; Python floats become `floatx`, Python ints int32. Memory is never shared with NumPy."""
    if isinstance(x, torch.Tensor):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in x):
        return torch.stack([asarray(v, dtype) for v in x])
    if not isinstance(x, (np.ndarray, np.generic)) and not hasattr(x, "__array__"):
        x = np.asarray(x)
        default = {"float64": config.floatx(), "int64": "int32"}
        dtype = dtype or default.get(x.dtype.name)
    x = np.asarray(x)
    if any(stride < 0 for stride in x.strides):  # PyTorch has no such views
        x = x.copy()
    dtypes.refuse_text(x, NAME)
    name = dtypes.standardize(x.dtype)
    if name == "bfloat16" or name.startswith("float8"):  # strangers to PyTorch in NumPy: their bits go over as integers
        tensor = torch.from_numpy(x.view(f"i{x.dtype.itemsize}").copy()).view(native_dtype(name))
    else:
        tensor = torch.tensor(x)
    return cast(tensor.to(device()), dtype or name)


def borrow(x: np.ndarray) -> torch.Tensor:
    """An array for reading; on a CPU it shares the memory where PyTorch can."""
    flags = x.flags
    if flags.writeable and flags.c_contiguous and x.dtype.kind != "V":  # bfloat16, a stranger, is of that kind
        tensor, there = torch.from_numpy(x), device()
        return tensor if there.type == "cpu" else tensor.to(there)
    return asarray(x)


def to_numpy(x: torch.Tensor) -> np.ndarray:
    """A NumPy array, detached from the graph; on a CPU it shares the memory."""
    if not x.requires_grad and x.dtype is torch.float32 and x.device.type == "cpu":  # what predictions are
        return x.numpy()
    x = x.detach()
    if x.dtype == torch.bfloat16:
        return x.cpu().contiguous().view(torch.int16).numpy().view(dtypes.numpy_dtype("bfloat16"))
    return x.cpu().resolve_conj().numpy()


def dtype(x: torch.Tensor) -> str:
    """The name of the dtype."""
    return dtypes.standardize(x.dtype)


def cast(x: torch.Tensor, dtype: str) -> torch.Tensor:
    """The array in another dtype. PyTorch takes what float8_e4m3fn cannot hold for its largest number; here it is NaN, as elsewhere."""
    if dtype == "float8_e4m3fn" and x.dtype != torch.float8_e4m3fn:
        x = torch.where(x.to(torch.float32).abs() > 464, float("nan"), x)  # 464 is the last that is rounded to 448
    return x.to(native_dtype(dtype))


def copy(x: torch.Tensor) -> torch.Tensor:
    """The same values in memory of their own."""
    return x.clone()


def make_state(x: torch.Tensor, trainable: bool) -> torch.Tensor:
    """A leaf of its own; it asks for gradients where it is trainable, as PyTorch's own parameters do."""
    return x.detach().clone(memory_format=torch.contiguous_format).requires_grad_(trainable and (x.is_floating_point() or x.is_complex()))


def assign_state(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Copied into place: whoever holds the tensor sees the new values."""
    if new is old:  # a kernel has changed it in place already
        return old
    with torch.no_grad():
        return old.copy_(new)


def add_state(old: torch.Tensor, value: Any) -> torch.Tensor:
    """Added in place."""
    with torch.no_grad():
        return old.add_(value if isinstance(value, (torch.Tensor, int, float)) else asarray(value).to(old.dtype))


def concrete() -> contextlib.AbstractContextManager[None]:
    """Nothing to do: arrays are made at once."""
    return contextlib.nullcontext()


def transformed() -> bool:
    """Whether one of `torch.func`'s own transforms is at work, for which some kernels have no rule."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def inference() -> contextlib.AbstractContextManager[Any]:
    """No graph is kept inside."""
    return torch.no_grad()


def value_and_grad(fn: Callable[..., Any], values: Sequence[torch.Tensor]) -> tuple[Any, list[torch.Tensor]]:
    """`fn(values) -> (loss, aux)`, and the loss's gradient for each value, zeros where it has none."""
    with torch.enable_grad():
        leaves = [v if v.requires_grad and v.is_leaf else v.detach().requires_grad_() for v in values]
        loss, aux = fn(leaves)
        grads = torch.autograd.grad(loss, leaves, allow_unused=True) if loss.requires_grad else [None] * len(leaves)
    return (loss.detach(), aux), [torch.zeros_like(v) if g is None else g for g, v in zip(grads, leaves, strict=True)]


def evaluate_shape(fn: Callable[..., Any], *specs: Any) -> Any:
    """Shapes and dtypes by running on tensors without memory."""
    with torch.device("meta"), torch.no_grad():
        given = pytree.tree_map(lambda s: torch.empty(s.shape, dtype=native_dtype(s.dtype)) if isinstance(s, TensorSpec) else s, specs)
        return pytree.tree_map(lambda a: TensorSpec(a.shape, dtypes.standardize(a.dtype)) if isinstance(a, torch.Tensor) else a, fn(*given))


def devices() -> list[str]:
    """The devices at hand, the default first."""
    accelerator = device()
    if accelerator.type == "cpu":
        return ["cpu"]
    return [f"{accelerator.type}:{i}" for i in range(torch.accelerator.device_count())] + ["cpu"]


def block(x: Any) -> None:
    """Waits until what was asked of the accelerator is done."""
    if device().type != "cpu":
        torch.accelerator.synchronize()

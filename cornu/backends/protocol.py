"""What a backend is: a module with these functions.

To add one, write `cornu/backends/<name>/` whose namespace holds

1. the names of `Backend` below: conversion, state, transforms of pure functions;
2. one function for every primitive in `cornu.ops` (its tests name those that are missing), under the op's own name.

The op layer has normalised all arguments before a backend sees them: arrays are the backend's own and of equal dtype, except
that one side of a binary elementwise op may be a Python scalar; axes are non-negative ints (or tuples of them); shapes are tuples of ints;
dtypes are names. What a backend cannot do it raises as `BackendError`, and says so.

A backend may also define a function named like a composite op; it then replaces the composite's body where it does not
return `NotImplemented`. It does so only for a measured gain or for numerical need, noted beside it.

No backend knows a variable, a layer or a training loop: those are written once, above, in terms of the pure transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

__all__ = ["Array", "Backend", "Spreading"]

Array = Any
"""An array of the backend at hand."""


class Backend(Protocol):
    """The contract beside the primitives."""

    NAME: str
    ARRAY_TYPES: tuple[type, ...]
    """The types of its arrays, tracers included."""
    CAN_TRAIN: bool
    EAGER: bool
    """Whether a step runs as it is written. Otherwise it is traced once and compiled by `compile`."""
    HOLDS_TEXTS: bool
    """Whether its arrays may be of texts."""
    distribution: Spreading
    """How arrays are spread over devices. A backend that computes on one device leaves the name out."""

    def asarray(self, x: Any, dtype: str | None = None) -> Array:
        """An array of this backend from anything array-like; Python floats become `floatx`, Python ints int32."""

    def borrow(self, x: np.ndarray) -> Array:
        """An array with the values of one of NumPy's that is only read while it is used; it may share its memory."""

    def to_numpy(self, x: Array) -> np.ndarray:
        """A NumPy array with the same values."""

    def dtype(self, x: Array) -> str:
        """The name of an array's dtype."""

    def cast(self, x: Array, dtype: str) -> Array:
        """The array in another dtype."""

    def make_state(self, x: Array, trainable: bool) -> Array:
        """An array fit to be a variable's value: owned by it alone."""

    def assign_state(self, old: Array, new: Array) -> Array:
        """What a variable holds after `new` was assigned: `old` itself where arrays are changed in place."""

    def add_state(self, old: Array, value: Array) -> Array:
        """What a variable holds after `value` was added, for backends that run as written: changed in place where they can."""

    def concrete(self) -> AbstractContextManager[Any]:
        """A context in which arrays are made at once, also while a function is traced: what a new variable holds outlives the trace."""

    def inference(self) -> AbstractContextManager[Any]:
        """A context without gradient bookkeeping."""

    def value_and_grad(
        self, fn: Callable[[list[Array]], tuple[Array, Any]], values: Sequence[Array]
    ) -> tuple[tuple[Array, Any], list[Array]]:
        """`fn(values) -> (loss, aux)`, and the gradient of the loss for each of the values (zeros where it does not depend on one)."""

    def compile(self, fn: Callable[..., Any], state: list[Array], args: Any, written: Callable[[], list[int]]) -> Callable[..., Any]:
        """Compiles `fn(state, args) -> (outputs, new values)` for arrays like these; for backends that do not run as written.

        After tracing, `written()` tells the indices in `state` whose new values are returned; their old arrays may be reused. A backend whose
        namespace has `CHOOSES_COMPILER = True` takes `xla` too: whether the whole program goes through that compiler, which is asked for.
        """

    def record(
        self, fn: Callable[[list[Array]], list[Any]], inputs: Sequence[Array], *, compiled: bool = False
    ) -> Callable[..., list[Any]] | None:
        """For backends that run as written, where they can: `fn` on a flat list of arrays, to be replayed without the Python in it.

        A backend without it leaves the name out.
        """

    def start_trace(self, folder: str) -> None:
        """Begins to record what is run, for TensorBoard, whose run of that folder it becomes. A backend that cannot leaves the name out."""

    def stop_trace(self) -> None:
        """Ends the recording, and writes it."""

    def evaluate_shape(self, fn: Callable[..., Any], *specs: Any) -> Any:
        """Shapes and dtypes of `fn`'s result by the framework's own abstract evaluation, arrays given as specs."""

    def devices(self) -> list[str]:
        """The devices at hand, the default first."""

    def block(self, x: Any) -> None:
        """Waits until the arrays in `x` are computed."""


class Spreading(Protocol):
    """What spreads arrays over a mesh of devices, those of one process or of several."""

    def make_mesh(self, devices: np.ndarray, axis_names: tuple[str, ...]) -> Any:
        """The mesh of devices with these names, the axes of the array named so."""

    def layout(self, mesh: Any, axes: tuple[str | None, ...]) -> Any:
        """The framework's own description of how an array is cut up over a mesh."""

    def place(self, x: Array, mesh: Any, axes: tuple[str | None, ...], *, partial: bool = False) -> Array:
        """The array on the mesh's devices, each of its axes cut up along that axis of the mesh, or whole for None. It is one array to all ops still.

        With `partial`, `x` is what this process has of it.
        """

    def join(self, coordinator: str | None, processes: int | None, index: int | None) -> None:
        """Has this process work with others as one."""

    def agreed(self, number: int) -> int:
        """A number that all processes are to have in common: that of the first."""

    def process(self) -> tuple[int, int]:
        """The number of this process, from 0, and how many there are."""

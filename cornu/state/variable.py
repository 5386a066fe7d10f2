"""A named array that outlives a step: weights, statistics, counters, seeds."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from cornu import backends, config, dtypes, naming
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ShapeError
from cornu.ops import dispatch
from cornu.ops.arguments import Array
from cornu.ops.operators import attach
from cornu.state import placement, scope
from cornu.state.allowance import spend

__all__ = ["Tracked", "Variable", "autocast", "structure_version", "touch_structure"]

_autocast: contextvars.ContextVar[str | None] = contextvars.ContextVar("cornu_autocast", default=None)
_versions = itertools.count(1)
_version = 0


def structure_version() -> int:
    """A number that grows whenever a variable is made or `trainable` changes anywhere; a compiled step compares it."""
    return _version


def touch_structure() -> None:
    """Says that the set of variables, or which of them train, has changed."""
    global _version
    _version = next(_versions)


@contextlib.contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """Inside, float variables that allow it are read in this dtype; None reads them as they are."""
    token = _autocast.set(dtype)
    try:
        yield
    finally:
        _autocast.reset(token)


class Tracked:
    """The mark of what is searched for in a layer's attributes beside variables: layers, metrics, whatever holds variables of its own."""


class Variable:
    """An array that can be assigned.

    Args:
        initializer: the value, or a function of (shape, dtype) that makes it, or the name of an initializer.
        shape: the shape, for an initializer that is a function.
        dtype: `floatx` by default, or that of the given value.
        trainable: whether optimizers change it.
        autocast: whether layers in mixed precision read it in their compute dtype.
        aggregation: how replicas of it are combined across devices: "none", "mean", "sum" or "only_first_replica".
        synchronization: kept for files and programs that name it.
        name: `variable`, `variable_1`, … by default.
        layout: how its value is cut up over a mesh of devices, a `cornu.distribution.TensorLayout`; by default as the distribution at hand has it.

    Attributes:
        fixed: whether it was made not to train, so that a layer that is thawed leaves it as it is.
        number: greater than that of all variables made before.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0])
    >>> v.numpy().tolist()
    [2.0, 3.0]
    """

    __slots__ = (
        "__weakref__",
        "_backend",
        "_trainable",
        "aggregation",
        "autocast",
        "constraint",
        "dtype",
        "fixed",
        "layout",
        "name",
        "number",
        "overwrite_with_gradient",
        "own_value",
        "path",
        "regularizer",
        "shape",
        "synchronization",
    )  # fmt: skip

    def __init__(
        self,
        initializer: Array | Callable[..., Array],
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: Any = None,
    ) -> None:
        if aggregation not in (None, "none", "mean", "sum", "only_first_replica"):
            raise ArgumentError(f"aggregation must be 'none', 'mean', 'sum' or 'only_first_replica', got {aggregation!r}.")
        self.name = name or naming.unique("variable")
        self.path = "/".join((*naming.scopes(), self.name))
        self.autocast, self.aggregation, self.synchronization = autocast, aggregation or "none", synchronization
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self._trainable, self.fixed = trainable, not trainable
        self._backend = backends.compute()
        with backends.use_backend(self._backend), self._backend.concrete():
            value = self._initial(initializer, shape, dtype)
            self.shape, self.dtype = tuple(value.shape), self._backend.dtype(value)
            self.own_value = self._backend.make_state(value, trainable)
            self.layout = layout
            if layout is not None:
                self.own_value = layout.place(self.own_value)
        touch_structure()
        self.number = structure_version()

    def _initial(self, initializer: Any, shape: Sequence[int] | None, dtype: str | None) -> Array:
        name = None if dtype is None else dtypes.standardize(dtype)
        if not callable(initializer):
            value = self._backend.asarray(getattr(initializer, "value", initializer), name)
            if shape is not None and tuple(shape) != tuple(value.shape):
                raise ShapeError(f"The value of variable {self.name!r} must have the shape {tuple(shape)}, got {tuple(value.shape)}.")
            return value
        if shape is None or None in shape:
            raise ShapeError(f"Variable {self.name!r} needs a known shape for its initializer, got {shape}.")
        spend(shape, self.name)
        return self._backend.asarray(initializer(tuple(shape), dtype=name or config.floatx()), name or config.floatx())

    @property
    def value(self) -> Array:
        """The current value: the active scope's, in the autocast dtype if one is set."""
        within = scope.active()
        value = self.own_value if within is None else within.read(self)
        dtype = _autocast.get()
        if isinstance(value, TensorSpec):
            return value
        if dtype is not None and dtype != self.dtype and self.autocast and dtypes.is_floating(self.dtype):
            return self._backend.cast(value, dtype)
        return value

    @property
    def backend(self) -> ModuleType:
        """The backend that holds the value."""
        return self._backend

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) != self._trainable:
            self._trainable = bool(value)
            touch_structure()

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def assign(self, value: Array) -> None:
        """Replaces the value by another of the same shape; its dtype is kept."""
        own = self._backend
        if isinstance(value, Variable):
            value = value.value
        if not isinstance(value, (*own.ARRAY_TYPES, TensorSpec)):
            value = own.asarray(own.asarray(value) if not dispatch.is_array(value) else dispatch.interpreter_of(value).to_numpy(value))
        if tuple(value.shape) != self.shape:
            raise ShapeError(
                f"Variable {self.path!r} has the shape {self.shape}, so a value of that shape must be assigned, got {tuple(value.shape)}."
            )
        within = scope.active()
        if isinstance(value, TensorSpec):
            value = TensorSpec(value.shape, self.dtype)
        elif own.dtype(value) != self.dtype:
            value = own.cast(value, self.dtype)
        if within is not None:
            within.write(self, value)
        else:
            self.own_value = own.assign_state(self.own_value, value)

    def assign_add(self, value: Array) -> None:
        """Adds to the value."""
        if isinstance(value, Variable):
            value = value.value
        if scope.active() is None and self._backend.EAGER and self._adds_plainly(value):
            self.own_value = self._backend.add_state(self.own_value, value)
        else:
            self.assign(self + value)

    def _adds_plainly(self, value: Any) -> bool:
        """Whether a sum with the value has the variable's own shape and dtype."""
        if type(value) is int:
            return self.dtype != "bool"
        own = self.own_value
        return isinstance(value, self._backend.ARRAY_TYPES) and value.shape == own.shape and value.dtype == own.dtype

    def assign_sub(self, value: Array) -> None:
        """Subtracts from the value."""
        self.assign(self - value)

    def put(self, value: Array) -> None:
        """Replaces the value by one that nobody else holds and that is known to fit, such as a step's result."""
        within = scope.active()
        if within is not None:
            within.write(self, value)
        elif self._backend.EAGER:
            self.own_value = self._backend.assign_state(self.own_value, value)
        else:
            self.own_value = value

    def spread(self) -> None:
        """Has the devices of the distribution at hand hold the value, cut up as its path says; one that they hold already stays as it is."""
        found = placement.within(self._backend)
        layout = None if found is None else found.get_variable_layout(self)
        if layout is not None and (self.layout is None or self.layout.device_mesh is not layout.device_mesh):
            self.own_value, self.layout = layout.place(self.own_value), layout

    def to(self, backend: str | ModuleType) -> None:
        """Moves the value to another backend."""
        target = backends.load(backend) if isinstance(backend, str) else backend
        if target is not self._backend:
            value = self._backend.to_numpy(self.own_value)
            self._backend, self.layout = target, None
            self.own_value = target.make_state(target.asarray(value, self.dtype), self._trainable)
            touch_structure()

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array."""
        return np.array(self._backend.to_numpy(self.value))

    def spec(self) -> TensorSpec:
        """Shape and dtype."""
        return TensorSpec(
            self.shape, _autocast.get() if _autocast.get() and self.autocast and dtypes.is_floating(self.dtype) else self.dtype
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The value for NumPy."""
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> Any:
        """The value for functions that look for this name: as it is, so that gradients reach it, or a copy made of another backend's."""
        value = self.value
        if not hasattr(value, "__tf_tensor__"):
            value = backends.load("tensorflow").asarray(self.numpy())
        return value.__tf_tensor__(dtype, name)

    def __len__(self) -> int:
        """The length of the first axis."""
        return self.shape[0]

    def __float__(self) -> float:
        """The value of a scalar variable."""
        return float(self.numpy())

    def __int__(self) -> int:
        """The value of a scalar variable."""
        return int(self.numpy())

    def __bool__(self) -> bool:
        """The truth of a scalar variable."""
        return bool(self.numpy())

    def __repr__(self) -> str:
        return f"<Variable path={self.path} shape={self.shape} dtype={self.dtype} value={self._backend.to_numpy(self.own_value)}>"


attach(Variable, equality=True)
dispatch.register_state(Variable)

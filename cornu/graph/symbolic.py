"""Tensors that hold no numbers, and the record of how they came about.

An op or a layer called on a `SymbolicTensor` does not run: a `Node` records the call, and the result is another
symbolic tensor whose shape and dtype were inferred.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from cornu import backends, naming, tree
from cornu.backends import spec
from cornu.backends.spec import STAND_INS, TensorSpec
from cornu.errors import CornuError, DTypeError, ShapeError
from cornu.ops import dispatch
from cornu.ops.operators import attach
from cornu.state.scope import SpecScope, StateScope

__all__ = ["Node", "SymbolicTensor", "contains_symbolic", "infer", "lacks_values", "record", "symbolic_leaves", "to_specs"]

_clock = itertools.count()


class SymbolicTensor:
    """A tensor of a graph: a shape (None where unknown), a dtype, and the node it comes from.

    Args:
        shape: the batch dimension included.
        dtype: the name of the dtype.
        name: `keras_tensor`, `keras_tensor_1`, … by default.
    """

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: str = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        *,
        node: Node | None = None,
        index: int = 0,
    ) -> None:
        if sparse or ragged:
            raise DTypeError("Cornu's tensors are dense, got sparse=True or ragged=True. Use padding and masks.")
        self._spec = TensorSpec(shape, dtype)
        self.name = name or naming.unique("keras_tensor")
        self.sparse, self.ragged, self.record_history = sparse, ragged, record_history
        self.node, self.index = node, index
        self.mask: SymbolicTensor | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, None where a length is unknown."""
        return self._spec.shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def spec(self) -> TensorSpec:
        """Shape and dtype."""
        return self._spec

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __bool__(self) -> bool:
        raise DTypeError(
            "A symbolic tensor has no truth value. Use `ops.where` or `ops.cond` in place of `if`, and `ops.logical_and` in place of `and`."
        )

    def __iter__(self) -> Any:
        if not self.shape or self.shape[0] is None:
            raise ShapeError(f"A symbolic tensor of shape {self.shape} cannot be iterated: the length of its first axis is unknown.")
        return (dispatch.OPS["get_item"](self, i) for i in range(self.shape[0]))

    def __len__(self) -> int:
        raise ShapeError(f"A symbolic tensor has no length, its shape is {self.shape}. Use `x.shape[0]`, which is None where unknown.")

    def __float__(self) -> float:
        raise DTypeError("A symbolic tensor holds no number. It gets one when the model runs on data.")

    __int__ = __index__ = __float__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise DTypeError(
            "A symbolic tensor holds no numbers, so NumPy and the frameworks cannot read it. Use the function of the same name in `cornu.ops`, "
            "or put the code into a layer's `call`."
        )


class Node:
    """One recorded call: what was called, with what, and what came out.

    Attributes:
        operation: an op, or a layer.
        args, kwargs: as given, symbolic tensors among them.
        inputs: those symbolic tensors, from left to right.
        outputs: the symbolic tensors that came out, flat; then a mask for each that has one, where a layer made it inside.
        structure: the structure of the outputs.
        laid: names of keyword arguments that the layer's user did not give: mask edges.
    """

    def __init__(
        self,
        operation: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        specs: Any,
        *,
        masks: Sequence[TensorSpec] = (),
        laid: Sequence[str] = (),
    ) -> None:
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self.inputs = symbolic_leaves((args, kwargs))
        self.number = next(_clock)
        self.structure = tree.structure(specs)
        self.laid = frozenset(laid)
        everything = [*tree.flatten(specs), *masks]
        self.outputs = [SymbolicTensor(s.shape, s.dtype, node=self, index=i) for i, s in enumerate(everything)]

    @property
    def given_inputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors that the user passed: without mask edges."""
        return symbolic_leaves((self.args, {k: v for k, v in self.kwargs.items() if k not in self.laid}))

    @property
    def result(self) -> Any:
        """The outputs in the structure in which they came."""
        return tree.unflatten(self.structure, self.outputs[: self.structure.num_leaves])


def symbolic_leaves(values: Any) -> list[SymbolicTensor]:
    """The symbolic tensors in a nested structure."""
    return [x for x in tree.flatten(values) if isinstance(x, SymbolicTensor)]


def contains_symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a symbolic tensor is among the arguments, nested ones included."""
    for value in args:
        cls = type(value)
        if cls is SymbolicTensor or (cls in _NESTED and symbolic_leaves(value)):
            return True
    return bool(kwargs) and bool(symbolic_leaves(kwargs))


_NESTED = frozenset((list, tuple, dict))


class _Suspects(dict[type, bool]):
    """Whether a value of a type may lack values, or hold something that does."""

    def __missing__(self, cls: type) -> bool:
        self[cls] = found = cls is SymbolicTensor or cls in _NESTED or backends.TRACED[cls] is not None
        return found


_SUSPECTS = _Suspects()


def lacks_values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether among the arguments, nested ones included, is a symbolic tensor or one of a graph that a framework traces."""
    for value in args:
        if _SUSPECTS[type(value)] and (type(value) not in _NESTED or _any_lacks(value)):
            return True
    return bool(kwargs) and _any_lacks(kwargs)


def _any_lacks(values: Any) -> bool:
    return any(_SUSPECTS[type(x)] for x in tree.flatten(values))


def to_specs(values: Any, stand_in: int | None = None) -> Any:
    """Symbolic tensors replaced by their specs, unknown dimensions by the stand-in if one is given."""

    def replace(x: Any) -> Any:
        if not isinstance(x, SymbolicTensor):
            return x
        return x.spec if stand_in is None else x.spec.stood_in(stand_in)

    return tree.map_structure(replace, values)


def infer(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The specs of what `fn` gives for these arguments.

    It runs on stand-ins for unknown dimensions, twice with different ones: what differs in the result is unknown there too.
    Where `fn` is not written in ops, the backend's own abstract evaluation takes over.
    """
    first = _run(fn, args, kwargs, STAND_INS[0])
    if all(None not in s.shape for s in symbolic_leaves((args, kwargs))):
        return first
    second = _run(fn, args, kwargs, STAND_INS[1])
    return tree.map_structure(_merge, first, second)


def _run(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], stand_in: int) -> Any:
    args, kwargs = to_specs((args, kwargs), stand_in)
    try:
        with backends.inferring(spec), SpecScope():
            return tree.map_structure(_as_spec, fn(*args, **kwargs))
    except CornuError as error:
        error.args = (str(error).replace(f"({stand_in},", "(N,"), *error.args[1:])  # N: any number of rows
        raise
    except Exception as error:  # noqa: BLE001 - code that is not written in ops fails on specs in its own ways
        try:
            return _evaluated(fn, args, kwargs)
        except CornuError:
            raise error from None


def _evaluated(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result's specs by the backend's own abstract evaluation, which sees the arrays alone: Python values stay what they are."""
    leaves, structure = tree.flatten((args, kwargs)), tree.structure((args, kwargs))
    places = [i for i, x in enumerate(leaves) if isinstance(x, TensorSpec)]

    def run(*arrays: Any) -> Any:
        filled = list(leaves)
        for i, x in zip(places, arrays, strict=True):
            filled[i] = x
        values, named = tree.unflatten(structure, filled)
        with StateScope():  # what it assigns are tracers, and ends with the run
            return fn(*values, **named)

    return backends.compute().evaluate_shape(run, *(leaves[i] for i in places))


def _as_spec(x: Any) -> TensorSpec:
    return x if isinstance(x, TensorSpec) else spec.asarray(x)


def _merge(a: TensorSpec, b: TensorSpec) -> TensorSpec:
    if a.ndim != b.ndim:
        raise ShapeError(
            f"The number of axes of a result must not depend on an unknown dimension, got {a.shape} and {b.shape} for two batch sizes."
        )
    return TensorSpec([n if n == m else None for n, m in zip(a.shape, b.shape, strict=True)], a.dtype)


def record(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Records an op; elementwise ones hand the masks of their inputs on."""
    node = Node(op, args, kwargs, infer(op, args, kwargs))
    masks = [x.mask for x in node.inputs if x.mask is not None]
    if masks and dispatch.works_by_element(op):
        node.outputs[0].mask = combined(masks)
    return node.result


def combined(masks: Sequence[Any]) -> Any:
    """Where all masks hold."""
    mask = masks[0]
    for other in masks[1:]:
        mask = mask if other is mask else dispatch.OPS["logical_and"](mask, other)
    return mask


attach(SymbolicTensor, equality=False)
dispatch.register_recorder(SymbolicTensor, record)

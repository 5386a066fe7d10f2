"""Transforms of functions: derivatives, batches, compilation, memory for time.

A function here takes and gives arrays, or nested structures of them, and may read variables and assign them on the way: what it assigns takes
effect in the surrounding scope, once. Each transform gives the same on every backend that has it; NumPy has no derivatives and says so.
"""

from __future__ import annotations

import contextvars
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from cornu import tree
from cornu.errors import ArgumentError, ShapeError
from cornu.ops import derivatives, dispatch
from cornu.ops.arguments import Array, array, as_axis
from cornu.ops.control import as_slices, vectorized_map
from cornu.ops.core import convert_to_tensor
from cornu.ops.creation import ones_like
from cornu.ops.matrices import eye
from cornu.ops.shaping import moveaxis, reshape
from cornu.state import transforms
from cornu.state.scope import StateScope
from cornu.state.transforms import CompiledStep, UnlistedError
from cornu.state.variable import Variable

__all__ = ["grad", "hessian", "jit", "jvp", "remat", "value_and_grad", "vjp", "vmap"]

Function = Callable[..., Any]


class _Threaded:
    """A function that keeps what it assigns to itself and gives it beside its outputs, and the way to put that into effect."""

    def __init__(self, fn: Function, *, has_aux: bool = False) -> None:
        self._fn, self._has_aux = fn, has_aux
        self._written: list[Variable] = []

    def __call__(self, *args: Any) -> tuple[Any, Any]:
        """Outputs, and (what the function gives beside them, the new values of variables)."""
        with StateScope() as inner:
            result = self._fn(*args)
        self._written = [variable for variable, _ in inner.written.values()]
        outputs, aux = result if self._has_aux else (result, None)
        return outputs, (aux, [value for _, value in inner.written.values()])

    def put(self, values: Sequence[Array]) -> None:
        """Assigns what the last call wrote."""
        for variable, value in zip(self._written, values, strict=True):
            variable.put(value)


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """`fun(*primals)`, and how it changes where the arguments change by `tangents`; third what it gives beside its outputs if `has_aux`.

    >>> import cornu
    >>> [part.tolist() for part in jvp(cornu.ops.square, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    threaded = _Threaded(fun, has_aux=has_aux)
    outputs, changes, (aux, values) = derivatives.jvp(threaded, primals, tangents, has_aux=True)
    threaded.put(values)
    return (outputs, changes, aux) if has_aux else (outputs, changes)


def vjp(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`fun(*primals)`, and the function from gradients of the outputs to those of the arguments (a tuple); third the aux if `has_aux`.

    >>> import cornu
    >>> y, pullback = vjp(cornu.ops.multiply, 3.0, 4.0)
    >>> y.tolist(), [part.tolist() for part in pullback(1.0)]
    (12.0, [4.0, 3.0])
    """
    threaded = _Threaded(fun, has_aux=has_aux)
    outputs, pullback, (aux, values) = derivatives.vjp(threaded, *primals, has_aux=True)
    threaded.put(values)
    return (outputs, pullback, aux) if has_aux else (outputs, pullback)


@overload
def value_and_grad(fn: Function, variables: Sequence[Variable]) -> tuple[tuple[Array, Any], list[Array]]: ...


@overload
def value_and_grad(fn: Function, variables: None = None, *, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function: ...


def value_and_grad(
    fn: Function, variables: Sequence[Variable] | None = None, *, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Any:
    """The value of a function that gives one number, and its gradient: with respect to variables at once, or to arguments as a new function.

    With `variables`, `fn()` gives (number, aux) and is run: the result is that and the gradient for each variable, in order. Without, the result
    is a function of `fn`'s arguments that gives the number and its gradient with respect to those at `argnums`; with `has_aux`, `fn` gives
    (number, aux) and the new function ((number, aux), gradient).

    >>> v = Variable([1.0, 2.0])
    >>> (loss, _), (slope,) = value_and_grad(lambda: ((v * v)[0], None), [v])
    >>> float(loss), slope.tolist()
    (1.0, [2.0, 0.0])
    >>> [part.tolist() for part in value_and_grad(lambda x: x * x)(3.0)]
    [9.0, 6.0]
    """
    return _value_and_grad_of(fn, argnums, has_aux) if variables is None else transforms.value_and_grad(fn, variables)


def _value_and_grad_of(fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """What `value_and_grad` gives without variables."""
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @functools.wraps(fun)
    def with_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        places = [as_axis(n, len(args)) for n in chosen]
        args = tree.map_structure(lambda x: convert_to_tensor(x) if isinstance(x, np.ndarray) else x, args)

        def of_chosen(*values: Any) -> Any:
            every = list(args)
            for place, value in zip(places, values, strict=True):
                every[place] = value
            return fun(*every, **kwargs)

        y, pullback, aux = vjp(of_chosen if has_aux else lambda *v: (of_chosen(*v), None), *(args[p] for p in places), has_aux=True)
        if tree.is_nested(y) or tuple(y.shape):
            raise ShapeError(
                f"A gradient is that of one number, got {tree.map_structure(lambda v: tuple(v.shape), y)}. Take `ops.sum` or `ops.mean`."
            )
        slopes = pullback(ones_like(y))
        return ((y, aux) if has_aux else y), (slopes[0] if isinstance(argnums, int) else slopes)

    return with_gradient


def grad(fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """The gradient of a function that gives one number, with respect to the arguments at `argnums`, as a function of all arguments.

    With `has_aux`, `fun` gives (number, aux), and the new function (gradient, aux). It can be applied again, for higher derivatives.

    >>> grad(grad(lambda x: x * x * x))(2.0).tolist()
    12.0
    """
    both = _value_and_grad_of(fun, argnums, has_aux)

    @functools.wraps(fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slopes = both(*args, **kwargs)
        return (slopes, value[1]) if has_aux else slopes

    return gradient


def hessian(fun: Function, argnums: int = 0) -> Function:
    """The matrix of second derivatives of a function that gives one number: for an argument of shape s, an array of shape (*s, *s).

    >>> hessian(lambda x: x[0] * x[0] * x[1])([1.0, 2.0]).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """

    @functools.wraps(fun)
    def second(*args: Any, **kwargs: Any) -> Array:
        place = as_axis(argnums, len(args))
        x = convert_to_tensor(args[place])
        slope = grad(lambda v: fun(*args[:place], v, *args[place + 1 :], **kwargs))
        _, pullback = vjp(slope, x)
        count = math.prod(x.shape)
        units = reshape(eye(count, dtype=x.dtype), (count, *x.shape))
        return reshape(vectorized_map(lambda unit: pullback(unit)[0], units), (*x.shape, *x.shape))

    return second


def vmap(fun: Function, in_axes: int | Sequence[int | None] | None = 0, out_axes: int = 0) -> Function:
    """A function of whole batches from one of single samples: the axis `in_axes` of each argument is the batch's, None hands it over whole.

    The results are stacked along `out_axes`. What is assigned inside would differ from sample to sample, so assigning is refused.

    >>> import cornu
    >>> vmap(cornu.ops.dot, in_axes=(0, None))([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
    [3.0, 7.0]
    """

    @functools.wraps(fun)
    def batched(*args: Any) -> Any:
        axes = (in_axes,) * len(args) if in_axes is None or isinstance(in_axes, int) else tuple(in_axes)
        if len(axes) != len(args) or all(a is None for a in axes):
            raise ArgumentError(f"in_axes names an axis for each of {len(args)} arguments, one of them at least not None, got {in_axes!r}.")
        on = dispatch.interpreter_of(*tree.flatten(args))
        given = [as_slices(on, arg) for arg in args]
        leading = [
            tree.map_structure(lambda x, a=axis: moveaxis(x, a, 0), arg) for arg, axis in zip(given, axes, strict=True) if axis is not None
        ]
        lengths = {x.shape[0] for x in tree.flatten(leading)}
        if len(lengths) != 1:
            raise ShapeError(f"All arguments have one length along the axis of the batch, got {sorted(lengths)}.")

        def on_one(samples: list[Any]) -> Any:
            rest = iter(samples)
            with StateScope() as inner:
                result = fun(*(arg if axis is None else next(rest) for arg, axis in zip(given, axes, strict=True)))
            if inner.written:
                names = [variable.path for variable, _ in inner.written.values()]
                raise ArgumentError(f"A function mapped over a batch must not assign variables, got assignments to {names}.")
            return result

        results = vectorized_map(on_one, leading)
        return results if out_axes == 0 else tree.map_structure(lambda y: moveaxis(y, 0, out_axes), results)

    return batched


class _Noting(StateScope):
    """A scope that hands everything on and notes which variables were read, with the values that were seen."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, tuple[Variable, Any]] = {}

    def read(self, variable: Variable) -> Any:
        value = super().read(variable)
        if id(variable) not in self.written:
            self.seen.setdefault(id(variable), (variable, value))
        return value


def jit(fun: Function) -> Function:
    """`fun`, compiled once for each kind of arguments where the backend compiles; elsewhere `fun` as it is.

    Positional arguments are arrays, or nested structures of them; keyword arguments are constants, each set of which makes a program of its own.
    Variables that the function reads or assigns are found while it is traced.

    >>> jit(lambda x, times=2: x * times)(3.0, times=4).tolist()
    12.0
    """
    steps: dict[Any, CompiledStep] = {}

    def step_for(constants: dict[str, Any]) -> CompiledStep:
        known: dict[int, Variable] = {}

        def noted(*args: Any) -> Any:
            with _Noting() as inner:
                outputs = fun(*args, **constants)
            inner.commit()
            strays = [v for v, _ in inner.seen.values() if id(v) not in known]
            known.update((id(v), v) for v in strays)
            if strays and not dispatch.interpreter_of().EAGER:
                raise UnlistedError(strays)
            return outputs

        return CompiledStep(noted, lambda: list(known.values()))

    @functools.wraps(fun)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        key = tuple(sorted(kwargs.items()))
        if key not in steps:
            steps[key] = step_for(kwargs)
        return steps[key](*tree.map_structure(convert_to_tensor, args))

    return compiled


def remat(f: Function) -> Function:
    """`f`, whose intermediate results are not kept for the gradient but computed again when it is taken: less memory, more time.

    T. Chen and others, "Training deep nets with sublinear memory cost", 2016.

    >>> grad(remat(lambda x: x * x * x))(2.0).tolist()
    12.0
    """

    @functools.wraps(f)
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree.flatten(args), tree.structure(args)
        if dispatch.is_symbolic(*leaves):
            return dispatch.record(forgetful, args)
        on = dispatch.interpreter_of(*leaves)
        places = [i for i, x in enumerate(leaves) if hasattr(x, "shape")]
        run = _Replayable(f, kwargs)
        shape: list[Any] = []

        def flat(xs: list[Array]) -> list[Array]:
            every = list(leaves)
            for place, x in zip(places, xs, strict=True):
                every[place] = x
            outputs, values = run(tree.unflatten(structure, every))
            shape[:] = [tree.structure(outputs)]
            return [*(array(on, y) for y in tree.flatten(outputs)), *values]

        results = list(on.remat(flat, [array(on, getattr(leaves[i], "value", leaves[i])) for i in places]))
        count = shape[0].num_leaves
        run.put(results[count:])
        return tree.unflatten(shape[0], results[:count])

    forgetful.op_name = getattr(f, "__name__", "remat")  # type: ignore[attr-defined]
    return forgetful


class _Replayable:
    """A function that can be run again as it was run first: what it reads is what it read then, though it has been assigned since."""

    def __init__(self, fn: Function, kwargs: dict[str, Any]) -> None:
        self._fn, self._kwargs = fn, kwargs
        self._first: list[tuple[Variable, Any]] = []
        self._context: contextvars.Context | None = None
        self._written: list[Variable] = []

    def __call__(self, args: Any) -> tuple[Any, list[Array]]:
        if self._context is not None:
            return self._context.run(self._again, args)
        self._context = contextvars.copy_context()
        with _Noting() as noting:
            outputs = self._fn(*args, **self._kwargs)
        written = noting.written
        self._written = [variable for variable, _ in written.values()]
        # where assigning changes an array in place, what was read of it is copied before
        # (and all of it stays at hand, for autocasts and scopes around may be gone by then)
        self._first = [(v, v.backend.copy(value) if key in written else value) for key, (v, value) in noting.seen.items()]
        return outputs, [value for _, value in written.values()]

    def _again(self, args: Any) -> tuple[Any, list[Array]]:
        """The function in the surroundings of its first run: scopes, dtypes, backend."""
        with StateScope(self._first) as inner:
            outputs = self._fn(*args, **self._kwargs)
        return outputs, [value for _, value in inner.written.values()]

    def put(self, values: Sequence[Array]) -> None:
        """Assigns what the first run wrote."""
        for variable, value in zip(self._written, values, strict=True):
            variable.put(value)

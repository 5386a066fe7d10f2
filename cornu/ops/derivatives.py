"""Derivatives of functions written in ops.

A function here takes and gives arrays, or nested structures of them. What it assigns to variables is for `cornu.grad`, `cornu.vjp` and the
like, which are these with state. The numpy backend has no derivatives and says so.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cornu import dtypes, tree
from cornu.errors import ArgumentError, DTypeError, ShapeError
from cornu.ops import dispatch
from cornu.ops.arguments import Array, array

__all__ = ["custom_gradient", "jvp"]

Function = Callable[..., Any]


def _arrays(on: Any, values: Any, what: str) -> list[Array]:
    """The leaves as arrays of floats (or complex numbers), which alone have derivatives."""
    found = [array(on, getattr(value, "value", value)) for value in tree.flatten(values)]
    for x in found:
        if not (dtypes.is_floating(on.dtype(x)) or dtypes.is_complex(on.dtype(x))):
            raise DTypeError(
                f"Derivatives are taken with respect to floats, got {what} of {on.dtype(x)}. Cast it, or leave it out of what is differentiated."
            )
    return found


class _Flat:
    """A function on a flat list of arrays, giving a flat list and the arrays beside it; the structures of both are kept."""

    def __init__(self, fn: Function, structure: Any, has_aux: bool) -> None:
        self._fn, self._structure, self._has_aux = fn, structure, has_aux
        self.outputs: Any = None
        self._aux: tuple[Any, list[Any]] = (None, [])

    def __call__(self, leaves: list[Array]) -> tuple[list[Array], list[Array]]:
        """What backends differentiate."""
        has_aux, result = self._has_aux, self._fn(*tree.unflatten(self._structure, leaves))
        if has_aux and not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise ArgumentError(
                f"With has_aux=True the function gives a pair, (outputs, what comes beside them), got {type(result).__name__}."
            )
        outputs, aux = result if has_aux else (result, None)
        self.outputs = tree.structure(outputs)
        self._aux = (tree.structure(aux), tree.flatten(aux))
        on = dispatch.interpreter_of(*leaves)
        return [array(on, getattr(y, "value", y)) for y in tree.flatten(outputs)], [
            v for v in self._aux[1] if isinstance(v, on.ARRAY_TYPES)
        ]

    def beside(self, on: Any, arrays: list[Array]) -> Any:
        """What came beside the outputs, with these arrays in their places."""
        structure, leaves = self._aux
        rest = iter(arrays)
        return tree.unflatten(structure, [next(rest) if isinstance(v, on.ARRAY_TYPES) else v for v in leaves])


@dispatch.higher_order
def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """`fun(*primals)`, and how it changes where the arguments change by `tangents`: the Jacobian matrix times a vector, computed forwards.

    Gives (outputs, their tangents), and third what the function gives beside its outputs if `has_aux`.

    >>> import cornu
    >>> with cornu.use_backend("jax"):
    ...     [part.tolist() for part in jvp(lambda x: x * x, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError(f"primals and tangents are tuples of arguments, got {type(primals).__name__} and {type(tangents).__name__}.")
    primals, tangents = tuple(primals), tuple(tangents)
    on = dispatch.interpreter_of(*tree.flatten((primals, tangents)))
    structure = tree.structure(primals)
    if structure != tree.structure(tangents):
        raise ArgumentError(f"tangents have the structure of primals, got {tree.structure(tangents)} for {structure}.")
    at, along = _arrays(on, primals, "primals"), _arrays(on, tangents, "tangents")
    along = [array(on, t, on.dtype(p)) for p, t in zip(at, along, strict=True)]
    if any(tuple(p.shape) != tuple(t.shape) for p, t in zip(at, along, strict=True)):
        raise ShapeError(f"tangents have the shapes of primals, got {[tuple(t.shape) for t in along]} for {[tuple(p.shape) for p in at]}.")
    flat = _Flat(fun, structure, has_aux)
    outputs, changes, aux = on.jvp(flat, at, along)
    result = tree.unflatten(flat.outputs, outputs), tree.unflatten(flat.outputs, changes)
    return (*result, flat.beside(on, aux)) if has_aux else result


def vjp(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`fun(*primals)`, and the function from gradients of the outputs to those of the arguments: a vector times the Jacobian matrix.

    Gives (outputs, pullback), and third what the function gives beside its outputs if `has_aux`. The pullback gives a tuple, one a primal.

    >>> import cornu
    >>> with cornu.use_backend("jax"):
    ...     y, pullback = vjp(lambda x: x * x, 3.0)
    ...     y.tolist(), pullback(1.0)[0].tolist()
    (9.0, 6.0)
    """
    on = dispatch.interpreter_of(*tree.flatten(primals))
    structure = tree.structure(primals)
    at = _arrays(on, primals, "primals")
    flat = _Flat(fun, structure, has_aux)
    outputs, pull, aux = on.vjp(flat, at)

    def pullback(cotangents: Any) -> Any:
        if tree.structure(cotangents) != flat.outputs:
            raise ArgumentError(
                f"The pullback takes gradients in the structure of the outputs, {flat.outputs}, got {tree.structure(cotangents)}."
            )
        given = [array(on, c, on.dtype(y)) for c, y in zip(tree.flatten(cotangents), outputs, strict=True)]
        return tree.unflatten(structure, pull(given))

    result = tree.unflatten(flat.outputs, outputs), pullback
    return (*result, flat.beside(on, aux)) if has_aux else result


def custom_gradient(f: Function) -> Function:
    """A function with a gradient of its own: `f(*args)` gives (outputs, rule), and `rule(upstream)` the gradients of the arguments.

    `upstream` are the gradients of the outputs, in their structure. The rule gives one gradient an argument (or the only one by itself); a rule
    written `rule(*args, upstream)` is called so.

    >>> import cornu
    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda upstream: cornu.ops.clip(upstream, -1.0, 1.0)
    >>> with cornu.use_backend("jax"):
    ...     vjp(clipped, 2.0)[1](5.0)[0].tolist()
    1.0
    """

    @functools.wraps(f)
    def with_rule(*args: Any) -> Any:
        leaves, structure = tree.flatten(args), tree.structure(args)
        if dispatch.is_symbolic(*leaves):
            return dispatch.record(with_rule, args)
        on = dispatch.interpreter_of(*leaves)
        shape: list[Any] = []

        def flat(xs: list[Array]) -> tuple[list[Array], Function]:
            given = tree.unflatten(structure, xs)
            outputs, rule = f(*given)
            shape[:] = [tree.structure(outputs)]
            return [array(on, y) for y in tree.flatten(outputs)], _pulled(on, rule, shape[0], given, xs)

        outputs = on.custom_gradient(flat, [array(on, getattr(x, "value", x)) for x in leaves])
        return tree.unflatten(shape[0], outputs)

    with_rule.op_name = getattr(f, "__name__", "custom_gradient")  # type: ignore[attr-defined]
    return with_rule


def _pulled(on: Any, rule: Function, shape: Any, args: Any, xs: list[Array]) -> Function:
    """The rule on flat lists."""
    upstream_of = inspect.signature(rule).parameters.get("upstream")
    by_name = upstream_of is not None and upstream_of.kind is upstream_of.KEYWORD_ONLY and upstream_of.default is upstream_of.empty

    def pull(upstream: list[Array]) -> list[Array]:
        given = tree.unflatten(shape, list(upstream))
        found = tree.flatten(rule(*args, upstream=given) if by_name else rule(given))
        if len(found) != len(xs):
            raise ArgumentError(f"The rule of a custom gradient gives one gradient for each of {len(xs)} arguments, got {len(found)}.")
        return [array(on, g, on.dtype(x)) for g, x in zip(found, xs, strict=True)]

    return pull

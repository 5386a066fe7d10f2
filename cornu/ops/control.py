"""Control flow that compiles: branches, loops, scans and maps over nested structures of arrays.

On backends that run each op at once these are Python's own; compiled, each body is traced once, so both branches of a `cond` must
give the same shapes and dtypes, and a loop must keep those of its state.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, array, as_axis, broadcast
from cornu.ops.core import convert_to_tensor
from cornu.ops.creation import arange
from cornu.ops.dispatch import higher_order, interpreter_of
from cornu.ops.indexing import get_item
from cornu.ops.joining import concatenate
from cornu.ops.shaping import broadcast_to, flip, reshape

__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorize", "vectorized_map", "while_loop"]


def _owned(on: Any, operands: Any) -> Any:
    return tree.map_structure(lambda x: x if x is None else array(on, getattr(x, "value", x)), operands)


@higher_order
def cond(pred: Array, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    """`true_fn(*operands)` where the scalar `pred` holds, else `false_fn(*operands)`.

    >>> cond(True, lambda: 1, lambda: 2)
    1
    """
    on = interpreter_of(pred, *tree.flatten(operands))
    if isinstance(pred, bool):
        return true_fn(*operands) if pred else false_fn(*operands)
    return on.cond(array(on, pred, "bool"), true_fn, false_fn, _owned(on, operands))


@higher_order
def switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The branch at `index`, clamped to those there are, called with the operands.

    >>> switch(1, [lambda x: x + 1, lambda x: x * 10], 4).tolist()
    40
    """
    on = interpreter_of(index, *tree.flatten(operands))
    return on.switch(array(on, index, "int32"), list(branches), _owned(on, operands))


@higher_order
def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """`body(*loop_vars)` over and over while `cond(*loop_vars)` holds.

    >>> while_loop(lambda i: i < 3, lambda i: (i + 1,), (0,))[0].tolist()
    3
    """
    single = not isinstance(loop_vars, (list, tuple))
    on = interpreter_of(*tree.flatten(loop_vars))
    state = _owned(on, (loop_vars,) if single else tuple(loop_vars))

    def step(*now: Any) -> tuple[Any, ...]:
        after = body(*now)
        return tuple(after) if isinstance(after, (list, tuple)) else (after,)

    done = on.while_loop(cond, step, state, maximum_iterations)
    return done[0] if single else type(loop_vars)(done)


@higher_order
def fori_loop(lower: int, upper: int, body_fun: Callable[[Array, Any], Any], init_val: Any) -> Any:
    """`body_fun(i, value)` for i from `lower` up to but without `upper`. Between Python numbers it is a scan, through which gradients flow.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0).tolist()
    6
    """
    if isinstance(lower, int) and isinstance(upper, int) and upper > lower:
        return scan(lambda value, i: (body_fun(i, value), None), init_val, arange(lower, upper))[0]
    return while_loop(lambda i, _: i < upper, lambda i, value: (i + 1, body_fun(i, value)), (lower, init_val))[1]


@higher_order
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False, unroll: int = 1
) -> tuple[Any, Any]:
    """Carries state along the leading axis of `xs`: `carry, y = f(carry, x)` at each place; gives the last carry and all y, stacked.

    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0, [1, 2, 3])
    >>> total.tolist(), sums.tolist()
    (6, [1, 3, 6])
    """
    on = interpreter_of(*tree.flatten((init, xs)))
    xs = None if xs is None else as_slices(on, xs)
    lengths = {x.shape[0] for x in tree.flatten(xs) if x is not None}
    if length is not None:
        lengths.add(length)
    if len(lengths) != 1:
        raise ArgumentError(f"scan needs one length along the leading axis, got {sorted(lengths) or 'none; give `xs` or `length`'}.")
    return on.scan(f, _owned(on, init), xs, lengths.pop(), reverse, int(unroll))


def as_slices(on: Any, xs: Any) -> Any:
    """`xs` as arrays; a list of numbers, or of lists of them, is one array."""
    numbers = isinstance(xs, list) and not any(isinstance(x, dict) or hasattr(x, "shape") for x in tree.flatten(xs))
    return array(on, xs) if numbers else _owned(on, xs)


@higher_order
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` on each slice along the leading axis, one after the other, the results stacked.

    >>> map(lambda x: x * x, [1, 2, 3]).tolist()
    [1, 4, 9]
    """
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]


@higher_order
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` on all slices along the leading axis at once, as if each were alone, the results stacked.

    >>> vectorized_map(lambda x: x * x, [1, 2, 3]).tolist()
    [1, 4, 9]
    """
    on = interpreter_of(*tree.flatten(elements))
    return on.vmap(function, (as_slices(on, elements),))


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """A function of single elements made one of arrays that broadcast (`np.vectorize`, but run at once).

    With a signature such as `"(n),(n)->()"` it takes arrays of those axes in place of single elements. `excluded` are positions or names of
    arguments handed over whole.

    >>> vectorize(lambda x, y: x * y)([[1], [2]], [10, 20]).tolist()
    [[10, 20], [20, 40]]
    >>> vectorize(lambda v: v[0], signature="(n)->()")([[1, 2], [3, 4]]).tolist()
    [1, 3]
    """
    whole = frozenset(excluded or ())

    @functools.wraps(pyfunc)
    def over_arrays(*args: Any, **kwargs: Any) -> Any:
        fixed = {i: arg for i, arg in enumerate(args) if i in whole}
        named = {name: value for name, value in kwargs.items() if name in whole}
        free = [n for n in kwargs if n not in whole]
        given = [convert_to_tensor(arg) for arg in (*(a for i, a in enumerate(args) if i not in fixed), *(kwargs[n] for n in free))]

        def on_one(values: list[Array]) -> Any:
            rest = iter(values)
            placed = [fixed[i] if i in fixed else next(rest) for i in range(len(args))]
            return pyfunc(*placed, **named, **dict(zip(free, rest, strict=True)))

        return _over_leading_axes(on_one, given, _core_ranks(signature, len(given)))

    return over_arrays


def _core_ranks(signature: str | None, count: int) -> list[int]:
    """How many axes of each argument the function itself takes."""
    if signature is None:
        return [0] * count
    terms = re.findall(r"\(([^()]*)\)", signature.partition("->")[0])
    if "->" not in signature or len(terms) != count:
        raise ArgumentError(f"A signature names the axes of each of {count} arguments, as in '(m,n),(n)->(m)', got {signature!r}.")
    return [len([name for name in term.split(",") if name.strip()]) for term in terms]


def _over_leading_axes(f: Callable[[list[Array]], Any], xs: list[Array], ranks: list[int]) -> Any:
    """`f` on all combinations of slices, the leading axes of which broadcast."""
    lead = broadcast(*(tuple(x.shape[: x.ndim - r]) for x, r in zip(xs, ranks, strict=True)))
    if not lead:
        return f(xs)
    cores = [tuple(x.shape[x.ndim - r :]) for x, r in zip(xs, ranks, strict=True)]
    lines = [reshape(broadcast_to(x, (*lead, *core)), (-1, *core)) for x, core in zip(xs, cores, strict=True)]
    return tree.map_structure(lambda y: reshape(y, (*lead, *y.shape[1:])), vectorized_map(f, lines))


@higher_order
def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All running results of an associative operation along an axis: x0, f(x0, x1), f(f(x0, x1), x2), …

    In about log2(n) calls of `f`, each on whole arrays (W. D. Hillis, G. L. Steele, 1986); `elems` may be a nested structure, then `f` takes and gives such.

    >>> associative_scan(lambda a, b: a + b, [1, 2, 3, 4]).tolist()
    [1, 3, 6, 10]
    """
    on = interpreter_of(*tree.flatten(elems))
    xs = as_slices(on, elems)
    axes = tree.map_structure(lambda x: as_axis(axis, x.ndim), xs)
    lengths = {x.shape[a] for x, a in zip(tree.flatten(xs), tree.flatten(axes), strict=True)}
    if len(lengths) != 1:
        raise ArgumentError(f"associative_scan needs one length along axis {axis}, got {sorted(lengths)}.")

    def part(x: Array, along: int, start: int | None, stop: int | None) -> Array:
        return get_item(x, (slice(None),) * along + (slice(start, stop),))

    def turned(xs: Any) -> Any:
        return tree.map_structure(flip, xs, axes) if reverse else xs

    xs, step, length = turned(xs), 1, lengths.pop()
    while step < length:
        earlier, later, done = (
            tree.map_structure(lambda x, a, s=start, e=stop: part(x, a, s, e), xs, axes)
            for start, stop in ((None, -step), (step, None), (None, step))
        )
        xs = tree.map_structure(lambda d, y, a: concatenate([d, y], a), done, f(earlier, later), axes)
        step *= 2
    return turned(xs)

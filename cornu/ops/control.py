"""Control flow that compiles: branches, loops and scans over nested structures of arrays.

On backends that run each op at once these are Python's own; compiled, each body is traced once, so both branches of a `cond` must
give the same shapes and dtypes, and a loop must keep those of its state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, array
from cornu.ops.dispatch import interpreter_of

__all__ = ["cond", "fori_loop", "map", "scan", "switch", "while_loop"]


def _owned(on: Any, operands: Any) -> Any:
    return tree.map_structure(lambda x: x if x is None else array(on, getattr(x, "value", x)), operands)


def cond(pred: Array, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    """`true_fn(*operands)` where the scalar `pred` holds, else `false_fn(*operands)`.

    >>> cond(True, lambda: 1, lambda: 2)
    1
    """
    on = interpreter_of(pred, *tree.flatten(operands))
    if isinstance(pred, bool):
        return true_fn(*operands) if pred else false_fn(*operands)
    return on.cond(array(on, pred, "bool"), true_fn, false_fn, _owned(on, operands))


def switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The branch at `index`, clamped to those there are, called with the operands."""
    on = interpreter_of(index, *tree.flatten(operands))
    return on.switch(array(on, index, "int32"), list(branches), _owned(on, operands))


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
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


def fori_loop(lower: int, upper: int, body_fun: Callable[[Array, Any], Any], init_val: Any) -> Any:
    """`body_fun(i, value)` for i from `lower` up to but without `upper`."""
    return while_loop(lambda i, _: i < upper, lambda i, value: (i + 1, body_fun(i, value)), (lower, init_val))[1]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False, unroll: int = 1
) -> tuple[Any, Any]:
    """Carries state along the leading axis of `xs`: `carry, y = f(carry, x)` at each place; gives the last carry and all y, stacked.

    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0, [1, 2, 3])
    >>> total.tolist(), sums.tolist()
    (6, [1, 3, 6])
    """
    on = interpreter_of(*tree.flatten((init, xs)))
    xs = None if xs is None else array(on, xs) if isinstance(xs, list) and not isinstance(xs[0], (list, dict)) else _owned(on, xs)
    lengths = {x.shape[0] for x in tree.flatten(xs) if x is not None}
    if length is not None:
        lengths.add(length)
    if len(lengths) != 1:
        raise ArgumentError(f"scan needs one length along the leading axis, got {sorted(lengths) or 'none; give `xs` or `length`'}.")
    return on.scan(f, _owned(on, init), xs, lengths.pop(), reverse, int(unroll))


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` on each slice along the leading axis, the results stacked.

    >>> map(lambda x: x * x, [1, 2, 3]).tolist()
    [1, 4, 9]
    """
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]

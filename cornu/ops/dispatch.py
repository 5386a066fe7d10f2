"""From the type of the arguments to the interpreter that runs the op.

Two decorators make an op. A `primitive` receives the interpreter as its first argument, normalises its other
arguments and calls the interpreter's function of the same name. A `composite` is written in other ops; an
interpreter may override it with a function of the same name, which may decline by returning `NotImplemented`.

The public signature is that of the function without the interpreter:

>>> import numpy as np, cornu
>>> with cornu.use_backend("numpy"):
...     cornu.ops.add(np.array([1.0, 2.0]), 1)
array([2., 3.])
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from cornu import backends, tree
from cornu.backends import spec
from cornu.errors import BackendMismatchError

__all__ = [
    "composite",
    "higher_order",
    "interpreter_of",
    "is_array",
    "is_symbolic",
    "notice_elementwise",
    "primitive",
    "record",
    "register_recorder",
    "register_state",
    "works_by_element",
]

P = ParamSpec("P")
R = TypeVar("R")


class _Kind:
    """What a type means to dispatch, where it is not simply an array of one backend."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NEUTRAL = _Kind("neutral")  # Python numbers, NumPy arrays, None, strings: they adopt the backend of the others
SEQUENCE = _Kind("sequence")  # lists and tuples: looked into, one level
STATE = _Kind("state")  # variables: replaced by their value
SYMBOLIC = _Kind("symbolic")  # tensors of a graph being recorded


class _Kinds(dict[type, Any]):
    """The one table from type to backend module or kind; a type seen for the first time is looked up by its bases."""

    def __missing__(self, cls: type) -> Any:
        kind = next((self[base] for base in cls.__mro__[1:-1] if base in self), NEUTRAL)
        self[cls] = kind
        return kind


_KINDS = _Kinds({list: SEQUENCE, tuple: SEQUENCE, spec.TensorSpec: spec})
_recorder: list[Callable[..., Any]] = []
_noticing: list[Callable[[Iterable[Any], Any], None]] = []
_BY_ELEMENT = frozenset({
    "cast", "saturate_cast", "to_floating", "copy", "stop_gradient", "where", "select", "clip", "relu", "relu6", "leaky_relu", "threshold", "elu", "celu",
    "selu", "gelu", "silu", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "softplus", "squareplus", "softsign",
    "log_sigmoid", "sparse_plus", "sparse_sigmoid",
})  # fmt: skip
"""Ops outside `cornu.ops.elementwise` of which the same can be said."""


@backends.when_loaded
def _register_backend(module: ModuleType) -> None:
    for cls in [cls for cls, kind in _KINDS.items() if kind is NEUTRAL]:
        del _KINDS[cls]  # what was seen before may be an array of this backend
    for cls in module.ARRAY_TYPES:
        if not issubclass(cls, (np.ndarray, np.generic)):  # neutral: NumPy arrays are how data comes in on every backend
            _KINDS[cls] = module


def register_state(cls: type) -> None:
    """Makes instances of `cls` stand for their `.value` in every op."""
    _KINDS[cls] = STATE


def register_recorder(cls: type, record: Callable[..., Any]) -> None:
    """Makes ops on instances of `cls` call `record(op, args, kwargs)` instead of running."""
    _KINDS[cls] = SYMBOLIC
    _recorder[:] = [record]


def is_symbolic(*values: Any) -> bool:
    """Whether one of the values is a tensor of a graph being recorded."""
    return any(_KINDS[type(value)] is SYMBOLIC for value in values)


def works_by_element(op: Any) -> bool:
    """Whether each element that an op gives comes of the elements at its own place."""
    return str(op.__module__).startswith("cornu.ops.elementwise") or getattr(op, "__name__", "") in _BY_ELEMENT


def notice_elementwise(notice: Callable[[Iterable[Any], Any], None]) -> None:
    """From now on calls `notice(arguments, result)` after each op on arrays that works by element."""
    _noticing[:] = [notice]


def record(op: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Records a call on symbolic tensors of what is no op of the vocabulary."""
    return _recorder[0](op, args, {})


def is_array(x: Any) -> bool:
    """Whether `x` is an array of some backend, a variable, or stands for one (a spec, a symbolic tensor)."""
    kind = _KINDS[type(x)]
    return kind is not NEUTRAL and kind is not SEQUENCE


def interpreter_of(*arrays: Any) -> ModuleType:
    """The interpreter that an op on these arrays would run on."""
    return _resolve(arrays, {})[0]


def _leaves(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if _KINDS[type(value)] is SEQUENCE:
            yield from value
        else:
            yield value


def _unwrap(value: Any) -> Any:
    kind = _KINDS[type(value)]
    if kind is STATE:
        return value.value
    if kind is SEQUENCE and any(_KINDS[type(v)] is STATE for v in value):
        return type(value)(v.value if _KINDS[type(v)] is STATE else v for v in value)
    return value


def _resolve(args: Iterable[Any], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The interpreter (a module, or SYMBOLIC) and the arguments with variables replaced by their values."""
    args = tuple(args)
    kinds = {_KINDS[type(leaf)] for leaf in _leaves((*args, *kwargs.values()))} - {NEUTRAL, SEQUENCE}
    if SYMBOLIC in kinds:
        return SYMBOLIC, args, kwargs
    if STATE in kinds:
        args = tuple(map(_unwrap, args))
        kwargs = {name: _unwrap(value) for name, value in kwargs.items()}
        kinds = {_KINDS[type(leaf)] for leaf in _leaves((*args, *kwargs.values()))} - {NEUTRAL, SEQUENCE, STATE}
    if spec in kinds:
        return spec, args, kwargs
    if len(kinds) > 1:
        names = sorted(kind.NAME for kind in kinds)
        raise BackendMismatchError(
            f"One operation takes arrays of one backend, got arrays of {' and '.join(names)}. "
            f"Convert one side first, e.g. `cornu.ops.convert_to_numpy(x)` or `model.to({names[0]!r})`."
        )
    return (kinds.pop() if kinds else backends.current()), args, kwargs


def _dispatched(op: Callable[..., Any], run: Callable[..., Any]) -> Callable[..., Any]:
    """`op`'s wrapper: finds the interpreter and calls `run(interpreter, *args, **kwargs)`."""
    by_element = works_by_element(op)

    # Everyday calls (arrays and variables of one backend, and neutral values) are settled in one pass over the types, in well under a
    # microsecond; whatever is rarer (lists, symbols, specs, only neutral values) takes the longer way.
    @functools.wraps(op)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        on: Any = NEUTRAL
        variables = False
        for arg in (*args, *kwargs.values()) if kwargs else args:
            kind = _KINDS[type(arg)]
            if kind is NEUTRAL or kind is on:
                continue
            if kind is SEQUENCE:  # an axis, a shape: plain numbers, as a rule
                for item in arg:
                    if _KINDS[type(item)] is not NEUTRAL:
                        break
                else:
                    continue
            elif kind is STATE:
                variables, kind = True, arg.backend
                if kind is on:
                    continue
            if on is not NEUTRAL or type(kind) is _Kind:
                on = SEQUENCE
                break
            on = kind
        if type(on) is _Kind or on is spec:
            on, args, kwargs = _resolve(args, kwargs)
            if on is SYMBOLIC:
                return _recorder[0](wrapper, args, kwargs)
        elif variables:
            args = tuple([a.value if _KINDS[type(a)] is STATE else a for a in args])
            kwargs = {name: a.value if _KINDS[type(a)] is STATE else a for name, a in kwargs.items()}
            on = spec if backends.current() is spec else on  # while shapes are inferred, a variable's value is a spec
        result = run(on, *args, **kwargs)
        if by_element and _noticing:
            _noticing[0]((*args, *kwargs.values()), result)
        return result

    wrapper.op_name = op.__name__  # type: ignore[attr-defined]
    OPS[op.__name__] = wrapper
    return wrapper


OPS: dict[str, Callable[..., Any]] = {}
"""Every op by name: what a saved graph may call."""


def primitive(op: Callable[Concatenate[Any, P], R]) -> Callable[P, R]:
    """Makes an op of a function whose first parameter is the interpreter; that parameter leaves the signature."""
    wrapper = _dispatched(op, op)
    signature = inspect.signature(op)
    wrapper.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    wrapper.is_primitive = True  # type: ignore[attr-defined]
    return wrapper


def higher_order(op: Callable[P, R]) -> Callable[P, R]:
    """Makes a function that takes functions and nested structures of arrays one that is recorded as a whole where symbolic tensors are among them."""

    @functools.wraps(op)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_symbolic(*tree.flatten((args, kwargs))):
            return _recorder[0](wrapper, args, kwargs)
        return op(*args, **kwargs)

    wrapper.op_name = op.__name__  # type: ignore[attr-defined]
    return wrapper


def composite(op: Callable[P, R]) -> Callable[P, R]:
    """Makes an op of a function written in other ops; an interpreter's own function of that name goes first."""
    name = op.__name__

    def run(on: ModuleType, *args: Any, **kwargs: Any) -> Any:
        override = getattr(on, name, None)
        if override is not None:
            own = [on.asarray(arg) if type(arg) is np.ndarray else arg for arg in args]
            for key, arg in kwargs.items():
                if type(arg) is np.ndarray:
                    kwargs[key] = on.asarray(arg)
            result = override(*own, **kwargs)
            if result is not NotImplemented:
                return result
        current = backends.current()
        if on is current or on is spec or current is spec:
            return op(*args, **kwargs)
        with backends.use_backend(on):  # where what comes without a backend goes to, too
            return op(*args, **kwargs)

    return _dispatched(op, run)

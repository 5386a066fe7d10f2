"""Python's operators for values that are not arrays of a backend: specs, symbolic tensors, variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.backends.spec import TensorSpec
from cornu.ops.elementwise import (
    absolute,
    add,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    divide,
    equal,
    floor_divide,
    greater,
    greater_equal,
    less,
    less_equal,
    mod,
    multiply,
    negative,
    not_equal,
    power,
    subtract,
)  # fmt: skip
from cornu.ops.indexing import get_item
from cornu.ops.products import matmul
from cornu.ops.shaping import transpose

__all__ = ["attach"]

_BINARY: dict[str, Callable[..., Any]] = {
    "add": add, "sub": subtract, "mul": multiply, "truediv": divide, "floordiv": floor_divide, "mod": mod, "pow": power, "matmul": matmul,
    "and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor,
}  # fmt: skip
_COMPARE: dict[str, Callable[..., Any]] = {"lt": less, "le": less_equal, "gt": greater, "ge": greater_equal}
_UNARY: dict[str, Callable[..., Any]] = {"neg": negative, "abs": absolute, "invert": bitwise_not}


def _transposed(x: Any) -> Any:
    """The axes in reverse order."""
    return transpose(x)


def attach(cls: type, *, equality: bool) -> None:
    """Gives a class Python's operators, each calling the op. With `equality`, == and != compare elements; else they stay the class's own."""
    for name, op in {**_BINARY, **_COMPARE}.items():
        setattr(cls, f"__{name}__", lambda self, other, op=op: op(self, other))
    for name, op in _BINARY.items():
        setattr(cls, f"__r{name}__", lambda self, other, op=op: op(other, self))
    for name, op in _UNARY.items():
        setattr(cls, f"__{name}__", lambda self, op=op: op(self))
    if equality:
        cls.__eq__ = equal  # type: ignore[assignment,method-assign]
        cls.__ne__ = not_equal  # type: ignore[assignment,method-assign]
        cls.__hash__ = id  # type: ignore[assignment,method-assign]
    cls.__getitem__ = get_item  # type: ignore[index]
    cls.T = property(_transposed)  # type: ignore[attr-defined]


attach(TensorSpec, equality=False)

"""Old data files hold pickles; this reads the plain data out of one and can do nothing else.

A pickle is a program for a small machine with a stack, and Python's own machine calls whatever function the program names. Ours knows
the thirty-odd instructions that numbers, texts, lists, dicts, tuples and NumPy arrays are made of. It calls nothing: the six names
that arrays are pickled with (`_reconstruct`, `_frombuffer`, `ndarray`, `dtype`, `_codecs.encode`, `bytes`) are signs here, and what is to be done for them is
written out below. Every other name, and every other instruction, ends the reading with its reason.

Nothing is allocated that the file does not hold byte for byte: an array's size is compared with its bytes before it is made.

The standard library's `pickletools.genops` would give the instructions, at 1 µs each; the 12 million of `imdb.npz` are read here in a
quarter of that time, by handling the two commonest (numbers under 65536) in the loop itself.
"""

from __future__ import annotations

import math
import pickletools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np

from cornu.errors import CorruptFileError, UnsafeFileError

__all__ = ["loads"]

_KNOWN_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "frombuffer",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("__builtin__", "bytes"): "bytes",
}
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|O[48]?")
_BININT1, _BININT2 = ord("K"), ord("M")


class _Args(tuple[Any, ...]):
    """A tuple that holds a name or a dtype: good as an argument, not as data."""


@dataclass(eq=False)
class _Name:
    """What a pickle calls by a module and a name."""

    sign: str


@dataclass(eq=False)
class _Unfinished:
    """An array or a dtype of which the state is still to come."""

    sign: str
    kind: str = ""
    made: Any = None


_PLAIN = {int, float, bool, type(None), str, bytes, list, dict, tuple, np.ndarray}


def loads(data: bytes) -> Any:
    """The plain data that a pickle (protocols 2 to 5) holds.

    Args:
        data: the pickle's bytes; what comes after its end is not read.

    Returns:
        Numbers, texts, bytes, None, lists, tuples, dicts and NumPy arrays. Texts of Python 2 come as bytes.

    Raises:
        UnsafeFileError: the pickle asks for anything else; the message says for what.
        CorruptFileError: it is damaged or ends too early.

    >>> import pickle
    >>> loads(pickle.dumps({"labels": [3, 1, 4], "data": np.arange(6).reshape(2, 3)}, protocol=2))
    {'labels': [3, 1, 4], 'data': array([[0, 1, 2], [3, 4, 5]])}
    """
    machine = _Machine(data)
    try:
        return machine.run()
    except (IndexError, KeyError, struct.error, UnicodeDecodeError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, UnsafeFileError):
            raise
        raise CorruptFileError(f"A pickle must be whole, but at byte {machine.at} this one is damaged: {error!r}.") from error


class _Machine:
    """The state of a reading: where it is, the stack, the marks on it, and what was put aside to be used again."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        data, push, handlers = self.data, self.stack.append, _HANDLERS
        at = 0
        while True:
            code = data[at]
            at += 1
            if code == _BININT1:
                push(data[at])
                at += 1
            elif code == _BININT2:
                push(data[at] | data[at + 1] << 8)
                at += 2
            elif code in handlers:
                self.at = at
                handlers[code](self)
                at = self.at
            elif code == ord("."):
                return self.result()
            else:
                self.at = at
                self.refuse(f"has the instruction {_instruction(code)}")

    def result(self) -> Any:
        value = self.stack.pop()
        if self.stack or self.marks:
            raise ValueError("something is left on the stack")
        self.expect_plain([value])
        return value

    def refuse(self, what: str) -> NoReturn:
        raise UnsafeFileError(
            f"A data file may hold plain data only (numbers, texts, lists, dicts, arrays), but at byte {self.at} this pickle {what}. Do not open it."
        )

    def expect_plain(self, values: Any) -> None:
        for kind in set(map(type, values)) - _PLAIN:
            self.refuse(f"puts among its data what is no data ({kind.__name__.strip('_').lower()})")

    # ── reading the bytes ──

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError(f"{count} bytes are announced, {len(taken)} are left")
        self.at += count
        return taken

    def unpack(self, layout: str) -> int:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self) -> str:
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at : end].decode("utf-8")
        self.at = end + 1
        return text

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    # ── containers ──

    def make_tuple(self, items: list[Any]) -> None:
        self.stack.append(tuple(items) if _PLAIN.issuperset(map(type, items)) else _Args(items))

    def top(self, count: int) -> list[Any]:
        if count > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise ValueError("the stack is too short")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def extend(self, items: list[Any]) -> None:
        self.expect_plain(items)
        target = self.stack[-1]
        if type(target) is not list:
            raise ValueError("values are put into what is no list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        self.expect_plain(items)
        target, keys = self.stack[-1], items[::2]
        if type(target) is not dict or len(items) % 2 or not {str, bytes, int}.issuperset(map(type, keys)):
            raise ValueError("a dict's entries must be pairs of a name and a value")
        target.update(zip(keys, items[1::2], strict=True))

    # ── names, and what is made with them ──

    def name(self, module: Any, name: Any) -> None:
        sign = _KNOWN_NAMES.get((_text(module), _text(name)))
        if sign is None:
            self.refuse(f"asks for {_text(module)[:80]}.{_text(name)[:80]}")
        self.stack.append(_Name(sign))

    def reduce(self) -> None:
        called, arguments = self.top(2)
        if type(called) is not _Name or not isinstance(arguments, tuple):
            self.refuse("calls what is no function")
        if called.sign == "reconstruct" and len(arguments) == 3 and getattr(arguments[0], "sign", "") == "ndarray":
            self.stack.append(_Unfinished("array"))
        elif called.sign == "dtype" and _DTYPE.fullmatch(_text(arguments[0])):
            self.stack.append(_Unfinished("dtype", _text(arguments[0])))
        elif called.sign == "frombuffer" and len(arguments) == 4 and arguments[3] in ("C", "F"):
            content, dtype, shape, order = arguments
            self.stack.append(_array(shape, dtype, order, content))
        elif called.sign == "bytes" and arguments == ():  # how protocol 2 writes no bytes at all
            self.stack.append(b"")
        elif called.sign == "encode" and len(arguments) == 2 and _text(arguments[1]) in ("latin1", "latin-1"):
            self.stack.append(_text(arguments[0]).encode("latin-1"))
        else:
            self.refuse(f"calls {called.sign} in a way that no plain array is made")

    def build(self) -> None:
        begun, state = self.top(2)
        if type(begun) is not _Unfinished or not isinstance(state, tuple):
            self.refuse("sets the state of what is no array")
        if begun.sign == "dtype":
            made: Any = _dtype(begun.kind, state)
        else:
            shape, dtype, by_columns, content = state[-4:]  # a version stands before them
            made = _array(shape, dtype, "F" if by_columns else "C", content)
        begun.made = made
        self.stack.append(made)

    def get(self, key: int) -> None:
        value = self.memo[key]
        self.stack.append(value.made if type(value) is _Unfinished and value.made is not None else value)


def _array(shape: Any, dtype: Any, order: Literal["C", "F"], content: Any) -> np.ndarray[Any, Any]:
    if not isinstance(dtype, np.dtype) or not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array's shape or dtype is none")
    if dtype.hasobject:
        if type(content) is not list or len(content) != math.prod(shape):
            raise ValueError(f"an array of shape {shape} has not as many entries")
        flat = np.empty(len(content), object)
        for index, value in enumerate(content):
            flat[index] = value
    else:
        content = content.encode("latin-1") if type(content) is str else content
        if type(content) is not bytes or len(content) != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"an array of shape {shape} and {dtype} has not as many bytes")
        flat = np.frombuffer(content, dtype).copy()
    return flat.reshape(shape, order=order)


def _text(value: Any) -> str:
    if type(value) is bytes:
        return value.decode("latin-1")
    if type(value) is not str:
        raise ValueError(f"a text was to come, not {type(value).__name__}")
    return value


def _dtype(kind: str, state: tuple[Any, ...]) -> np.dtype[Any]:
    """A dtype from its pickled state, (version, byte order, subarray, names, fields, size, alignment, flags)."""
    order = _text(state[1])
    if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
        raise ValueError("a dtype is none of plain numbers")
    return np.dtype("O") if kind[0] == "O" else np.dtype(order.strip("|=") + kind)


def _instruction(code: int) -> str:
    known = pickletools.code2op.get(chr(code))  # type: ignore[attr-defined]
    if known is None:
        return f"{code:#04x}, which no pickle has"
    return f"{known.name} of the text protocol 0" if known.proto == 0 and known.name not in ("PERSID", "INST") else known.name


def _long(machine: _Machine) -> None:
    machine.stack.append(int.from_bytes(machine.take(machine.unpack("<B")), "little", signed=True))


def _stack_global(machine: _Machine) -> None:
    machine.name(*machine.top(2))


def _mark(machine: _Machine) -> None:
    machine.marks.append(len(machine.stack))


def _put(layout: str) -> Callable[[_Machine], None]:
    def put(machine: _Machine) -> None:
        machine.memo[machine.unpack(layout)] = machine.stack[-1]

    return put


def _get(layout: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.get(machine.unpack(layout))


def _memoize(machine: _Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _constant(value: Any) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(value)


def _number(layout: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.unpack(layout))


def _bytes(layout: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.take(machine.unpack(layout)))


def _unicode(layout: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.take(machine.unpack(layout)).decode("utf-8", "surrogatepass"))


def _protocol(machine: _Machine) -> None:
    version = machine.unpack("<B")
    if not 2 <= version <= 5:
        raise ValueError(f"protocol {version} is not one of 2 to 5")


def _frame(machine: _Machine) -> None:
    machine.take(8)  # a length that helps to read ahead


def _tuple_of(count: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.make_tuple(machine.top(count))


_HANDLERS: dict[int, Callable[[_Machine], None]] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): _mark,
    ord("N"): _constant(None),
    0x88: _constant(True),
    0x89: _constant(False),
    ord("J"): _number("<i"),
    0x8A: _long,
    ord("G"): _number(">d"),
    ord("U"): _bytes("<B"),
    ord("T"): _bytes("<I"),
    ord("C"): _bytes("<B"),
    ord("B"): _bytes("<I"),
    0x96: _bytes("<Q"),
    ord("X"): _unicode("<I"),
    0x8C: _unicode("<B"),
    ord("]"): lambda machine: machine.stack.append([]),
    ord("a"): lambda machine: machine.extend(machine.top(1)),
    ord("e"): lambda machine: machine.extend(machine.since_mark()),
    ord("}"): lambda machine: machine.stack.append({}),
    ord("s"): lambda machine: machine.set_items(machine.top(2)),
    ord("u"): lambda machine: machine.set_items(machine.since_mark()),
    ord(")"): _constant(()),
    ord("t"): lambda machine: machine.make_tuple(machine.since_mark()),
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("q"): _put("<B"),
    ord("r"): _put("<I"),
    0x94: _memoize,
    ord("h"): _get("<B"),
    ord("j"): _get("<I"),
    ord("c"): lambda machine: machine.name(machine.line(), machine.line()),
    0x93: _stack_global,
    ord("R"): lambda machine: machine.reduce(),
    ord("b"): lambda machine: machine.build(),
}

"""Single operations through `cornu.ops`, or a layer, each beside the bare call that the framework offers for it.

The arrays are one set for all frameworks, images with their channels last. A framework that likes them another way has its own form ready
before the clock starts: its bare call pays for no conversion, ours does.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

BLOCK_S = 4e-3  # a block is of as many calls as fill this
TEN_US = 10e-6
UNITS = 64

Call = Callable[[], Any]


class Operation(NamedTuple):
    """The names of its arrays, and what is called with them, given the library: found once, as the bare calls are."""

    arrays: tuple[str, ...]
    ours: Callable[..., Any]


class Timing(NamedTuple):
    """Microseconds a call, the smallest of all blocks."""

    ours: float
    bare: float


def _named(add: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: add(x1=x, x2=y)


DISPATCH = ("add, 4×8", "add, 4×8, named arguments")  # dearest in how a call finds its kernel
RATIO_AT_TEN = "tanh, about 10 µs"
OPERATIONS: dict[str, Operation] = {
    DISPATCH[0]: Operation(("small", "small"), lambda k: k.ops.add),
    DISPATCH[1]: Operation(("small", "small"), lambda k: _named(k.ops.add)),
    RATIO_AT_TEN: Operation(("ten_us",), lambda k: k.ops.tanh),
    "matmul, 256×256": Operation(("matrix", "matrix"), lambda k: k.ops.matmul),
    "conv 3×3": Operation(("image", "kernel3"), lambda k: lambda x, w: k.ops.conv(x, w, padding="same")),
    "conv 1×1": Operation(("image", "kernel1"), lambda k: k.ops.conv),
    "depthwise conv 3×3": Operation(("image", "depthwise_kernel"), lambda k: lambda x, w: k.ops.depthwise_conv(x, w, padding="same")),
    "max pool 2×2": Operation(("image",), lambda k: lambda x: k.ops.max_pool(x, 2)),
    "average pool 2×2": Operation(("image",), lambda k: lambda x: k.ops.average_pool(x, 2)),
    "dot-product attention": Operation(("query", "key", "value"), lambda k: k.ops.dot_product_attention),
    "LSTM layer": Operation(("sequence", "lstm"), lambda _: lambda x, layer: layer(x)),
    "GRU layer": Operation(("sequence", "gru"), lambda _: lambda x, layer: layer(x)),
    "sort, 64×1000": Operation(("rows",), lambda k: k.ops.sort),
    "top 10 of 1000": Operation(("rows",), lambda k: lambda x: k.ops.top_k(x, 10)),
    "segment sum, 10,000×16": Operation(("records", "segments"), lambda k: lambda x, ids: k.ops.segment_sum(x, ids, 100)),
    "resize 64→96, bilinear": Operation(("picture",), lambda k: lambda x: k.ops.image.resize(x, (96, 96))),
}
SHAPES: dict[str, tuple[int, ...]] = {
    "small": (4, 8),
    "matrix": (256, 256),
    "image": (8, 32, 32, 32),
    "kernel3": (3, 3, 32, 32),
    "kernel1": (1, 1, 32, 32),
    "depthwise_kernel": (3, 3, 32, 1),
    **dict.fromkeys(("query", "key", "value"), (8, 64, 4, 16)),  # (batch, time, heads, size)
    "rows": (64, 1000),
    "records": (10_000, 16),
    "picture": (4, 64, 64, 3),
    "sequence": (32, 64, 32),  # (batch, time, features)
}
RECURRENT: dict[str, tuple[tuple[int, ...], ...]] = {
    "lstm": ((32, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)),
    "gru": ((32, 3 * UNITS), (UNITS, 3 * UNITS), (2, 3 * UNITS)),
}


def measure(peer: Any, turns: int) -> dict[str, Timing]:
    """Every operation that the peer's framework offers: eager, and compiled as well where it compiles single functions."""
    framework = importlib.import_module(f".bare.{peer.backend}_calls", __package__)
    ours, bare = arguments(peer.library, framework, _ten_us(framework))
    timings: dict[str, Timing] = {}
    for name, (names, function) in OPERATIONS.items():
        if name not in framework.CALLS:
            continue
        calls = [
            (function(peer.library), [ours[key] for key in names]),
            (framework.CALLS[name], [bare[key] for key in names]),
        ]
        wait_each = name not in (*DISPATCH, RATIO_AT_TEN)
        if name not in framework.COMPILED_ONLY:
            timings[name] = compare([_bound(*call) for call in calls], framework.finish, turns, wait_each)
        if framework.JIT and name not in DISPATCH:
            timings[f"{name}, compiled"] = compare([_compiled(framework.JIT, *call) for call in calls], framework.finish, turns, wait_each)
    return timings


def arguments(library: Any, framework: ModuleType, ten_us: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and recurrent layers by name: ours, and those of the bare calls."""
    rng = np.random.default_rng(0)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32) * 0.1

    arrays = {name: draw(shape) for name, shape in SHAPES.items()}
    arrays |= {"segments": rng.integers(100, size=10_000).astype(np.int32), "ten_us": ten_us}
    ours = {name: library.ops.convert_to_tensor(array) for name, array in arrays.items()}
    bare = {name: framework.form(name, array) for name, array in arrays.items()}
    for name, shapes in RECURRENT.items():
        weights = [draw(shape) for shape in shapes]
        ours[name] = {"lstm": library.layers.LSTM, "gru": library.layers.GRU}[name](UNITS)
        ours[name](ours["sequence"])
        ours[name].set_weights(weights)
        bare[name] = framework.recurrent(name, *(framework.form(name, weight) for weight in weights))
    return ours, bare


def _ten_us(framework: ModuleType) -> np.ndarray:
    """Numbers, as many as make the framework's own tanh of them take the nearest to 10 µs."""

    def distance(array: np.ndarray) -> float:
        x = framework.form("ten_us", array)
        seconds = min(_block(lambda: framework.CALLS[RATIO_AT_TEN](x), framework.finish, 50, wait_each=False) for _ in range(20))
        return abs(math.log(seconds / TEN_US))

    return min((np.linspace(-1, 1, 2**power, dtype=np.float32) for power in range(6, 17)), key=distance)


def _bound(function: Callable[..., Any], arguments: list[Any]) -> Call:
    return lambda: function(*arguments)


def _compiled(jit: Callable[..., Any], function: Callable[..., Any], arguments: list[Any]) -> Call:
    """Compiled as a function of its arrays, so that nothing is computed ahead of time; a layer is part of the function."""

    def of_arrays(*arrays: Any) -> Any:
        remaining = iter(arrays)
        return function(*(argument if callable(argument) else next(remaining) for argument in arguments))

    return _bound(jit(of_arrays), [argument for argument in arguments if not callable(argument)])


def compare(calls: list[Call], finish: Callable[[Any], None], turns: int, wait_each: bool) -> Timing:
    """Both timed in blocks that alternate, `turns` of each; the smallest of them."""
    for call in calls * 2:
        finish(call())
    count = max(1, min(1000, round(BLOCK_S / max(_block(call, finish, 3, wait_each) for call in calls))))
    blocks = [[_block(call, finish, count, wait_each) for call in calls] for _ in range(turns)]
    return Timing(*(min(seconds) * 1e6 for seconds in zip(*blocks, strict=True)))


def _block(call: Call, finish: Callable[[Any], None], count: int, wait_each: bool) -> float:
    """Seconds a call. JAX returns before it has computed: short calls are waited for at the block's end, as a program would."""
    start = time.perf_counter()
    for _ in range(count):
        result = call()
        if wait_each:
            finish(result)
    finish(result)
    return (time.perf_counter() - start) / count

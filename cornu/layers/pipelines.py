"""Layers in a graph that another framework traces, such as that of a function which `tf.data` maps over: each call is one step on the host.

The step runs on NumPy where the layer has no weights, else on the backend that holds them; its arrays are the graph's on both sides. Shapes
and dtypes are inferred when the graph is made. What the layer draws comes from its seed, counted on the host: calls that a data set makes one
after the other repeat themselves under a seed, while of those that it makes side by side each takes the draw that is next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, dtypes, ops, tree
from cornu.errors import CornuError, DTypeError, ShapeError
from cornu.graph import SymbolicTensor
from cornu.layers import tracking

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["as_step"]


def as_step(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The layer's call as a step of the graph that the arguments are of; NotImplemented where the layer can be part of that graph itself.

    It can where it lives on the graph's own backend, but for layers of categories in a data set, and for those that draw, whose one draw its
    graph would hold for ever. It can too where a user wrote it in that framework and not in ops.
    """
    leaves, structure = tree.flatten((args, kwargs)), tree.structure((args, kwargs))
    waiting = {i: x for i, x in enumerate(leaves) if backends.TRACED[type(x)] is not None}
    name = next(str(backends.TRACED[type(x)]) for x in waiting.values())
    tracer, home = backends.guest(name), layer._home_ or backends.compute()
    if home is tracer and not (tracer.in_pipeline() and (_draws(layer) or any(part._on_host_ for part in tracking.walk(layer)))):
        return NotImplemented
    return tracer.as_written(_step)(layer, tracer, leaves, structure, waiting)


def _draws(layer: Layer) -> bool:
    return len(layer.variables) > len(layer.weights)


def _step(layer: Layer, tracer: Any, leaves: list[Any], structure: Any, waiting: dict[int, Any]) -> Any:
    def call(method: Any, values: Any) -> Any:
        given = dict(zip(waiting, values, strict=True))
        args, kwargs = tree.unflatten(structure, [given.get(i, x) for i, x in enumerate(leaves)])
        return method(*args, **kwargs)

    def recorded(*args: Any, **kwargs: Any) -> Any:
        if not layer.built:
            layer._build_for_(args, kwargs)  # a Sequential has its graph then, which knows the dtypes
        return layer.symbolic_call(*args, **kwargs)

    symbols: list[SymbolicTensor] = []
    count = len(layer._inbound_nodes)
    try:
        symbols += [_symbol(layer, x) for x in waiting.values()]
        result = call(recorded, symbols)
    except Exception as error:  # noqa: BLE001 - code that is not written in ops fails on symbols in its own ways
        written_in_ops = isinstance(error, CornuError) and not isinstance(error, DTypeError)
        if not written_in_ops and any(not type(part).__module__.startswith("cornu.") for part in tracking.walk(layer)):
            return NotImplemented
        if symbols and isinstance(error, ShapeError):
            error.args = (f"{error} {_hint(symbols)}",)
        raise error.with_traceback(None)  # noqa: B904 - the graph's framework shows each line of it in its message
    finally:
        del layer._inbound_nodes[count:]  # the layer remembers calls in models alone
    specs = [x.spec for x in tree.flatten(result)]
    module = next((v.backend for v in layer.weights), None) or backends.load("numpy")

    def run(*values: np.ndarray) -> list[np.ndarray]:
        with backends.aside(module), module.inference():
            found = tree.flatten(call(layer, values))
            return [_fitting(ops.convert_to_numpy(y), spec.dtype) for y, spec in zip(found, specs, strict=True)]

    outputs = tracer.on_host(run, list(waiting.values()), specs, draws=_draws(layer))
    return tree.pack_sequence_as(result, outputs)


def _hint(symbols: Sequence[SymbolicTensor]) -> str:
    shapes = " and ".join(str(x.shape) for x in symbols)
    return (
        f"The data set gives {shapes} here. Single samples become batches by `.batch(n)` before `.map(…)`; "
        "a length that it does not know it is told by `x.set_shape(…)`."
    )


def _symbol(layer: Layer, x: Any) -> SymbolicTensor:
    """A symbolic tensor in the place of one of the graph."""
    if x.shape.rank is None:
        raise ShapeError(
            f"Layer {layer.name!r} must know how many axes its input has, got a tensor of unknown shape from a data pipeline. "
            "Say it before, for images `x.set_shape((None, None, 3))`; `decode_image` knows it with `expand_animations=False`."
        )
    return SymbolicTensor(tuple(x.shape), dtypes.standardize(x.dtype))


def _fitting(y: np.ndarray, dtype: str) -> np.ndarray:
    return y if dtype == "string" else np.asarray(y, dtypes.numpy_dtype(dtype))

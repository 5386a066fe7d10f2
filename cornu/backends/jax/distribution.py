"""JAX: arrays spread over a mesh of devices, those of one process or of several."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cornu.errors import BackendError

__all__ = ["agreed", "join", "layout", "make_mesh", "place", "process", "whole"]


def make_mesh(devices: np.ndarray, axis_names: tuple[str, ...]) -> Mesh:
    """The mesh of devices with these names."""
    known = {f"{d.platform}:{d.id}": d for kind in {name.partition(":")[0] for name in devices.flat} for d in jax.devices(kind)}
    return Mesh(np.vectorize(known.__getitem__, otypes=[object])(devices), axis_names)


def place(x: Any, mesh: Mesh, axes: tuple[str | None, ...], *, partial: bool = False) -> jax.Array:
    """The array, cut up along these axes of the mesh; within a traced function that is what the compiler is held to.

    Each of several processes has the whole of `x`, and keeps what its devices are to hold; or with `partial` its own part, in the order of the
    processes.
    """
    sharding = layout(mesh, axes)
    if isinstance(x, jax.core.Tracer):
        return jax.lax.with_sharding_constraint(x, sharding)
    if jax.process_count() == 1 or (isinstance(x, jax.Array) and not x.is_fully_addressable):
        return jax.device_put(x, sharding)
    values = np.asarray(x)
    if partial:
        return jax.make_array_from_process_local_data(sharding, values)
    return jax.make_array_from_callback(values.shape, sharding, values.__getitem__)


@functools.lru_cache(maxsize=1024)
def layout(mesh: Mesh, axes: tuple[str | None, ...]) -> NamedSharding:
    """JAX's own description of how an array is cut up."""
    return NamedSharding(mesh, PartitionSpec(*axes))


def join(coordinator: str | None, processes: int | None, index: int | None) -> None:
    """Has this process work with others, which meet at the coordinator's address; nothing may have been computed before."""
    try:
        jax.distributed.initialize(coordinator, processes, index)
    except (RuntimeError, ValueError) as error:
        raise BackendError(
            f"JAX could not join {processes} processes at {coordinator!r} as number {index}: {error} "
            "Call `initialize` first in the program, with the same address and number of processes in all."
        ) from error


def agreed(number: int) -> int:
    """A number that all processes are to have in common: that of the first."""
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.array(number)))


def process() -> tuple[int, int]:
    """The number of this process, from 0, and how many there are."""
    return jax.process_index(), jax.process_count()


def whole(x: jax.Array) -> jax.Array | np.ndarray:
    """An array of which other processes may hold parts, with all of them."""
    if isinstance(x, jax.core.Tracer) or x.is_fully_addressable or x.is_fully_replicated:
        return x
    from jax.experimental import multihost_utils

    gathered: np.ndarray = multihost_utils.process_allgather(x, tiled=True)
    return gathered

"""Devices in rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.distribution.devices import able, list_devices
from cornu.errors import ArgumentError
from cornu.quantities import is_whole

__all__ = ["DeviceMesh"]


class DeviceMesh:
    """Devices arranged along named axes, for layouts to speak of.

    Args:
        shape: the number of devices along each axis.
        axis_names: a name for each.
        devices: their names, as many as the shape holds, in the order of its places; the first that `list_devices` has by default.

    Attributes:
        devices: the names, in an array of that shape.
        backend_mesh: the backend's own mesh.

    Raises:
        ArgumentError: shape, names and devices do not fit each other.
        BackendError: the current backend computes on one device.

    >>> mesh = DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"])
    >>> mesh
    <DeviceMesh shape=(1, 1), axis_names=['batch', 'model']>
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Sequence[str] | np.ndarray | None = None) -> None:
        self.backend = able()
        if not shape or not axis_names or isinstance(axis_names, str) or not all(is_whole(n, 1) for n in shape):
            raise ArgumentError(
                f"A mesh has a number of devices and a name for each of its axes, as in `DeviceMesh((4, 2), ('batch', 'model'))`; got "
                f"{shape=}, {axis_names=}."
            )
        if len(shape) != len(axis_names) or len(set(axis_names)) != len(axis_names):
            raise ArgumentError(f"Each of the {len(shape)} axes of the mesh needs a name of its own, got {shape=}, {axis_names=}.")
        self.shape, self.axis_names = tuple(int(n) for n in shape), list(axis_names)
        known, needed = list_devices(), math.prod(self.shape)
        names = known if devices is None else [str(name) for name in np.asarray(devices).flat]
        if len(names) < needed or (devices is not None and len(names) > needed):
            raise ArgumentError(
                f"A mesh of shape {self.shape} has {needed} devices, got {len(names)}: {', '.join(names[:8])}. On a processor, JAX counts one device "
                f"unless the program is started with XLA_FLAGS=--xla_force_host_platform_device_count={needed} in the environment."
            )
        unknown = [name for name in names if name not in {*known, *list_devices(name.partition(":")[0])}]
        if unknown:
            raise ArgumentError(f"There is no device {unknown[0]!r} here; `list_devices()` gives {', '.join(known[:8])}.")
        self.devices = np.array(names[:needed]).reshape(self.shape)
        self.backend_mesh: Any = self.backend.distribution.make_mesh(self.devices, tuple(self.axis_names))

    def count(self, axis: str | None) -> int:
        """The number of devices along an axis; 1 along none."""
        return 1 if axis is None else self.shape[self.axis_names.index(axis)]

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"

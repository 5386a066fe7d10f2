"""The distributions, and which one is at hand."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from cornu.distribution.devices import list_devices
from cornu.distribution.layouts import LayoutMap, TensorLayout
from cornu.distribution.mesh import DeviceMesh
from cornu.errors import ArgumentError
from cornu.frames import caller
from cornu.ops.arguments import Array
from cornu.state import Variable, placement
from cornu.state.variable import touch_structure

__all__ = ["DataParallel", "Distribution", "ModelParallel", "distribution", "set_distribution"]


class Distribution:
    """How the variables of models and the rows of batches are spread over a mesh of devices.

    Args:
        device_mesh: the devices.
        batch_dim_name: the axis of the mesh whose devices share the rows of each batch.
        auto_shard_dataset: with several processes, whether each is given the whole of every batch, and keeps its rows; if False, each is given its
            own rows, in the order of the processes.
    """

    def __init__(self, device_mesh: DeviceMesh, batch_dim_name: str | None = None, auto_shard_dataset: bool = True) -> None:
        if not isinstance(device_mesh, DeviceMesh):
            raise ArgumentError(f"device_mesh must be a DeviceMesh, such as `DeviceMesh((4,), ('batch',))`, got {device_mesh!r}.")
        self.device_mesh, self.auto_shard_dataset = device_mesh, auto_shard_dataset
        self.batch_dim_name = device_mesh.axis_names[0] if batch_dim_name is None else batch_dim_name
        if self.batch_dim_name not in device_mesh.axis_names:
            raise ArgumentError(f"batch_dim_name must be an axis of the mesh, one of {device_mesh.axis_names}, got {batch_dim_name!r}.")

    @property
    def backend(self) -> ModuleType:
        """The backend whose devices these are."""
        return self.device_mesh.backend

    @property
    def num_model_replicas(self) -> int:
        """Into how many parts the rows of a batch are cut."""
        return self.device_mesh.count(self.batch_dim_name)

    def get_data_layout(self, data_shape: Sequence[int]) -> TensorLayout:
        """The layout of an array of a batch: cut up along its first axis."""
        return TensorLayout((self.batch_dim_name, *(None,) * (len(data_shape) - 1))[: len(data_shape)], self.device_mesh)

    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """The layout of a variable: each device has all of it."""
        return self._whole(variable.shape)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of what the layer of a path gives; None leaves it to the compiler."""
        return None

    def place_batch(self, x: Array) -> Array:
        """An array of a batch on the devices. One whose rows cannot be shared out evenly, as the last of an epoch, goes to all of them whole."""
        layout = self.get_data_layout(x.shape)
        partial = not self.auto_shard_dataset and self.backend.distribution.process()[1] > 1
        if not (partial or layout.divides(x.shape)):
            layout = self._whole(x.shape)
        return layout.place(x, partial=partial)

    def _whole(self, shape: Sequence[int]) -> TensorLayout:
        """The layout of an array of which each device has all."""
        return TensorLayout((None,) * len(shape), self.device_mesh)

    def report(self, variables: Sequence[Variable]) -> None:
        """Says what the distribution names and a first step has not met: here nothing."""

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Inside, this is the distribution at hand."""
        around = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(around)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class DataParallel(Distribution):
    """The rows of each batch are cut up among all devices; each has all weights. Results are those of one device, to rounding.

    Args:
        device_mesh: of one axis; all devices of the current backend by default.
        devices: the names of the devices instead.
        auto_shard_dataset: with several processes, whether each is given the whole of every batch, and keeps its rows; if False, each is given its
            own rows, in the order of the processes.

    Raises:
        ArgumentError: the mesh has several axes, or is given beside devices.
        BackendError: the current backend computes on one device.

    >>> import cornu
    >>> with cornu.use_backend("jax"):
    ...     DataParallel(devices=["cpu:0"])
    <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
    """

    def __init__(
        self, device_mesh: DeviceMesh | None = None, devices: Sequence[str] | None = None, auto_shard_dataset: bool = True
    ) -> None:
        if device_mesh is not None and devices is not None:
            raise ArgumentError(f"DataParallel takes a mesh or the names of devices, got both: {device_mesh!r} and {list(devices)}.")
        if isinstance(devices, str):
            raise ArgumentError(f"devices is a list of names, got the text {devices!r}. Write [{devices!r}].")
        names = list(devices) if devices else list_devices()
        super().__init__(DeviceMesh((len(names),), ("batch",), names) if device_mesh is None else device_mesh, None, auto_shard_dataset)
        if len(self.device_mesh.shape) > 1:
            raise ArgumentError(
                f"The mesh of DataParallel has one axis, got {self.device_mesh}. Leave the mesh out, or take ModelParallel, which has layouts for weights."
            )


class ModelParallel(Distribution):
    """Weights are cut up among devices as their paths say, and the rows of batches along an axis of the same mesh. Results are those of one device.

    Args:
        layout_map: the layouts of weights, on their mesh; a weight that none stands for is on every device.
        batch_dim_name: the axis of the mesh that shares the rows; the first by default.
        auto_shard_dataset: with several processes, whether each is given the whole of every batch, and keeps its rows; if False, each is given its
            own rows, in the order of the processes.

    Raises:
        ArgumentError: layout_map is none, or batch_dim_name is not an axis of its mesh.

    >>> layouts = LayoutMap(DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"]))
    >>> layouts["dense.*/kernel"] = (None, "model")
    >>> ModelParallel(layout_map=layouts, batch_dim_name="batch").num_model_replicas
    1
    """

    def __init__(
        self, *, layout_map: LayoutMap | None = None, batch_dim_name: str | None = None, auto_shard_dataset: bool = True, **kwargs: Any
    ) -> None:
        if kwargs:
            raise ArgumentError(f"ModelParallel takes layout_map, batch_dim_name and auto_shard_dataset, got {', '.join(kwargs)} too.")
        if not isinstance(layout_map, LayoutMap):
            raise ArgumentError(f"layout_map must be a LayoutMap, which has the mesh and the layouts of weights; got {layout_map!r}.")
        super().__init__(layout_map.device_mesh, batch_dim_name, auto_shard_dataset)
        self._layout_map = layout_map
        self._reported = False

    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """The layout that the map has for the variable's path, or one in which each device has all of it."""
        found = self._layout_map.get(variable.path)
        if found is None:
            return super().get_variable_layout(variable)
        if len(found.axes) != len(variable.shape) or not found.divides(variable.shape):
            raise ArgumentError(
                f"The layout map has {found.axes} for {variable.path!r}, which does not fit its shape {variable.shape} on {self.device_mesh}: there "
                "must be an entry for each axis, and each axis that is cut up must have as many equal parts as the mesh has devices."
            )
        return found

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout that the map has for that path; None leaves it to the compiler."""
        return self._layout_map.get(path)

    def report(self, variables: Sequence[Variable]) -> None:
        """Warns of expressions of the map that have stood for nothing when a first step has been run: as a rule they are misspelt."""
        if self._layout_map.unmet and not self._reported:
            self._reported = True
            paths = [v.path for v in variables if v.trainable]
            warnings.warn(
                f"The layout map has {self._layout_map.unmet}, which stand for no weight of the model, whose paths are {', '.join(paths[:12])}"
                f"{', …' if len(paths) > 12 else ''}. Weights that it has no layout for are on every device.",
                stacklevel=caller()[1],
            )


def distribution() -> Distribution | None:
    """The distribution at hand; None without one.

    >>> distribution() is None
    True
    """
    found = placement.current()
    return found if isinstance(found, Distribution) else None


def set_distribution(value: Distribution | None) -> None:
    """Makes a distribution the one at hand, for the whole process; None takes it away.

    Weights that are made from now on are spread at once, those of models that stand at their next step.

    Args:
        value: a `DataParallel` or a `ModelParallel`.

    Raises:
        ArgumentError: the value is no distribution.

    >>> set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise ArgumentError(f"set_distribution takes a DataParallel, a ModelParallel or None, got {value!r}.")
    placement.put(value)
    touch_structure()

"""How arrays are cut up over a mesh of devices."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from cornu.backends.spec import TensorSpec
from cornu.distribution.mesh import DeviceMesh
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.ops.dispatch import is_symbolic

__all__ = ["LayoutMap", "TensorLayout", "distribute_tensor"]


class TensorLayout:
    """Which axis of a mesh each axis of an array is cut up along.

    Args:
        axes: for each axis of the array the name of one of the mesh, whose devices share it out, or None: then each has all of it.
        device_mesh: the mesh. It may be left out of a layout that goes into a `LayoutMap`, which has one.

    Raises:
        ArgumentError: an axis is not one of the mesh's, or is named twice.

    >>> mesh = DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"])
    >>> TensorLayout((None, "model"), mesh)
    <TensorLayout axes=(None, 'model'), device_mesh=<DeviceMesh shape=(1, 1), axis_names=['batch', 'model']>>
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None) -> None:
        if isinstance(axes, str):
            raise ArgumentError(f"axes has an entry for each axis of the array, a name or None; got the text {axes!r}. Write ({axes!r},).")
        self.axes = tuple(axes)
        self._mesh: DeviceMesh | None = None
        self.device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh, once it is known."""
        return self._mesh

    @device_mesh.setter
    def device_mesh(self, mesh: DeviceMesh | None) -> None:
        if mesh is not None and not isinstance(mesh, DeviceMesh):
            raise ArgumentError(f"device_mesh must be a DeviceMesh, got {mesh!r}.")
        named = [axis for axis in self.axes if axis is not None]
        if mesh is not None and (set(named) - set(mesh.axis_names) or len(set(named)) < len(named)):
            raise ArgumentError(f"axes names axes of the mesh, {mesh.axis_names}, each at most once, or None; got {self.axes}.")
        self._mesh = mesh

    @property
    def backend_layout(self) -> Any:
        """The backend's own description of it."""
        return self._on_mesh().backend.distribution.layout(self._on_mesh().backend_mesh, self.axes)

    def place(self, x: Array, *, partial: bool = False) -> Array:
        """The array, cut up so; arrays of no values as they are.

        Args:
            x: an array.
            partial: whether `x` is this process's part, not the whole.

        Raises:
            ArgumentError: an axis of `x` cannot be cut into as many equal parts as the mesh has devices along its axis.
        """
        if isinstance(x, TensorSpec) or is_symbolic(x):
            return x
        mesh = self._on_mesh()
        shape = tuple(getattr(x, "shape", ()))
        if len(self.axes) > len(shape) or not (partial or self.divides(shape)):
            raise ArgumentError(
                f"The layout {self.axes} over a mesh of {dict(zip(mesh.axis_names, mesh.shape, strict=True))} cuts each axis into as many equal parts "
                f"as there are devices, which an array of shape {shape} does not allow. Put None for the axis, or choose another size."
            )
        return mesh.backend.distribution.place(x, mesh.backend_mesh, self.axes, partial=partial)

    def divides(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of that shape can be cut into equal parts."""
        mesh = self._on_mesh()
        return all(length % mesh.count(axis) == 0 for length, axis in zip(shape, self.axes, strict=False))

    def _on_mesh(self) -> DeviceMesh:
        if self._mesh is None:
            raise ArgumentError(f"The layout {self.axes} has no mesh of devices. Give it one: `TensorLayout({self.axes}, mesh)`.")
        return self._mesh

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping[str, TensorLayout]):
    """Layouts of weights by their paths: a mapping from regular expressions to layouts.

    An expression stands for the paths that it matches whole, or from one of their slashes on: "dense.*/kernel" for "dense_1/kernel" and for
    "encoder/dense/kernel". With "/output" at its end it stands for what a layer of that path gives.

    Args:
        device_mesh: the mesh of all its layouts.

    >>> layouts = LayoutMap(DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"]))
    >>> layouts["dense.*/kernel"] = (None, "model")
    >>> layouts["encoder/dense_1/kernel"].axes
    (None, 'model')
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        if not isinstance(device_mesh, DeviceMesh):
            raise ArgumentError(f"device_mesh must be a DeviceMesh, got {device_mesh!r}.")
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}
        self._unmet: set[str] = set()

    def __getitem__(self, key: str) -> TensorLayout:
        """The layout for a path, or of an expression as it was given.

        Raises:
            KeyError: there is none; `get` gives None.
            ArgumentError: several expressions stand for the path, with different layouts.
        """
        if key in self._layouts:
            self._unmet.discard(key)
            return self._layouts[key]
        found = [expression for expression in self._layouts if _stands_for(expression, key)]
        if not found:
            raise KeyError(key)
        self._unmet.difference_update(found)
        if len({self._layouts[one].axes for one in found}) > 1:
            raise ArgumentError(f"Several expressions of the layout map stand for the path {key!r}: {found}. Write them so that one does.")
        return self._layouts[found[0]]

    def __setitem__(self, key: str, layout: TensorLayout | Sequence[str | None]) -> None:
        """Adds an expression, with a layout or with its axes.

        Raises:
            ArgumentError: the expression is there already, is none, or the layout is none of this mesh.
        """
        if key in self._layouts:
            raise ArgumentError(
                f"The layout map has {key!r} already, with {self._layouts[key].axes}. Delete it first: `del layouts[{key!r}]`."
            )
        try:
            re.compile(key)
        except (re.error, TypeError) as error:
            raise ArgumentError(f"A key of a layout map is a regular expression, got {key!r}: {error}.") from error
        if isinstance(layout, (tuple, list)):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ArgumentError(
                f"A layout map holds layouts, or their axes as a tuple such as (None, 'model'); got {layout!r} for {key!r}."
            )
        if layout.device_mesh not in (None, self.device_mesh):
            raise ArgumentError(
                f"The layout for {key!r} is one of {layout.device_mesh}, and the map's mesh is another, {self.device_mesh}."
            )
        self._layouts[key] = TensorLayout(layout.axes, self.device_mesh)
        self._unmet.add(key)

    def __delitem__(self, key: str) -> None:
        """Takes an expression out."""
        del self._layouts[key]
        self._unmet.discard(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

    def __len__(self) -> int:
        return len(self._layouts)

    @property
    def unmet(self) -> list[str]:
        """The expressions that have stood for no path yet."""
        return [key for key in self._layouts if key in self._unmet]


def _stands_for(expression: str, path: str) -> bool:
    tails = [path, *(path[i + 1 :] for i, letter in enumerate(path) if letter == "/")]
    return any(re.fullmatch(expression, tail) for tail in tails)


def distribute_tensor(tensor: Array, layout: TensorLayout) -> Array:
    """The array, cut up over a mesh of devices; inside a compiled function, what the compiler is held to.

    Args:
        tensor: an array.
        layout: with a mesh.

    Raises:
        ArgumentError: the layout has no mesh, or the array cannot be cut so.

    >>> mesh = DeviceMesh((1,), ("batch",), ["cpu:0"])
    >>> distribute_tensor([[1.0], [2.0]], TensorLayout(("batch", None), mesh)).tolist()
    [[1.0], [2.0]]
    """
    if not isinstance(layout, TensorLayout):
        raise ArgumentError(f"layout must be a TensorLayout, got {layout!r}.")
    return layout.place(layout._on_mesh().backend.asarray(getattr(tensor, "value", tensor)))

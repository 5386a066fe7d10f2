"""Building a layer: every `build` runs in its layer's path and leaves the shapes it was given, for files."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, dtypes, naming, tree
from cornu.backends.spec import known
from cornu.graph import SymbolicTensor
from cornu.layers import context, tracking
from cornu.layers.adapted.adapting import adapt_built
from cornu.layers.signature import build_arguments, call_signature

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["as_shapes", "build_config", "inside", "is_shape", "map_shapes", "note_call", "rebuild", "recorded", "shapes_of"]


def recorded(build: Callable[..., Any]) -> Callable[..., Any]:
    """A layer's `build` that notes its shapes, whoever calls it; where it calls that of a base class, that one runs plainly."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._is_building_:
            build(self, *args, **kwargs)
            return
        self._is_building_ = True
        try:
            with inside(self):
                self._home_ = self._home_ or backends.compute()
                build(self, *args, **kwargs)
        finally:
            self._is_building_ = False
        bound = inspect.signature(build).bind(self, *args, **kwargs).arguments
        shapes = {name: as_shapes(shape) for name, shape in list(bound.items())[1:]}
        if not shapes or any(shape is not None for shape in shapes.values()):
            self._build_shapes_, self.built = shapes, True
            adapt_built(self)

    return wrapper


@contextlib.contextmanager
def inside(layer: Layer) -> Iterator[None]:
    """The build of a layer, whose path begins those of what is built inside, and whose map of policies holds there.

    For the layer itself the maps of those around it hold.
    """
    around, maps = context.building_path.get(), context.policies_around.get()
    path = around if around[-1:] == (layer.name,) else (*around, layer.name)
    layer._path_ = "/".join((*naming.scopes(), *path))
    if not layer.built:
        _settle_policy(layer, maps)
    own = layer._policy_map_
    tokens = (
        (context.building_path, context.building_path.set(path)),
        (context.policies_around, context.policies_around.set(maps if own is None or own in maps else (own, *maps))),
    )
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


def _settle_policy(layer: Layer, maps: tuple[Any, ...]) -> None:
    """Gives a layer that is about to be built the policy of its path, where a map has a key for it; parts that took its policy follow."""
    own = () if layer._policy_map_ is None else (layer._policy_map_,)
    found = [m.for_path(layer.path) for m in (*own, *(maps if layer._follows_policies_ else ())) if m.has(layer.path)]
    if not found or found[0] == layer.dtype_policy:
        return
    before = layer.dtype_policy
    for part in (layer, *(x for x in tracking.walk(layer) if x.dtype_policy is before and not x.built)):
        part.dtype_policy = found[0]


def note_call(layer: Layer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Notes shapes and dtypes of a call's arguments, where a layer without a `build` of its own is built by its call."""
    given = {**dict(zip(call_signature(type(layer).call).names, args, strict=False)), **kwargs}
    arrays = {name: value for name, value in given.items() if any(hasattr(x, "shape") for x in tree.flatten(value))}
    layer._build_shapes_ = {f"{name}_shape": shapes_of(value) for name, value in arrays.items()}
    kinds = {name: tree.map_structure(lambda x: dtypes.standardize(x.dtype), value) for name, value in arrays.items()}
    plain = all(kind == layer.input_dtype for kind in tree.flatten(kinds))
    layer._build_dtypes_ = None if plain else kinds


def build_config(layer: Layer) -> dict[str, Any] | None:
    """The shapes that a layer was built with, as files hold them; the dtypes of its inputs too, where they are not its own."""
    shapes = layer._build_shapes_
    if not layer.built or not shapes:
        return None
    config: dict[str, Any] = {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": shapes}
    return config if layer._build_dtypes_ is None else {**config, "input_dtypes": layer._build_dtypes_}


def rebuild(layer: Layer, config: Mapping[str, Any], declared: bool) -> None:
    """Builds a layer with the shapes of a `build_config`, through its `build` if it declares one, else by a trial run of its call."""
    first = build_arguments(type(layer).build)[:1] if declared else [f"{name}_shape" for name in call_signature(type(layer).call).names[:1]]
    shapes = {name: as_shapes(shape) for name, shape in (config.get("shapes_dict") or {first[0]: config.get("input_shape")}).items()}
    if declared:
        layer.build(**shapes)
        return
    if all(shape is None for shape in shapes.values()):
        return
    kinds: Mapping[str, Any] = config.get("input_dtypes") or {}
    symbols = {
        name.removesuffix("_shape"): map_shapes(SymbolicTensor, shape, kinds.get(name.removesuffix("_shape"), layer.input_dtype))
        for name, shape in shapes.items()
    }
    layer._build_for_((), symbols)


def shapes_of(x: Any) -> Any:
    """The shapes of an argument, nested as it is; unknown lengths are None."""
    return tree.map_structure(lambda v: known(v.shape) if hasattr(v, "shape") else None if v is None else np.shape(v), x)


def is_shape(x: Any) -> bool:
    """Whether `x` is one shape, not a structure of shapes."""
    return isinstance(x, (list, tuple)) and all(n is None or isinstance(n, (int, np.integer)) for n in x)


def map_shapes(fn: Callable[..., Any], shapes: Any, *more: Any) -> Any:
    """`fn` on each shape of a structure; `more` are structures alike, or values for all."""
    if shapes is None:
        return None
    if is_shape(shapes):
        return fn(tuple(shapes), *more)
    if isinstance(shapes, Mapping):
        return {k: map_shapes(fn, v, *(m[k] if isinstance(m, Mapping) else m for m in more)) for k, v in shapes.items()}
    return type(shapes)(map_shapes(fn, v, *(m[i] if isinstance(m, (list, tuple)) else m for m in more)) for i, v in enumerate(shapes))


def as_shapes(shapes: Any) -> Any:
    """Shapes as a caller or a file gives them: lists of numbers become tuples."""
    return map_shapes(tuple, shapes) if isinstance(shapes, (list, tuple, Mapping)) else shapes

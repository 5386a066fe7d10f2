"""Nested structures of lists, tuples and dicts, through optree.

None is a leaf here: an absent input or mask keeps its place in a structure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

from cornu.errors import ArgumentError

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "paths",
    "structure",
    "traverse",
    "unflatten",
]


class MAP_TO_NONE:  # noqa: N801 - its public name
    """What the function given to `traverse` returns to put None in a place, where None itself means "leave it"."""


def flatten(structure: Any) -> list[Any]:
    """The leaves from left to right; dict entries in the order of their keys.

    >>> flatten({"b": 1, "a": (2, [3])})
    [2, 3, 1]
    """
    return optree.tree_leaves(structure, none_is_leaf=True)


def structure(tree: Any) -> Any:
    """The structure without its leaves, comparable and hashable."""
    return optree.tree_structure(tree, none_is_leaf=True)


def unflatten(like: Any, leaves: list[Any]) -> Any:
    """A structure as given by `structure`, with these leaves."""
    return optree.tree_unflatten(like, leaves)


def pack_sequence_as(structure: Any, flat_sequence: list[Any]) -> Any:
    """The leaves of `flat_sequence` in the structure of `structure`.

    Raises:
        ValueError: their number is not that of the structure's leaves.

    >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    return optree.tree_unflatten(optree.tree_structure(structure, none_is_leaf=True), flat_sequence)


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """`func` on corresponding leaves of structures that are equal.

    Args:
        func: takes as many leaves as there are structures.
        structures: one or more, nested alike.
        none_is_leaf: whether `func` sees None; where it does not, None stays as it is.

    >>> map_structure(lambda x: x + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}
    """
    return optree.tree_map(func, *structures, none_is_leaf=none_is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`func` on what stands in the places of the leaves of `shallow_structure`, however deep it goes on from there.

    >>> map_structure_up_to([0, 0], lambda x, y: (x, y), [(1, 2), 3], [4, 5])
    [((1, 2), 4), (3, 5)]
    """
    shape = optree.tree_structure(shallow_structure, none_is_leaf=True)
    return optree.tree_unflatten(shape, [func(*parts) for parts in zip(*(shape.flatten_up_to(one) for one in structures), strict=True)])


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """`func` on each shape: a tuple or list of whole numbers and None is one leaf.

    >>> map_shape_structure(len, {"a": (None, 2), "b": [(1,), (1, 2, 3)]})
    {'a': 2, 'b': [1, 3]}
    """
    return optree.tree_map(func, structure, is_leaf=_is_shape, none_is_leaf=True)


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(n is None or isinstance(n, int) for n in value)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """`func` on every part of a structure, the inner nodes too; what it returns takes the part's place, None leaves it.

    Args:
        func: of one part; it returns None to go on within (from the top) or to keep the part (from the bottom), or `MAP_TO_NONE` for None.
        structure: nested lists, tuples and dicts.
        top_down: the whole before its parts, or after them.

    >>> traverse(lambda x: tuple(x) if isinstance(x, list) else None, [[1, 2], [3]], top_down=False)
    ((1, 2), (3,))
    """
    if top_down:
        result = func(structure)
        if result is not None:
            return _or_none(result)
        return _rebuilt(structure, lambda part: traverse(func, part)) if is_nested(structure) else structure
    if is_nested(structure):
        structure = _rebuilt(structure, lambda part: traverse(func, part, top_down=False))
    result = func(structure)
    return structure if result is None else _or_none(result)


def _or_none(result: Any) -> Any:
    return None if result is MAP_TO_NONE or isinstance(result, MAP_TO_NONE) else result


def _rebuilt(node: Any, func: Callable[[Any], Any]) -> Any:
    """`func` on the parts directly within a node."""
    return optree.tree_map(func, node, is_leaf=lambda part: part is not node, none_is_leaf=True)


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples for lists.

    >>> lists_to_tuples([1, {"a": [2]}])
    (1, {'a': (2,)})
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves, each after the keys and positions that lead to it.

    >>> flatten_with_path({"a": [1, 2]})
    [(('a', 0), 1), (('a', 1), 2)]
    """
    found, leaves, _ = optree.tree_flatten_with_path(structure, none_is_leaf=True)
    return list(zip(found, leaves, strict=True))


def paths(tree: Any) -> list[str]:
    """A readable path for each leaf.

    >>> paths({"a": [1, 2]})
    ['a/0', 'a/1']
    """
    return ["/".join(map(str, path)) for path, _ in flatten_with_path(tree)]


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raises unless both are nested alike: lists where there are lists, dicts with equal keys. What the leaves are does not count.

    Args:
        a, b: two structures.
        check_types: True or None compares kinds of containers; False takes lists and tuples for the same.

    Raises:
        ArgumentError: they are not.

    >>> assert_same_structure([1, {"a": 2}], ["x", {"a": None}])
    """
    loosened = (a, b) if check_types in (True, None) else (lists_to_tuples(a), lists_to_tuples(b))
    first, second = (optree.tree_structure(x, none_is_leaf=True) for x in loosened)
    if first != second:
        raise ArgumentError(f"Both structures must be nested alike, got\n  a: {_plainly(first)}\n  b: {_plainly(second)}")


def _plainly(spec: Any) -> str:
    return str(optree.tree_unflatten(spec, ["*"] * spec.num_leaves)).replace("'*'", "*")


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises unless the same keys and positions lead to the leaves of both; lists and tuples count as the same.

    Raises:
        ArgumentError: a path of one is missing in the other.

    >>> assert_same_paths([1, 2], (3, 4))
    """
    first, second = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if first != second:
        only = {name: sorted("/".join(map(str, path)) for path in paths) for name, paths in (("a", first - second), ("b", second - first))}
        raise ArgumentError(
            f"The same paths must lead to the leaves of both, got {only['a'] or 'none'} in a alone, {only['b'] or 'none'} in b alone."
        )

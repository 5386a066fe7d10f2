"""Nested structures of lists, tuples and dicts, through optree.

None is a leaf here: an absent input or mask keeps its place in a structure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

__all__ = ["flatten", "flatten_with_path", "is_nested", "map_structure", "pack_sequence_as", "paths", "structure", "unflatten"]


def flatten(tree: Any) -> list[Any]:
    """The leaves from left to right; dict entries in the order of their keys.

    >>> flatten({"b": 1, "a": (2, [3])})
    [2, 3, 1]
    """
    return optree.tree_leaves(tree, none_is_leaf=True)


def structure(tree: Any) -> Any:
    """The structure without its leaves, comparable and hashable."""
    return optree.tree_structure(tree, none_is_leaf=True)


def unflatten(like: Any, leaves: list[Any]) -> Any:
    """A structure as given by `structure`, with these leaves."""
    return optree.tree_unflatten(like, leaves)


def pack_sequence_as(tree: Any, leaves: list[Any]) -> Any:
    """The leaves in the structure of `tree`.

    >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    return optree.tree_unflatten(structure(tree), leaves)


def map_structure(fn: Callable[..., Any], *trees: Any) -> Any:
    """`fn` on corresponding leaves of structures that are equal.

    >>> map_structure(lambda x: x + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}
    """
    return optree.tree_map(fn, *trees, none_is_leaf=True)


def is_nested(tree: Any) -> bool:
    """Whether `tree` is a list, tuple or dict."""
    return isinstance(tree, (list, tuple, dict))


def flatten_with_path(tree: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves, each after the keys and positions that lead to it."""
    found, leaves, _ = optree.tree_flatten_with_path(tree, none_is_leaf=True)
    return list(zip(found, leaves, strict=True))


def paths(tree: Any) -> list[str]:
    """A readable path for each leaf.

    >>> paths({"a": [1, 2]})
    ['a/0', 'a/1']
    """
    return ["/".join(map(str, path)) for path, _ in flatten_with_path(tree)]

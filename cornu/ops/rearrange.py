"""Axes rearranged by a pattern of names."""

from __future__ import annotations

import math

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array
from cornu.ops.core import convert_to_tensor
from cornu.ops.dispatch import composite
from cornu.ops.shaping import reshape, transpose

__all__ = ["rearrange"]


def _groups(side: str, pattern: str) -> list[list[str]]:
    """The axes of one side of a pattern, each as the names that it joins."""
    groups: list[list[str]] = []
    inside: list[str] | None = None
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(" and inside is None:
            inside = []
        elif word == ")" and inside is not None:
            groups.append(inside)
            inside = None
        elif word in "()" or not (word.isidentifier() or word in ("1", "...")):
            raise ArgumentError(f"A pattern has names, 1, ... and pairs of parentheses, got {word!r} in {pattern!r}.")
        elif inside is None:
            groups.append([] if word == "1" else [word])
        else:
            inside += [] if word == "1" else [word]
    if inside is not None:
        raise ArgumentError(f"A parenthesis is not closed in the pattern {pattern!r}.")
    return groups


def _lengths(groups: list[list[str]], x: Array, known: dict[str, int], pattern: str) -> dict[str, int]:
    """The length of every name: given, or what is left of its axis."""
    if len(groups) != x.ndim:
        raise ShapeError(f"The pattern {pattern!r} has {len(groups)} axes on its left, got the shape {tuple(x.shape)}.")
    lengths = dict(known)
    for group, n in zip(groups, x.shape, strict=True):
        unknown = [name for name in group if name not in lengths]
        rest = math.prod(lengths[name] for name in group if name in lengths)
        if len(unknown) > 1 or (n % rest if rest else n) or (not unknown and rest != n):
            raise ShapeError(
                f"An axis of length {n} cannot be ({' '.join(group)}) with {lengths or 'no lengths given'}, in {pattern!r}. "
                "Give the lengths as keywords."
            )
        lengths.update(dict.fromkeys(unknown, n // rest if rest else 0))
    return lengths


def _spelled_out(pattern: str, rank: int) -> str:
    """The pattern with names in place of the ellipsis."""
    left = pattern.partition("->")[0]
    if "..." not in pattern:
        return pattern
    hidden = rank - len(_groups(left, pattern)) + 1
    return pattern.replace("...", " ".join(f"_{i}" for i in range(hidden)))


@composite
def rearrange(tensor: Array, pattern: str, **axes_lengths: int) -> Array:
    """Axes put in another order, joined and taken apart, as a pattern says (A. Rogozhnikov, https://openreview.net/forum?id=oapKSVM2bcj).

    Names stand for axes; parentheses join several into one, on the left with all lengths but one given as keywords; `...` stands for any axes, 1 for one of
    length 1.

    >>> rearrange([[1, 2], [3, 4]], "h w -> (w h)").tolist()
    [1, 3, 2, 4]
    >>> rearrange([1, 2, 3, 4], "(h w) -> h w 1", h=2).shape == (2, 2, 1)
    True
    """
    x = convert_to_tensor(tensor)
    if pattern.count("->") != 1:
        raise ArgumentError(f"A pattern has one arrow, as in 'b h w c -> b (h w) c', got {pattern!r}.")
    left, right = (_groups(side, pattern) for side in _spelled_out(pattern, x.ndim).split("->"))
    lengths = _lengths(left, x, axes_lengths, pattern)
    before, after = ([name for group in side for name in group] for side in (left, right))
    if sorted(before) != sorted(after) or len(set(before)) != len(before):
        raise ArgumentError(f"Each name stands once on either side of a pattern, got {pattern!r}.")
    parts = reshape(x, [lengths[name] for name in before])
    return reshape(
        transpose(parts, [before.index(name) for name in after]), [math.prod(lengths[name] for name in group) for group in right]
    )

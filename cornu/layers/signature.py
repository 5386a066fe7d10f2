"""What a layer's `call` and `build` take, found once for each class."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["CallSignature", "build_arguments", "call_signature", "first_argument", "input_name"]


class CallSignature(NamedTuple):
    """Which special arguments `call` takes."""

    training: bool
    training_default: Any  # what `training` is where nobody says anything; False where the signature has no default
    training_at: int  # its place among the positional arguments; beyond all of them where it is keyword-only
    mask: bool
    masked: tuple[str, ...]  # the arguments `x` beside which there is one `x_mask`
    names: tuple[str, ...]
    signature: inspect.Signature


@functools.cache
def call_signature(call: Callable[..., Any]) -> CallSignature:
    """What a `call` function (unbound) takes."""
    signature = inspect.signature(call)
    names = [n for n, p in signature.parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)][1:]
    training = signature.parameters.get("training")
    keyword_only = training is None or training.kind is training.KEYWORD_ONLY
    place = sys.maxsize if keyword_only else names.index("training")
    default = False if training is None or training.default is training.empty else training.default
    masked = tuple(n for n in names if f"{n}_mask" in names)
    return CallSignature(training is not None, default, place, "mask" in names, masked, tuple(names), signature)


@functools.cache
def build_arguments(build: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the shapes that a `build` function (unbound) takes."""
    return tuple(p.name for p in inspect.signature(build).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD)[1:]


def input_name(call: Callable[..., Any]) -> str:
    """The name of the first argument of `call`, which holds the inputs."""
    names = call_signature(call).names
    return names[0] if names else "inputs"


def first_argument(takes: CallSignature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The inputs of one call, given by their place or by their name; None where they were not given."""
    return args[0] if args else kwargs.get(takes.names[0]) if takes.names else None

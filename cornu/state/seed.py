"""Where random numbers come from: a seed and a counter, kept in a variable so that runs can be repeated and resumed."""

from __future__ import annotations

import itertools
import random as python_random
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from cornu import backends, naming
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.ops.core import convert_to_tensor
from cornu.ops.random import advance_key, draw_keys_by
from cornu.quantities import is_whole
from cornu.registry import RANDOM
from cornu.state.variable import Variable

__all__ = ["SeedGenerator", "draw_key", "elsewhere", "has_drawn", "make_seed", "set_random_seed", "shared_generator"]


def make_seed() -> int:
    """A fresh seed, from Python's `random`, so that `random.seed` and `set_random_seed` govern it."""
    return python_random.randint(1, 10**9)


@RANDOM.add
class SeedGenerator(Configurable):
    """A stream of keys for random ops: each call of `next` gives another.

    The state, (seed, counter) as two uint32, is a variable: it moves on inside compiled steps, and checkpoints keep it.

    Args:
        seed: a whole number; drawn afresh if None.
        name: `seed_generator`, `seed_generator_1`, … by default.

    >>> SeedGenerator(7).next().tolist()
    [7, 0]
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ArgumentError(f"SeedGenerator takes `seed` and `name`, got {sorted(kwargs)}.")
        if seed is not None and not is_whole(seed, 0):
            raise ArgumentError(f"A seed must be a whole number that is not negative, got {seed!r}.")
        self.name = name or naming.unique("seed_generator")
        self.seed = seed
        first = (make_seed() if seed is None else int(seed)) & 0xFFFFFFFF
        self.state = Variable(
            np.array([first, 0], "uint32"), trainable=False, autocast=False, aggregation="none", name="seed_generator_state"
        )

    def next(self) -> Array:
        """The present key, two uint32; the counter moves on. In a step of a data pipeline keys are counted on the host."""
        if backends.is_aside():
            return elsewhere(self).next()
        key, after = advance_key(self.state)
        self.state.assign(after)
        return key


class Elsewhere:
    """The keys of a seed on a backend that has no part in a model: in threads of a data set each is given once."""

    def __init__(self, seed: int) -> None:
        self._seed, self._count = seed, itertools.count()

    def next(self) -> Array:
        """The next key, as `SeedGenerator` would give it."""
        return convert_to_tensor(np.array([self._seed, next(self._count)], "uint32"))


_elsewhere: WeakKeyDictionary[SeedGenerator, Elsewhere] = WeakKeyDictionary()


def elsewhere(generator: SeedGenerator) -> Elsewhere:
    """The generator's seed, counted anew on the host."""
    return _elsewhere.get(generator) or _elsewhere.setdefault(generator, Elsewhere(int(generator.state.numpy()[0])))


_shared: dict[str, SeedGenerator] = {}


def shared_generator() -> SeedGenerator:
    """The process's own stream on the current backend."""
    name = backends.compute().NAME
    if name not in _shared:
        _shared[name] = SeedGenerator(name="shared")
    return _shared[name]


def has_drawn() -> bool:
    """Whether anything has been drawn from the process's own stream on the current backend."""
    return backends.compute().NAME in _shared


@draw_keys_by
def draw_key(seed: int | SeedGenerator | None) -> Array:
    """The key for one draw: the same each time for a number, the next one of a generator (of the process's own if None)."""
    if seed is None:
        seed = shared_generator()
    if hasattr(seed, "next"):
        return seed.next()
    if isinstance(seed, (int, np.integer)):
        return convert_to_tensor(np.array([int(seed) & 0xFFFFFFFF, 0], "uint32"))
    return convert_to_tensor(seed, "uint32")


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy's legacy generator and Cornu's own draws, so that a program repeats itself."""
    if not is_whole(seed, 0):
        raise ArgumentError(f"A seed must be a whole number that is not negative, got {seed!r}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed) & 0xFFFFFFFF)  # noqa: NPY002 - user programs draw from it
    _shared.clear()

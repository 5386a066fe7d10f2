"""`import keras` found: modules that stand for Keras's and take every name from a room of Cornu when it is first used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from cornu.compat.notice import notice
from cornu.compat.places import HOMES, MOVED, NAMES, RENAMED, homes_of, moved_to
from cornu.errors import nearest

__all__ = ["TENSORFLOW", "Face", "Finder"]

TENSORFLOW = "keras._tf_keras.keras"
"""The module that TensorFlow takes for `tf.keras`."""


class Face(ModuleType):
    """A module `keras.<path>`: its names are those of its homes in Cornu, loaded when they are used."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, f"Cornu under the name of {name}.")
        self._path = path

    def _older(self) -> dict[str, str]:
        return NAMES.get(MOVED.get(self._path, self._path), {})

    def _renamed(self, name: str) -> str | None:
        return RENAMED.get(MOVED.get(self._path, self._path), {}).get(name)

    def _homes(self) -> list[ModuleType]:
        return [importlib.import_module(home) for home in homes_of(self._path) if _exists(home)]

    def __getattr__(self, name: str) -> Any:
        """The name as the homes have it, then as older programs know it, then as a module beneath this one."""
        if name == "__all__":
            return sorted({public for home in self._homes() for public in _public(home)} | set(self._older()))
        if name.startswith("__") and name != "__version__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = self._found(name)
        if not isinstance(found, ModuleType):
            setattr(self, name, found)
        return found

    def _found(self, name: str) -> Any:
        beneath = f"{self._path}.{name}".lstrip(".")
        older = self._older().get(name)
        if older is not None:
            room, _, there = older.partition(":")
            return getattr(importlib.import_module(room), there)
        if beneath in HOMES or beneath in MOVED:
            return importlib.import_module(f"{self.__name__}.{name}")
        said = ""
        for home in self._homes():
            try:
                found = getattr(home, name)
            except AttributeError as error:
                said = str(error)
                continue
            if not isinstance(found, ModuleType):
                return found
        today = self._renamed(name)
        if today is not None:
            notice(f"{_spelt(self)}.{name}", f"is `{today}` today")
            return self._found(today)
        if any(_exists(home) for home in homes_of(beneath)):
            return importlib.import_module(f"{self.__name__}.{name}")
        near = nearest(name, self.__all__)
        hint = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise AttributeError(said if "Did you mean" in said else f"module {self.__name__!r} has no attribute {name!r}{hint}")

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *self.__all__})


def _spelt(module: ModuleType) -> str:
    """A face's name as programs write it."""
    return module.__name__.replace(TENSORFLOW, "tf.keras")


def _public(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", None) or (name for name in vars(module) if not name.startswith("_")))


def _exists(module: str) -> bool:
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class Finder(MetaPathFinder, Loader):
    """Finds the modules at and beneath each of its roots.

    Args:
        roots: names of modules that stand for `keras`, e.g. "keras" and "tensorflow.keras".
    """

    def __init__(self, *roots: str) -> None:
        self.roots = roots

    def _path(self, name: str) -> str | None:
        """What follows the root; None for a module that is none of ours."""
        root = next((root for root in self.roots if name == root or name.startswith(f"{root}.")), None)
        return None if root is None else name[len(root) + 1 :]

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's spec if it stands in the tables or its room is there."""
        beneath = self._path(fullname)
        if beneath is None or not (beneath in HOMES or beneath in NAMES or any(map(_exists, homes_of(beneath)))):
            return None
        return ModuleSpec(fullname, self, origin=f"cornu.compat ({', '.join(homes_of(beneath))})", is_package=True)

    def create_module(self, spec: ModuleSpec) -> Face:
        """An empty face."""
        return Face(spec.name, self._path(spec.name) or "")

    def exec_module(self, module: ModuleType) -> None:
        """Says what an older module is called today."""
        today = moved_to(module._path)
        if today is not None:
            root = _spelt(module).removesuffix(f".{module._path}")
            notice(_spelt(module), f"is `{root}.{today}` today")

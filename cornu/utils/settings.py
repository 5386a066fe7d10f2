"""A bag of named settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from cornu.errors import ArgumentError

__all__ = ["Config"]


class Config(MutableMapping[str, Any]):
    """Named settings, read and set as attributes or as items, that can be frozen.

    Args:
        kwargs: the settings to begin with.

    Attributes:
        frozen: whether nothing can be set any more.

    >>> config = Config(rate=0.1)
    >>> config.units = 3
    >>> config["units"], config.as_dict()
    (3, {'rate': 0.1, 'units': 3})
    """

    frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        vars(self)["_values"] = dict(kwargs)
        vars(self)["frozen"] = False

    def freeze(self) -> None:
        """From now on nothing can be set."""
        vars(self)["frozen"] = True

    def unfreeze(self) -> None:
        """Settings can be changed again."""
        vars(self)["frozen"] = False

    def as_dict(self) -> dict[str, Any]:
        """The settings as a plain dict of their own."""
        return dict(self._values)

    def to_json(self) -> str:
        """The settings as JSON text.

        >>> Config(a=1).to_json()
        '{"a": 1}'
        """
        return json.dumps(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return vars(self)["_values"][name]
        except KeyError:
            raise AttributeError(f"There is no setting {name!r}; there are {', '.join(vars(self).get('_values', ())) or 'none'}.") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._refuse_if_frozen(name)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._refuse_if_frozen(name)
        del self._values[name]

    def _refuse_if_frozen(self, name: str) -> None:
        if self.frozen:
            raise ArgumentError(f"The settings are frozen, so {name!r} cannot be changed. Call `unfreeze()` first.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Config {self._values}>"

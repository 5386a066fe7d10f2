"""What says that a file is the one that was published: its SHA-256 or, where an old page gives no other, its MD5."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cornu.errors import ArgumentError

__all__ = ["Digest"]

_DIGITS = {"md5": 32, "sha256": 64}


@dataclass(frozen=True)
class Digest:
    """The published digest of a file.

    Attributes:
        algorithm: "sha256" or "md5".
        value: lower-case hexadecimal digits.

    >>> Digest.named("5D41402ABC4B2A76B9719D911017C592")
    Digest(algorithm='md5', value='5d41402abc4b2a76b9719d911017c592')
    """

    algorithm: str
    value: str

    @classmethod
    def named(cls, value: str, algorithm: str = "auto") -> Digest:
        """The digest written as `value`; "auto" tells the algorithm by the number of digits."""
        value = value.strip().lower()
        if algorithm == "auto":
            algorithm = {digits: name for name, digits in _DIGITS.items()}.get(len(value), "auto")
        if algorithm not in _DIGITS or len(value) != _DIGITS[algorithm] or not set(value) <= set("0123456789abcdef"):
            raise ArgumentError(
                f"A file's digest must be 64 hexadecimal digits (hash_algorithm='sha256') or 32 of them ('md5'), "
                f"got {value!r} ({len(value)} characters) as {algorithm!r}."
            )
        return cls(algorithm, value)

    def of(self, path: Path) -> str:
        """The digest, by this algorithm, of what the file holds now."""
        made = hashlib.new(self.algorithm, usedforsecurity=False)
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                made.update(block)
        return made.hexdigest()

    def matches(self, path: Path) -> bool:
        """Whether the file is the one that was published."""
        return self.of(path) == self.value

    def __str__(self) -> str:
        return f"{'SHA-256' if self.algorithm == 'sha256' else 'MD5'} {self.value}"

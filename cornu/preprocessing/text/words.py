"""Text cut into words, and words turned into numbers without a vocabulary."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from cornu.errors import ArgumentError

__all__ = ["FILTERS", "hashing_trick", "one_hot", "text_to_word_sequence"]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
"""Characters that part words: ASCII's punctuation but for the apostrophe, tabs and line ends."""


def text_to_word_sequence(input_text: str, filters: Sequence[str] = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that part words as `split` does.
        lower: in lower case.
        split: what parts words.

    >>> text_to_word_sequence("The cat sat, didn't it?")
    ['the', 'cat', 'sat', "didn't", 'it']
    """
    if not split:
        raise ArgumentError("split must be a text that parts words, got ''. For single characters use Tokenizer(char_level=True).")
    text = input_text.lower() if lower else input_text
    return [word for word in text.translate({ord(character): split for character in filters}).split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: Sequence[str] = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Sequence[str]] | None = None,
) -> list[int]:
    """A number from 1 to n − 1 for each word: `1 + hash(word) mod (n − 1)`. Different words may get the same one.

    Args:
        text: the text.
        n: numbers are below it.
        hash_function: from a word to a whole number; "md5" is the same in every process; None is Python's `hash`, which is not.
        filters, lower, split: as for `text_to_word_sequence`.
        analyzer: from the text to its words, in place of these.

    Reference: Weinberger et al., "Feature hashing for large scale multitask learning", 2009.

    >>> hashing_trick("the cat and the dog", 100, "md5")
    [51, 3, 69, 51, 33]
    """
    if n < 2:
        raise ArgumentError(f"n must be at least 2, because 0 stands for no word, got {n!r}.")
    if isinstance(hash_function, str) and hash_function != "md5":
        raise ArgumentError(f'hash_function must be a function, "md5" or None, got {hash_function!r}.')
    number = {None: hash, "md5": _md5}.get(hash_function, hash_function)
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [1 + number(word) % (n - 1) for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str,
    n: int,
    filters: Sequence[str] = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Sequence[str]] | None = None,
) -> list[int]:
    """`hashing_trick` with Python's `hash`: numbers hold within one process only, unless PYTHONHASHSEED is set.

    >>> len(one_hot("the cat and the dog", 100))
    5
    """
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)

"""The data that a quantisation looks at."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, DataError
from cornu.quantizers.configs import AWQConfig, GPTQConfig

__all__ = ["calibration_samples"]


def calibration_samples(config: GPTQConfig | AWQConfig) -> np.ndarray:
    """The samples of a configuration's `dataset`, along the first axis, at most `num_samples`.

    An array holds a sample in each row. Of anything else that can be iterated, each element is a batch, or a tuple of which the first is one;
    texts, and arrays of ids with one axis, are joined to one stream, from which pieces of `sequence_length` are taken, evenly spaced.

    Raises:
        ArgumentError: there are no data, or texts and no tokenizer.
        DataError: the batches differ in more than their number of samples, or the texts are shorter than a sample.

    >>> calibration_samples(GPTQConfig(["abc", "de"], lambda text: [ord(c) for c in text], num_samples=2, sequence_length=3)).tolist()
    [[97, 98, 99], [99, 100, 101]]
    """
    data = config.dataset
    if data is None:
        raise ArgumentError(f"{type(config).__name__} needs a `dataset` to look at, got None.")
    if hasattr(data, "shape"):
        return _numpy(data)[: config.num_samples]
    if isinstance(data, (str, dict)) or not isinstance(data, Iterable):
        raise ArgumentError(f"`dataset` must be an array, texts, or batches, got {type(data).__name__}.")
    first, everything = _peeked(data)
    if isinstance(first, (str, bytes)) or np.ndim(first) == 1:
        return _pieces(everything, config)
    return _batches(everything, config)


def _peeked(data: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    everything = (x[0] if isinstance(x, tuple) else x for x in data)
    first = next(everything, None)
    if first is None:
        raise ArgumentError("`dataset` must hold something to look at, and is empty.")
    return first, itertools.chain([first], everything)


def _numpy(x: Any) -> np.ndarray:
    return ops.convert_to_numpy(x)


def _pieces(texts: Iterator[Any], config: GPTQConfig | AWQConfig) -> np.ndarray:
    """Pieces of one stream of ids."""
    length = config.sequence_length
    stream = np.concatenate([_ids(text, config.tokenizer) for text in texts])
    if len(stream) < length:
        raise DataError(f"The texts must have {length} tokens, the `sequence_length`, or more; they have {len(stream)}.")
    count = min(config.num_samples, len(stream) - length + 1)
    starts = np.linspace(0, len(stream) - length, count).astype(int)
    return np.stack([stream[i : i + length] for i in starts])


def _ids(text: Any, tokenizer: Any) -> np.ndarray:
    if not isinstance(text, (str, bytes)):
        return _numpy(text).reshape(-1)
    tokenize = getattr(tokenizer, "tokenize", tokenizer)
    if not callable(tokenize):
        raise ArgumentError(f"Texts need a `tokenizer`, a function or an object with `tokenize`, got {tokenizer!r}.")
    return _numpy(tokenize(text)).reshape(-1)


def _batches(batches: Iterator[Any], config: GPTQConfig | AWQConfig) -> np.ndarray:
    """Batches joined, as many as are needed."""
    found: list[np.ndarray] = []
    for batch in batches:
        found.append(_numpy(batch))
        if found[-1].shape[1:] != found[0].shape[1:]:
            raise DataError(f"Batches to calibrate on must have samples of one shape, got {found[0].shape[1:]} and {found[-1].shape[1:]}.")
        if sum(map(len, found)) >= config.num_samples:
            break
    return np.concatenate(found)[: config.num_samples]

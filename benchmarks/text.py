"""`python -m benchmarks.text [--tokens N] [--rounds N]`: tokens a second of the layers that take texts, on one core, beside Keras's.

Words are drawn by Zipf's law, as they come in a language. Every round measures each path once, in an order drawn anew; the median counts.
The ratio is that of the medians of the same run; without TensorFlow or Keras the column is empty.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
LINE = 100
"""Tokens in a text."""


def on_one_core() -> None:
    """Keeps the process, and what it will load, on one core."""
    os.environ.update(dict.fromkeys(THREADS, "1"), TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def data(tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Words, and texts of them with capitals and punctuation."""
    rng = np.random.default_rng(0)
    known = np.array(["".join(rng.choice(list("etaoinshrdlu"), rng.integers(2, 12))) for _ in range(20_000)], object)
    words = known[np.minimum(rng.zipf(1.3, tokens), len(known)) - 1]
    lines = [" ".join(words[i : i + LINE]).capitalize() + "." for i in range(0, len(words), LINE)]
    return words, np.array(lines, object)


def paths(layers: Any, words: np.ndarray, lines: np.ndarray, given: Callable[[np.ndarray], Any]) -> dict[str, Callable[[], Any]]:
    """What is measured of a library's layers, by name; `given` makes of an array what the library takes."""
    vectorization, lookup, hashing = layers.TextVectorization(), layers.StringLookup(), layers.Hashing(10_000)
    texts, tokens = given(lines), given(words)
    vectorization.adapt(texts)
    lookup.adapt(tokens)
    return {
        "TextVectorization": lambda: vectorization(texts),
        "TextVectorization, adapt": lambda: layers.TextVectorization().adapt(texts),
        "StringLookup": lambda: lookup(tokens),
        "Hashing": lambda: hashing(tokens),
    }


def peer(words: np.ndarray, lines: np.ndarray) -> dict[str, Callable[[], Any]]:
    """The same of the real Keras; nothing where it is not installed."""
    try:
        import keras
        import tensorflow
    except ImportError:
        return {}
    return paths(keras.layers, words, lines, tensorflow.constant)


def speeds(measured: dict[tuple[str, str], Callable[[], Any]], tokens: int, rounds: int) -> dict[tuple[str, str], float]:
    """Median tokens a second of each path, after one run to warm up."""
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in measured}
    for number in range(rounds + 1):
        for key in random.sample(list(measured), len(measured)):
            start = time.perf_counter()
            measured[key]()
            if number:
                seconds[key].append(time.perf_counter() - start)
    return {key: tokens / statistics.median(taken) for key, taken in seconds.items()}


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description="Tokens a second, on one core.")
    parser.add_argument("--tokens", type=int, default=200_000, help="tokens in the data")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds")
    options = parser.parse_args()
    on_one_core()
    import cornu

    cornu.set_backend("numpy")
    words, lines = data(options.tokens)
    sides = {"Cornu": paths(cornu.layers, words, lines, lambda x: x), "Keras": peer(words, lines)}
    found = speeds({(side, name): run for side, made in sides.items() for name, run in made.items()}, options.tokens, options.rounds)
    print(f"{'':26}{'Cornu':>14}{'Keras':>14}{'ratio':>8}   (million tokens a second)")
    for name in sides["Cornu"]:
        ours, theirs = found["Cornu", name], found.get(("Keras", name))
        other = "" if theirs is None else f"{theirs / 1e6:14.2f}{ours / theirs:8.1f}"
        print(f"{name:26}{ours / 1e6:14.2f}{other}")


if __name__ == "__main__":
    main()

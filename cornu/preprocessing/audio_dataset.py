"""Data sets of sounds in folders."""

from __future__ import annotations

import functools
import math
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, CorruptFileError, DataError
from cornu.preprocessing.from_directory import Folder, datasets_of_files

__all__ = ["audio_dataset_from_directory", "read_wav"]


_UNKNOWN = 0x7FFF0000
"""Programs that write to a pipe put numbers from here on for the length, which they do not know yet."""


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
    *,
    on_broken: str = "raise",
) -> Any:
    """A data set of the sounds in a folder: wav files without compression, of 8, 16, 24 or 32 bits.

    Args:
        sampling_rate: samples a second that all sounds are brought to; None keeps each file's own.
        output_sequence_length: samples that all sounds are cut or padded with silence to; None pads to the longest of the batch.
        ragged: leave the sounds of a batch as long as they are, in an array of objects.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, verbose, on_broken: as for
            `image_dataset_from_directory`.

    Returns:
        Batches of sounds (batch, samples, channels), float32 from −1 to 1, and labels.

    Raises:
        DataError: there are no files, they do not fit the labels, or those of a batch differ in their number of channels.
        ArgumentError: both `ragged` and `output_sequence_length` are given.
    """
    if ragged and output_sequence_length is not None:
        raise ArgumentError(
            f"ragged sounds keep their length, got output_sequence_length={output_sequence_length!r} too. Give one of both."
        )
    for name, number in (("sampling_rate", sampling_rate), ("output_sequence_length", output_sequence_length)):
        if number is not None and number < 1:
            raise ArgumentError(f"{name} must be a whole number above 0, or None, got {number!r}.")
    return datasets_of_files(
        Folder(directory, labels, label_mode, class_names, endings=(".wav",), follow_links=follow_links),
        functools.partial(_load, rate=sampling_rate, length=output_sequence_length), _objects if ragged else _padded,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset, library="tf", verbose=verbose,
        on_broken=on_broken, varying=output_sequence_length is None,
    )  # fmt: skip


def read_wav(path: str) -> tuple[np.ndarray, int]:
    """A wav file's samples (samples, channels), float32 from −1 to 1, and how many there are a second.

    Raises:
        CorruptFileError: the file is damaged, cut off, compressed or no wav file; it is named.
    """
    try:
        with wave.open(path, "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            declared = file.getnframes() * width * channels
            data = file.readframes(file.getnframes())
        if len(data) < declared < _UNKNOWN:
            raise EOFError(f"it ends after {len(data)} of {declared} bytes of samples")
    except (wave.Error, EOFError) as error:
        raise CorruptFileError(
            f"The file must be a whole wav file without compression, got {path}: {error or 'it ends too early'}."
        ) from None
    data = data[: len(data) // (width * channels) * width * channels]
    if width == 1:  # bytes have no sign
        samples = (np.frombuffer(data, "uint8").astype("float32") - 128) / 128
    elif width == 3:
        low = np.frombuffer(data, "uint8").reshape(-1, 3).astype("int32")
        samples = ((low[:, 0] << 8 | low[:, 1] << 16 | low[:, 2] << 24) / 2.0**31).astype("float32")
    else:
        samples = (np.frombuffer(data, f"<i{width}") / 2.0 ** (8 * width - 1)).astype("float32")
    return samples.reshape(-1, channels), rate


def _load(path: str, *, rate: int | None, length: int | None) -> np.ndarray:
    samples, own = read_wav(path)
    if rate is not None and rate != own and len(samples):
        from scipy import signal

        common = math.gcd(rate, own)
        samples = signal.resample_poly(samples, rate // common, own // common, axis=0).astype("float32")
    return samples if length is None else _of_length(samples, length)


def _of_length(samples: np.ndarray, length: int) -> np.ndarray:
    """Cut, or with zeros behind.

    >>> _of_length(np.ones((2, 1)), 3).ravel().tolist()
    [1.0, 1.0, 0.0]
    """
    return np.pad(samples[:length], ((0, max(0, length - len(samples))), (0, 0)))


def _padded(sounds: list[np.ndarray]) -> np.ndarray:
    channels = {sound.shape[1] for sound in sounds}
    if len(channels) > 1:
        raise DataError(
            f"The sounds of a batch must have as many channels, got {sorted(channels)}. Bring the files to one number of channels."
        )
    length = max(map(len, sounds))
    return np.stack([_of_length(sound, length) for sound in sounds])


def _objects(sounds: list[np.ndarray]) -> np.ndarray:
    batch = np.empty(len(sounds), dtype=object)
    for place, sound in enumerate(sounds):
        batch[place] = sound
    return batch

"""Batches from whatever holds data: arrays, frames, generators, `PyDataset`s, and the loaders of other libraries.

    source = batches(x, y, batch_size=32, shuffle=True, seed=7)
    for number in range(epochs):
        for x, y, sample_weight in source.epoch(number):
            ...
    source.close()

For arrays and `PyDataset`s the order of epoch k follows from the seed and k alone: a run that begins at epoch k sees what a run from the
start sees there.
"""

from cornu.training.data.choose import batches, split
from cornu.training.data.columns import narrowed
from cornu.training.data.py_dataset import PyDataset
from cornu.training.data.source import Batches

__all__ = ["Batches", "PyDataset", "batches", "narrowed", "split"]

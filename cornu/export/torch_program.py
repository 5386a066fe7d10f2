"""Models as programs of PyTorch: files that `torch.export.load` reads, without Cornu."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np

from cornu import backends
from cornu.errors import ArgumentError
from cornu.export.homes import at_backend
from cornu.export.tf_saved_model import specs_of_model
from cornu.saving.atomic import atomic_write
from cornu.state import StateScope

__all__ = ["write_torch_program"]


def write_torch_program(model: Any, filepath: Any, input_signature: Any = None) -> None:
    """Writes the forward pass as a program of `torch.export`: `torch.export.load(filepath).module()(x)`.

    A model of another backend moves to PyTorch's for as long as that takes.

    Args:
        model: a built model.
        filepath: the file, which ends in ".pt2".
        input_signature: specs of the inputs, each with `shape` and `dtype`; all lengths are known, that of the batch too: layers read it while
            they are traced, and then it stays.

    Raises:
        NotBuiltError: the model has no weights yet.
        ArgumentError: another ending, inputs whose lengths are not known, or code that PyTorch cannot trace.
        SavingError: the operating system refuses; a file that was there stays.
    """
    path = os.fspath(filepath)
    if not path.endswith(".pt2"):
        raise ArgumentError(f"The name of a program of PyTorch ends in '.pt2', got {path!r}.")
    specs = specs_of_model(model, input_signature)
    if any(None in s.shape for s in specs):
        first = [(1, *s.shape[1:]) for s in specs]
        raise ArgumentError(
            f"All lengths of a program of PyTorch must be known, got {[s.shape for s in specs]}. Give `input_signature`, such as "
            f"`[{', '.join(f'cornu.InputSpec(shape={shape})' for shape in first)}]`."
        )
    with at_backend("torch", [model]), atomic_write(path) as temporary, temporary.open("wb") as file:
        _write(model, file, specs)


def _write(model: Any, file: BinaryIO, specs: Any) -> None:
    import torch

    variables = model.variables

    class Program(torch.nn.Module):  # type: ignore[misc]  # PyTorch without its types
        """The model's forward pass, with its weights."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.ParameterList(torch.nn.Parameter(v.own_value.detach().clone(), requires_grad=False) for v in variables)

        def forward(self, *inputs: Any) -> Any:
            with StateScope(zip(variables, self.weights, strict=True)):
                return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    on: Any = backends.load("torch")
    rng = np.random.default_rng(0)
    sample = tuple(on.asarray(rng.uniform(0, 1, s.shape), s.dtype) for s in specs)
    try:
        with torch.no_grad():
            program = torch.export.export(Program().eval(), sample, strict=False)
    except Exception as error:  # noqa: BLE001 - tracing runs the model's code, which may raise anything
        raise ArgumentError(
            f"A model must be one that PyTorch can trace to be exported, got {type(error).__name__}: {str(error)[:300]}. "
            "Write its layers in `cornu.ops`."
        ) from None
    torch.export.save(program, file)

"""The loss of sequences of labels that are shorter than the sequences they are read from."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ShapeError
from cornu.losses.loss import FunctionLoss
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = ["CTC", "ctc"]


@LOSSES.add
def ctc(y_true: Array, y_pred: Array) -> Array:
    """Minus the log-probability of a label sequence, summed over all its alignments with the steps.

    Graves et al., Connectionist temporal classification, https://www.cs.toronto.edu/~graves/icml_2006.pdf.

    Args:
        y_true: class numbers (batch, labels), filled up with 0, which is the blank.
        y_pred: logits (batch, steps, classes).

    Returns:
        An array (batch,).

    Raises:
        ShapeError: the shapes are others.

    >>> ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).tolist()  # 3 of the 4 paths of two steps read "1"
    [0.287682]
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ShapeError(
            "The CTC loss needs labels (batch, labels) and logits (batch, steps, classes), "
            f"got {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )
    labels = ops.count_nonzero(y_true, axis=1)
    return ops.ctc_loss(y_true, y_pred, labels, ops.full_like(labels, y_pred.shape[1]), mask_index=0)


@LOSSES.add
class CTC(FunctionLoss):
    """Trains on labels without knowing at which step each is read, as in speech and handwriting. Shapes as for `ctc`.

    >>> round(float(CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])), 6)
    0.287682
    """

    _function_ = staticmethod(ctc)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)

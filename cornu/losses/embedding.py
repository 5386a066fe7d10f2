"""Losses of vectors that stand for things: those of one class should lie together."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ShapeError
from cornu.losses.loss import FunctionLoss
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = ["Circle", "circle"]

_FAR = -1e9  # a logit that counts for nothing


@LOSSES.add
def circle(
    y_true: Array,
    y_pred: Array,
    ref_labels: Array | None = None,
    ref_embeddings: Array | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Array:
    """`ln(1 + Σ exp(γ αₙ (sₙ - m)) Σ exp(-γ αₚ (sₚ - (1 - m))))`, with `αₚ = max(1 + m - sₚ, 0)` and `αₙ = max(sₙ + m, 0)`.

    sₚ are a vector's similarities (dot products) to those of its own class, sₙ to those of others. The gradient goes through the α too.
    Sun et al., Circle loss, https://arxiv.org/abs/2002.10857.

    Args:
        y_true: class numbers (batch,) or (batch, 1).
        y_pred: vectors of length 1 (batch, features).
        ref_labels, ref_embeddings: what the vectors are compared with; themselves by default.
        remove_diagonal: leave the pairs out that have the same place in both, a vector's with itself.
        gamma: the scale.
        margin: how far apart similarities should be, m.

    Returns:
        A value for each vector; 0 where nothing of its class or of others is there.

    >>> circle([0, 0, 1], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], gamma=1.0).tolist()
    [0.562915, 0.733947, 0.0]
    """
    labels, vectors = _column(y_true), ops.convert_to_tensor(y_pred)
    others, references = (labels, vectors) if ref_labels is None else (_column(ref_labels), ref_embeddings)
    if references is None:
        raise ShapeError("The circle loss needs `ref_embeddings` for `ref_labels`, got None.")
    similarity = ops.matmul(vectors, ops.transpose(references))  # (batch, references)
    same = ops.equal(labels, ops.transpose(others))
    positive, negative = same, ops.logical_not(same)
    if remove_diagonal:
        positive = ops.logical_and(positive, ops.logical_not(ops.eye(similarity.shape[0], similarity.shape[1], dtype="bool")))
    pull = ops.relu(1 + margin - similarity)
    push = ops.relu(similarity + margin)
    attract = ops.where(positive, -gamma * pull * (similarity - (1 - margin)), _FAR)
    repel = ops.where(negative, gamma * push * (similarity - margin), _FAR)
    return ops.softplus(ops.logsumexp(attract, axis=1) + ops.logsumexp(repel, axis=1))


def _column(labels: Array) -> Array:
    return ops.reshape(labels, (-1, 1))


@LOSSES.add
class Circle(FunctionLoss):
    """Pulls vectors of one class together and those of different classes apart, each pair the harder the farther it is from where it should be.

    A vector whose class nothing else in the batch has does not count in the mean.

    Args:
        gamma, margin, remove_diagonal: as for `circle`.
        reduction, name, dtype: as for `Loss`.

    >>> Circle(gamma=1.0)([0, 0, 1], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]).tolist()
    0.648431
    """

    _function_ = staticmethod(circle)
    _by_row_ = False

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> Any:
        """The loss as `Loss` says, of the vectors that have a companion."""
        if self.remove_diagonal:
            labels = _column(y_true)
            companions = ops.count_nonzero(ops.equal(labels, ops.transpose(labels)), axis=1) > 1
            mask = companions if mask is None else ops.logical_and(mask, companions)
        return super().__call__(y_true, y_pred, sample_weight, mask)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """A value for each vector, compared with those of the batch."""
        return circle(y_true, y_pred, remove_diagonal=self.remove_diagonal, gamma=self.gamma, margin=self.margin)

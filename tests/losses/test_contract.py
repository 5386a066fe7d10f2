"""What every loss class keeps: weights, masks and reductions are applied to its values in one way, and what weighs nothing is as if it were not there."""

import inspect

import numpy as np
import pytest

from cornu import losses, ops
from cornu.losses import Loss, LossFunctionWrapper
from cornu.registry import LOSSES

value = ops.convert_to_numpy
CLASSES = sorted(
    (cls for cls in LOSSES.values() if inspect.isclass(cls) and issubclass(cls, Loss) and cls is not LossFunctionWrapper),
    key=lambda cls: cls.__name__,
)
WHOLE = (losses.Dice, losses.Tversky)  # one value for all samples; with axis=-1 one for each
SETTINGS = {losses.Dice: {"axis": -1}, losses.Tversky: {"axis": -1}}


def samples(rng, cls, n=12):
    if cls is losses.CTC:
        return np.stack([rng.integers(1, 4, n), np.zeros(n, "int64")], 1), rng.normal(size=(n, 6, 4)).astype("float32")
    labels, p = rng.integers(0, 3, n), rng.dirichlet(np.ones(3), n).astype("float32")
    if cls is losses.Circle:
        return labels, p / np.linalg.norm(p, axis=1, keepdims=True)
    return (labels if "Sparse" in cls.__name__ or "Generalized" in cls.__name__ else np.eye(3, dtype="float32")[labels]), p


@pytest.mark.parametrize("cls", CLASSES)
def test_reductions_follow_their_formulas(backend, rng, cls):
    """From the values, with weights and a mask: by NumPy."""
    t, y = samples(rng, cls)
    w, mask = rng.integers(0, 3, 12).astype("float32"), rng.random(12) < 0.7

    def reduced(reduction, weights=None, mask=None):
        return value(cls(reduction=reduction, **SETTINGS.get(cls, {}))(t, y, weights, mask))

    v = reduced(None)
    assert v.shape == (12,)
    expected = {"sum": v.sum(), "mean": v.mean(), "sum_over_batch_size": v.mean(), "mean_with_sample_weight": v.mean(), "none": v}
    weighted = {
        "sum": v @ w, "mean": v @ w / 12, "sum_over_batch_size": v @ w / 12, "mean_with_sample_weight": v @ w / w.sum(), "none": v * w,
    }  # fmt: skip
    m = mask * w
    masked = {
        "sum": v @ m, "mean": v @ m / mask.sum(), "sum_over_batch_size": v @ m / mask.sum(), "mean_with_sample_weight": v @ m / m.sum(), "none": v * m,
    }  # fmt: skip
    for figures, given in ((expected, ()), (weighted, (w,)), (masked, (w, mask))):
        for reduction, figure in figures.items():
            np.testing.assert_allclose(reduced(reduction, *given), figure, rtol=2e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # 2026-11-21, NumPy of what is computed from garbage
@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not losses.Circle])  # there each sample is compared with all others
@pytest.mark.parametrize("how", ["weight", "mask"])
def test_what_does_not_count_changes_nothing(backend, rng, cls, how):
    """Not even where it is NaN or infinite."""
    t, y = samples(rng, cls)
    kept = np.arange(12) % 3 != 0
    spoiled = y.copy()
    spoiled[0::3], spoiled[3], spoiled[6] = np.nan, np.inf, -np.inf
    for reduction in ("sum", "mean_with_sample_weight"):
        loss = cls(reduction=reduction, **SETTINGS.get(cls, {}))
        left = loss(t, spoiled, kept.astype("float32")) if how == "weight" else loss(t, spoiled, mask=kept)
        np.testing.assert_allclose(value(left), value(loss(t[kept], y[kept])), rtol=1e-5, atol=1e-6)


def test_every_class_is_here():
    assert set(WHOLE) < set(CLASSES)
    assert len(CLASSES) > 20

"""Which targets a loss takes."""

from __future__ import annotations

from typing import Any

from cornu import losses
from cornu.losses.loss import FunctionLoss, LossFunctionWrapper, settings

__all__ = ["function_of", "kind_of", "settings_of"]

_KINDS: dict[Any, str] = {
    **dict.fromkeys((losses.sparse_categorical_crossentropy, losses.categorical_generalized_cross_entropy), "classes"),
    **dict.fromkeys((losses.categorical_crossentropy, losses.categorical_focal_crossentropy), "distributions"),
    **dict.fromkeys((losses.binary_crossentropy, losses.binary_focal_crossentropy), "shares"),
    **dict.fromkeys(
        (
            *(losses.mean_squared_error, losses.mean_absolute_error, losses.mean_absolute_percentage_error, losses.huber, losses.log_cosh),
            *(losses.mean_squared_logarithmic_error, losses.cosine_similarity, losses.poisson, losses.kl_divergence),
            *(losses.hinge, losses.squared_hinge, losses.categorical_hinge),
        ),
        "numbers",
    ),
}


def function_of(loss: Any) -> Any:
    """The function that gives a loss's values, if it is one of ours and nobody changed how it is used; else None."""
    if isinstance(loss, FunctionLoss) and type(loss).call is FunctionLoss.call and type(loss).__call__ is FunctionLoss.__call__:
        return type(loss)._function_
    if type(loss) is LossFunctionWrapper:
        return loss.fn
    return None


def kind_of(loss: Any) -> str | None:
    """What targets a loss takes; None where that is not known.

    - "classes": class numbers, of the outputs' shape without the class axis;
    - "distributions": a share for each class, usually one-hot;
    - "shares": numbers from 0 to 1, of the outputs' shape;
    - "numbers": any numbers of the outputs' shape.

    >>> kind_of(losses.SparseCategoricalCrossentropy())
    'classes'
    """
    function = function_of(loss)
    try:
        return _KINDS.get(function)
    except TypeError:  # a callable object that cannot be hashed is nobody we know
        return None


def settings_of(loss: Any) -> dict[str, Any]:
    """The settings with which a loss calls its function.

    >>> settings_of(losses.BinaryCrossentropy(from_logits=True))["from_logits"]
    True
    """
    function = function_of(loss)
    if isinstance(loss, LossFunctionWrapper):
        return dict(loss.kwargs)
    return {name: getattr(loss, name) for name in settings(function)} if function is not None else {}

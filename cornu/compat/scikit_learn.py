"""`keras.wrappers.scikit_learn` of Keras 2: `KerasClassifier` and `KerasRegressor`, whose settings are those of the model's function and of `fit`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from cornu import utils
from cornu.compat.notice import notice
from cornu.errors import ArgumentError, BackendError
from cornu.models import Model

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ModuleNotFoundError as error:
    raise BackendError("keras.wrappers.scikit_learn needs scikit-learn. Install it with `pip install scikit-learn`.") from error

__all__ = ["KerasClassifier", "KerasRegressor"]


class _Wrapper(BaseEstimator):  # type: ignore[misc]
    """What both share.

    Args:
        build_fn: makes a compiled model. A subclass may have a method `__call__` in its place.
        sk_params: arguments of `build_fn`, and of `fit`, `predict` and `evaluate` of the model.

    Attributes:
        model: the trained model.
    """

    today = ""

    def __init__(self, build_fn: Callable[..., Model] | None = None, **sk_params: Any) -> None:
        notice(f"keras.wrappers.scikit_learn.{type(self).__name__}", f"is `keras.wrappers.{self.today}` today")
        self.build_fn, self.sk_params = build_fn, sk_params
        self.check_params(sk_params)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")

    def _maker(self) -> Callable[..., Model]:
        if self.build_fn is not None:
            return self.build_fn
        own: Any = self
        if callable(own):
            return own.__call__
        raise ArgumentError(f"{type(self).__name__} needs `build_fn`, a function that makes a compiled model.")

    def check_params(self, params: dict[str, Any]) -> None:
        """Raises where a setting is an argument neither of the function that makes the model nor of the model's methods."""
        takers: list[Callable[..., Any]] = [self._maker(), Model.fit, Model.predict, Model.evaluate]
        known = {name for taker in takers for name in inspect.signature(taker).parameters}
        unknown = [name for name in params if name not in {*known, "nb_epoch"}]
        if unknown:
            raise ArgumentError(
                f"{', '.join(unknown)}: none of {type(self).__name__}'s settings; there are {', '.join(sorted(known - {'self'}))}."
            )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings, `build_fn` among them; copied if `deep`."""
        return {"build_fn": self.build_fn, **(dict(self.sk_params) if deep else self.sk_params)}

    def set_params(self, **params: Any) -> Self:
        """Changes settings."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def _arguments(self, taker: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        """The settings that this function takes, and those given now."""
        settings = {("epochs" if name == "nb_epoch" else name): value for name, value in self.sk_params.items()}
        known = inspect.signature(taker).parameters
        return {**{name: value for name, value in settings.items() if name in known}, **given}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Makes a model and trains it; gives its history."""
        self.model: Any = self._maker()(**self._arguments(self._maker(), {}))
        loss = getattr(self.model.loss, "__name__", None) or getattr(self.model.loss, "name", None) or self.model.loss
        y = np.asarray(y)
        if loss == "categorical_crossentropy" and y.ndim != 2:
            y = utils.to_categorical(y)
        return self.model.fit(np.asarray(x), y, **self._arguments(Model.fit, kwargs))


class KerasClassifier(ClassifierMixin, _Wrapper):  # type: ignore[misc]
    """Tells classes; labels may be numbers or texts.

    Args:
        build_fn: makes a compiled model.
        sk_params: its arguments, and those of `fit`, `predict` and `evaluate`.

    Attributes:
        classes_: the labels, sorted.
    """

    today = "SKLearnClassifier"

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_, numbers = np.unique(y, return_inverse=True)
            y = numbers.reshape(len(y))
        return super().fit(x, y, **kwargs)

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The share of each class."""
        shares = self.model.predict(np.asarray(x), **self._arguments(Model.predict, kwargs))
        return np.hstack([1 - shares, shares]) if shares.shape[1] == 1 else shares

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The most likely label of each row."""
        return self.classes_[self.predict_proba(x, **kwargs).argmax(-1)]

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The share of rows whose label is right."""
        y = np.asarray(y)
        labels = self.classes_[y.argmax(-1)] if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
        return float(np.mean(self.predict(x, **kwargs) == labels))


class KerasRegressor(RegressorMixin, _Wrapper):  # type: ignore[misc]
    """Gives numbers.

    Args:
        build_fn: makes a compiled model.
        sk_params: its arguments, and those of `fit`, `predict` and `evaluate`.
    """

    today = "SKLearnRegressor"

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The outputs, without a last axis of length 1."""
        outputs = self.model.predict(np.asarray(x), **self._arguments(Model.predict, kwargs))
        return outputs[..., 0] if outputs.ndim > 1 and outputs.shape[-1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The loss with its sign turned: higher is better."""
        found = self.model.evaluate(np.asarray(x), np.asarray(y), **self._arguments(Model.evaluate, kwargs))
        return -float(found[0] if isinstance(found, list) else found)

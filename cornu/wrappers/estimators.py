"""Estimators that train a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from cornu.errors import ArgumentError, BackendError
from cornu.models import Model, clone_model

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise BackendError("cornu.wrappers needs scikit-learn 1.6 or later. Install it with `pip install scikit-learn`.") from error

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class Estimator(BaseEstimator):  # type: ignore[misc]
    """What the three share.

    Args:
        model: a compiled `Model`, of which each `fit` trains a fresh copy; or a function of (X, y, **model_kwargs) that makes a compiled one.
        warm_start: whether a further `fit` goes on with the model of the last.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`; it is silent unless `verbose` is among them.

    Attributes:
        model_: the trained model.
        history_: what `Model.fit` gave.
        n_features_in_: how many columns X had.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def _train(self, X: np.ndarray, y: np.ndarray, kwargs: Mapping[str, Any]) -> None:
        """Makes the model unless the last one goes on, and fits it."""
        if not (self.warm_start and hasattr(self, "model_")):
            self.model_ = self._made(X, y)
        self.history_ = self.model_.fit(X, self._targets_for(self.model_, y), **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})

    def _made(self, X: np.ndarray, y: np.ndarray) -> Any:
        if isinstance(self.model, Model):
            if self.model_kwargs:
                raise ArgumentError(
                    f"model_kwargs are for a function that makes the model; with a model itself leave them out, got {self.model_kwargs}."
                )
            made = _fresh(self.model) if self.model.compiled else self.model
        elif callable(self.model):
            made = self.model(X, y, **(self.model_kwargs or {}))
        else:
            raise ArgumentError(f"`model` must be a compiled Model, or a function of (X, y) that makes one, got {self.model!r}.")
        if not (isinstance(made, Model) and made.compiled):
            raise ArgumentError(
                f"`model` must be compiled, or give a compiled Model, got {made!r}. Call `model.compile(optimizer, loss)` first."
            )
        return made

    def _targets_for(self, model: Any, y: np.ndarray) -> np.ndarray:
        """Targets in the form that this model's loss takes."""
        return y

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        return self.model_.predict(validate_data(self, X, reset=False), verbose=0).astype("float64")

    def __sklearn_clone__(self) -> Self:
        """The same settings, untrained; a model is shared, since each `fit` trains a copy of it."""
        settings = {name: value if name == "model" else clone(value, safe=False) for name, value in self.get_params(deep=False).items()}
        return type(self)(**settings)

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: of a history, the past alone."""
        state = dict(super().__getstate__())
        if "history_" in state:
            state["history_"] = None if state["history_"] is None else _Past(state["history_"])
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # fresh weights are drawn
        return tags


def _fresh(model: Model) -> Any:
    """A model of the same architecture with fresh weights, compiled as this one is."""
    made = clone_model(model)
    made.compile_from_config(model.get_compile_config() or {})
    return made


class _Past:
    """What a pickle keeps of a history.

    Args:
        history: the live one, or its past.
    """

    def __init__(self, history: Any) -> None:
        self.history: dict[str, list[float]] = history.history
        self.epoch: list[int] = history.epoch
        self.params: dict[str, Any] = dict(history.params)


class SKLearnClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A model that tells classes, as scikit-learn's classifiers do: labels may be numbers or texts.

    The model's function gets y as one-hot rows, and so does the loss, unless it takes class numbers ("sparse_categorical_crossentropy") or
    the model has one unit (0 and 1 for two classes).

    Args:
        model: a compiled `Model`, of which each `fit` trains a fresh copy; or a function of (X, y, **model_kwargs) that makes a compiled one.
        warm_start: whether a further `fit` goes on with the model of the last.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`; it is silent unless `verbose` is among them.

    Attributes:
        classes_: the labels, sorted; beside `model_`, `history_` and `n_features_in_`.

    >>> import cornu
    >>> def build(X, y):
    ...     layers = [cornu.Input(X.shape[1:]), cornu.layers.Dense(y.shape[1], activation="softmax")]
    ...     model = cornu.Sequential(layers)
    ...     model.compile("adam", "categorical_crossentropy")
    ...     return model
    >>> classifier = SKLearnClassifier(build, fit_kwargs={"epochs": 2})
    >>> classifier.fit(np.eye(4), ["a", "b", "a", "b"]).classes_.tolist()
    ['a', 'b']
    """

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Trains the model on rows and their labels; further arguments go to `Model.fit`."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ArgumentError(f"A classifier needs two classes or more to tell apart, got 1 class: {self.classes_.tolist()}.")
        self._train(X, np.eye(len(self.classes_))[numbers], kwargs)
        return self

    def _targets_for(self, model: Any, y: np.ndarray) -> np.ndarray:
        if _units(model) == 1:
            if len(self.classes_) > 2:
                raise ArgumentError(
                    f"A model of one unit tells two classes apart, got {len(self.classes_)}. Give it a unit for each class."
                )
            return y[:, -1:]
        return y.argmax(-1) if "sparse" in _name_of_loss(model) else y

    def predict(self, X: Any) -> np.ndarray:
        """The most likely label of each row."""
        numbers = self.predict_proba(X).argmax(-1)
        return self.classes_[numbers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The share of each class, rows by classes, in the order of `classes_`."""
        outputs = self._outputs(X)
        one = outputs.shape[-1] == 1
        if getattr(self.model_.loss, "from_logits", False):
            outputs = 1 / (1 + np.exp(-outputs)) if one else _softmax(outputs)
        return np.concatenate([1 - outputs, outputs], -1) if one else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # a few epochs on a few rows
        return tags


class SKLearnRegressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A model that gives numbers, as scikit-learn's regressors do.

    The model's function gets y as (rows, targets), one column for a single target.

    Args:
        model: a compiled `Model`, of which each `fit` trains a fresh copy; or a function of (X, y, **model_kwargs) that makes a compiled one.
        warm_start: whether a further `fit` goes on with the model of the last.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`; it is silent unless `verbose` is among them.

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> SKLearnRegressor(model).fit([[0.0, 1.0], [1.0, 0.0]], [1.0, 2.0]).predict([[0.0, 0.0]]).shape
    (1,)
    """

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Trains the model on rows and their targets; further arguments go to `Model.fit`."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        self._single = y.ndim == 1
        self._train(X, y[:, None] if self._single else y, kwargs)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The outputs: (rows,) for a single target, else (rows, targets)."""
        outputs = self._outputs(X)
        return outputs.reshape(-1) if self._single and outputs.shape[-1] == 1 else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # a few epochs on a few rows
        tags.target_tags.multi_output = True
        return tags


class SKLearnTransformer(TransformerMixin, Estimator):  # type: ignore[misc]
    """A model whose outputs are features for what follows it in a pipeline.

    Args:
        model: a compiled `Model`, of which each `fit` trains a fresh copy; or a function of (X, y, **model_kwargs) that makes a compiled one.
        warm_start: whether a further `fit` goes on with the model of the last.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `Model.fit`; it is silent unless `verbose` is among them.

    >>> import cornu
    >>> def build(X, y):
    ...     model = cornu.Sequential([cornu.Input(X.shape[1:]), cornu.layers.Dense(y.shape[1])])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> SKLearnTransformer(build).fit(np.eye(3)).transform(np.eye(3)).shape
    (3, 3)
    """

    def fit(self, X: Any, y: Any = None, **kwargs: Any) -> Self:
        """Trains the model on rows and targets; without targets the rows are their own (an autoencoder)."""
        if y is None:
            X = validate_data(self, X)
            y = X
        else:
            X, y = validate_data(self, X, y, multi_output=True)
        self._train(X, y[:, None] if y.ndim == 1 else y, kwargs)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The outputs for these rows."""
        return self._outputs(X)


def _units(model: Any) -> int | None:
    shape = model.output_shape if getattr(model, "outputs", None) else None
    return shape[-1] if isinstance(shape, tuple) else None


def _name_of_loss(model: Any) -> str:
    return str(getattr(model.loss, "name", None) or getattr(model.loss, "__name__", None) or model.loss)


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)

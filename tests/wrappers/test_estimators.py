"""The estimators under scikit-learn's own checks, and in the company that they are made for."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import cornu
from cornu.errors import ArgumentError
from cornu.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


@pytest.fixture(autouse=True)
def _on_torch():
    """One backend is enough: the estimators call `fit` and `predict`, which have their own tests on each; torch makes small models fastest."""
    with cornu.use_backend("torch"):
        yield


def classifier(X, y, units=None, activation="softmax", loss="categorical_crossentropy"):
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input(X.shape[1:]), cornu.layers.Dense(units or y.shape[1], activation=activation)])
    model.compile(cornu.optimizers.Adam(0.05), loss, run_eagerly=True)
    return model


def regressor(X, y):
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input(X.shape[1:]), cornu.layers.Dense(y.shape[1])])
    model.compile(cornu.optimizers.Adam(0.05), "mse", run_eagerly=True)
    return model


QUICK = {"epochs": 10, "batch_size": 64}


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(SKLearnClassifier(classifier, fit_kwargs=QUICK), marks=pytest.mark.long),
        SKLearnRegressor(regressor, fit_kwargs=QUICK),
        SKLearnTransformer(regressor, fit_kwargs=QUICK),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_scikit_learns_checks_hold(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skipped checks say so by a warning
        results = check_estimator(estimator, on_fail=None)
    assert len(results) > 40
    assert {r["check_name"]: str(r["exception"])[:200] for r in results if r["status"] == "failed"} == {}


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (3, "softmax", "categorical_crossentropy"),
        (3, "softmax", "sparse_categorical_crossentropy"),
        (3, None, cornu.losses.CategoricalCrossentropy(from_logits=True)),
    ],
)
def test_a_classifier_gives_each_loss_the_targets_it_takes(units, activation, loss):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = SKLearnClassifier(classifier, model_kwargs={"units": units, "activation": activation, "loss": loss}, fit_kwargs={"epochs": 20})
    model = make_pipeline(StandardScaler(), model).fit(X, names)
    assert model.score(X, names) > 0.8
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    assert (model.classes_[shares.argmax(1)] == model.predict(X)).all()


def test_one_unit_tells_two_classes():
    X, y = load_iris(return_X_y=True)
    X, y = X[:100], np.where(y[:100] == 1, "yes", "no")
    model = SKLearnClassifier(
        classifier, model_kwargs={"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy"}, fit_kwargs={"epochs": 20}
    )
    assert model.fit(X, y).score(X, y) > 0.9
    assert model.classes_.tolist() == ["no", "yes"]
    assert ((model.predict_proba(X)[:, 1] > 0.5) == (y == "yes")).all()


def test_one_unit_cannot_tell_three():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ArgumentError, match="unit for each class"):
        SKLearnClassifier(classifier, model_kwargs={"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy"}).fit(X, y)


def test_a_model_is_copied_by_each_fit_and_shared_by_clones():
    X, y = make_regression(40, 3, random_state=0)
    given = regressor(X, y[:, None])
    before = given.get_weights()
    estimator = SKLearnRegressor(given, fit_kwargs={"epochs": 2}).fit(X, y)
    assert estimator.model_ is not given
    for now, then in zip(given.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert clone(estimator).model is given
    assert not hasattr(clone(estimator), "model_")


def test_a_warm_start_goes_on_with_the_model():
    X, y = make_regression(40, 3, random_state=0)
    cold, warm = SKLearnRegressor(regressor), SKLearnRegressor(regressor, warm_start=True)
    for estimator in (cold, warm):
        first = estimator.fit(X, y).model_
        assert (estimator.fit(X, y).model_ is first) == estimator.warm_start


def test_a_pickle_predicts_the_same():
    X, y = make_regression(40, 3, n_targets=2, random_state=0)
    estimator = SKLearnRegressor(regressor(X, y), fit_kwargs={"epochs": 2}).fit(X, y)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert again.history_.history == estimator.history_.history


def test_grid_search_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(SKLearnClassifier(classifier), {"fit_kwargs": [{"epochs": 1}, {"epochs": 25}]}, cv=2).fit(X, y)
    assert search.best_params_ == {"fit_kwargs": {"epochs": 25}}
    scores = cross_val_score(SKLearnClassifier(classifier, fit_kwargs={"epochs": 25}), X, y, cv=2)
    assert scores.mean() > 0.7


def test_arguments_of_fit_go_to_the_model():
    X, y = make_regression(40, 3, random_state=0)
    assert len(SKLearnRegressor(regressor, fit_kwargs={"epochs": 1}).fit(X, y, epochs=3).history_.epoch) == 3


@pytest.mark.parametrize(
    ("model", "kwargs", "words"),
    [
        ("resnet", {}, "must be a compiled Model"),
        (lambda X, y: cornu.Sequential(), {}, "must be compiled"),
        ("a model", {"units": 3}, "leave them out"),
    ],
)
def test_what_is_no_compiled_model_is_refused(model, kwargs, words):
    X, y = make_regression(10, 3, random_state=0)
    model = regressor(X, y[:, None]) if model == "a model" else model
    with pytest.raises(ArgumentError, match=words):
        SKLearnRegressor(model, model_kwargs=kwargs).fit(X, y)


def test_predicting_before_fitting():
    with pytest.raises(NotFittedError):
        SKLearnTransformer(regressor).transform(np.eye(3))


def test_an_autoencoder_transforms():
    X = np.eye(4)
    codes = SKLearnTransformer(regressor, fit_kwargs={"epochs": 200}).fit_transform(X)
    np.testing.assert_allclose(codes, X, atol=0.3)

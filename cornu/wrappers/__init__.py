"""Models as scikit-learn's estimators, so that pipelines, grid searches and cross-validation take them."""

from cornu.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

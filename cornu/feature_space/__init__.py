"""Tables of mixed columns (numbers, whole numbers, texts) as the inputs of a model."""

from cornu.feature_space.features import Cross, Feature
from cornu.feature_space.space import FeatureSpace

__all__ = ["Cross", "Feature", "FeatureSpace"]

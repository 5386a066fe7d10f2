"""Data sets to learn with: well-known ones, fetched once and verified, and small ones that need no network.

    (x_train, y_train), (x_test, y_test) = cornu.datasets.mnist.load_data()

`digits`, `iris`, `wine`, `breast_cancer` and `diabetes` come with scikit-learn (`pip install 'cornu[data]'`); the others are kept under
`~/.cornu/datasets`, or under the folder that the environment variable `CORNU_HOME` or `KERAS_HOME` names. Old files with pickles
inside are read by a reader of plain data that runs nothing.
"""

from cornu.datasets import (
    boston_housing,
    breast_cancer,
    california_housing,
    cifar10,
    cifar100,
    diabetes,
    digits,
    fashion_mnist,
    imdb,
    iris,
    mnist,
    reuters,
    wine,
)
from cornu.datasets.digits import load_digits

__all__ = [
    "boston_housing",
    "breast_cancer",
    "california_housing",
    "cifar10",
    "cifar100",
    "diabetes",
    "digits",
    "fashion_mnist",
    "imdb",
    "iris",
    "load_digits",
    "mnist",
    "reuters",
    "wine",
]

"""Losses by name and as configurations; the contract that every class keeps."""

import inspect
import json

import numpy as np
import pytest

from cornu import losses, ops
from cornu.errors import UnknownNameError
from cornu.losses import Loss, LossFunctionWrapper

CLASSES = [
    cls for cls in vars(losses).values() if inspect.isclass(cls) and issubclass(cls, Loss) and cls not in (Loss, LossFunctionWrapper)
]  # fmt: skip
SETTINGS = {
    "Huber": {"delta": 2.0}, "BinaryCrossentropy": {"from_logits": True, "label_smoothing": 0.1, "axis": 1},
    "CosineSimilarity": {"axis": 1},
    "SparseCategoricalCrossentropy": {"ignore_class": 2}, "BinaryFocalCrossentropy": {"gamma": 1.0, "alpha": 0.5},
    "CategoricalFocalCrossentropy": {"alpha": [0.1, 0.9]}, "CategoricalGeneralizedCrossEntropy": {"q": 0.3},
    "CategoricalCrossentropy": {"label_smoothing": 0.2},
}  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES)
def test_configurations_make_equal_losses(cls):
    loss = cls(**SETTINGS.get(cls.__name__, {}), reduction="sum", name="mine", dtype="float16")
    stored = json.loads(json.dumps(losses.serialize(loss)))
    again = losses.deserialize(stored)
    assert type(again) is cls
    assert again.get_config() == loss.get_config()
    assert stored["module"] == "keras.losses"
    assert stored["config"] == stored["config"] | SETTINGS.get(cls.__name__, {})


@pytest.mark.parametrize("cls", CLASSES)
def test_a_class_is_the_mean_of_its_function(backend, rng, cls):
    y = rng.dirichlet(np.ones(4), 6).astype("float32")
    if cls.__name__ == "CTC":
        y = rng.normal(size=(6, 5, 4)).astype("float32")
    sparse = cls.__name__ in ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy")
    t = rng.integers(0, 4, 6) if sparse else np.eye(4, dtype="float32")[rng.integers(0, 4, 6)]
    t = {"CTC": rng.integers(1, 4, (6, 2)), "Circle": np.arange(6) // 2}.get(cls.__name__, t)
    loss = cls()
    values = cls._function_(t, y, **({"q": 0.5} if "Generalized" in cls.__name__ else {}))
    assert tuple(values.shape) == (() if cls.__name__ in ("Dice", "Tversky") else (6,))  # those two sum over samples as well
    np.testing.assert_allclose(ops.convert_to_numpy(loss(t, y)), ops.convert_to_numpy(values).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("mse", "mean_squared_error"), ("MSE", "mean_squared_error"), ("mae", "mean_absolute_error"), ("MAE", "mean_absolute_error"),
        ("mape", "mean_absolute_percentage_error"), ("msle", "mean_squared_logarithmic_error"), ("bce", "binary_crossentropy"),
        ("BCE", "binary_crossentropy"), ("kld", "kl_divergence"), ("KLD", "kl_divergence"),
    ],
)  # fmt: skip
def test_short_names(alias, name):
    assert losses.get(alias) is getattr(losses, name) is losses.get(name)


def test_identifiers():
    assert losses.get(None) is None
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.deserialize(losses.serialize(losses.huber)) is losses.huber
    assert losses.as_loss("mae").name == "mean_absolute_error"


@pytest.mark.parametrize(
    ("wrong", "meant"), [("mse2", "mse"), ("categorical_cross_entropy", "categorical_crossentropy"), ("hubber", "huber")]
)
def test_misspelt_names_raise_with_the_nearest(wrong, meant):
    with pytest.raises(UnknownNameError) as caught:
        losses.get(wrong)
    assert meant in caught.value.nearest


def weighted_error(y_true, y_pred, power=2.0):
    return ops.mean(ops.power(ops.absolute(y_true - y_pred), power), -1)


def test_a_wrapped_function(backend):
    loss = LossFunctionWrapper(weighted_error, power=3.0)
    assert loss.name == "weighted_error"
    assert float(loss(np.zeros(2), np.array([[1.0], [3.0]], "float32"))) == 14.0
    again = losses.deserialize(losses.serialize(loss), custom_objects={"weighted_error": weighted_error})
    assert again.fn is weighted_error
    assert again.kwargs == {"power": 3.0}


def test_a_loss_of_ones_own():
    class Cubic(Loss):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, y_true, y_pred):
            return self.factor * ops.mean(ops.absolute(y_true - y_pred) ** 3, axis=-1)

    loss = Cubic(2.0, name="cubic", reduction="sum")
    assert float(loss([[0.0], [0.0]], [[1.0], [2.0]])) == 18.0
    assert loss.get_config() == {"factor": 2.0, "name": "cubic", "reduction": "sum", "dtype": "float32"}
    assert Cubic.from_config(loss.get_config()).get_config() == loss.get_config()
    assert Cubic().name.startswith("cubic")

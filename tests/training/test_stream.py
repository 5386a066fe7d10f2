"""`predict(stream=True)`: outputs batch by batch."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ShapeError


@pytest.fixture
def model(backend):
    a = cornu.Input((3,))
    return cornu.Model(a, {"twice": a * 2, "sum": layers.Dense(1, kernel_initializer="ones")(a)})


def test_batches_come_one_by_one_and_are_the_callers_own(model):
    x = np.arange(30, dtype="float32").reshape(10, 3)
    taken = []

    def rows():
        for i in range(0, 10, 4):
            taken.append(i)
            yield x[i : i + 4]

    stream = model.predict(rows(), stream=True, verbose=0)
    first = next(stream)
    assert len(taken) <= 2  # the one that was given, and the one that is computed meanwhile
    np.testing.assert_array_equal(first["twice"], 2 * x[:4])
    first["twice"][:] = 0
    rest = list(stream)
    np.testing.assert_allclose(np.concatenate([part["sum"] for part in (first, *rest)]), x.sum(1, keepdims=True), rtol=1e-6)


def test_what_stands_between_two_batches_is_free(trainable_backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.ones((4, 3), "float32")
    stream = model.predict(x, batch_size=2, stream=True, verbose=0)
    next(stream)
    before = model.get_weights()[0]
    model.train_on_batch(x, np.zeros((4, 2)))  # gradients, within a stream that does without
    assert not np.array_equal(before, model.get_weights()[0])
    stream.close()


def test_callbacks_hear_of_it_and_wrong_data_is_told(model):
    heard = []
    told = cornu.callbacks.LambdaCallback()
    told.on_predict_batch_end = lambda batch, logs=None: heard.append(batch)
    assert len(list(model.predict(np.ones((5, 3)), batch_size=2, stream=True, verbose=0, callbacks=[told]))) == 3
    assert heard == [0, 1, 2]
    with pytest.raises(ShapeError, match="takes arrays of shape"):
        next(model.predict(np.ones((5, 4)), stream=True))

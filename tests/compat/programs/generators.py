"""Batches by generators and by a Sequence, with the three methods that took them."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import Sequence

rng = np.random.RandomState(0)
x = rng.rand(128, 4)
y = x.dot([1.0, -2.0, 3.0, 0.5])


def forever():
    at = 0
    while True:
        yield x[at : at + 16], y[at : at + 16]
        at = (at + 16) % 128


class Batches(Sequence):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return x[16 * i : 16 * i + 16], y[16 * i : 16 * i + 16]


model = Sequential([Dense(1, input_shape=(4,))])
model.compile("adam", "mse")
before = model.evaluate_generator(Batches())
model.fit_generator(forever(), steps_per_epoch=8, epochs=20, verbose=0, validation_data=Batches(), validation_steps=2)
batches = Batches()
model.fit_generator(batches, epochs=20, verbose=0, workers=2, max_queue_size=4)
assert batches.workers == 2 and batches.max_queue_size == 4
assert model.evaluate_generator(forever(), steps=8) < before
assert model.predict_generator(Batches(), steps=3).shape == (48, 1)
print("ok: generators")

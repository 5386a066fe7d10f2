"""A dense network in the words of Keras 1 and 2."""

import numpy as np
from keras.layers.core import Activation, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import np_utils

rng = np.random.RandomState(3)
x = rng.randn(300, 6)
labels = (x[:, 0] + x[:, 1] > 0).astype(int)
y = np_utils.to_categorical(labels, nb_classes=2)

model = Sequential()
model.add(Dense(output_dim=12, input_dim=6, init="glorot_uniform"))
model.add(Activation("relu"))
model.add(Dropout(p=0.1))
model.add(Dense(2))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer=SGD(lr=0.1, decay=1e-3, momentum=0.9), metrics=["accuracy"])
history = model.fit(x, y, nb_epoch=8, batch_size=30, verbose=0)
assert len(history.history["accuracy"]) == 8
assert abs(float(model.optimizer.lr) - 0.1 / (1 + 1e-3 * 80)) < 1e-6
assert (model.predict_classes(x) == labels).mean() > 0.9
print("ok: old_dense")

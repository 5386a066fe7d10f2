"""`tensorflow.keras`, in the three ways in which it is written."""

import numpy as np
import tensorflow.keras as keras
from tensorflow.keras import layers
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense

model = Sequential([layers.Input((3,)), Dense(2, activation="softmax")])
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="sparse_categorical_crossentropy")
model.fit(np.eye(3), [0, 1, 0], epochs=1, verbose=0)
assert type(model).__module__.startswith("cornu.")
print("ok: tf_keras")

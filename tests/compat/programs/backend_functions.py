"""A loss, a metric and a layer written with the backend's functions, and an inner layer's output."""

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.models import Model


def euclidean(pair):
    a, b = pair
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


def contrastive(y_true, y_pred):
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))


def near(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, K.floatx())))


K.clear_session()
left, right = Input(shape=(5,)), Input(shape=(5,))
shared = Dense(3, name="shared")
distance = Lambda(euclidean)([shared(left), shared(right)])
model = Model(inputs=[left, right], outputs=distance)
model.compile(loss=contrastive, optimizer="rmsprop", metrics=[near])
rng = np.random.RandomState(0)
a, b = rng.rand(64, 5), rng.rand(64, 5)
same = rng.randint(0, 2, (64, 1)).astype("float32")
b[same[:, 0] == 1] = a[same[:, 0] == 1]
losses = model.fit([a, b], same, epochs=5, verbose=0).history
assert set(losses) == {"loss", "near"}

kernel, bias = model.get_layer("shared").get_weights()
inner = K.function([left], [shared(left)])
assert np.allclose(inner([a])[0], a @ kernel + bias, atol=1e-5)
assert K.int_shape(distance) == (None, 1) and K.ndim(distance) == 2
v = K.variable([1.0, 2.0])
K.set_value(v, [3.0, 4.0])
assert K.get_value(K.dot(K.reshape(v, (1, 2)), K.ones((2, 1)))).tolist() == [[7.0]]
assert K.image_data_format() == "channels_last"
assert K.eval(K.batch_dot(K.ones((2, 3)), K.ones((2, 3)), axes=1)).tolist() == [[3.0], [3.0]]
print("ok: backend_functions")

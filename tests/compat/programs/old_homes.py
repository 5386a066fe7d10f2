"""Modules and classes where they once were."""

import keras
from keras.applications.vgg16 import preprocess_input
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Conv2D, MaxPooling2D
from keras.layers.embeddings import Embedding
from keras.layers.merge import concatenate
from keras.layers.normalization import BatchNormalization
from keras.layers.recurrent import LSTM
from keras.layers.wrappers import TimeDistributed
from keras.engine.topology import Layer
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils.np_utils import to_categorical
from keras.optimizers.legacy import Adam
import keras.backend as K
import keras.layers as L

assert Conv2D is L.Conv2D and LSTM is keras.layers.LSTM and Layer is keras.Layer
assert Adam is keras.optimizers.Adam
assert issubclass(LeakyReLU, Layer) and issubclass(TimeDistributed, Layer) and issubclass(BatchNormalization, Layer)
assert to_categorical([1, 0], 2).tolist() == [[0.0, 1.0], [1.0, 0.0]]
tokens = Tokenizer(num_words=10)
tokens.fit_on_texts(["the cat sat", "the dog"])
assert pad_sequences(tokens.texts_to_sequences(["the dog"]), maxlen=3).shape == (1, 3)
assert keras.__version__.startswith("3.") and K.backend() in ("jax", "torch", "tensorflow", "numpy")
assert all(callable(f) for f in (preprocess_input, concatenate, MaxPooling2D, Embedding))
print("ok: old_homes")

"""Layers, one file a family."""

from cornu.layers.batch_normalization import BatchNormalization
from cornu.layers.convolution import Conv1D, Conv2D, Conv3D
from cornu.layers.dense import Dense
from cornu.layers.dropout import AlphaDropout, Dropout, GaussianDropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from cornu.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.layer import Layer
from cornu.layers.pooling import AveragePooling1D, AveragePooling2D, AveragePooling3D, MaxPooling1D, MaxPooling2D, MaxPooling3D
from cornu.layers.reshaping import Flatten, Permute, RepeatVector, Reshape

__all__ = [
    "AlphaDropout", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "Conv1D", "Conv2D",
    "Conv3D", "Dense", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "Input",
    "InputLayer", "Layer", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Permute", "RepeatVector", "Reshape",
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
]  # fmt: skip

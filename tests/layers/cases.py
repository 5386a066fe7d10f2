"""Every layer with the arguments and the inputs on which the contract is checked. With a line here the contract holds for one more."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cornu import layers, ops, tree

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Inner:
    """A layer among the arguments of another, made anew each time."""

    layer: str
    arguments: dict[str, Any]

    def __str__(self):
        return self.layer

    def make(self, of=layers, **more):
        """The layer, of a module that has one of its name."""
        return getattr(of, self.layer)(**made(self.arguments, of, **more), **more)


def made(arguments, of=layers, **more):
    """The arguments with the layers among them made."""
    return tree.map_structure(lambda v: v.make(of, **more) if isinstance(v, Inner) else v, arguments)


def inner(layer, /, **arguments):
    return Inner(layer, arguments)


class Case(NamedTuple):
    """One layer, set up: its class's name and arguments, the shapes of its inputs, the number of ids if the inputs are whole numbers,
    what `call` is given beside the inputs, whether the inputs are arguments of their own and not a list, and the checks that do not
    apply, each with its reason."""

    layer: str
    arguments: dict[str, Any]
    shapes: tuple[Shape, ...]
    ids: int | None
    call: dict[str, Any]
    separate: bool
    exempt: dict[str, str]

    def __str__(self):
        words = [
            f"{k}={'+'.join(map(str, v)) if k == 'cell' and isinstance(v, list) else getattr(v, '__name__', 'array' if isinstance(v, np.ndarray) else v)}"
            for k, v in {**self.arguments, **self.call}.items()
        ]
        return f"{self.layer}({', '.join(words)})".replace(" ", "") + f"{len(self.shapes[0])}d"

    def make(self, **more):
        """The layer, anew."""
        return getattr(layers, self.layer)(**made(self.arguments, **more), **more)

    def inputs(self, rng):
        """Numbers for its inputs: normal, or ids."""
        if self.ids is not None:
            return [rng.integers(0, self.ids, shape).astype("int32") for shape in self.shapes]
        return [rng.standard_normal(shape).astype("float32") for shape in self.shapes]

    def run(self, layer, xs, **more):
        """What the layer makes of its inputs."""
        options = {**self.call, **more}
        return layer(*xs, **options) if self.separate else layer(xs[0] if len(xs) == 1 else list(xs), **options)


def case(layer, /, *shapes, ids=None, call=None, separate=False, exempt=None, **arguments):
    return Case(layer, arguments, shapes, ids, call or {}, separate, exempt or {})


SEQUENCE, IMAGE, VOLUME = (2, 6, 4), (2, 6, 5, 4), (2, 4, 5, 3, 4)
IMAGE_FIRST, VOLUME_FIRST = (2, 4, 6, 5), (2, 4, 4, 5, 3)  # channels first
FIRST = {"data_format": "channels_first"}
TRAINING = {"training": True}

AFFINE = [
    case("Dense", (2, 4), units=3, activation="tanh"),
    case("Dense", SEQUENCE, units=3, use_bias=False, kernel_regularizer="l2", kernel_constraint="non_neg"),
    case("Conv1D", SEQUENCE, filters=3, kernel_size=2, padding="causal", dilation_rate=2, activation="tanh"),
    case("Conv1D", SEQUENCE, filters=4, kernel_size=3, strides=2, groups=2, padding="same"),
    case("Conv1D", (2, 4, 6), filters=3, kernel_size=2, **FIRST),
    case("Conv2D", IMAGE, filters=3, kernel_size=(3, 2), strides=(2, 1), padding="same", activation="sigmoid"),
    case("Conv2D", IMAGE, filters=2, kernel_size=2, dilation_rate=2, use_bias=False),
    case("Conv2D", IMAGE_FIRST, filters=2, kernel_size=3, groups=2, **FIRST),
    case("Conv3D", VOLUME, filters=2, kernel_size=2, strides=2, padding="same"),
    case("Conv3D", VOLUME_FIRST, filters=2, kernel_size=(1, 2, 3), **FIRST),
]
WINDOWED = [
    case("DepthwiseConv1D", SEQUENCE, kernel_size=3, depth_multiplier=2, dilation_rate=2, activation="tanh"),
    case("DepthwiseConv1D", (2, 4, 6), kernel_size=2, strides=2, padding="same", **FIRST),
    case("DepthwiseConv2D", IMAGE, kernel_size=(3, 2), depth_multiplier=2, padding="same", depthwise_regularizer="l2"),
    case("DepthwiseConv2D", IMAGE, kernel_size=3, strides=2, use_bias=False),
    case("DepthwiseConv2D", IMAGE_FIRST, kernel_size=3, depthwise_constraint="non_neg", **FIRST),
    case("SeparableConv1D", SEQUENCE, filters=3, kernel_size=2, depth_multiplier=2, activation="sigmoid"),
    case("SeparableConv1D", (2, 4, 6), filters=3, kernel_size=3, strides=2, padding="same", **FIRST),
    case("SeparableConv2D", IMAGE, filters=3, kernel_size=(2, 3), strides=2, padding="same", pointwise_initializer="he_normal"),
    case("SeparableConv2D", IMAGE_FIRST, filters=2, kernel_size=2, depth_multiplier=2, dilation_rate=2, use_bias=False, **FIRST),
    case("Conv1DTranspose", SEQUENCE, filters=3, kernel_size=4, strides=2, padding="same", activation="tanh"),
    case("Conv1DTranspose", (2, 4, 6), filters=3, kernel_size=3, strides=3, output_padding=2, **FIRST),
    case("Conv2DTranspose", IMAGE, filters=3, kernel_size=(3, 2), strides=(2, 3), kernel_regularizer="l2"),
    case("Conv2DTranspose", IMAGE, filters=2, kernel_size=3, strides=2, padding="same", output_padding=1),
    case("Conv2DTranspose", IMAGE_FIRST, filters=2, kernel_size=3, dilation_rate=2, padding="same", use_bias=False, **FIRST),
    case("Conv3DTranspose", VOLUME, filters=2, kernel_size=2, strides=2, padding="same"),
    case("Conv3DTranspose", VOLUME_FIRST, filters=2, kernel_size=(1, 2, 3), **FIRST),
]
POOLINGS = [
    case("MaxPooling1D", SEQUENCE, pool_size=2),
    case("MaxPooling2D", IMAGE, pool_size=(3, 2), strides=2, padding="same"),
    case("MaxPooling2D", IMAGE_FIRST, **FIRST),
    case("MaxPooling3D", VOLUME, pool_size=2, strides=1),
    case("AveragePooling1D", SEQUENCE, pool_size=3, padding="same"),
    case("AveragePooling2D", IMAGE, pool_size=2, strides=1),
    case("AveragePooling2D", IMAGE_FIRST, pool_size=2, padding="same", **FIRST),
    case("AveragePooling3D", VOLUME, pool_size=2, padding="same"),
    case("GlobalMaxPooling1D", SEQUENCE),
    case("GlobalMaxPooling2D", IMAGE, keepdims=True),
    case("GlobalMaxPooling3D", VOLUME_FIRST, **FIRST),
    case("GlobalAveragePooling1D", SEQUENCE, keepdims=True),
    case("GlobalAveragePooling2D", IMAGE_FIRST, **FIRST),
    case("GlobalAveragePooling3D", VOLUME),
]
SHAPES = [
    case("Flatten", IMAGE),
    case("Flatten", IMAGE_FIRST, **FIRST),
    case("Reshape", SEQUENCE, target_shape=(3, -1)),
    case("Permute", SEQUENCE, dims=(2, 1)),
    case("RepeatVector", (2, 4), n=3),
    case("ZeroPadding1D", SEQUENCE, padding=(1, 2)),
    case("ZeroPadding2D", IMAGE, padding=((0, 1), (2, 3))),
    case("ZeroPadding2D", IMAGE_FIRST, padding=(1, 2), **FIRST),
    case("ZeroPadding3D", VOLUME, padding=1),
    case("Cropping1D", SEQUENCE, cropping=(2, 1)),
    case("Cropping2D", IMAGE, cropping=((1, 0), (2, 1))),
    case("Cropping2D", IMAGE_FIRST, cropping=1, **FIRST),
    case("Cropping3D", (2, 4, 5, 3, 4)),
    case("UpSampling1D", SEQUENCE, size=3),
    case("UpSampling2D", IMAGE, size=(1, 2)),
    case("UpSampling2D", IMAGE, size=2, interpolation="bilinear"),
    case("UpSampling2D", IMAGE_FIRST, size=(2, 3), interpolation="bicubic", **FIRST),
    case("UpSampling3D", VOLUME, size=(2, 1, 2)),
]
ELEMENTWISE = [
    case("Identity", SEQUENCE),
    case("ActivityRegularization", (2, 3), l1=0.1, l2=0.2),
    case("Lambda", SEQUENCE, function=ops.square, exempt={"config": "a function of the vocabulary is not one that a file may name"}),
    case("Activation", SEQUENCE, activation="silu"),
    case("ReLU", SEQUENCE),
    case("ReLU", SEQUENCE, max_value=1.0, negative_slope=0.25, threshold=0.5),
    case("LeakyReLU", SEQUENCE),
    case("ELU", SEQUENCE, alpha=0.5),
    case("PReLU", SEQUENCE, alpha_initializer="he_normal", shared_axes=[1]),
    case("Softmax", SEQUENCE),
    case("Softmax", SEQUENCE, axis=[1, 2]),
    case("Rescaling", (2, 3), scale=2.0, offset=-1.0),
    case("Rescaling", (2, 3), scale=[1.0, 2.0, 3.0], offset=[0.0, 1.0, 2.0]),
    # outside of training these do nothing; what they do in it is tested one by one
    case("Dropout", SEQUENCE, rate=0.5, noise_shape=(None, 1, None), seed=3),
    case("SpatialDropout1D", SEQUENCE, rate=0.5, seed=3),
    case("SpatialDropout2D", IMAGE_FIRST, rate=0.5, seed=3, **FIRST),
    case("SpatialDropout3D", VOLUME, rate=0.5, seed=3),
    case("AlphaDropout", SEQUENCE, rate=0.5, seed=3),
    case("GaussianDropout", SEQUENCE, rate=0.5, seed=3),
    case("GaussianNoise", SEQUENCE, stddev=0.5, seed=3),
]
NORMALISATIONS = [
    case("BatchNormalization", (6, 4), gamma_initializer="random_normal", beta_initializer="random_normal"),
    case("BatchNormalization", (6, 4), call=TRAINING, momentum=0.5),
    case("BatchNormalization", IMAGE_FIRST, call=TRAINING, axis=1, scale=False, epsilon=0.01),
    case("LayerNormalization", SEQUENCE, gamma_initializer="random_normal"),
    case("LayerNormalization", SEQUENCE, axis=[2, 1], center=False),
    case("LayerNormalization", IMAGE, axis=1),
    case("GroupNormalization", IMAGE, groups=2, gamma_initializer="random_normal"),
    case("GroupNormalization", IMAGE_FIRST, groups=-1, axis=1, scale=False),
    case("RMSNormalization", SEQUENCE),
    case("RMSNormalization", SEQUENCE, axis=[1, 2], epsilon=0.1),
    case("UnitNormalization", SEQUENCE),
    case("UnitNormalization", SEQUENCE, axis=[1, 2]),
    case("Normalization", SEQUENCE),
    case("Normalization", (2, 3), mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]),
    case("Normalization", SEQUENCE, axis=None, mean=2.0, variance=4.0, invert=True),
]
LOOK_UPS = [
    case("Embedding", (2, 5), ids=6, input_dim=6, output_dim=3),
    case(
        "Embedding", (2, 5), ids=6, input_dim=6, output_dim=3, mask_zero=True, embeddings_regularizer="l2", embeddings_initializer="normal"
    ),
    case("Masking", SEQUENCE, mask_value=1.0),
]
MERGES = [
    case("Add", SEQUENCE, SEQUENCE, SEQUENCE),
    case("Add", SEQUENCE, (2, 4)),
    case("Subtract", SEQUENCE, (2, 6, 1)),
    case("Multiply", (2, 4), SEQUENCE),
    case("Average", SEQUENCE, SEQUENCE, (2, 4)),
    case("Maximum", SEQUENCE, SEQUENCE),
    case("Minimum", SEQUENCE, (2, 4)),
    case("Concatenate", SEQUENCE, (2, 6, 3)),
    case("Concatenate", SEQUENCE, (2, 3, 4), axis=1),
    case("Dot", (2, 4), (2, 4), axes=1),
    case("Dot", SEQUENCE, (2, 3, 4), axes=-1, normalize=True),
    case("Dot", (2, 3, 4, 5), (2, 6, 4), axes=(2, 2)),
]
ALL_STEPS = {"return_sequences": True}
RECURRENT = [
    case("SimpleRNN", SEQUENCE, units=3, bias_initializer="normal"),
    case("SimpleRNN", SEQUENCE, units=3, activation="relu", use_bias=False, go_backwards=True, return_state=True, **ALL_STEPS),
    case("LSTM", SEQUENCE, units=3, bias_initializer="normal"),
    case("LSTM", SEQUENCE, units=3, unit_forget_bias=False, use_bias=False, go_backwards=True, return_state=True, **ALL_STEPS),
    case("LSTM", SEQUENCE, units=3, activation="softsign", recurrent_activation="hard_sigmoid", kernel_regularizer="l2", unroll=True),
    case("GRU", SEQUENCE, units=3, bias_initializer="normal", **ALL_STEPS),
    case("GRU", SEQUENCE, units=3, reset_after=False, bias_initializer="normal", go_backwards=True),
    case("GRU", SEQUENCE, units=3, use_bias=False, return_state=True, recurrent_initializer="glorot_normal"),
    case("RNN", SEQUENCE, cell=inner("GRUCell", units=3), return_state=True),
    case(
        "RNN",
        SEQUENCE,
        cell=[inner("LSTMCell", units=3), inner("SimpleRNNCell", units=2)],
        return_state=True,
        **ALL_STEPS,
        exempt={"shape": "states of stacked cells are nested, and the check reads a flat list"},
    ),
    case("Bidirectional", SEQUENCE, layer=inner("LSTM", units=3)),
    case("Bidirectional", SEQUENCE, layer=inner("GRU", units=2, return_state=True, **ALL_STEPS), merge_mode="ave"),
    case("Bidirectional", SEQUENCE, layer=inner("SimpleRNN", units=2, **ALL_STEPS), merge_mode=None),
    case(
        "Bidirectional", SEQUENCE, layer=inner("GRU", units=2), merge_mode="mul", backward_layer=inner("LSTM", units=2, go_backwards=True)
    ),
    case("TimeDistributed", SEQUENCE, layer=inner("Dense", units=3, activation="tanh")),
    case("TimeDistributed", (2, 3, 6, 4), layer=inner("GRU", units=3)),
]

CORE_CASES = [*AFFINE, *POOLINGS, *SHAPES, *ELEMENTWISE, *NORMALISATIONS]
SEQUENCE_CASES = [*LOOK_UPS, *MERGES, *RECURRENT]
EQUATIONS = [
    case("EinsumDense", SEQUENCE, equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de", activation="tanh"),
    case("EinsumDense", SEQUENCE, equation="...x,xy->...y", output_shape=3, kernel_regularizer="l2"),
    case("EinsumDense", SEQUENCE, equation="ab...,bc->ac...", output_shape=(3, None), bias_axes="c", bias_initializer="normal"),
]
SOURCES = (2, 3, 4)
PAIR = {"attention_mask": np.arange(18).reshape(1, 6, 3) % 5 > 0}
ATTENTION = [
    case("Attention", SEQUENCE, SOURCES, use_scale=True),
    case("Attention", SEQUENCE, SOURCES, SOURCES, score_mode="concat", use_scale=True, call={"return_attention_scores": True}),
    case("Attention", SEQUENCE, SEQUENCE, call={"use_causal_mask": True}, dropout=0.5, seed=3),
    case("AdditiveAttention", SEQUENCE, SOURCES, SOURCES, call={"use_causal_mask": True, "return_attention_scores": True}),
    case("AdditiveAttention", SEQUENCE, SOURCES, use_scale=False),
    case("MultiHeadAttention", SEQUENCE, SOURCES, separate=True, num_heads=2, key_dim=3, bias_initializer="normal"),
    case("MultiHeadAttention", SEQUENCE, SOURCES, SOURCES, separate=True, num_heads=2, key_dim=3, output_shape=(2, 3), call=PAIR),
    case(
        "MultiHeadAttention",
        IMAGE,
        (2, 6, 3, 4),
        separate=True,
        num_heads=2,
        key_dim=3,
        attention_axes=2,
        use_gate=True,
        use_bias=False,
        call={"return_attention_scores": True},
    ),
    case("MultiHeadAttention", VOLUME, VOLUME, separate=True, num_heads=1, key_dim=2, attention_axes=[1, 3], kernel_regularizer="l2"),
    case("MultiHeadAttention", SEQUENCE, SEQUENCE, separate=True, num_heads=2, key_dim=3, sliding_window=2, call={"use_causal_mask": True}),
    case("GroupQueryAttention", SEQUENCE, SOURCES, separate=True, head_dim=3, num_query_heads=4, num_key_value_heads=2, use_gate=True),
    case(
        "GroupQueryAttention",
        SEQUENCE,
        SEQUENCE,
        separate=True,
        head_dim=3,
        num_query_heads=2,
        num_key_value_heads=1,
        use_bias=False,
        sliding_window=3,
        call={"return_attention_scores": True, "use_causal_mask": True},
    ),
]
ADAPTIVE = [
    case("AdaptiveAveragePooling1D", SEQUENCE, output_size=4),
    case("AdaptiveAveragePooling2D", IMAGE, output_size=(3, 2)),
    case("AdaptiveAveragePooling2D", IMAGE_FIRST, output_size=(2, 5), **FIRST),
    case("AdaptiveAveragePooling3D", VOLUME, output_size=(2, 5, 2)),
    case("AdaptiveMaxPooling1D", SEQUENCE, output_size=4),
    case("AdaptiveMaxPooling2D", IMAGE, output_size=(4, 2)),
    case("AdaptiveMaxPooling2D", IMAGE_FIRST, output_size=3, **FIRST),
    case("AdaptiveMaxPooling3D", VOLUME_FIRST, output_size=2, **FIRST),
]
BACK, SHAPE_THERE = {"reverse": True}, {"shape": "without a call the shape is that of the way there"}
WRAPPED = [
    case("SpectralNormalization", (2, 4), layer=inner("Dense", units=3), power_iterations=2),
    case("SpectralNormalization", IMAGE, layer=inner("Conv2D", filters=3, kernel_size=2)),
    case("ReversibleEmbedding", (2, 5), ids=6, input_dim=6, output_dim=3, mask_zero=True),
    case("ReversibleEmbedding", (2, 5), ids=6, input_dim=6, output_dim=3, tie_weights=False, logit_soft_cap=2.0),
    case("ReversibleEmbedding", SEQUENCE, input_dim=7, output_dim=4, logit_soft_cap=2.0, call=BACK, exempt=SHAPE_THERE),
    case("ReversibleEmbedding", SEQUENCE, input_dim=7, output_dim=4, tie_weights=False, call=BACK, exempt=SHAPE_THERE),
]
FILMS = [
    case("ConvLSTM1D", (2, 3, 5, 2), filters=2, kernel_size=2, return_state=True, bias_initializer="normal"),
    case("ConvLSTM1D", (2, 3, 2, 5), filters=2, kernel_size=3, strides=2, padding="same", use_bias=False, **ALL_STEPS, **FIRST),
    case("ConvLSTM2D", (2, 3, 4, 5, 2), filters=2, kernel_size=(3, 2), recurrent_activation="hard_sigmoid", go_backwards=True),
    case("ConvLSTM2D", (2, 3, 2, 4, 5), filters=2, kernel_size=2, dilation_rate=2, unit_forget_bias=False, **FIRST),
    case("ConvLSTM3D", (2, 2, 3, 4, 3, 2), filters=2, kernel_size=2, kernel_regularizer="l2"),
]

PHOTO, SPREAD, OUTSIDE = (2, 6, 5, 3), {"value_range": (-4.0, 4.0)}, {"training": False}
LEVELS = {"mixed precision": "a value beside the edge of a level, rounded, comes to lie on another one"}
NO_SLOPE = {**LEVELS, "gradient": "levels have no slope", "agreement": "no gradient flows through levels"}
FAINT = {"mixed precision": "the logarithm and the angle of next to nothing are anything"}
# where a draw lies between two equal numbers nothing is left to chance; of the others the table holds what they do outside training
PICTURES = [
    case("Resizing", PHOTO, height=4, width=7),
    case("Resizing", PHOTO, height=3, width=3, pad_to_aspect_ratio=True, antialias=True),
    case("Resizing", (2, 3, 6, 5), height=4, width=4, crop_to_aspect_ratio=True, interpolation="nearest", **FIRST),
    case("CenterCrop", PHOTO, height=4, width=3),
    case("RandomCrop", PHOTO, height=4, width=3, seed=3, call=OUTSIDE),
    case("MaxNumBoundingBoxes", PHOTO, max_number=3),
    case("AutoContrast", PHOTO, **SPREAD),
    case("Equalization", PHOTO, bins=16, call=TRAINING, exempt=NO_SLOPE, **SPREAD),
    case("ContrastLimitedAdaptiveHistogramEqualization", PHOTO, tile_grid_size=(2, 2), exempt=NO_SLOPE, **SPREAD),
    case("Solarization", PHOTO, addition_factor=(0.1, 0.1), threshold_factor=(0.6, 0.6), call=TRAINING, exempt=LEVELS, **SPREAD),
    case("RandomFlip", PHOTO, seed=3, call=OUTSIDE),
    case("RandomRotation", PHOTO, factor=(0.07, 0.07), seed=3, call=TRAINING),
    case("RandomTranslation", PHOTO, height_factor=(0.2, 0.2), width_factor=(-0.3, -0.3), fill_mode="wrap", seed=3, call=TRAINING),
    case("RandomZoom", PHOTO, height_factor=(0.5, 0.5), width_factor=(-0.3, -0.3), fill_mode="constant", seed=3, call=TRAINING),
    case("RandomShear", PHOTO, x_factor=0.2, y_factor=0.1, seed=3, call=OUTSIDE),
    case("RandomPerspective", PHOTO, factor=(0.0, 0.0), scale=0.5, seed=3, call=TRAINING),
    case("RandomElasticTransform", PHOTO, seed=3, call=OUTSIDE, **SPREAD),
    case("RandomBrightness", PHOTO, factor=(0.1, 0.1), seed=3, call=TRAINING, **SPREAD),
    case("RandomContrast", PHOTO, factor=0.5, seed=3, call=OUTSIDE, **SPREAD),
    case("RandomSaturation", PHOTO, factor=(0.3, 0.3), seed=3, call=TRAINING, **SPREAD),
    case("RandomHue", PHOTO, factor=0.3, seed=3, call=OUTSIDE, **SPREAD),
    case("RandomSharpness", PHOTO, factor=(0.7, 0.7), seed=3, call=TRAINING, **SPREAD),
    case("RandomColorDegeneration", PHOTO, factor=(0.3, 0.3), seed=3, call=TRAINING, **SPREAD),
    case("RandomGrayscale", PHOTO, factor=1.0, seed=3, call=TRAINING),
    case("RandomColorJitter", PHOTO, brightness_factor=(0.1, 0.1), saturation_factor=(0.3, 0.3), seed=3, call=TRAINING, **SPREAD),
    case("RandomPosterization", PHOTO, factor=(3, 3), seed=3, call=TRAINING, exempt=LEVELS, **SPREAD),
    case("RandomInvert", PHOTO, factor=(1.0, 1.0), seed=3, call=TRAINING, **SPREAD),
    case("RandomErasing", PHOTO, seed=3, call=OUTSIDE, **SPREAD),
    case("RandomGaussianBlur", PHOTO, factor=(1.0, 1.0), kernel_size=(3, 5), sigma=(0.9, 0.9), seed=3, call=TRAINING, **SPREAD),
    case("RandAugment", PHOTO, seed=3, call=OUTSIDE, **SPREAD),
    case("AugMix", PHOTO, num_chains=2, chain_depth=1, seed=3, call=OUTSIDE, **SPREAD),
    case("MixUp", PHOTO, seed=3, call=OUTSIDE),
    case("CutMix", PHOTO, seed=3, call=OUTSIDE),
    case(
        "Pipeline",
        PHOTO,
        layers=[inner("CenterCrop", height=4, width=3), inner("Rescaling", scale=2.0)],
        exempt=dict.fromkeys(("gradient", "mixed precision"), "takes no dtype: each of its layers has its own"),
    ),
]
SOUNDS = [
    case("STFTSpectrogram", (2, 64, 2), mode="magnitude", frame_length=16, padding="same"),
    case("STFTSpectrogram", (2, 64, 1), mode="log", frame_length=16, fft_length=32, exempt=FAINT),
    case("STFTSpectrogram", (2, 2, 64), mode="stft", frame_length=16, expand_dims=True, **FIRST),
    case("MelSpectrogram", (2, 64), fft_length=32, sequence_stride=8, num_mel_bins=6, exempt=FAINT),
]

MORE_CASES = [*WINDOWED, *EQUATIONS, *ATTENTION, *ADAPTIVE, *WRAPPED, *FILMS]
CASES = [*CORE_CASES, *SEQUENCE_CASES, *MORE_CASES, *PICTURES, *SOUNDS]

_TEXTS = "its inputs are texts or ids and its weights a vocabulary; tests of its own in tests/layers"
_CELLS = "a cell is one step of a layer of the table, RNN, which holds it"
_FOREIGN = "what it wraps belongs to another framework; tests/interop"
WITHOUT = {
    **dict.fromkeys(("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"), _TEXTS),
    **dict.fromkeys(("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"), _CELLS),
    **dict.fromkeys(("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"), _FOREIGN),
    **dict.fromkeys(("Layer", "Wrapper"), "without a call of its own"),
    "InputLayer": "the beginning of a graph, never called",
}  # fmt: skip
"""The public layers that the table leaves out, each with the reason."""

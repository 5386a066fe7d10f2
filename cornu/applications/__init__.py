"""Models for images as their papers have them, with fresh weights or with those published for ImageNet.

    model = cornu.applications.ResNet50()
    images = cornu.applications.resnet50.preprocess_input(images)  # (batch, 224, 224, 3), colours red, green, blue, from 0 to 255
    cornu.applications.resnet50.decode_predictions(model.predict(images), top=3)

Each family is a module with its models, its `preprocess_input` and `decode_predictions`; what the models' arguments mean stands in
`cornu.applications.architecture.Architecture`. Weights are fetched when first asked for, verified, and kept in `CORNU_HOME/models`.
"""

# ruff: noqa: F401 - what is imported for type checkers is public under these names

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.applications import convnext as convnext
    from cornu.applications import densenet as densenet
    from cornu.applications import efficientnet as efficientnet
    from cornu.applications import efficientnet_v2 as efficientnet_v2
    from cornu.applications import imagenet_utils as imagenet_utils
    from cornu.applications import inception_resnet_v2 as inception_resnet_v2
    from cornu.applications import inception_v3 as inception_v3
    from cornu.applications import mobilenet as mobilenet
    from cornu.applications import mobilenet_v2 as mobilenet_v2
    from cornu.applications import mobilenet_v3 as mobilenet_v3
    from cornu.applications import nasnet as nasnet
    from cornu.applications import resnet as resnet
    from cornu.applications import resnet50 as resnet50
    from cornu.applications import resnet_v2 as resnet_v2
    from cornu.applications import vgg16 as vgg16
    from cornu.applications import vgg19 as vgg19
    from cornu.applications import xception as xception
    from cornu.applications.convnext import ConvNeXtBase, ConvNeXtLarge, ConvNeXtSmall, ConvNeXtTiny, ConvNeXtXLarge
    from cornu.applications.densenet import DenseNet121, DenseNet169, DenseNet201
    from cornu.applications.efficientnet import (
        EfficientNetB0,
        EfficientNetB1,
        EfficientNetB2,
        EfficientNetB3,
        EfficientNetB4,
        EfficientNetB5,
        EfficientNetB6,
        EfficientNetB7,
    )
    from cornu.applications.efficientnet_v2 import (
        EfficientNetV2B0,
        EfficientNetV2B1,
        EfficientNetV2B2,
        EfficientNetV2B3,
        EfficientNetV2L,
        EfficientNetV2M,
        EfficientNetV2S,
    )
    from cornu.applications.inception_resnet_v2 import InceptionResNetV2
    from cornu.applications.inception_v3 import InceptionV3
    from cornu.applications.mobilenet import MobileNet
    from cornu.applications.mobilenet_v2 import MobileNetV2
    from cornu.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
    from cornu.applications.nasnet import NASNetLarge, NASNetMobile
    from cornu.applications.resnet import ResNet50, ResNet101, ResNet152
    from cornu.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
    from cornu.applications.vgg16 import VGG16
    from cornu.applications.vgg19 import VGG19
    from cornu.applications.xception import Xception

_HOMES = {
    "convnext": ("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge"),
    "densenet": ("DenseNet121", "DenseNet169", "DenseNet201"),
    "efficientnet": tuple(f"EfficientNetB{i}" for i in range(8)),
    "efficientnet_v2": tuple(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "L", "M", "S")),
    "imagenet_utils": (),
    "inception_resnet_v2": ("InceptionResNetV2",),
    "inception_v3": ("InceptionV3",),
    "mobilenet": ("MobileNet",),
    "mobilenet_v2": ("MobileNetV2",),
    "mobilenet_v3": ("MobileNetV3Large", "MobileNetV3Small"),
    "nasnet": ("NASNetLarge", "NASNetMobile"),
    "resnet": ("ResNet101", "ResNet152", "ResNet50"),
    "resnet50": (),
    "resnet_v2": ("ResNet101V2", "ResNet152V2", "ResNet50V2"),
    "vgg16": ("VGG16",),
    "vgg19": ("VGG19",),
    "xception": ("Xception",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOMES, *_HOME_OF]  # noqa: PLE0604 - names as texts


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name in _HOMES:
        return importlib.import_module(f"cornu.applications.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'cornu.applications' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"cornu.applications.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

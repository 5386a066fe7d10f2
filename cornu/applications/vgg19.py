"""VGG with 19 weighted layers."""

from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.vgg import vgg

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

VGG19 = vgg(19, (2, 2, 4, 4, 4), __name__)
preprocess_input = preprocessing("caffe", __name__)

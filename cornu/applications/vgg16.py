"""VGG with 16 weighted layers."""

from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.vgg import vgg

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

VGG16 = vgg(16, (2, 2, 3, 3, 3), __name__)
preprocess_input = preprocessing("caffe", __name__)

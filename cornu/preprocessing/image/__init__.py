"""Images: files, arrays, resizing, and changes at random while a model trains.

Decoding and writing files needs Pillow (`pip install pillow`); everything else works on arrays.
"""

from cornu.preprocessing.image.affine import apply_affine_transform, apply_brightness_shift, apply_channel_shift
from cornu.preprocessing.image.array_iterator import NumpyArrayIterator
from cornu.preprocessing.image.arrays import array_to_img, img_to_array
from cornu.preprocessing.image.directory_iterator import DirectoryIterator
from cornu.preprocessing.image.files import load_img, save_img
from cornu.preprocessing.image.frame_iterator import DataFrameIterator
from cornu.preprocessing.image.generator import ImageDataGenerator
from cornu.preprocessing.image.resize import smart_resize
from cornu.preprocessing.image.transforms import (
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from cornu.preprocessing.iterator import Iterator

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]

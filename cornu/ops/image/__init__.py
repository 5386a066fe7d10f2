"""The ops of images: colours, other sizes, warps, patches, filters.

An image is (height, width, channels), a batch of them (batch, height, width, channels); channels come first where `data_format` says so.
What has no meaning between whole numbers is computed in floats and comes back rounded, in the dtype that came in.
"""

from cornu.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from cornu.ops.image.cutting import crop_images, extract_patches, extract_patches_3d, pad_images
from cornu.ops.image.filtering import gaussian_blur, sobel_edges, ssim
from cornu.ops.image.resizing import resize, scale_and_translate
from cornu.ops.image.warping import affine_transform, elastic_transform, map_coordinates, perspective_transform

__all__ = [
    "affine_transform", "crop_images", "elastic_transform", "extract_patches", "extract_patches_3d", "gaussian_blur", "hsv_to_rgb",
    "map_coordinates", "pad_images", "perspective_transform", "resize", "rgb_to_grayscale", "rgb_to_hsv", "scale_and_translate",
    "sobel_edges", "ssim",
]  # fmt: skip

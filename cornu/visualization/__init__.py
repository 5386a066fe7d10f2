"""Images with what is in them drawn onto them, and galleries of such images.

The `draw_` functions work on arrays; the `plot_` functions need Matplotlib (`pip install 'cornu[data]'`).
"""

from cornu.visualization.boxes import draw_bounding_boxes
from cornu.visualization.galleries import plot_bounding_box_gallery, plot_image_gallery, plot_segmentation_mask_gallery
from cornu.visualization.masks import draw_segmentation_masks

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]

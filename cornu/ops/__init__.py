"""The vocabulary: every op once, on every backend.

A `primitive` is what a backend implements; a `composite` is written in other ops. Each file holds one family. `numpy`, `nn`, `linalg` and
`image` are faces: the ops by their subject, as Keras groups them; those of images are found there alone.
"""

from cornu.ops import image as image
from cornu.ops import linalg as linalg
from cornu.ops import nn as nn
from cornu.ops import numpy as numpy
from cornu.ops.activation import *
from cornu.ops.adaptive import *
from cornu.ops.attention import *
from cornu.ops.blocks import *
from cornu.ops.calculus import *
from cornu.ops.control import *
from cornu.ops.conv import *
from cornu.ops.core import *
from cornu.ops.creation import *
from cornu.ops.crossentropy import *
from cornu.ops.ctc import *
from cornu.ops.derivatives import *
from cornu.ops.elementwise import *
from cornu.ops.indexing import *
from cornu.ops.joining import *
from cornu.ops.linear_algebra import *
from cornu.ops.matrices import *
from cornu.ops.nan import *
from cornu.ops.normalization import *
from cornu.ops.operators import attach as attach
from cornu.ops.products import *
from cornu.ops.rearrange import *
from cornu.ops.recurrent import *
from cornu.ops.reduce import *
from cornu.ops.segments import *
from cornu.ops.shaping import *
from cornu.ops.signal import *
from cornu.ops.sorting import *
from cornu.ops.statistics import *
from cornu.ops.windows import *

# what the families have brought in
__all__ = [*sorted(name for name, value in globals().items() if callable(value) and not name.startswith("_") and name != "attach")]  # noqa: PLE0604 - they are texts

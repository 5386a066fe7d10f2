"""One model on several devices: batches cut up among them, and weights too where they are too large for one.

    from cornu import distribution

    distribution.set_distribution(distribution.DataParallel())
    model.fit(x, y)  # each device has a part of the rows of every batch; the weights are those that one device would find

The distribution is set before a program's `fit`, and the loop, the layers and the losses do not know of it: arrays are global, so a mean over the
batch, the statistics of batch normalisation and every metric are those of the whole batch. JAX alone can do this.
"""

from cornu.distribution.devices import get_device_count, initialize, list_devices
from cornu.distribution.layouts import LayoutMap, TensorLayout, distribute_tensor
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.parallel import DataParallel, Distribution, ModelParallel, distribution, set_distribution

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "Distribution",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribute_tensor",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]

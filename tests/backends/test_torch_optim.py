"""PyTorch's fused optimizer kernels, called with gradients as they come out of the backward pass."""

import numpy as np
import pytest

import cornu
from cornu import optimizers
from cornu.state import Variable

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("make", [lambda: optimizers.Adam(0.1), lambda: optimizers.SGD(0.1, momentum=0.9), lambda: optimizers.SGD(0.1)])
def test_permuted_gradients_change_the_elements_they_belong_to(make, rng):
    values, grads = rng.normal(size=(3, 3, 4, 5)).astype("float32"), rng.normal(size=(3, 3, 4, 5)).astype("float32")
    with cornu.use_backend("torch"):
        results = []
        for layout in (torch.from_numpy(grads.copy()), torch.from_numpy(grads.transpose(3, 2, 0, 1).copy()).permute(2, 3, 1, 0)):
            np.testing.assert_array_equal(layout.numpy(), grads)
            variable, optimizer = Variable(values), make()
            optimizer.build([variable])
            for _ in range(2):
                optimizer.apply([layout], [variable])
            results.append(variable.numpy())
    # the first step of each rule goes against the sign of the gradient, wherever it lies in memory
    assert (np.sign(values - results[1]) == np.sign(grads)).all()
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6)

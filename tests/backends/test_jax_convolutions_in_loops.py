"""In the body of a compiled loop JAX's convolutions are lowered otherwise: the numbers are those outside of one."""

import numpy as np
import pytest

from cornu import ops, use_backend

jax = pytest.importorskip("jax")

CASES = {
    "plane": (lambda x, k: ops.conv(x, k, (2, 1), "same"), (2, 6, 5, 3), (3, 2, 3, 4)),
    "dilated line": (lambda x, k: ops.conv(x, k, 1, "causal", dilation_rate=2), (2, 7, 3), (3, 3, 2)),
    "volume": (lambda x, k: ops.conv(x, k, 1, "valid"), (1, 4, 5, 3, 2), (2, 3, 2, 2, 3)),
    "groups": (lambda x, k: ops.conv(x, k, 1, "same"), (2, 5, 5, 4), (3, 3, 2, 4)),
    "channels first": (lambda x, k: ops.conv(x, k, 1, "same", "channels_first"), (2, 3, 5, 5), (3, 3, 3, 4)),
    "depthwise": (lambda x, k: ops.depthwise_conv(x, k, 1, "same"), (2, 5, 5, 3), (3, 3, 3, 2)),
    "transposed": (lambda x, k: ops.conv_transpose(x, k, 2, "same"), (2, 4, 5, 3), (3, 3, 2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_convolution_within_a_scan_gives_the_same(name, rng):
    run, *shapes = CASES[name]
    x, kernel = (rng.standard_normal(s).astype("float32") for s in shapes)

    def outside(x, kernel):
        return ops.sum(ops.square(run(x, kernel)))

    def within(x, kernel):
        total, _ = ops.scan(lambda total, x: (total + outside(x, kernel), None), np.float32(0), ops.expand_dims(x, 0))
        return total

    def twice(x, kernel):
        total, _ = ops.scan(lambda total, x: (total + outside(x, kernel), None), np.float32(0), ops.stack([x, x]))
        return total / 2

    with use_backend("jax"):
        expected = jax.value_and_grad(outside, (0, 1))(x, kernel)
        for looped in (within, twice):
            for a, b in zip(
                jax.tree.leaves(jax.jit(jax.value_and_grad(looped, (0, 1)))(x, kernel)), jax.tree.leaves(expected), strict=True
            ):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-4)

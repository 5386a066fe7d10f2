"""The ops of matrices: `cornu.ops.linalg`.

Each is the op of that name in `cornu.ops`.
"""

from cornu.ops.derivatives import jvp
from cornu.ops.linear_algebra import (
    cholesky,
    cholesky_inverse,
    det,
    eig,
    eigh,
    inv,
    lstsq,
    lu_factor,
    matrix_rank,
    norm,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)  # fmt: skip

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm", "pinv", "qr", "solve",
    "solve_triangular", "svd",
]  # fmt: skip

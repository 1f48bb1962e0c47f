"""kernels/row_products.py against NumPy's product."""

import numpy as np
import pytest

from engine.kernels.row_products import packed_rows, row_products

from .cases import TOLERANCE


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows, columns", [(1, 1), (2, 3), (3, 1)])
def test_row_products(rows, columns, dtype):
    lanes = 64 // np.dtype(dtype).itemsize
    rows, columns = rows * lanes, columns * lanes
    R = np.random.default_rng(rows).uniform(-1, 1, (rows, columns)).astype(dtype)
    packed, out = np.full(R.size, np.nan, dtype), np.full(rows * rows, np.nan, dtype)
    for first in range(rows // lanes):
        packed_rows(R.reshape(-1), columns, packed, (first, first + 1, 0))
        row_products(R.reshape(-1), columns, packed, out, (first, first + 1, 0))
    assert np.array_equal(packed.reshape(-1, columns, lanes).transpose(0, 2, 1).reshape(R.shape), R)
    np.testing.assert_allclose(np.triu(out.reshape(rows, rows)), np.triu(R.astype(float) @ R.T.astype(float)), rtol=0,
                               atol=TOLERANCE[R.itemsize])

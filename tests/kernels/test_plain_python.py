"""The plain-Python twin of every kernel tested here has the bits of its machine code."""

import numpy as np
import pytest

from .plain_results import MODULES, results


@pytest.mark.compiled
@pytest.mark.parametrize("name", MODULES)
def test_machine_code_has_the_bits_of_plain_python(plain_results, name):
    for problem, arrays in results(name).items():
        plain = plain_results[name][problem]
        assert set(plain) == set(arrays)
        for part, array in arrays.items():
            assert np.array_equal(array, plain[part]) and array.dtype == plain[part].dtype, (problem, part)

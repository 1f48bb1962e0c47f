"""Families of kernels: members by code, LookupError for every other code, and only those compiled that were asked for."""

import numpy as np
import pytest

from engine.kernels import activations, losses, reductions, second_derivatives, updates
from engine.kernels.activations import activate
from engine.kernels.higher_derivatives import follow_from_slope, higher_derivatives
from engine.kernels.layout import ActivationParameters
from engine.kernels.linked import kernel
from engine.kernels.reductions import reduce_losses, reduction_hessian_product
from engine.kernels.second_derivatives import second_derivative
from engine.kernels.third_derivatives import third_derivative
from engine.kernels.updates import update_parameters
from tests.cases import DTYPES
from tests.processes import process

ENUMS = {activations.ActivationCode: activations.activate, losses.LossCode: losses.loss_panel,
         reductions.ReductionCode: reductions.reduce_losses, updates.UpdateCode: updates.update_parameters}
NO_CODES = (-1, 99, 2**40)
NONE = ActivationParameters(0.0, 0.0)


# Kernels name what they call by globals of their own, for the cache looks there for what must be compiled first.
@kernel
def activated(code, z, gamma):
    """One call of each family from machine code."""
    activate(code, z, 0, gamma, 0, z.size, NONE)


@kernel
def bent(code, z, out):
    """g″."""
    second_derivative(code, z, out, NONE)


@kernel
def bent_again(code, z, out):
    """g‴."""
    third_derivative(code, z, out, NONE)


@kernel
def reduced(code, losses, gradient):
    """φ, ∇φ."""
    return reduce_losses(code, 0.5, losses, losses, gradient)


@kernel
def curved(code, losses, out):
    """∇²φ v."""
    reduction_hessian_product(code, 0.5, losses, losses, out)


@kernel
def updated(code, theta, gradient, settings, state, trainable):
    """θ after a step."""
    update_parameters(code, theta, gradient, settings, state, trainable, 0.1, 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("code", [code for code in activations.ActivationCode if follow_from_slope(code.value)])
def test_higher_derivatives_from_the_slope_have_the_bits_of_those_from_z(code, dtype):
    z = np.concatenate([np.linspace(-12, 12, 1001), [0.0, -0.0, 1e-30, np.inf, -np.inf, np.nan]]).astype(dtype)
    if code in (activations.ActivationCode.SIN, activations.ActivationCode.COS):
        z[np.isinf(z)] = 3.0
    a, gamma, found, expected = z.copy(), np.empty_like(z), np.empty((2, z.size), dtype), np.empty((2, z.size), dtype)
    activations.activate(code.value, a, 0, gamma, 0, z.size, NONE)
    higher_derivatives(code.value, a, gamma, *found)
    second_derivatives.second_derivative(code.value, z, expected[0], NONE)
    third_derivative(code.value, z, expected[1], NONE)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("codes", ENUMS)
def test_codes_count_from_0(codes):
    """As the table of addresses does."""
    assert [code.value for code in codes] == list(range(len(codes)))


def calls_of_each_family(dtype):
    """call(code) of each family from Python and from machine code."""
    z, gamma, A, H = np.ones(5, dtype), np.ones(5, dtype), np.ones((3, 2), dtype), np.ones((3, 2, 2), dtype)
    settings, state, all_of_it = np.ones(4), np.ones((2, 5), dtype), np.empty(0, bool)
    return [lambda code: activations.activate(code, z, 0, gamma, 0, 5, NONE), lambda code: activated(code, z, gamma),
            lambda code: second_derivatives.second_derivative(code, z, gamma, NONE), lambda code: bent(code, z, gamma),
            lambda code: third_derivative(code, z, gamma, NONE), lambda code: bent_again(code, z, gamma),
            lambda code: reductions.reduce_losses(code, 0.5, z, z, gamma), lambda code: reduced(code, z, gamma),
            lambda code: reductions.reduction_hessian_product(code, 0.5, z, z, gamma), lambda code: curved(code, z, gamma),
            lambda code: updates.update_parameters(code, z, gamma, settings, state, all_of_it, 0.1, 0),
            lambda code: updated(code, z, gamma, settings, state, all_of_it),
            lambda code: losses.loss_and_gradient(code, 0.5, A, A, A[:, 0].copy(), A.copy(), (0, 3)),
            lambda code: losses.loss_hessian(code, 0.5, A, A, H)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("code", NO_CODES)
def test_a_code_that_nothing_has_is_refused(code, dtype):
    for call in calls_of_each_family(dtype):
        with pytest.raises(LookupError):
            call(code)


@pytest.mark.compiled
def test_a_member_that_was_not_prepared_is_refused():
    code = """
import numpy as np
from engine.kernels.losses import loss_and_gradient
try:
    loss_and_gradient(0, 0.0, np.ones((3, 2)), np.ones((3, 2)), np.ones(3), np.ones((3, 2)), (0, 3))
except LookupError as error:
    print(error)
"""
    assert process(code) == "gammachain.loss_panel.float64 has no member of this code that is compiled\n"


@pytest.mark.compiled
@pytest.mark.robustness
def test_a_first_fit_compiles_its_own_loss_reduction_and_update(tmp_path):
    code = """
import numpy as np
from engine import Adam, Cost, Network, fit, set_num_threads
from schedulers import BatchSchedule
from engine.kernels.numba_internals import compilations

set_num_threads(1)  # so that no other process compiles any of it
X = np.ones((3, 2), np.float32)
with compilations() as found:
    fit(Network.initialize((2, 1), "tanh", dtype=np.float32), X, X[:, :1], Cost("huber"), Adam(), BatchSchedule(2), epochs=1,
        progress=False)
    kinds = "_panel", "_reduction", "_update", "_layer", "_batch"
    print(*sorted(name for name in {*found.names, *found.nested} if name.endswith(kinds)))
"""
    compiled = process(code, NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert compiled == ["adam_update", "huber_panel", "identity_layer", "largest_batch", "mean_reduction", "streamed_batch"]

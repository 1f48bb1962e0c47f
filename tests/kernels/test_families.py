"""Families of kernels: members by code, NaN for every other code, and only those compiled that were asked for."""

import numpy as np
import pytest

from engine.kernels import activations, losses, reductions, second_derivatives, updates
from engine.kernels.activations import activate
from engine.kernels.layout import ActivationParameters
from engine.kernels.linked import kernel
from engine.kernels.reductions import reduce_losses, reduction_hessian_product
from engine.kernels.second_derivatives import second_derivative
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


@pytest.mark.parametrize("codes", ENUMS)
def test_codes_count_from_0(codes):
    """As the table of addresses does."""
    assert [code.value for code in codes] == list(range(len(codes)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("code", NO_CODES)
def test_a_code_that_nothing_has_gives_nan(code, dtype):
    for call in (activations.activate, activated):
        z, gamma = np.ones(5, dtype), np.ones(5, dtype)
        arguments = (z, 0, gamma, 0, 5, NONE) if call is activations.activate else (z, gamma)
        call(code, *arguments)
        assert np.isnan(z).all() and np.isnan(gamma).all()
    L = np.ones(5, dtype)
    for call, after in ((second_derivatives.second_derivative, (NONE,)), (bent, ())):
        out = np.ones(5, dtype)
        call(code, L, out, *after)
        assert np.isnan(out).all()
    for call, before in ((reductions.reduce_losses, (0.5, L)), (reduced, ())):
        out = np.ones(5, dtype)
        assert np.isnan(call(code, *before, L, out)) and np.isnan(out).all()
    for call, before in ((reductions.reduction_hessian_product, (0.5,)), (curved, ())):
        out = np.ones(5, dtype)
        call(code, *before, L, *((L,) if before else ()), out)
        assert np.isnan(out).all()
    for call, after in ((updates.update_parameters, (0.1, 0)), (updated, ())):
        theta = np.ones(5, dtype)
        call(code, theta, np.ones(5, dtype), np.ones(4), np.ones((2, 5), dtype), np.empty(0, bool), *after)
        assert np.isnan(theta).all()
    A, values, gradients, H = np.ones((3, 2), dtype), np.ones(3, dtype), np.ones((3, 2), dtype), np.ones((3, 2, 2), dtype)
    losses.loss_and_gradient(code, 0.5, A, A, values, gradients, (0, 3))
    losses.loss_hessian(code, 0.5, A, A, H)
    assert np.isnan(values).all() and np.isnan(gradients).all() and np.isnan(H).all()


@pytest.mark.compiled
def test_a_first_fit_compiles_its_own_loss_reduction_and_update(tmp_path):
    code = """
import numpy as np
from engine import Adam, Cost, Network, fit
from schedulers import BatchSchedule
from engine.kernels.numba_internals import compilations

X = np.ones((3, 2), np.float32)
with compilations() as found:
    fit(Network.initialize((2, 1), "tanh", dtype=np.float32), X, X[:, :1], Cost("huber"), Adam(), BatchSchedule(2), epochs=1,
        progress=False)
    kinds = "_panel", "_reduction", "_update", "_layer", "_batch"
    print(*sorted(name for name in {*found.names, *found.nested} if name.endswith(kinds)))
"""
    compiled = process(code, NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert compiled == ["adam_update", "huber_panel", "identity_layer", "largest_batch", "mean_reduction", "no_batch",
                        "streamed_batch", "unknown_layer", "unknown_panel", "unknown_reduction", "unknown_update"]

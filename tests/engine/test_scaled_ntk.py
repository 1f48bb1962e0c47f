"""Tangent kernels in slabs and in blocks, and with a scale for each parameter."""

import tracemalloc

import numpy as np
import pytest

from engine.operators import ntk, ntk_scale
from tests.cases import DTYPES, network
from tests.oracle import network as plain

pytestmark = pytest.mark.compiled


def problem(dtype, widths=(5, 7, 4, 3), m=21, others=13):
    """A network, two sets of samples, and the literal Jacobians there."""
    generator = np.random.default_rng(1)
    net = network(widths, dtype=dtype)
    X, X2 = (generator.standard_normal((count, widths[0])).astype(dtype) for count in (m, others))
    names = [g.name for g in net.activations]
    J, J2 = (plain.jacobian(net.parameters.astype(float), widths, names, x.astype(float)) for x in (X, X2))
    return net, X, X2, J, J2


def scales(net):
    """That of the NTK parametrisation, one without biases and the first layer, and one without any order."""
    uneven = np.random.default_rng(2).uniform(0, 2, net.size).astype(net.dtype)
    return [ntk_scale(net, weights=1.4, biases=0.3), net.mask(biases=False, layers=[2, 3]).astype(net.dtype), uneven]


def close_of(dtype):
    return dict(rtol=1e-9, atol=1e-10) if dtype == np.float64 else dict(rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_form_of_a_scaled_kernel_follows_from_the_literal_jacobian(dtype):
    net, X, X2, J, J2 = problem(dtype)
    n, close = net.widths[-1], close_of(dtype)
    for scale in scales(net):
        left, right = J * scale.astype(float), J2 * scale.astype(float)
        for kernel, expected in ((ntk(net, X, scale=scale), left @ left.T), (ntk(net, X, X2, scale=scale), left @ right.T)):
            dense = kernel.dense()
            assert dense.dtype == kernel.contracted().dtype == dtype
            np.testing.assert_allclose(dense, expected, **close)
            tables = np.einsum("kili->ikl", expected.reshape(len(X), n, -1, n))
            np.testing.assert_allclose(kernel.per_output(), tables, **close)
            np.testing.assert_allclose(kernel.contracted(), tables.sum(0), **close)
            v = np.random.default_rng(3).standard_normal(expected.shape[1]).astype(dtype)
            np.testing.assert_allclose(kernel @ v, expected @ v, **close)
            np.testing.assert_allclose(kernel.T @ (kernel @ v), expected.T @ (expected @ v), rtol=1e-3)
        one = ntk(net, X, scale=scale)
        expected = left @ left.T
        np.testing.assert_allclose(one.diagonal(), expected.diagonal(), **close)
        np.testing.assert_allclose(one.sample_blocks(), np.einsum("kikj->kij", expected.reshape(len(X), n, len(X), n)), **close)
        assert np.array_equal(one.dense(), one.dense().T) and one.contracted().dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_of_samples_are_the_diagonal_blocks(dtype):
    net, X, _, J, _ = problem(dtype)
    blocks, rows = ntk(net, X).sample_blocks(), J.reshape(len(X), 3, -1)
    assert blocks.shape == (21, 3, 3) and blocks.dtype == dtype and np.array_equal(blocks, blocks.transpose(0, 2, 1))
    np.testing.assert_allclose(blocks, rows @ rows.transpose(0, 2, 1), **close_of(dtype))


def test_blocks_of_many_samples_go_slab_by_slab(monkeypatch):
    from engine.operators import kernel_slabs

    net, X, *_ = problem(np.float64)
    whole = ntk(net, X).sample_blocks()
    monkeypatch.setattr(kernel_slabs, "BLOCKS", 8000)
    np.testing.assert_array_equal(ntk(net, X).sample_blocks(), whole)


@pytest.mark.parametrize("dtype", DTYPES)
def test_slabs_give_the_bits_of_the_whole(dtype):
    net, X, X2, *_ = problem(dtype, m=53, others=40)
    least = refused(ntk(net, X))
    for kernel in (ntk(net, X), ntk(net, X, X2)):
        whole = kernel.dense()
        for max_bytes in (least, 3 * least, 1 << 30):
            out = np.full(whole.shape, np.nan, dtype)
            assert kernel.dense(max_bytes=max_bytes, out=out) is out
            assert np.array_equal(out, whole)
    for scale in scales(net):
        for kernel in (ntk(net, X, scale=scale), ntk(net, X, X2, scale=scale)):
            np.testing.assert_allclose(kernel.dense(max_bytes=refused(kernel)), kernel.dense(), **close_of(dtype))
    kernel = ntk(net, X, scale=scales(net)[0]).dense(max_bytes=200_000)
    assert np.array_equal(kernel, kernel.T)


def refused(kernel):
    """The least that a refusal of 1 byte says would do; 1 byte less is refused too."""
    with pytest.raises(MemoryError, match=r"max_bytes is 1, .* take \d+ bytes beside the kernel; allow at least that") as refusal:
        kernel.dense(max_bytes=1)
    least = int(str(refusal.value).split(" take ")[1].split()[0])
    with pytest.raises(MemoryError, match="allow at least that"):
        kernel.dense(max_bytes=least - 1)
    return least


def test_slabs_take_no_more_than_they_may():
    net = network((6, 40, 40, 4))
    X = np.random.default_rng(5).standard_normal((200, 6))
    layered, uneven = scales(net)[0], scales(net)[2]
    for scale, max_bytes in ((None, 1_000_000), (layered, 1_500_000), (uneven, 3_000_000)):
        kernel = ntk(net, X, scale=scale)
        out = np.empty(kernel.shape)
        for taken in range(2):  # the first call compiles
            tracemalloc.start()
            kernel.dense(max_bytes=max_bytes, out=out)
            taken = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert taken < max_bytes


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ntk_parametrisation_divides_by_the_widths_before(dtype):
    net = network((4, 9, 2), dtype=dtype)
    scale = ntk_scale(net, weights=[1.5, 2.0], biases=0.5)
    assert scale.dtype == dtype and scale.shape == (net.size,)
    for l, weight in ((1, 1.5 / 2), (2, 2.0 / 3)):
        W, b = net.slices(l)
        np.testing.assert_allclose(scale[W], weight, rtol=1e-6)
        np.testing.assert_allclose(scale[b], 0.5)
    without = ntk(net, np.ones((2, 4)), scale=ntk_scale(net, weights=0, biases=0))
    assert not without.dense().any() and not without.diagonal().any()


def test_refusals():
    net, X, X2, *_ = problem(np.float64)
    for values in (-1.0, np.inf, [1.0, 2.0], np.ones((3, 1))):
        with pytest.raises(ValueError, match="weights must be one finite number of at least 0, or one for each of the 3 layers"):
            ntk_scale(net, weights=values)
    with pytest.raises(ValueError, match=r"scale must have shape \[89\], one number for each parameter, but has shape \[2\]"):
        ntk(net, X, scale=[1.0, 2.0])
    with pytest.raises(ValueError, match="scale must be at least 0 for every parameter; ntk_scale gives"):
        ntk(net, X, scale=np.full(net.size, -1.0))
    with pytest.raises(ValueError, match=r"sample_blocks.*one X"):
        ntk(net, X, X2).sample_blocks()
    with pytest.raises(ValueError, match="out must have shape"):
        ntk(net, X).dense(max_bytes=1 << 20, out=np.ones((2, 2)))

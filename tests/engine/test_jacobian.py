"""The Jacobian as a linear operator: shapes, products, adjoint, Gram, slabs, memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, lsmr, svds

from engine import Network, recycled
from engine.operators import jacobian, kept_passes
from tests.cases import DTYPES, network
from tests.oracle import network as plain

shapes = st.lists(st.integers(1, 9), min_size=2, max_size=7).map(tuple)
counts = st.sampled_from([0, 1, 2, 7, 8, 9, 16, 17, 33, 129])
layouts = st.sampled_from(["C", "F", "strided", "read-only", "unaligned"])


def arranged(X, layout):
    """The same numbers in another memory layout."""
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.repeat(np.repeat(X, 2, 0), 3, 1)
        return wide[::2, ::3]
    if layout == "unaligned":
        raw = np.zeros(X.nbytes + 1, np.uint8)
        view = raw[1:].view(X.dtype).reshape(X.shape)
        view[...] = X
        return view
    X = X.copy()
    X.flags.writeable = layout != "read-only"
    return X


@settings(max_examples=40, deadline=None)
@given(shapes, counts, st.sampled_from(DTYPES), layouts, st.integers(0, 2**31))
def test_everything_follows_from_the_dense_jacobian(widths, m, dtype, layout, seed):
    generator = np.random.default_rng(seed)
    net = network(widths, "tanh", dtype, seed=seed % 1000)
    X = generator.standard_normal((m, widths[0])).astype(dtype)
    J = net.jacobian(arranged(X, layout))
    names = [g.name for g in net.activations]
    expected = plain.jacobian(net.parameters.astype(float), widths, names, X.astype(float))
    D = J.dense()
    close = dict(rtol=1e-9, atol=1e-11) if dtype == np.float64 else dict(rtol=2e-3, atol=2e-4)
    loose = dict(rtol=1e-8, atol=1e-9) if dtype == np.float64 else dict(rtol=1e-2, atol=5e-2)
    assert J.shape == D.shape == (m * widths[-1], net.size) and D.dtype == dtype
    np.testing.assert_allclose(D, expected, **close)
    v, u = generator.standard_normal(net.size), generator.standard_normal(len(D))
    np.testing.assert_allclose(J @ v, expected @ v, **loose)
    np.testing.assert_allclose(J.T @ u, expected.T @ u, **loose)
    V, U = generator.standard_normal((net.size, 3)), generator.standard_normal((len(D), 2))
    np.testing.assert_allclose(J @ V, expected @ V, **loose)
    np.testing.assert_allclose(J.T @ U, expected.T @ U, **loose)
    assert np.array_equal((J @ V)[:, 1], J @ V[:, 1])
    np.testing.assert_allclose(J.gram(), expected @ expected.T, **loose)
    np.testing.assert_allclose(J.row_norms().ravel(), np.linalg.norm(expected, axis=1), **close)
    blocks = [part.reshape(len(D), int(np.prod(part.shape[1:])))
              for l in range(1, net.depth + 1) for part in (J.wrt_weight(l), J.wrt_bias(l))]
    assert np.array_equal(np.hstack(blocks), D)
    np.testing.assert_allclose(J.wrt_input(), np.einsum("mip,pq->miq", J.chain(1), net.weight(1)), **close)


@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(1, 40), st.integers(0, 2**31))
def test_adjoint(widths, m, seed):
    generator = np.random.default_rng(seed)
    J = network(widths, "softplus").jacobian(generator.standard_normal((m, widths[0])))
    v, u = generator.standard_normal(J.shape[1]), generator.standard_normal(J.shape[0])
    left, right = (J @ v) @ u, v @ (J.T @ u)
    assert abs(left - right) <= 1e-11 * (1 + np.linalg.norm(J @ v) * np.linalg.norm(u))


@pytest.mark.parametrize("widths", [(3, 1), (2, 4, 3), (4, 5, 3, 2), (2, 3, 2, 3, 2, 3, 1)])
def test_central_differences(widths):
    net = network(widths, "silu")
    X = np.random.default_rng(1).standard_normal((4, widths[0]))
    h = 1e-6
    columns = [(net.replace(net.parameters + h * e)(X) - net.replace(net.parameters - h * e)(X)).ravel() / (2 * h)
               for e in np.eye(net.size)]
    np.testing.assert_allclose(net.jacobian(X).dense(), np.stack(columns, 1), atol=1e-8)


def test_works_with_scipy():
    J = network((3, 8, 2)).jacobian(np.random.default_rng(2).standard_normal((20, 3)))
    D = J.dense()
    np.testing.assert_allclose(svds(J, 3)[1][::-1][:3], np.linalg.svd(D, compute_uv=False)[:3], rtol=1e-8)
    b = np.random.default_rng(3).standard_normal(40)
    np.testing.assert_allclose(lsmr(J, b, damp=0.1, atol=1e-12, btol=1e-12, maxiter=2000)[0],
                               np.linalg.solve(D.T @ D + 0.01 * np.eye(J.shape[1]), D.T @ b), atol=1e-6)
    np.testing.assert_allclose(aslinearoperator(J).H @ b, D.T @ b, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gram_of_two_sets_and_two_parameters(dtype):
    generator = np.random.default_rng(4)
    one, two = network((3, 6, 4, 2), dtype=dtype), network((3, 6, 4, 2), dtype=dtype, seed=9)
    J, K = one.jacobian(generator.standard_normal((21, 3))), two.jacobian(generator.standard_normal((5, 3)))
    tolerance = 1e-12 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(J.gram(K), J.dense() @ K.dense().T, atol=tolerance)
    assert np.array_equal(J.gram(), J.gram().T)
    out = np.full((J.shape[0], K.shape[0]), np.nan, dtype)
    assert J.gram(K, out) is out and np.array_equal(out, J.gram(K))
    with pytest.raises(ValueError, match="out must have shape"):
        J.gram(out=out.T)
    assert np.array_equal(J.gram(one.jacobian(J.forward.a(0))), J.gram())
    with pytest.raises(ValueError, match=r"other must have widths \(3, 6, 4, 2\).*\(3, 6, 2\)"):
        J.gram(network((3, 6, 2), dtype=dtype).jacobian(np.ones((1, 3))))


def test_dense_into_memory_of_the_users(tmp_path):
    J = network((3, 6, 2)).jacobian(np.random.default_rng(5).standard_normal((9, 3)))
    out = np.full(J.shape, np.nan)
    assert J.dense(out=out) is out and np.array_equal(out, J.dense())
    mapped = np.lib.format.open_memmap(tmp_path / "J.npy", mode="w+", dtype=J.dtype, shape=J.shape)
    J.dense(out=mapped)
    assert np.array_equal(np.load(tmp_path / "J.npy"), out)
    with pytest.raises(ValueError, match=r"out must have shape \[18, 38\].*\[2, 2\]"):
        J.dense(out=np.empty((2, 2)))
    with pytest.raises(ValueError, match="C-contiguous"):
        J.dense(out=np.empty(J.shape, order="F"))
    with pytest.raises(TypeError, match="NumPy array"):
        J.dense(out=[1.0])


def test_slabs_cut_between_samples():
    J = network((3, 6, 2)).jacobian(np.random.default_rng(6).standard_normal((21, 3)))
    each = 2 * J.shape[1] * 8
    for samples in (1, 4, 9, 50):
        rows, slabs = zip(*J.slabs(samples * each + 7))
        assert np.array_equal(np.concatenate(slabs), J.dense())
        assert [r.start for r in rows] == list(range(0, 42, 2 * samples))[:len(rows)] and rows[-1].stop == 42
    with pytest.raises(MemoryError, match=f"max_bytes is {each - 1}.*{each}"):
        J.slabs(each - 1)


def test_what_does_not_fit_is_refused_before_it_is_allocated(monkeypatch):
    from engine.operators import checks

    monkeypatch.setattr(checks, "available_bytes", lambda: 1000)
    J = Network.initialize((3, 6, 2), "tanh").jacobian(np.ones((9, 3)))
    with pytest.raises(MemoryError, match=rf"{18 * 38 * 8} bytes.*1000.*slabs"):
        J.dense()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("widths", [(2, 20, 20, 1), (1, 1, 1), (3, 2), (9, 17, 5, 4), (40, 23, 3), (4, 8, 47, 2)])
def test_rows_column_by_column_have_the_bits_of_rows_one_by_one(widths, dtype, monkeypatch):
    network = Network.initialize(widths, "tanh", output="sigmoid", seed=2, dtype=dtype)
    for m in (1, 7, 16, 53):
        J = network.jacobian(np.random.default_rng(m).standard_normal((m, widths[0])).astype(dtype))
        rows = []
        for widest in (0, 100):
            monkeypatch.setattr(jacobian, "NARROW", {4: widest, 8: widest})
            rows.append(J.dense(out=np.full(J.shape, np.nan, dtype)))
        assert rows[0].tobytes() == rows[1].tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("widths", "most"), [((3, 5, 4, 2), 140), ((1, 1, 1), 140), ((2, 1), 140),
                                               pytest.param((40, 23, 3), 2000, marks=pytest.mark.compiled)])
def test_a_first_product_keeps_nothing_and_has_the_bits_of_those_that_follow(widths, most, dtype):
    network, generator = Network.initialize(widths, "tanh", seed=2, dtype=dtype), np.random.default_rng(0)
    for m in (0, 1, 7, most):
        X = generator.standard_normal((m, widths[0])).astype(dtype)
        v, u = generator.standard_normal(network.size), generator.standard_normal(m * widths[-1])
        for product, vector in (("matvec", v), ("rmatvec", u)):
            given = X.copy()
            J = network.jacobian(given)
            given[:] = 0
            first = getattr(J, product)(vector)
            assert not J._passes.forward_made or not m
            assert first.tobytes() == getattr(J, product)(vector).tobytes() == getattr(J, product)(vector).tobytes()
            assert J._passes.forward_made and np.array_equal(J.forward.a(0), X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chains_written_past_the_cache_have_the_same_bits(dtype, monkeypatch):
    network = Network.initialize((3, 6, 5, 4), "tanh", seed=2, dtype=dtype)
    X = np.random.default_rng(0).standard_normal((75, 3)).astype(dtype)
    kept = network.jacobian(X)
    chains = [kept.chain(l).tobytes() for l in (1, 2, 3)]
    monkeypatch.setattr(kept_passes, "CHAINS_STREAMED", 0)
    streamed = network.jacobian(X)
    assert chains == [streamed.chain(l).tobytes() for l in (1, 2, 3)]


def test_memory_goes_to_the_next_only_when_its_last_view_is_gone(monkeypatch):
    monkeypatch.setattr(recycled, "LARGE", 0)
    first = recycled.recycled_array(5000, np.dtype(np.float32))
    view, place = first[17:20], first.ctypes.data
    view[:] = 5
    del first
    second = recycled.recycled_array(5000, np.dtype(np.float32))
    second[:] = 7
    assert (view == 5).all() and second.ctypes.data != place and place % 64 == second.ctypes.data % 64 == 0
    del view
    assert recycled.recycled_array(4900, np.dtype(np.float32)).ctypes.data == place

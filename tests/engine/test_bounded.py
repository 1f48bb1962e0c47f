"""Bounded memory: the same bits in slabs as at once, files read row by row, refusals that name the least bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Activation, Cost, Loss, Reduction, fit, operators, reductions, value_and_gradient
from engine.blocks import SlabSum, cut
from engine.kernels.sums import BLOCK
from engine.updates.slab_linearised import SlabLinearised
from schedulers import BatchSchedule
from tests.cases import CURVATURE, DTYPES, LOSSES, REDUCTIONS, SECOND_ORDER, UPDATES, network, targets

pytestmark = pytest.mark.compiled

MORE = 1_000_000  # for curvature
BOUNDS = (200_000, 500_000, 1 << 30)
OWN_LOSS = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)
OWN_PHI = Reduction(lambda L: float((1 + L @ L)**0.5), lambda L: L / (1 + L @ L)**0.5,
                    lambda L, v: v / (1 + L @ L)**0.5 - L * (L @ v) / (1 + L @ L)**1.5)
CUBE = Activation("cube", lambda z: z**3, lambda z: 3 * z**2, lambda z: 6 * z)


class File:
    """As HDF5 gives rows: by slices, and by indices that ascend and do not repeat."""

    def __init__(self, array):
        self.array, self.most = array, 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, chosen):
        assert isinstance(chosen, slice) or (np.diff(chosen) > 0).all()
        rows = self.array[chosen]
        self.most = max(self.most, len(rows))
        return rows


def data(loss="squared_error", m=1000, dtype=np.float64, widths=(3, 8, 4)):
    generator = np.random.default_rng(1)
    X = generator.standard_normal((m, widths[0])).astype(dtype)
    y = targets(loss, generator, m, widths[-1])
    return network(widths, dtype=dtype), X, y if y.dtype.kind == "i" else y.astype(dtype)


def same(first, second):
    assert first[0] == second[0] and first[1].tobytes() == second[1].tobytes()


@pytest.fixture(params=[1, 3])
def threads(request):
    before = engine.pool.num_threads()
    engine.set_num_threads(request.param)
    yield request.param
    engine.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_has_the_bits_of_one_pass(name, dtype, threads):
    net, X, y = data(dtype=dtype)
    cost = Cost("squared_error", REDUCTIONS[name][1](len(X)))
    expected = value_and_gradient(net, X, y, cost)
    for bound in BOUNDS:
        same(value_and_gradient(net, X, y, cost, max_bytes=bound), expected)
        same(value_and_gradient(net, File(X), File(y), cost, max_bytes=bound), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_the_bits_of_one_pass(name):
    net, X, y = data(name)
    cost = Cost(LOSSES[name], reductions.cvar(0.3))
    expected = value_and_gradient(net, X, y, cost)
    same(value_and_gradient(net, X, y, cost, max_bytes=BOUNDS[0]), expected)
    same(value_and_gradient(net, File(X), File(y), cost, max_bytes=BOUNDS[0]), expected)


@pytest.mark.parametrize("cost", [Cost(OWN_LOSS, "mean"), Cost(OWN_LOSS, reductions.cvar(0.3)), Cost("squared_error", OWN_PHI)])
@pytest.mark.parametrize("names", ["tanh", (CUBE, "tanh")])
def test_users_own_functions_pass_in_slabs(cost, names):
    _, X, y = data()
    net = network((3, 8, 4), names)
    same(value_and_gradient(net, X, y, cost, max_bytes=300_000), value_and_gradient(net, X, y, cost))


def test_wide_networks_pass_in_slabs():
    net, X, y = data(m=600, widths=(40, 300, 300, 2))
    cost = Cost("squared_error", reductions.cvar(0.3))
    same(value_and_gradient(net, X, y, cost, max_bytes=16 << 20), value_and_gradient(net, X, y, cost))


@settings(max_examples=20, deadline=None)
@given(m=st.integers(1, 700), widths=st.lists(st.integers(1, 5), min_size=2, max_size=4), alpha=st.floats(0.01, 1),
       bound=st.integers(150_000, 400_000), seed=st.integers(0, 99))
def test_any_shape_has_the_bits_of_one_pass(m, widths, alpha, bound, seed):
    generator = np.random.default_rng(seed)
    net, X, y = network(tuple(widths)), generator.standard_normal((m, widths[0])), generator.standard_normal((m, widths[-1]))
    cost = Cost("huber", reductions.cvar(alpha))
    same(value_and_gradient(net, X, y, cost, max_bytes=bound), value_and_gradient(net, X, y, cost))


def test_the_gradient_in_slabs_is_the_derivative():
    net, X, y = data(m=300)
    cost = Cost("squared_error", reductions.log_sum_exp(2.0))
    _, gradient = value_and_gradient(net, X, y, cost, max_bytes=BOUNDS[0])

    def plain(theta):
        W, b, place = [], [], 0
        for before, width in zip(net.widths, net.widths[1:]):
            W.append(theta[place:place + width * before].reshape(width, before))
            b.append(theta[place + width * before:place + width * (before + 1)])
            place += width * (before + 1)
        a = X
        for l, (w, c) in enumerate(zip(W, b), 1):
            a = a @ w.T + c if l == len(W) else np.tanh(a @ w.T + c)
        return np.log(np.exp(((a - y)**2).sum(1)).mean()) / 2

    steps = 1e-6 * np.eye(net.size)
    found = [(plain(net.parameters + step) - plain(net.parameters - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(gradient, found, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("slabs", range(1, 18))
def test_slabs_sum_up_the_tree_over_blocks(slabs):
    vectors = np.random.default_rng(slabs).standard_normal((slabs, 5)).astype(np.float32)
    total = SlabSum(5, vectors.dtype, slabs)
    for vector in vectors:
        total.add(vector)
    nodes = list(vectors)
    while len(nodes) > 1:
        nodes = [sum(nodes[i + 1:i + 2], nodes[i]) for i in range(0, len(nodes), 2)]
    assert np.array_equal(total.total(), nodes[0])


def test_slabs_are_powers_of_two_of_whole_blocks():
    for bound in (1, 3, 7, 100):
        slabs = cut(10 * BLOCK + 5, lambda samples: samples, bound * BLOCK)
        sizes = {slab.stop - slab.start for slab in slabs[:-1]}
        assert slabs[-1].stop == 10 * BLOCK + 5 and all(size % BLOCK == 0 and (size // BLOCK).bit_count() == 1 for size in sizes)
        assert all(size <= bound * BLOCK for size in sizes)


def test_less_than_a_block_is_refused_with_the_least():
    net, X, y = data()
    for call in (lambda most: value_and_gradient(net, X, y, Cost("squared_error"), max_bytes=most),
                 lambda most: operators.ggn(net, X, y, Cost("squared_error"), max_bytes=most),
                 lambda most: operators.kfac(net, X, y, Cost("squared_error"), max_bytes=most),
                 lambda most: fit(net, X, y, Cost("squared_error"), UPDATES["adam"][0], BatchSchedule(1000), epochs=1,
                                  max_bytes=most, progress=False)):
        with pytest.raises(MemoryError, match="max_bytes is 1000, but one block of 128 samples takes [0-9]+ bytes") as caught:
            call(1000)
        call(int(str(caught.value).split(" takes ")[1].split()[0]))


def test_a_block_of_c_takes_two_mebibytes_at_most():
    net = network((2, 20, 20, 1))
    X = np.zeros((10**5, 2))
    value_and_gradient(net, X, X[:, 0], Cost("squared_error", "max"), max_bytes=2 << 20)


@pytest.mark.parametrize("dtype", DTYPES)
def test_memmaps_and_casts(dtype, tmp_path):
    net, X, y = data(dtype=dtype)
    cost = Cost("squared_error", reductions.quantile(0.9))
    expected = value_and_gradient(net, X, y, cost)
    for name, array in (("X", X), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array.astype(np.float64))
    lying = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "y")]
    for bound in (None, BOUNDS[0]):
        same(value_and_gradient(net, *lying, cost, max_bytes=bound), expected)
        same(value_and_gradient(net, np.asfortranarray(X), y.tolist(), cost, max_bytes=bound), expected)


def test_hdf5_and_zarr(tmp_path):
    h5py = pytest.importorskip("h5py")
    net, X, classes = data("softmax_cross_entropy")
    cost = Cost("softmax_cross_entropy", reductions.cvar(0.2))
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["y"] = X, classes
        same(value_and_gradient(net, file["X"], file["y"], cost, max_bytes=BOUNDS[0]), value_and_gradient(net, X, classes, cost))
        settings = dict(epochs=2, progress=False)
        for order in ("shuffled", "with_replacement"):
            arguments = cost, UPDATES["adam"][0], BatchSchedule(100, order=order)
            found = fit(net, file["X"], file["y"], *arguments, **settings)
            assert np.array_equal(found.network.parameters, fit(net, X, classes, *arguments, **settings).network.parameters)


@pytest.mark.parametrize("bound", [None, 1 << 20])
def test_a_fit_reads_the_rows_of_its_batch(bound):
    net, X, y = data()
    file = File(X)
    truths, held_out = File(y), (File(np.repeat(X, 8, axis=0)), File(np.repeat(y, 8, axis=0)))
    fit(net, file, truths, Cost("squared_error"), UPDATES["adam"][0], BatchSchedule(50), epochs=1, progress=False, max_bytes=bound,
        validation=None if bound is None else held_out)
    assert file.most == truths.most == 50
    if bound is not None:
        assert 0 < held_out[0].most < 8000 and 0 < held_out[1].most < 8000


@pytest.mark.parametrize("bound", [None, 300_000])
def test_errors_in_a_file_name_the_argument_and_the_row(bound):
    net, X, y = data()
    X[700, 1] = np.nan
    square = Cost("squared_error")
    with pytest.raises(ValueError, match=r"X must be finite, but X\[700, 1\] is nan"):
        value_and_gradient(net, File(X), File(y), square, max_bytes=bound)
    with pytest.raises(ValueError, match=r"X must be finite, but X\[700, 1\] is nan"):
        value_and_gradient(net, X, y, square, max_bytes=bound)
    net, X, classes = data("softmax_cross_entropy")
    classes[900] = 7
    with pytest.raises(ValueError, match=r"y\[900\] is 7"):
        value_and_gradient(net, File(X), File(classes), Cost("softmax_cross_entropy"), max_bytes=bound)
    with pytest.raises(ValueError, match="each of the 1000 samples, but has 999"):
        value_and_gradient(net, File(X), File(y[:999]), square, max_bytes=bound)
    with pytest.raises(ValueError, match=r"X must have shape \[m, 3\]"):
        value_and_gradient(net, File(X[:, :2]), File(y), square, max_bytes=bound)
    with pytest.raises(ValueError, match="at least one sample"):
        value_and_gradient(net, File(X[:0]), File(y[:0]), square, max_bytes=bound)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UPDATES)
def test_first_order_fits_have_the_same_bits(name, dtype):
    net, X, y = data(dtype=dtype)
    cost, update, schedule = Cost("squared_error", reductions.cvar(0.4)), UPDATES[name][0], BatchSchedule(700, seed=2)
    settings = dict(epochs=2, progress=False, validation=(X[:333], y[:333]))
    expected = fit(net, X, y, cost, update, schedule, **settings)
    for inputs in ((X, y), (File(X), File(y))):
        found = fit(net, *inputs, cost, update, schedule, max_bytes=300_000, **settings)
        assert np.array_equal(found.network.parameters, expected.network.parameters)
        for before, after in zip(expected.history, found.history):
            assert {**before, "seconds": 0} == {**after, "seconds": 0}


@pytest.mark.parametrize("solver", ["cholesky", "qr", "cg", "kernel"])
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_fits_have_the_same_bits(name, solver, monkeypatch):
    made, begin = [], SlabLinearised._forward
    monkeypatch.setattr(SlabLinearised, "_forward", lambda self: (begin(self), made.append(len(self._slabs)))[0])
    net, X, y = data(m=300 if solver == "kernel" else 900, widths=(2, 8, 1))
    cost, update = Cost("squared_error", reductions.cvar(0.4)), SECOND_ORDER[name](solver=solver)
    settings, most = dict(epochs=2, progress=False), 390_000 if solver == "kernel" else 1 << 20
    expected = fit(net, X, y, cost, update, BatchSchedule(len(X)), **settings).network.parameters
    found = fit(net, File(X), File(y), cost, update, BatchSchedule(len(X)), max_bytes=most, **settings).network.parameters
    assert np.array_equal(found, expected) and min(made) > 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVATURE)
@pytest.mark.parametrize("reduction", ["cvar", "log_sum_exp", "power_mean"])
def test_curvature_operators_have_the_same_bits(name, reduction, dtype):
    net, X, y = data(dtype=dtype, m=600)
    cost = Cost("squared_error", REDUCTIONS[reduction][1](len(X)))
    expected, found = CURVATURE[name](net, X, y, cost), CURVATURE[name](net, File(X), File(y), cost, max_bytes=MORE)
    assert len(found._slabs) > 1
    V = np.random.default_rng(0).standard_normal((net.size, 2)).astype(dtype)
    assert np.array_equal(found @ V, expected @ V) and np.array_equal(found @ V[:, 0], expected @ V[:, 0])
    if name != "hessian":
        assert np.array_equal(found.diagonal(), expected.diagonal()) and found.trace() == expected.trace()
    whole = expected.dense()
    tolerance = 1e-3 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(found.dense(), whole, rtol=tolerance, atol=tolerance * np.abs(whole).max())
    np.testing.assert_allclose(found.diagonal(), whole.diagonal(), rtol=tolerance, atol=tolerance * np.abs(whole).max())
    for block, other in zip(found.blocks(), expected.blocks()):
        np.testing.assert_allclose(block, other, rtol=tolerance, atol=tolerance * np.abs(whole).max())


def test_the_rest_of_curvature_in_slabs(monkeypatch):
    net, X, y = data(m=600)
    V = np.random.default_rng(0).standard_normal((net.size, 2))
    for build in (lambda **most: operators.fisher(net, X, y, Cost("squared_error"), samples=2, **most),
                  lambda **most: operators.ggn(net, X, y, Cost("squared_error", OWN_PHI), reduction_curvature=True, **most),
                  lambda **most: operators.hessian(net, X, y, Cost("log_cosh", OWN_PHI), **most)):
        assert np.array_equal(build() @ V, build(max_bytes=MORE) @ V)
    own = operators.ggn(net, X, y, Cost("squared_error", OWN_PHI), reduction_curvature=True, max_bytes=MORE)
    with pytest.raises(MemoryError, match=r"takes [0-9]+ bytes beyond products.*use its products"):
        own.diagonal()
    slabs = []
    monkeypatch.setattr("engine.operators.kronecker_passes.cut", lambda *asked: slabs.append(cut(*asked)) or slabs[-1])
    for build in (operators.kfac, operators.ekfac):
        cost = Cost("squared_error", reductions.cvar(0.3))
        expected, found = build(net, X, y, cost), build(net, File(X), File(y), cost, max_bytes=500_000)
        assert len(slabs[-1]) > 1
        np.testing.assert_allclose(found.dense(), expected.dense(), rtol=1e-9, atol=1e-12)


def test_dense_jacobians_fill_a_memmap_piece_by_piece(tmp_path, monkeypatch):
    net, X, _ = data(m=700)
    expected = net.jacobian(X).dense()
    out = np.lib.format.open_memmap(tmp_path / "J.npy", "w+", X.dtype, expected.shape)
    monkeypatch.setattr("engine.operators.jacobian.PIECE", 100_000)
    J = net.jacobian(File(X))
    J.dense(out=out)
    assert not J._passes.forward_made and np.array_equal(out, expected)
    assert np.array_equal(np.concatenate([slab for _, slab in J.slabs(200_000)]), expected) and not J._passes.forward_made
    np.testing.assert_allclose(J @ np.ones(net.size), expected @ np.ones(net.size), rtol=1e-12)

"""The GGN's diagonal of each sample: against J_kᵀ ∇²L_k J_k, the operator's own diagonal, and BackPACK."""

import numpy as np
import pytest

from engine import Cost, Loss, Network, operators, per_sample_ggn_diagonals
from tests.cases import DTYPES, network, targets
from tests.oracle import network as plain
from tests.oracle.losses import derivatives

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("widths, m, loss", [((5, 19, 7, 3), 150, "softmax_cross_entropy"), ((3, 2), 1, "squared_error"),
                                             ((2, 20, 1), 133, "log_cosh"), ((40, 30, 3), 20, "cosine")])
def test_the_literal_formula(widths, m, loss, dtype):
    net, generator = network(widths, "tanh", dtype), np.random.default_rng(3)
    X, y = generator.standard_normal((m, widths[0])).astype(dtype), targets(loss, generator, m, widths[-1])
    names, theta = [g.name for g in net.activations], net.parameters.astype(float)
    A = plain.forward(theta, widths, names, X.astype(float))[1][-1]
    J = plain.jacobian(theta, widths, names, X.astype(float)).reshape(m, widths[-1], -1)
    expected = np.einsum("kip,kiq,kqp->kp", J, derivatives(loss, A, y)[1], J, optimize=True)
    found, cost = per_sample_ggn_diagonals(net, X, y, Cost(loss)), Cost(loss)
    close = dict(rtol=0, atol=(1e-11 if dtype == np.float64 else 2e-5) * np.abs(expected).max())
    assert found.shape == expected.shape and found.dtype == dtype
    np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(cost.reduction_gradient(net(X), y) @ found, operators.ggn(net, X, y, cost).diagonal(), **close)
    for k in (0, m // 2, m - 1):
        assert np.array_equal(per_sample_ggn_diagonals(net, X[k:k + 1], y[k:k + 1], cost)[0], found[k])


@pytest.mark.parametrize("streamed", [1 << 10, 1 << 30])
def test_out_of_ones_own_in_pieces(streamed, monkeypatch, tmp_path):
    import engine.ggn_diagonals as module

    monkeypatch.setattr(module, "STREAMED", streamed)
    net, generator, cost = network((7, 33, 20, 3)), np.random.default_rng(4), Cost("squared_error")
    X, y = generator.standard_normal((101, 7)), generator.standard_normal((101, 3))
    expected = per_sample_ggn_diagonals(net, X, y, cost)
    monkeypatch.setattr(module, "PIECE", 40 * net.size * 8)
    out = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float64, expected.shape)
    assert per_sample_ggn_diagonals(net, X, y, cost, out=out) is out and np.array_equal(out, expected)
    with pytest.raises(ValueError, match=rf"out must have shape \[101, {net.size}\].*\[2, 2\]"):
        per_sample_ggn_diagonals(net, X, y, cost, out=np.empty((2, 2)))


def test_a_loss_of_ones_own():
    net, X, y = Network((1, 1), ("identity",), np.array([2.0, 0.0])), [[1.0], [3.0]], [[0.0], [0.0]]
    quartic = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3, lambda A, y: 12 * (A - y)[:, :, None]**2)
    assert np.array_equal(per_sample_ggn_diagonals(net, X, y, Cost(quartic)), [[48, 48], [12 * 36 * 9, 12 * 36]])
    with pytest.raises(ValueError, match="per_sample_ggn_diagonals needs ∇²L"):
        per_sample_ggn_diagonals(net, X, y, Cost(Loss(lambda A, y: A[:, 0], lambda A, y: np.ones_like(A))))


def test_against_backpack():
    torch, backpack = pytest.importorskip("torch"), pytest.importorskip("backpack")
    from backpack.extensions import BatchDiagGGNExact

    net, m, generator = network((4, 6, 3)), 30, np.random.default_rng(5)
    X, c = generator.standard_normal((m, 4)), generator.integers(0, 3, m)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    with torch.no_grad():
        for l, layer in ((1, model[0]), (2, model[2])):
            layer.weight.copy_(torch.tensor(net.weight(l)))
            layer.bias.copy_(torch.tensor(net.bias(l)))
    loss = backpack.extend(torch.nn.CrossEntropyLoss(reduction="sum"))
    with backpack.backpack(BatchDiagGGNExact()):
        loss(backpack.extend(model)(torch.tensor(X)), torch.tensor(c)).backward()
    theirs = np.hstack([parameter.diag_ggn_exact_batch.numpy().reshape(m, -1) for parameter in model.parameters()])
    np.testing.assert_allclose(per_sample_ggn_diagonals(net, X, c, Cost("softmax_cross_entropy")), theirs, atol=1e-13)

"""KFAC and EKFAC with separate biases, penalties, parts of θ and other factors: against dense formulas, in every function."""

import itertools

import numpy as np
import pytest
from scipy.linalg import block_diag

from engine import Cost, Loss
from engine.operators import ekfac, empirical_fisher, fisher, ggn, kfac
from engine.operators.kfac import with_curvature_factor
from engine.penalties import ridge
from tests.cases import DTYPES, network, targets
from tests.oracle import kronecker as plain

pytestmark = pytest.mark.compiled
WIDTHS, M = (3, 4, 2), 9
PENALTIES = (None, ridge(0.3), ridge(0.3, biases=True))


def set_up(dtype=np.float64, loss="squared_error", m=M):
    """A network, X and y, and the arguments of the oracle."""
    generator, net = np.random.default_rng(0), network(WIDTHS, dtype=dtype)
    X, y = generator.standard_normal((m, 3)).astype(dtype), targets(loss, generator, m, 2)
    return net, X, y, (net.parameters.astype(float), WIDTHS, ["tanh", "identity"], X.astype(float), y, loss)


def literal(net, factors, biases, penalty, mask):
    """K [P, P] from factors, dense."""
    blocks = [plain.in_order(np.kron(B, A), len(B)) for A, B in factors]
    if biases == "separate":
        blocks = [plain.separated(block, len(B)) for block, (_, B) in zip(blocks, factors)]
    K = block_diag(*blocks)
    if penalty is not None:
        K[np.diag_indices(len(K))] += penalty.strength * (net.mask() if penalty.biases else net.mask(biases=False))
    return K[np.ix_(mask, mask)]


def neurons_times_inputs(net):
    """Neurons 0 and 2 of the first layer times its second input and its bias; of the last layer one neuron."""
    mask, chosen = np.zeros(net.size, bool), np.zeros((4, 4), bool)
    chosen[np.ix_([0, 2], [1, 3])] = True
    mask[:12], mask[12:16] = chosen[:, :3].reshape(-1), chosen[:, 3]
    last = mask[16:]
    last[4:8], last[9] = True, True
    return mask


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("biases", ["joint", "separate"])
def test_every_function_of_every_form(biases, penalty, dtype):
    net, X, y, arguments = set_up(dtype)
    cost, v = Cost("squared_error", penalty=penalty), np.random.default_rng(1).standard_normal(net.size)
    factors = plain.factors(*arguments, np.full(M, 1 / M))
    close = dict(rtol=1e-8, atol=1e-9) if dtype == np.float64 else dict(rtol=2e-3, atol=1e-3)
    whole = ggn(net, X, y, Cost("squared_error")).diagonal() + (0 if penalty is None else penalty.strength * (
        net.mask() if penalty.biases else net.mask(biases=False)))
    for mask in (net.mask(), net.mask(layers=[2]), net.mask(biases=False), net.mask(weights=False, layers=[1]),
                 neurons_times_inputs(net)):
        D = literal(net, factors, biases, penalty, mask)
        part = mask if not mask.all() else None
        K, E = (make(net, X, y, cost, biases=biases, trainable=part) for make in (kfac, ekfac))
        np.testing.assert_allclose(K.dense(), D, **close)
        np.testing.assert_allclose(E.trace(), whole[mask].sum(), **close)
        for operator in (K, E):
            assert operator.dtype == dtype and operator.shape == D.shape
            assert [block.shape[0] for block in operator.blocks()] == [mask[:16].sum(), mask[16:].sum()]
            D, w = operator.dense().astype(float), v[mask]
            np.testing.assert_allclose(operator @ w, D @ w, **close)
            np.testing.assert_allclose(operator.diagonal(), np.diag(D), **close)
            np.testing.assert_allclose(operator.trace(), np.trace(D), **close)
            np.testing.assert_allclose(operator.frobenius_norm(), np.linalg.norm(D), **close)
            for damping in (0.5, 1e-3):
                damped = D + damping * np.eye(len(D))
                solved = np.linalg.solve(damped, w)
                found, most = operator.solve(w, damping=damping), abs(solved).max()
                np.testing.assert_allclose(found, solved, rtol=0, atol=close["rtol"] * most)
                np.testing.assert_allclose(operator.log_determinant(damping=damping), np.linalg.slogdet(damped)[1], **close)


@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy"])
@pytest.mark.parametrize("biases", ["joint", "separate"])
def test_without_damping(biases, loss):
    """A pseudo-inverse, and minus infinity where the determinant is 0: a softmax has no curvature along 1."""
    net, X, y, _ = set_up(loss=loss, m=30)
    v = np.random.default_rng(1).standard_normal(net.size)
    for make, penalty in itertools.product((kfac, ekfac), PENALTIES):
        operator = make(net, X, y, Cost(loss, penalty=penalty), biases=biases)
        D = operator.dense()
        found = np.linalg.pinv(D, rcond=1e-12, hermitian=True) @ v
        np.testing.assert_allclose(operator.solve(v), found, rtol=0, atol=1e-7 * abs(found).max())
        singular = loss == "softmax_cross_entropy" and (penalty is None or not penalty.biases)
        expected = -np.inf if singular else np.linalg.slogdet(D)[1]
        np.testing.assert_allclose(operator.log_determinant(), expected, rtol=1e-7)


def test_a_penalty_far_above_the_damping_loses_no_digits():
    net, X, y, arguments = set_up(loss="softmax_cross_entropy")
    factors = plain.factors(*arguments, np.full(M, 1 / M))
    cost, v = Cost("softmax_cross_entropy", penalty=ridge(1e6)), np.ones(net.size)
    K = kfac(net, X, y, cost)
    found = K.solve(v, damping=1e-6)
    biases = net.mask(weights=False)
    D = literal(net, factors, "joint", ridge(1e6), net.mask()) + 1e-6 * np.eye(net.size)
    schur = D[np.ix_(biases, biases)] - D[np.ix_(biases, ~biases)] @ np.linalg.solve(D[np.ix_(~biases, ~biases)],
                                                                                     D[np.ix_(~biases, biases)])
    side = v[biases] - D[np.ix_(biases, ~biases)] @ np.linalg.solve(D[np.ix_(~biases, ~biases)], v[~biases])
    np.testing.assert_allclose(found[biases], np.linalg.solve(schur, side), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_factored_damping(dtype):
    net, X, y, arguments = set_up(dtype, "softmax_cross_entropy")
    v, W = np.random.default_rng(1).standard_normal(net.size), slice(0, -1)
    close = dict(rtol=1e-8, atol=1e-9) if dtype == np.float64 else dict(rtol=2e-3, atol=1e-3)
    factors = plain.factors(*arguments, np.full(M, 1 / M))
    parts = net.unflatten(v)
    for penalty, damping in ((None, 0.2), (ridge(0.15, biases=True), 0.05)):
        cost = Cost("softmax_cross_entropy", penalty=penalty)
        joint, separate = [], []
        for (w, b), (A, B) in zip(parts, factors):
            both = plain.factored_solve(A, B, 0.2, np.column_stack([w, b]))
            joint += [both[:, W].reshape(-1), both[:, -1]]
            separate += [plain.factored_solve(A[W, W], B, 0.2, w).reshape(-1), np.linalg.solve(B + 0.2 * np.eye(len(B)), b)]
        for biases, expected in (("joint", joint), ("separate", separate)):
            K = kfac(net, X, y, cost, biases=biases)
            np.testing.assert_allclose(K.solve(v, damping=damping, form="factored"), np.concatenate(expected), **close)
    plain_K, flat = kfac(net, X, y, Cost("softmax_cross_entropy")), kfac(net, X, np.zeros((M, 2)), Cost("absolute_error"))
    np.testing.assert_array_equal(plain_K.solve(v, form="factored"), plain_K.solve(v))
    np.testing.assert_allclose(flat.solve(v, damping=2.0, form="factored"), v / 2, **close)


@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy"])
def test_empirical_factors(loss):
    net, X, y, arguments = set_up(loss=loss)
    weights = np.full(M, 1 / M)
    K = kfac(net, X, y, Cost(loss), curvature="empirical")
    for (A, B), mine_A, mine_B in zip(plain.factors(*arguments, weights, empirical=True), K.input_factors, K.output_factors):
        np.testing.assert_allclose(mine_A, A, rtol=1e-9)
        np.testing.assert_allclose(mine_B, B, rtol=1e-7, atol=1e-10)
    E = ekfac(net, X, y, Cost(loss), curvature="empirical")
    np.testing.assert_allclose(E.trace(), empirical_fisher(net, X, y, Cost(loss)).trace(), rtol=1e-12)
    without_hessian = Loss(lambda A, y: 0.5 * ((A - y)**2).sum(1), lambda A, y: A - y)
    if loss == "squared_error":
        same = kfac(net, X, y, Cost(without_hessian), curvature="empirical")
        np.testing.assert_allclose(same.dense(), K.dense(), rtol=1e-12, atol=1e-15)


def test_sampled_factors_are_fishers_draws_whatever_the_slabs():
    net, X, y, _ = set_up(loss="softmax_cross_entropy", m=300)
    cost, drawn = Cost("softmax_cross_entropy"), dict(curvature="sampled", samples=3, seed=5)
    E = ekfac(net, X, y, cost, **drawn)
    np.testing.assert_allclose(E.trace(), fisher(net, X, y, cost, samples=3, seed=5).trace(), rtol=1e-12)
    slabs = ekfac(net, X, y, cost, max_bytes=1 << 17, **drawn)
    np.testing.assert_allclose(slabs.dense(), E.dense(), rtol=1e-9, atol=1e-12)
    assert not np.array_equal(E.dense(), ekfac(net, X, y, cost, curvature="sampled", samples=3, seed=6).dense())
    many, exact = kfac(net, X, y, cost, curvature="sampled", samples=40), kfac(net, X, y, cost)
    assert np.linalg.norm(many.dense() - exact.dense()) < 0.1 * np.linalg.norm(exact.dense())
    one = kfac(net, X, y, cost, curvature="sampled")
    assert np.linalg.norm(one.dense() - exact.dense()) < np.linalg.norm(exact.dense())


@pytest.mark.parametrize("shape", [(300, 2), (300, 2, 2)], ids=["diagonal", "full"])
def test_a_known_curvature_factor_whatever_the_slabs(shape):
    net, X, y, _ = set_up(m=300)
    S = np.random.default_rng(2).standard_normal(shape)
    whole, slabs = (with_curvature_factor(net, X, y, Cost("squared_error"), S, most) for most in (None, 1 << 17))
    np.testing.assert_allclose(slabs.dense(), whole.dense(), rtol=1e-9, atol=1e-12)
    wanted = (S**2).sum(0) if S.ndim == 2 else np.einsum("kij,klj->il", S, S)
    np.testing.assert_allclose(whole.output_factors[1], np.diag(wanted) if S.ndim == 2 else wanted, rtol=1e-9)


def test_layers_below_the_first_trainable_one_only_go_forward():
    net, X, y, _ = set_up(m=300)
    top, cost = net.mask(layers=[2]), Cost("squared_error")
    for make in (kfac, ekfac):
        whole, part = make(net, X, y, cost), make(net, X, y, cost, trainable=top)
        np.testing.assert_allclose(part.dense(), whole.dense()[np.ix_(top, top)], rtol=1e-12, atol=1e-14)
        bounded = make(net, X, y, cost, trainable=top, max_bytes=1 << 17)
        np.testing.assert_allclose(bounded.dense(), part.dense(), rtol=1e-9, atol=1e-12)
    assert part.input_factors[0].shape == part.output_factors[0].shape == (0, 0)


@pytest.mark.parametrize("settings, message", [
    (dict(biases="both"), "biases must be one of joint, separate, but is 'both'"),
    (dict(curvature="exact"), "curvature must be one of ggn, empirical, sampled"),
    (dict(samples=3), "samples is for curvature='sampled', but curvature is 'ggn'"),
    (dict(curvature="sampled", samples=0), "samples must be a whole number of at least 1"),
    (dict(trainable=np.arange(26) == 3), None),
    (dict(trainable=np.arange(26) < 2), None),
    (dict(trainable=np.isin(np.arange(26), (0, 4))), "cuts through it otherwise.*W and b|W and b of layer 1.*cuts through"),
    (dict(trainable=np.isin(np.arange(26), (0, 4)), biases="separate"), "trainable must take from W of layer 1"),
    (dict(trainable=np.zeros(26, bool)), "trainable must leave at least one number"),
    (dict(trainable=np.ones(3, bool)), r"trainable must be a boolean mask of shape \[26\]")])
def test_what_cannot_be_is_refused(settings, message):
    net, X, y, _ = set_up()
    if message is None:
        assert kfac(net, X, y, Cost("squared_error"), **settings).shape[0] == settings["trainable"].sum()
        return
    with pytest.raises(ValueError, match=message):
        kfac(net, X, y, Cost("squared_error"), **settings)


def test_refusals_of_forms_and_losses():
    net, X, y, _ = set_up()
    with pytest.raises(ValueError, match="form='factored' damps the two factors.*form='exact', or kfac"):
        ekfac(net, X, y, Cost("squared_error")).solve(np.ones(net.size), damping=1.0, form="factored")
    with pytest.raises(ValueError, match="form must be one of exact, factored, but is 'pi'"):
        kfac(net, X, y, Cost("squared_error")).solve(np.ones(net.size), damping=1.0, form="pi")
    with pytest.raises(ValueError, match="implies a model of the targets.*but the cost's is huber; take curvature='ggn'"):
        kfac(net, X, y, Cost("huber"), curvature="sampled")
    with pytest.raises(ValueError, match="damping must be a finite number of at least 0"):
        kfac(net, X, y, Cost("huber")).log_determinant(damping=-1)

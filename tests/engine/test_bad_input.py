"""Every refusal names the argument, what was expected, what came, and what to do instead."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import engine
from engine import Adam, Cost, GradientDescent, Network, RMSprop, fit, losses, operators, reductions, value_and_gradient
from engine.operators import checks as operator_checks
from schedulers import BatchSchedule
from tests.cases import network

net = network((4, 5, 3))
X, Y, C = np.ones((6, 4)), np.ones((6, 3)), np.zeros(6, int)
square, entropy = Cost("squared_error"), Cost("softmax_cross_entropy")
hole = np.ones((6, 4))
hole[2, 1] = np.nan
endless = np.ones((6, 3))
endless[4, 0] = np.inf
masked_X = np.ma.masked_array(X, np.arange(24).reshape(6, 4) == 9)
v = np.ones(net.size)
masked_v = np.ma.masked_array(v, v == v)
J, huge, single = net.jacobian(X), np.full((6, 4), 1e300), network((4, 5, 3), dtype=np.float32)


def curvature():
    """An operator, made in a test: it compiles, and every process of a run imports this."""
    return operators.ggn(net, X, Y, square)


def run(**changes):
    arguments = dict(network=net, X=X, y=Y, cost=square, update=GradientDescent(0.1), schedule=BatchSchedule(2), epochs=1,
                     progress=False) | changes
    return fit(**arguments)


REFUSALS = {
    "a sample too wide": (lambda: net(np.ones((2, 5))), r"X must have shape \[m, 4\].*\[2, 5\]"),
    "one sample for many": (lambda: net.forward(np.ones(4)), r"X must have shape \[m, 4\].*X\[None, :\]"),
    "text for numbers": (lambda: net([["a"] * 4]), "X must hold real numbers.*dtype"),
    "complex numbers": (lambda: net(X.astype(complex)), "X must hold real numbers.*complex128"),
    "a ragged list": (lambda: net([[1, 2], [3]]), "X must be a rectangular array"),
    "NaN in X": (lambda: net(hole), r"X\[2, 1\] is nan.*drop or impute"),
    "infinity in y": (lambda: value_and_gradient(net, X, endless, square), r"y\[4, 0\] is inf"),
    "too few parameters": (lambda: Network((4, 3), ("tanh",), np.zeros(3)), r"parameters must have shape \[15\].*\[3\]"),
    "half precision": (lambda: Network((1, 1), ("tanh",), np.zeros(2, np.float16)), "float32 or float64.*float16.*cast"),
    "parameters not finite": (lambda: Network((1, 1), ("tanh",), [np.nan, 0.0]), r"parameters\[0\] is nan"),
    "no such activation": (lambda: Network.initialize((4, 3), ("no_such",)), "no activation is named 'no_such'.*tanh.*Activation"),
    "activation not a name": (lambda: Network.initialize((4, 3), (3,)), "name or an engine.Activation.*3"),
    "too few activations": (lambda: Network.initialize((4, 3, 2), ("tanh",)), "each of the 2 layers.*names 1"),
    "activations not a tuple": (lambda: Network((4, 3), "tanh", np.zeros(15)), "tuple with one name.*'tanh'"),
    "a width of 0": (lambda: Network.initialize((4, 0, 1), "tanh"), r"widths\[1\].*at least 1.*0"),
    "a width of 2.5": (lambda: Network.initialize((4, 2.5), "tanh"), r"widths\[1\].*whole number.*2.5"),
    "a single width": (lambda: Network.initialize((4,), "tanh"), r"at least one layer.*\(4,\)"),
    "widths a number": (lambda: Network.initialize(4, "tanh"), "widths must be a sequence.*4"),
    "no such scheme": (lambda: Network.initialize((4, 1), "tanh", scheme="best"), "scheme must be one of auto, glorot.*'best'"),
    "integer dtype": (lambda: Network.initialize((4, 1), "tanh", dtype=int), "dtype must be float32 or float64.*int64"),
    "a negative seed": (lambda: Network.initialize((4, 1), "tanh", seed=-1), "seed.*-1"),
    "layer 0 has no weight": (lambda: net.weight(0), "l must be.*at least 1.*0"),
    "layer too high": (lambda: net.forward(X).gamma(3), "layer from 1 to 2.*3"),
    "theta of another size": (lambda: net.replace(np.zeros(3)), rf"\[{net.size}\].*\[3\]"),
    "other number of truths": (lambda: value_and_gradient(net, X, Y[:2], square), r"each of the 6 samples.*\[2, 3\]"),
    "truth too narrow": (lambda: value_and_gradient(net, X, np.ones((6, 2)), square), r"\[6, 3\].*\[6, 2\]"),
    "no samples": (lambda: value_and_gradient(net, X[:0], Y[:0], square), "at least one sample"),
    "no samples for a cost": (lambda: square.value(Y[:0], Y[:0]), "at least one sample"),
    "a class too high": (lambda: entropy.value(Y, np.full(6, 7)), r"class numbers 0 … 2 for 3 outputs, but y\[0\] is 7"),
    "a negative class": (lambda: entropy.value(Y, np.full(6, -1)), r"y\[0\] is -1"),
    "classes as floats": (lambda: entropy.value(Y, np.zeros(6)), "integer class numbers.*float64.*astype"),
    "rows that do not sum to 1": (lambda: entropy.value(Y, np.full((6, 3), 0.5)), "row 0 sums to 1.5"),
    "a probability of 2": (lambda: entropy.value(Y, 2 * Y), r"probability in \[0, 1\].*2.0"),
    "binary targets of 2": (lambda: Cost("binary_cross_entropy").value(Y, 2 * Y), r"in \[0, 1\].*2.0"),
    "a negative count": (lambda: Cost("poisson").value(Y, -Y), "at least 0 for poisson.*-1"),
    "hinge on 0": (lambda: Cost("hinge").value(Y, 0 * Y), r"-1 or 1 for hinge; 2 \* y - 1.*0.0"),
    "A of another length": (lambda: square.value(np.ones(7), Y), r"\[6, n\].*\[7\]"),
    "y a number": (lambda: square.value(Y, 3.0), "y must be an array.*3.0"),
    "no such loss": (lambda: Cost("no_such_loss"), "no loss is named 'no_such_loss'.*squared_error.*engine.Loss"),
    "no such reduction": (lambda: Cost("poisson", "cvar"), "no reduction is named 'cvar'.*engine.reductions.cvar"),
    "alpha above 1": (lambda: reductions.cvar(1.5), r"alpha.*\(0, 1\].*1.5"),
    "q below 0": (lambda: reductions.quantile(-0.1), "q must.*-0.1"),
    "trimming all": (lambda: reductions.trimmed_mean(0.5), r"fraction.*\[0, 0.5\).*0.5"),
    "p of 0": (lambda: reductions.power_mean(0), "p must.*above 0.*0"),
    "t of 0": (lambda: reductions.log_sum_exp(0), "t must.*other than 0.*0"),
    "c of text": (lambda: reductions.mean_variance("x"), "c must.*'x'"),
    "delta below 0": (lambda: losses.huber(-1), "delta.*-1"),
    "weights in a matrix": (lambda: reductions.weighted(Y), r"w must have shape \[m\].*\[6, 3\]"),
    "no groups": (lambda: reductions.group_max([]), r"groups must have shape \[m\].*\[0\]"),
    "weights of other samples": (lambda: value_and_gradient(net, X, Y, Cost("squared_error", reductions.weighted(np.ones(4)))),
                                 "weighted has data for 4 samples, but there are 6"),
    "negative losses": (lambda: Cost("poisson", reductions.power_mean(2.0)).value(Y, 9 * Y), "power_mean.*at least 0.*loss 0"),
    "a loss that returns too much": (lambda: Cost(engine.Loss(lambda A, y: A, lambda A, y: A)).value(Y, Y), r"\[6\].*\[6, 3\]"),
    "a loss that is no function": (lambda: engine.Loss(3, 4), "Loss's value must be a callable.*3"),
    "a loss's gradient that is none": (lambda: engine.Loss(len, 4), "Loss's gradient must be a callable.*4"),
    "a reduction that is no function": (lambda: engine.Reduction(3, 4), "Reduction's value must be a callable.*3"),
    "a reduction's gradient that is none": (lambda: engine.Reduction(len, 4), "Reduction's gradient must be a callable.*4"),
    "an activation that is no function": (lambda: engine.Activation("x", 3, 4), "Activation's function.*3"),
    "sample beyond the last": (lambda: engine.projection(4, 4, 2), "0 to 3.*4"),
    "rate of 0": (lambda: GradientDescent(0), "rate.*above 0.*0"),
    "momentum of 1": (lambda: GradientDescent(0.1, momentum=1), r"momentum.*\[0, 1\).*1"),
    "nesterov without momentum": (lambda: GradientDescent(0.1, nesterov=True), "nesterov needs a momentum"),
    "negative decay": (lambda: GradientDescent(0.1, weight_decay=-1), "weight_decay.*-1"),
    "beta of 2": (lambda: Adam(beta_1=2), "beta_1.*2"),
    "epsilon of 0": (lambda: RMSprop(epsilon=0), "epsilon.*0"),
    "update by name": (lambda: run(update="adam"), "update must be an update.*'adam'"),
    "schedule a number": (lambda: run(schedule=32), "schedule must be.*32"),
    "epochs of 1.5": (lambda: run(epochs=1.5), "epochs.*1.5"),
    "a mask of other size": (lambda: run(trainable=np.ones(3, bool)), rf"boolean mask of shape \[{net.size}\].*\[3\]"),
    "a mask of numbers": (lambda: run(trainable=np.ones(net.size)), "boolean mask.*float64"),
    "validation without y": (lambda: run(validation=X), r"pair \(X, y\).*ndarray"),
    "a callback that is none": (lambda: run(callbacks=[3]), r"callbacks\[0\].*3"),
    "resume from nowhere": (lambda: run(resume=True), "checkpoint"),
    "a bound of no number": (lambda: run(max_bytes="1 GB"), "max_bytes must be a whole number.*1 GB"),
    "a bound of 0": (lambda: value_and_gradient(net, X, Y, square, max_bytes=0), "max_bytes must be.*at least 1.*0"),
    "masked samples": (lambda: net(masked_X), r"X\[2, 1\] is masked; fill.*filled.*drop"),
    "masked samples of a fit": (lambda: run(X=masked_X), r"X\[2, 1\] is masked"),
    "masked truths": (lambda: value_and_gradient(net, X, np.ma.masked_equal(Y, 1), square), r"y\[0, 0\] is masked"),
    "a masked number in a list": (lambda: net([[1.0, 2.0, 3.0, np.ma.masked]]), "X is masked"),
    "masked parameters": (lambda: net.replace(masked_v), r"parameters\[0\] is masked"),
    "masked weights": (lambda: reductions.weighted(np.ma.masked_equal([1.0, 2.0], 2)), r"w\[1\] is masked"),
    "masked groups": (lambda: reductions.group_max(np.ma.masked_equal([1, 2], 2)), r"groups\[1\] is masked"),
    "a product with masked numbers": (lambda: J @ masked_v, r"v\[0\] is masked"),
    "a transposed product with masked numbers": (lambda: J.T @ np.ma.masked_equal(np.ones(18), 1), r"\[0\] is masked"),
    "a product from the left with masked numbers": (lambda: J.__rmatmul__(np.ma.masked_equal(np.ones(18), 1)), r"u\[0\] is masked"),
    "products with masked columns": (lambda: curvature().matmat(np.ma.masked_array(np.ones((net.size, 2)), True)),
                                     r"V\[0, 0\] is masked"),
    "a product with complex numbers": (lambda: J @ (1j * v), "v must hold real numbers.*real and the imaginary part apart"),
    "a product of curvature with complex numbers": (lambda: curvature() @ (1j * v), "v must hold real numbers.*imaginary"),
    "a transposed product with complex numbers": (lambda: J.T.matvec(1j * np.ones(18)), "must hold real numbers.*imaginary"),
    "products with complex columns": (lambda: J.rmatmat(1j * np.ones((18, 2))), "U must hold real numbers.*imaginary"),
    "a product with too few numbers": (lambda: J @ np.ones(3), rf"v must have shape \[{net.size}\].*\[3\]"),
    "a product with a sparse array": (lambda: J @ csr_array(np.eye(net.size)), "v must be a dense array.*csr_array.*toarray"),
    "sparse samples": (lambda: net(csr_array(X)), "X must be a dense array.*csr_array.*toarray"),
    "times for numbers": (lambda: net(np.zeros((1, 4), "M8[s]")), "X must hold real numbers.*datetime64.*times into numbers"),
    "objects for numbers": (lambda: net(np.array([[1, 2, None, 3]])), "X must hold real numbers.*object.*the first of them 1;"),
    "numbers that no float holds": (lambda: net([[10**400, 1, 1, 1]]), "X must hold real numbers.*object.*int"),
    "samples beyond float32": (lambda: single(huge), r"X must be finite in float32, but X\[0, 0\] is 1e\+300.*scale"),
    "parameters beyond float32": (lambda: single.replace(np.full(net.size, 1e300)), "finite in float32.*1e\\+300"),
    "truths beyond float32": (lambda: value_and_gradient(single, X, 1e300 * Y, square), r"y\[0, 0\] is 1e\+300, beyond"),
    "text for a number": (lambda: Adam(beta_1="0.9"), "beta_1 must be.*'0.9'"),
    "a number that no float holds": (lambda: reductions.log_sum_exp(10**400), "t must be a finite number"),
    "labels that have no order": (lambda: reductions.group_max(np.array([1, "a", None], object)), "groups must have labels of one"),
    "a masked array to fill": (lambda: J.dense(np.ma.zeros(J.shape)), "out must be a NumPy array or memmap.*MaskedArray"),
    "another byte order to fill": (lambda: J.dense(np.empty(J.shape, ">f8")), "out must have.*float64.*>f8"),
    "threads of 0": (lambda: engine.set_num_threads(0), "k must.*0"),
}


def test_an_array_to_fill_lies_apart_from_what_is_read():
    """A Jacobian of many samples reads them when it is filled."""
    out = np.ones((18, net.size))
    for read in (out[:2], out, out.T):
        with pytest.raises(ValueError, match="out must not share memory with X"):
            operator_checks.output_array(out, out.shape, out.dtype, read)
    assert operator_checks.output_array(out, out.shape, out.dtype, X, net.parameters)[0] is out


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name):
    call, words = REFUSALS[name]
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_a_users_activation_cannot_be_saved(tmp_path):
    cube = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    with pytest.raises(ValueError, match="layer 1.*'cube'.*network.parameters"):
        Network.initialize((1, 1), (cube,)).save(tmp_path / "n.npz")


def test_what_is_not_a_network_is_not_loaded(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(ValueError, match="lacks activations, format, parameters, widths"):
        engine.load(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(ValueError, match="is not one"):
        engine.load(tmp_path / "text.npz")
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path / "missing.npz")


def test_networks_costs_and_parameters_do_not_change(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        net.parameters[0] = 1
    with pytest.raises(AttributeError, match="Cost does not change"):
        square.loss = None
    saved = tmp_path / "net.npz"
    net.save(saved)
    again = engine.load(saved)
    assert np.array_equal(again.parameters, net.parameters) and again.widths == net.widths
    assert [g.name for g in again.activations] == [g.name for g in net.activations]

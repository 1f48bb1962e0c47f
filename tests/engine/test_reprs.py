"""What a person sees of an object, and when two objects are equal: by value."""

import inspect
import pickle
from html.parser import HTMLParser

import numpy as np
import pytest

import engine
from engine import Adam, AdamW, Cost, LevenbergMarquardt, Network, RMSprop, losses, operators, reductions
from engine.history import History
from engine.updates import UpdateState
from schedulers import BatchSchedule, notebook, orders, rates

net = Network.initialize((3, 4, 2), "tanh", seed=1)
generator = np.random.default_rng(0)
X, Y = generator.standard_normal((5, 3)), generator.standard_normal((5, 2))
square = Cost("squared_error", reductions.cvar(0.3))
rows = [{"epoch": i, "batch_steps": 2, "cost": 1 / (i + 1), "validation_cost": float("nan"), "seconds": 0.5} for i in range(25)]


def doubled(time):
    """A rate of one's own."""
    return 2.0


@pytest.mark.parametrize("text, thing", [
    ("huber(2.0)", losses.huber(2.0)),
    ("Cost(squared_error, cvar(0.3))", square),
    ("Network(3-4-2, (tanh, identity), float64, P = 26)", net),
    ("ForwardPass(m = 5, Network(3-4-2, (tanh, identity), float64, P = 26))", lambda: net.forward(X)),
    ("Jacobian(m = 5, n = 2, P = 26, float64)", lambda: net.jacobian(X)),
    ("Jacobian(m = 5, n = 2, P = 26, float64).T", lambda: net.jacobian(X).T),
    ("GaussNewtonOperator(P = 26, float64, Cost(squared_error, mean))", lambda: operators.ggn(net, X, Y, Cost("squared_error"))),
    ("KroneckerFactored(P = 26, float64, Cost(squared_error, mean))", lambda: operators.kfac(net, X, Y, Cost("squared_error"))),
    ("NeuralTangentKernel(m = 5, m′ = 2, n = 2, float64)", lambda: operators.ntk(net, X, X[:2])),
    ("LossJacobian(5 × 26, float64)", lambda: operators.LossJacobian(net, X, Y, square)),
    ("History(25 epochs, cost 1 → 0.04)", History(rows)), ("History(1 epoch, cost 1 → 1)", History(rows[:1])),
    ("History(0 epochs)", History()),
    ("Adam(rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.0)", Adam(0.01)),
    ("RMSprop(rate=doubled, decay=0.99, epsilon=1e-08, momentum=0.0, weight_decay=0.0)", RMSprop(doubled)),
    ("warmup(rate=0.1, steps=5, after=cosine(rate=0.1, steps=10, last=0.0))",
     rates.warmup(0.1, steps=5, after=rates.cosine(0.1, steps=10))),
    ("step_decay(rate=0.1, factor=0.5, every=7)", rates.step_decay(0.1, factor=0.5, every=7)),
    ("BatchSchedule(4, order='shuffled', seed=1, drop_last=False)", BatchSchedule(4, seed=1)),
    ("BatchSchedule(4, order=poisson_sampling(probability=0.5), seed=0, drop_last=True)",
     BatchSchedule(4, order=orders.poisson_sampling(0.5), drop_last=True)),
    ("importance(weights=float64 [40])", orders.importance(np.ones(40))),
    ("UpdateState(rows=float64 [2, 26], steps=array(3))", UpdateState({"rows": np.zeros((2, 26)), "steps": np.array(3)})),
])
def test_a_repr_says_what_it_is_in_one_line(text, thing):
    """Operators are made here: they compile, and every process of a run imports this."""
    assert repr(thing() if inspect.isfunction(thing) else thing) == text


@pytest.mark.parametrize("thing", [
    lambda: engine.objective(net, X, Y, square), lambda: engine.laplace(net, X, Y, Cost("squared_error"), prior_precision=1.0),
    lambda: operators.spectral_density(operators.ggn(net, X, Y, Cost("squared_error")), steps=2, probes=1),
    lambda: LevenbergMarquardt(), lambda: operators.ggn(net, X, Y, Cost("squared_error"), max_bytes=1 << 26),
    lambda: Cost(engine.Loss(np.add, np.subtract)),
    lambda: engine.objective(net, X, Y, Cost("squared_error")).residual_jac(net.parameters),
    lambda: orders.stratified(["a", "b"])])
def test_a_repr_has_no_address_and_no_line_break(thing):
    text = repr(thing())
    assert text[0] != "<" and "0x" not in text and "\n" not in text and len(text) < 200


class Cells(HTMLParser):
    """The texts of a table's cells, and the elements that are open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.texts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.texts[-1] += data


def test_a_history_is_a_table_with_its_first_and_last_epochs():
    cells = Cells(History(rows)._repr_html_())
    assert cells.open == [] and cells.texts[:5] == ["epoch", "batch_steps", "cost", "validation_cost", "seconds"]
    assert cells.texts[5:10] == ["0", "2", "1", "nan", "0.5"] and cells.texts[-5:] == ["24", "2", "0.04", "nan", "0.5"]
    assert len(cells.texts) == 5 * 12 and cells.texts[30:35] == ["…"] * 5
    assert Cells(History()._repr_html_()).texts == list(History.NAMES)


def test_whatever_a_cell_holds_is_text():
    text = notebook.html_table(["<b>"], [["<script>"], [np.float32(0.5)], [np.int64(3)], [None]], "a & b")
    assert Cells(text).texts == ["<b>", "<script>", "0.5", "3", "None"] and "<script>" not in text and "a &amp; b" in text


def test_results_networks_and_reports_are_tables():
    result = engine.endings.FitResult(net, History(rows[:2]), UpdateState({}))
    assert repr(result).startswith("FitResult(network=Network(3-4-2") and Cells(result._repr_html_()).texts[5:8] == ["0", "2", "1"]
    assert Cells(net._repr_html_()).texts[4:] == ["1", "4", "tanh", "16", "2", "2", "identity", "10"]
    report = engine.check_derivatives(net, X, Y, Cost("squared_error"))
    assert repr(report).startswith(f"DerivativeReport({len(report.rows)} of {len(report.rows)} derivatives agree, ")
    assert len(Cells(report._repr_html_()).texts) == 4 * (len(report.rows) + 1)


theta = np.linspace(-1, 1, 26)
SAME = [
    lambda: Network((3, 4, 2), ("tanh", "identity"), theta), lambda: Network((3, 4, 2), ("tanh", "identity"), theta.astype("f4")),
    lambda: Network((3, 4, 2), ("tanh", "relu"), theta), lambda: Network((3, 4, 2), ("tanh", "identity"), theta + 1),
    lambda: losses.huber(2.0), lambda: losses.huber(1.0), lambda: losses.NAMED["hinge"], lambda: losses.softmax_cross_entropy(0.1),
    lambda: losses.softmax_cross_entropy(0.1, [1, 2]), lambda: losses.softmax_cross_entropy,
    lambda: losses.quantile_loss([0.1, 0.2]),
    lambda: engine.Loss(np.add, np.subtract), lambda: engine.Loss(np.add, np.multiply),
    lambda: reductions.cvar(0.3), lambda: reductions.cvar(0.4), lambda: reductions.quantile(0.3), lambda: reductions.mean,
    lambda: reductions.weighted([1.0, 2.0]), lambda: reductions.weighted([1.0, 3.0]), lambda: reductions.weighted([1.0, 2.0, 3.0]),
    lambda: reductions.group_max(["a", "b"]), lambda: engine.Reduction(np.sum, np.ones_like),
    lambda: engine.Reduction(np.max, np.ones_like), lambda: Cost("huber"), lambda: Cost(losses.huber(2.0)),
    lambda: Cost("huber", reductions.cvar(0.2)), lambda: Adam(0.1), lambda: AdamW(0.1), lambda: Adam(0.2),
    lambda: Adam(rates.cosine(0.1)), lambda: Adam(rates.constant(0.1)), lambda: LevenbergMarquardt(),
    lambda: BatchSchedule(4), lambda: BatchSchedule(4, seed=1), lambda: BatchSchedule(4, order="sequential"),
    lambda: BatchSchedule(4, order=orders.importance([1.0, 2.0])), lambda: orders.importance([1.0, 2.0]),
    lambda: orders.importance([1.0, 3.0]), lambda: orders.poisson_sampling(0.5), lambda: orders.poisson_sampling(0.25),
    lambda: orders.stratified(["a", "b"]), lambda: orders.stratified([0.0, float("nan")]),
    lambda: orders.stratified(np.array(["a", None, float("nan")], object)), lambda: orders.sharded(128),
    lambda: engine.activations.NAMED["tanh"], lambda: engine.activations.NAMED["relu"],
    lambda: engine.Activation("root", np.sqrt, np.cbrt)]


@pytest.mark.parametrize("i", range(len(SAME)))
def test_two_objects_are_equal_exactly_where_their_settings_are(i):
    thing, again = SAME[i](), SAME[i]()
    assert thing == again and hash(thing) == hash(again) and not thing != again
    assert thing == pickle.loads(pickle.dumps(thing)) and hash(thing) == hash(pickle.loads(pickle.dumps(thing)))
    for k, other in enumerate(SAME):
        assert (thing == other()) is (k == i), other()
    assert thing != "huber" and thing is not None


def test_zeros_of_either_sign_are_equal_and_hash_alike():
    one, other = (Network((1, 1), ("tanh",), np.array([zero, 1.0])) for zero in (0.0, -0.0))
    assert one == other and hash(one) == hash(other)


def test_states_are_equal_by_their_arrays():
    one, other, third = (UpdateState({"rows": np.arange(n)}) for n in (3, 3, 4))
    assert one == other and one != third and one != UpdateState({}) and one != "state"

"""Each example of the gallery, at a smaller size where that is quicker, and what it promises."""

import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.compiled


@pytest.fixture
def run(monkeypatch):
    """run(name, NAME=value, …): the names of an example, run with these in place of its own settings, and its figures drawn."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: [shown.append(plt.figure(number)) for number in plt.get_fignums()])

    def script(name, **settings):
        code = (EXAMPLES / f"plot_{name}.py").read_text()
        for key, value in settings.items():
            code, found = re.subn(rf"^{key} = .*$", f"{key} = {value!r}", code, flags=re.M)
            assert found == 1, key
        space = {"__name__": "__main__"}
        exec(compile(code, name, "exec"), space)
        assert shown
        for figure in shown:
            figure.canvas.draw()
        return space

    yield script
    plt.close("all")


def test_every_example_says_what_is_to_be_seen_and_is_tested():
    names = sorted(path.stem.removeprefix("plot_") for path in EXAMPLES.glob("plot_*.py"))
    tests = pathlib.Path(__file__).read_text()
    assert len(names) >= 10
    for name in names:
        text = (EXAMPLES / f"plot_{name}.py").read_text()
        assert "**What is to be seen**" in text and "# %%" in text and f'run("{name}"' in tests, name


def test_wider_networks_train_like_their_linearisation(run):
    space = run("tangent_kernel", WIDTHS=(8, 128), EPOCHS=100, SEEDS=(3, 4))
    narrow, wide = space["differences"].mean(1)
    assert wide < 0.5 * narrow


def test_noise_costs_accuracy(run):
    accuracies = run("private_training", EPOCHS=8, NOISE=(0.0, 4.0))["accuracies"]
    assert accuracies[0] > 0.85 and 0.3 < accuracies[1] < accuracies[0]


def test_drawn_members_have_the_mean_and_deviation_of_the_closed_form(run):
    space = run("kernel_in_time", WIDTH=64, TIMES=[0.0, 0.1, 1.0, 10.0])
    assert list(space["apart"]) == [0.0, 0.1, 1.0]
    assert all(mean < 0.15 and deviation < 0.15 for mean, deviation in space["apart"].values())
    everywhere = space["deviations"].mean((1, 2))
    assert everywhere[1] < 0.9 * everywhere[0] and everywhere[2] < 0.5 * everywhere[1] and everywhere[3] < 0.8 * everywhere[2]


def test_weightings_of_the_gramian_raise_no_loss(run):
    space = run("gramian_weightings", STEPS=40, COMPARED=5)
    rising = {name: found.max() for name, (_, found) in space["runs"].items()}
    assert rising["mean"] > 5 and rising["least norm (MGDA)"] == rising["UPGrad"] == 0
    rare = {name: losses[-1, 40:].mean() for name, (losses, _) in space["runs"].items()}
    assert rare["UPGrad"] < 0.5 * rare["mean"]
    assert all(apart < 1e-8 for apart in (*space["differences"].values(), *space["apart"].values()))
    assert space["theirs"] is None or "torch" in space["apart"]


def test_levenberg_marquardt_is_ahead_of_adam(run):
    space = run("levenberg_marquardt", SAMPLES=100)
    (errors, seconds), (adam, longer) = space["curves"].values()
    assert errors[-1] < 1e-3 * adam[-1]
    before = np.searchsorted(longer, seconds[-1])  # what Adam has reached in the same time
    assert errors[-1] < adam[:before + 1].min()


def test_cvar_keeps_the_worst_losses_down(run):
    losses = run("worst_cases", EPOCHS=1000)["losses"]
    worst = {name: np.sort(values)[-40:].mean() for name, values in losses.items()}
    assert worst["CVaR, α = 0.1"] < 0.5 * worst["mean"] and losses["mean"].mean() < losses["CVaR, α = 0.1"].mean()


def test_cvar_of_minibatches_is_biased_and_the_mean_is_not(run):
    rows = run("minibatch_bias", SAMPLES=2048, SIZES=(16, 256))["rows"]
    assert rows["cvar"][0][1] < rows["cvar"][1][1] < 1 and rows["cvar"][0][2] > rows["cvar"][1][2] > 0.001
    for _, ratio, distance in rows["mean"]:
        assert abs(ratio - 1) < 1e-12 and distance < 1e-12


def test_most_of_the_largest_gradients_are_of_mislabelled_digits(run):
    pytest.importorskip("sklearn")
    assert 0.85 < run("mislabelled")["precision"] <= 1


def test_influence_is_what_leaving_out_does(run):
    space = run("influence")
    assert space["correlation"] > 0.98
    assert set(space["outliers"]) <= set(np.argsort(-np.abs(space["left_out"]))[:4])


def test_a_posterior_is_wide_where_there_are_no_samples(run):
    space = run("laplace")
    deviations = {name: (band[1][space["inside"]].mean(), band[1][space["gap"]].mean()) for name, band in space["bands"].items()}
    for inside, gap in deviations.values():
        assert gap > 4 * inside
    assert deviations["all layers"][1] > deviations["the last layer alone"][1]


def test_the_evidence_is_ahead_of_early_stopping(run):
    pytest.importorskip("sklearn")
    space = run("bayesian_regularization", SEEDS=range(2), SPLITS=range(1), SIZES=(2, 6))
    errors = {name: np.mean(values) for name, values in space["sine_errors"].items()}
    assert errors["Bayesian regularisation"] < min(errors["early stopping"], 0.6 * errors["neither"])
    (_, few, greater, better, _), (_, many, less, worse, _) = space["table"]
    assert few < many and greater > less + 20 and better < worse and space["chosen"][0] < 1.05 * space["linear"][0]


def test_the_evidence_finds_the_noise_and_a_good_prior(run):
    space = run("evidence", ROUNDS=5)
    assert 0.8 < np.sqrt(space["noise"]) / space["NOISE"] < 1.25
    inside = np.abs(space["truth"] - space["mean"]) < 2 * np.sqrt(space["covariance"][:, 0] + 1e-12)
    assert inside.mean() > 0.8
    error, evidence = np.array(space["error"]), np.array(space["evidence"])
    assert error[evidence.argmax()] < 1.5 * error.min() and 0 < evidence.argmax() < len(evidence) - 1


def test_chains_vanish_and_explode_as_theory_says(run):
    space = run("chain_norms", DEPTH=20, SAMPLES=20)
    ratios = space["ratios"]
    assert 0.1 * space["expected"] < ratios["relu", "glorot"] < 10 * space["expected"]
    assert 0.2 < ratios["relu", "he"] < 5 and ratios["tanh", "he"] > 3 * ratios["tanh", "glorot"]


def test_kfac_is_exact_where_it_should_be(run):
    pytest.importorskip("sklearn")
    space = run("kfac")
    errors = space["errors"]
    assert max(errors["identity, squared error"]) < 1e-12 and 0.35 < errors["tanh, squared error"][0] < 0.45
    assert all(0.6 < error < 0.75 for error in errors["tanh, cross entropy"])
    assert [kfac > gradient for kfac, gradient in space["cosines"].values()] == [True, True, False]


def test_a_sweep_finds_the_rate(run):
    pytest.importorskip("sklearn")
    space = run("sweep", EPOCHS=5, GRID={"width": [8, 16], "rate": [0.001, 0.1, 3.0], "seed": [0]})
    assert space["best"]["rate"] == 0.1 and space["best"]["accuracy"] > 0.93


def test_a_torch_module_comes_in_whole(run):
    pytest.importorskip("torch")
    space = run("torch_module", SHOWN=60)
    assert space["outputs_apart"] < 1e-12 and space["jacobian_apart"] < 1e-12 and space["right"] > 0.95
    assert space["contrast"]["trained"] > space["contrast"]["before training"]


def test_levenberg_marquardt_solves_poissons_equation(run):
    space = run("poisson", STEPS=110, ADAM_STEPS=300)
    assert space["errors"][-1] < 1e-4 < 1e-2 < space["adam_errors"][-1]


def test_the_pendulum_keeps_seven_digits(run):
    assert run("pendulum", STEPS=120)["error"] < 1e-4


def test_forces_tell_more_than_energies(run):
    errors = run("force_matching", STEPS=60)["errors"]
    for k in (0, 1):
        assert np.std(errors["energies and forces"][k]) < 0.05 * np.std(errors["energies alone"][k])


def test_the_unknown_is_within_three_standard_errors(run):
    space = run("inverse_heat", STEPS=60)
    assert abs(space["kappa"] - 0.3) < 3 * space["error"] < 0.1
